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

from ._checkpoint import Checkpoint
from ._open import open
from ._paths import Location
from ._tensor_info import TensorInfo
from .errors import (
    ChecksumError,
    CompatibilityWarning,
    ConversionError,
    FormatError,
    MissingFileError,
    TensorBundleError,
    TensorNotFoundError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from . import train
    from ._average import Average, average
    from ._crosscheck import crosscheck
    from ._diff import Diff, diff
    from ._edit import Rewrite, rewrite
    from ._export import export
    from ._freeze import Frozen, freeze, prune
    from ._graph import Graph, load_graph
    from ._graphdef import Node
    from ._merge import Merge, merge
    from ._objects import ObjectGraph
    from ._outputs import Candidate, InputCandidate, suggest_inputs, suggest_outputs
    from ._relocate import Relocation, relocate
    from ._runner import Runner, run
    from ._saved_model import ExportedModel, export_saved_model
    from ._variables import Variable
    from ._verify import Fault, Report
    from ._writer import Writer, save

__version__ = "0.1.0"

__all__ = [
    "Average",
    "Candidate",
    "Checkpoint",
    "ChecksumError",
    "CompatibilityWarning",
    "ConversionError",
    "Diff",
    "ExportedModel",
    "Fault",
    "FormatError",
    "Frozen",
    "Graph",
    "InputCandidate",
    "Location",
    "Merge",
    "MissingFileError",
    "Node",
    "ObjectGraph",
    "Relocation",
    "Report",
    "Rewrite",
    "Runner",
    "TensorBundleError",
    "TensorInfo",
    "TensorNotFoundError",
    "UnsupportedError",
    "Variable",
    "Writer",
    "__version__",
    "average",
    "crosscheck",
    "diff",
    "export",
    "export_saved_model",
    "freeze",
    "load_graph",
    "merge",
    "open",
    "prune",
    "relocate",
    "rewrite",
    "run",
    "save",
    "suggest_inputs",
    "suggest_outputs",
    "train",
]

# Rooms that few need, by the public names in them.
_ROOMS: Final = {
    "_average": ("Average", "average"),
    "_crosscheck": ("crosscheck",),
    "_diff": ("Diff", "diff"),
    "_edit": ("Rewrite", "rewrite"),
    "_export": ("export",),
    "_freeze": ("Frozen", "freeze", "prune"),
    "_graph": ("Graph", "load_graph"),
    "_graphdef": ("Node",),
    "_merge": ("Merge", "merge"),
    "_objects": ("ObjectGraph",),
    "_outputs": ("Candidate", "InputCandidate", "suggest_inputs", "suggest_outputs"),
    "_relocate": ("Relocation", "relocate"),
    "_runner": ("Runner", "run"),
    "_saved_model": ("ExportedModel", "export_saved_model"),
    "_variables": ("Variable",),
    "_verify": ("Fault", "Report"),
    "_writer": ("Writer", "save"),
}


def __getattr__(name: str) -> Any:
    # `import tensorbundle` costs what numpy costs: what few need is imported when it is named.
    from importlib import import_module

    if name == "train":
        return import_module(".train", __name__)
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f".{room}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
