"""The public face: its names, that each is documented with an example, and that examples run."""

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tensorbundle as tb
from tensorbundle import _core
from tensorbundle._checkpoint.report import FAULT_KINDS
from tests.house.source import MODULES, PROJECT

NAMES = [
    "Address",
    "Average",
    "Candidate",
    "Checkpoint",
    "ChecksumError",
    "CompatibilityWarning",
    "LeftOutWarning",
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
FUNCTIONS = sorted(
    name for name in NAMES if name.islower() and name not in ("__version__", "keras", "train")
)
CLASSES = sorted(name for name in NAMES if name[0].isupper())
# Methods of a checkpoint that do what their example shows; the others are told by their class.
METHODS = ["infos", "load", "read_slice", "verify"]
MEMBERS = {
    *(
        "chunks",
        "get",
        "info",
        "infos",
        "incomplete",
        "items",
        "iter_infos",
        "keys",
        "load",
        "location",
        "mode",
    ),
    *("nbytes", "num_shards", "objects", "read_slice", "select", "values", "verify", "views"),
    *("big_endian", "file_of", "origin", "read_range", "stored"),
    *("core", "is_near", "sizes_of", "to_dask", "to_frame", "to_jax", "to_torch", "to_tree"),
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def test_public_names_are_pinned():
    assert sorted(tb.__all__) == sorted(NAMES)
    assert dir(tb) == sorted(NAMES)
    assert all(hasattr(tb, name) for name in NAMES)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tensorbundle' has no attribute 'load'"):
        tb.load  # noqa: B018


def test_checkpoint_members_are_pinned():
    ckpt = tb.open(PROJECT / "tests/golden/data/demo")
    assert {name for name in dir(ckpt) if not name.startswith("_")} == MEMBERS


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_public_name_is_documented(name):
    doc = inspect.getdoc(getattr(tb, name))
    first, _, _ = doc.partition("\n")
    assert first.endswith(".")


@pytest.mark.parametrize(
    "name", [*FUNCTIONS, "Checkpoint", "Graph", "Runner", "TensorInfo", "Writer"]
)
def test_public_name_has_an_example(name):
    assert "Example" in inspect.getdoc(getattr(tb, name))


@pytest.mark.parametrize("name", METHODS)
def test_method_has_an_example(name):
    assert ">>> " in inspect.getdoc(getattr(tb.Checkpoint, name))


@pytest.mark.parametrize("name", sorted(MEMBERS - {"location", "mode"}))
def test_member_is_documented(name):
    from tensorbundle._checkpoint.bundle import Bundle

    assert inspect.getdoc(inspect.getattr_static(Bundle, name))


# Programs, which do their work when they are imported.
PROGRAMS = {"tensorbundle.__main__", "tensorbundle._crosscheck.worker"}


@pytest.mark.parametrize("module", sorted(set(MODULES) - PROGRAMS))
def test_examples_of_a_module_run(module, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # not in a checkout, as on most machines
    loaded = importlib.import_module(module)
    failed, _ = doctest.testmod(loaded, optionflags=FLAGS, extraglobs=vars(loaded))
    assert failed == 0


@pytest.mark.parametrize("function", FUNCTIONS)
def test_options_are_keyword_only(function):
    parameters = inspect.signature(getattr(tb, function)).parameters.values()
    positional = [each for each in parameters if each.kind != inspect.Parameter.KEYWORD_ONLY]
    assert len(positional) <= (3 if function == "run" else 2)  # run(model, feeds, fetches)


@pytest.mark.parametrize("method", ["load", "views", "verify", "chunks", "read_slice", "infos"])
def test_methods_of_every_format_have_the_same_parameters(method):
    from tensorbundle._checkpoint.bundle import Bundle
    from tensorbundle._checkpoint.v1 import LegacyCheckpoint

    wanted = inspect.signature(getattr(tb.Checkpoint, method)).parameters
    for kind in (Bundle, LegacyCheckpoint):
        assert inspect.signature(getattr(kind, method)).parameters.keys() == wanted.keys()


def test_facts_are_frozen():
    ckpt = tb.open(PROJECT / "tests/golden/data/demo")
    for fact in (ckpt.info("dense/bias"), ckpt.verify(), ckpt.location):
        with pytest.raises((AttributeError, TypeError), match=r"cannot|super"):
            fact.name = fact.ok = fact.kind = 1
        assert not hasattr(fact, "__dict__")


# --- the border to the core ----------------------------------------------------------------------


def codes_of_the_core():
    text = (PROJECT / "cpp/tensorbundle/base/error.hpp").read_text("utf-8")
    body = re.search(r"enum class ErrorCode[^{]*\{(.*?)\};", text, re.DOTALL).group(1)
    return re.findall(r"^\s*(k\w+),", body, re.MULTILINE)


def test_every_code_of_the_core_is_mapped_to_a_class_and_a_kind():
    codes = codes_of_the_core()
    assert len(codes) >= 9
    source = (PROJECT / "cpp/bindings/errors.cpp").read_text("utf-8")
    class_name = source[source.index("class_name(") : source.index("exception_for(")]
    fault_kind = source[source.index("fault_kind(") :]
    for code in codes:
        assert f"case ErrorCode::{code}:" in class_name
        assert f"case ErrorCode::{code}:" in fault_kind
    for name in re.findall(r'return "(\w+)";', class_name):
        assert issubclass(getattr(tb, name), tb.TensorBundleError)
    kinds = set(re.findall(r'return "([\w ]+)";', fault_kind))
    assert kinds <= set(FAULT_KINDS)
    for kind in FAULT_KINDS:
        assert f"``{kind}``" in tb.Fault.__doc__


def test_stub_of_the_core_names_all_that_it_has():
    stub = (Path(tb.__file__).parent / "_core.pyi").read_text("utf-8")
    declared = set(re.findall(r"^(?:class|def) (\w+)", stub, re.MULTILINE))
    present = {name for name in vars(_core) if not name.startswith("_")}
    assert present == declared


def test_missing_file_is_told_by_the_core():
    with pytest.raises(tb.MissingFileError, match="no/such/file"):
        _core.File("no/such/file")


def test_import_costs_what_numpy_costs():
    """What only few need is imported where it is needed."""
    code = "import sys, tensorbundle; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"click", "ml_dtypes", "rich", "safetensors", "tensorflow"}
