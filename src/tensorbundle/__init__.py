"""Everything TensorFlow leaves behind, without TensorFlow.

import tensorbundle as tb

ckpt = tb.open("run/model.ckpt-100")
ckpt["dense/kernel"]            # a zero-copy numpy array, its checksum checked
ckpt.load()                     # all of them, in memory of their own
ckpt.verify()                   # every checksum in the checkpoint

tb.freeze("run/model.ckpt-100.meta", outputs="softmax", path="frozen.pb")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .errors import (
    ChecksumError,
    CompatibilityWarning,
    ConversionError,
    FormatError,
    LeftOutWarning,
    MissingFileError,
    TensorBundleError,
    TensorNotFoundError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from . import keras, train
    from ._checkpoint.checkpoint import Checkpoint
    from ._checkpoint.far.directories import checkpoints
    from ._checkpoint.opening import open
    from ._checkpoint.report import Fault, Report
    from ._convert.convert import Conversion, convert
    from ._crosscheck.crosscheck import crosscheck
    from ._demo.demo import demo
    from ._doctor.diagnose import Diagnosis, diagnose
    from ._doctor.mending.outcome import Salvage
    from ._doctor.salvage import salvage
    from ._doctor.symptoms.symptom import Symptom
    from ._doctor.verify import verify
    from ._edit.average import Average, average
    from ._edit.diff import Diff, diff
    from ._edit.merge import Merge, merge
    from ._edit.relocate import Relocation, relocate
    from ._edit.rewrite import Rewrite, rewrite
    from ._export.copy import Copy, copy
    from ._export.export import export
    from ._format.tensor_info import TensorInfo
    from ._freeze.freeze import Frozen, freeze, prune
    from ._freeze.saved_model import ExportedModel, export_saved_model
    from ._graph.graph import Graph, load_graph
    from ._graph.variables import Variable
    from ._graphdef.nodes import Node
    from ._locate.listing import ListedCheckpoint
    from ._locate.location import Location
    from ._objects.graph import ObjectGraph
    from ._outputs.inputs import InputCandidate, suggest_inputs
    from ._outputs.suggest import Candidate, suggest_outputs
    from ._report.page import ReportPage, report
    from ._runner.runner import Runner, run
    from ._scan.graphs import Finding
    from ._scan.scan import Scan, scan
    from ._source.address import Address
    from ._write.save import save
    from ._write.writer import Writer
    from .train.series.newest import latest_checkpoint
    from .train.series.pruning import Pruning, prune_checkpoints

__version__ = "0.1.0"

__all__ = [
    "Address",
    "Average",
    "Candidate",
    "Checkpoint",
    "ChecksumError",
    "CompatibilityWarning",
    "Conversion",
    "ConversionError",
    "Copy",
    "Diagnosis",
    "Diff",
    "ExportedModel",
    "Fault",
    "Finding",
    "FormatError",
    "Frozen",
    "Graph",
    "InputCandidate",
    "LeftOutWarning",
    "ListedCheckpoint",
    "Location",
    "Merge",
    "MissingFileError",
    "Node",
    "ObjectGraph",
    "Pruning",
    "Relocation",
    "Report",
    "ReportPage",
    "Rewrite",
    "Runner",
    "Salvage",
    "Scan",
    "Symptom",
    "TensorBundleError",
    "TensorInfo",
    "TensorNotFoundError",
    "UnsupportedError",
    "Variable",
    "Writer",
    "__version__",
    "average",
    "checkpoints",
    "convert",
    "copy",
    "crosscheck",
    "demo",
    "diagnose",
    "diff",
    "export",
    "export_saved_model",
    "freeze",
    "keras",
    "latest_checkpoint",
    "load_graph",
    "merge",
    "open",
    "prune",
    "prune_checkpoints",
    "relocate",
    "report",
    "rewrite",
    "run",
    "salvage",
    "save",
    "scan",
    "suggest_inputs",
    "suggest_outputs",
    "train",
    "verify",
]

# Rooms by the public names in them: each is loaded when a name of it is first used.
_ROOMS: Final = {
    "_checkpoint.checkpoint": ("Checkpoint",),
    "_checkpoint.opening": ("open",),
    "_checkpoint.report": ("Fault", "Report"),
    "_convert.convert": ("Conversion", "convert"),
    "_crosscheck.crosscheck": ("crosscheck",),
    "_demo.demo": ("demo",),
    "_doctor.diagnose": ("Diagnosis", "diagnose"),
    "_doctor.mending.outcome": ("Salvage",),
    "_doctor.salvage": ("salvage",),
    "_doctor.symptoms.symptom": ("Symptom",),
    "_doctor.verify": ("verify",),
    "_edit.average": ("Average", "average"),
    "_edit.diff": ("Diff", "diff"),
    "_edit.merge": ("Merge", "merge"),
    "_edit.relocate": ("Relocation", "relocate"),
    "_edit.rewrite": ("Rewrite", "rewrite"),
    "_export.copy": ("Copy", "copy"),
    "_export.export": ("export",),
    "_format.tensor_info": ("TensorInfo",),
    "_freeze.freeze": ("freeze", "prune"),
    "_freeze.result": ("Frozen",),
    "_freeze.saved_model": ("ExportedModel", "export_saved_model"),
    "_graph.graph": ("Graph", "load_graph"),
    "_graph.variables": ("Variable",),
    "_graphdef.nodes": ("Node",),
    "_checkpoint.far.directories": ("checkpoints",),
    "_locate.listing": ("ListedCheckpoint",),
    "_locate.location": ("Location",),
    "_objects.graph": ("ObjectGraph",),
    "_outputs.inputs": ("InputCandidate", "suggest_inputs"),
    "_outputs.suggest": ("Candidate", "suggest_outputs"),
    "_report.page": ("ReportPage", "report"),
    "_runner.runner": ("Runner", "run"),
    "_scan.graphs": ("Finding",),
    "_scan.scan": ("Scan", "scan"),
    "_source.address": ("Address",),
    "_write.save": ("save",),
    "_write.writer": ("Writer",),
    "train.series.newest": ("latest_checkpoint",),
    "train.series.pruning": ("Pruning", "prune_checkpoints"),
}


def __getattr__(name: str) -> Any:
    # `import tensorbundle` itself costs next to nothing: what is used is imported when it is named,
    # and once found it is found as fast as anything else.
    from importlib import import_module

    if name in ("keras", "train"):
        return import_module(f".{name}", __name__)
    for room, names in _ROOMS.items():
        if name in names:
            found = getattr(import_module(f".{room}", __name__), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
