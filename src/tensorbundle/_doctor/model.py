"""Models checked: the graph to its end, its variables, assets, fingerprint and objects.

A checkpoint may be sound while the graph beside it is cut off, altered, or of another model:
TensorFlow finds out when it loads, or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from .._checkpoint.report import Fault, fault_of
from .._format import dtypes
from .._format.wire import Field, fields
from .._graph.files import GraphFile, read_graph_file
from .._graph.mapping import map_variables
from .._graph.problems import report
from .._graphdef.roles import VARIABLES
from .._graphdef.shapes import decode_shape
from .._locate.location import is_regular_file
from ..errors import FormatError, TensorBundleError
from .fingerprint import checksum_of

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._graph.variables import Variable
    from .._graphdef.meta_graph import MetaGraph

FINGERPRINT: Final = "fingerprint.pb"
_SHOWN: Final = 20  # faults of one kind
# How keys are found that the graph itself restores: all of these must be there.
_RESTORED: Final = ("restore op", "other restore op", "slice info")
_VARIABLE_VALUE: Final = "VARIABLE_VALUE"
_NODE, _VARIABLE, _DTYPE, _SHAPE = 1, 7, 1, 2  # of SavedObjectGraph, SavedObject, SavedVariable


def check_model(path: str, ckpt: Checkpoint | None) -> tuple[list[Fault], list[str]]:
    """Check a graph, and whether the values belong to it.

    Args:
        path: The file of the graph.
        ckpt: Its values; None when they could not be opened, or there are none.

    Returns:
        What is wrong, and what could not be looked at.
    """
    try:
        found = read_graph_file(path)
    except TensorBundleError as error:
        return [fault_of(error, "malformed")], []
    faults: list[Fault] = []
    unchecked: list[str] = []
    for meta in found.meta_graphs:
        problems = list(_graph_faults(meta, found.path))
        faults += problems
        if any(fault.kind == "malformed" for fault in problems):
            continue
        if ckpt is not None:
            faults += _value_faults(meta, ckpt, found.path)
            faults += _object_faults(meta, ckpt, found.path)
        elif not VARIABLES.keys().isdisjoint(meta.ops):
            message = "the graph has variables, and there are no values for them"
            if found.directory is not None:
                message += ": expected variables/variables.index beside it"
            faults.append(_fault("variable", message, found.path))
        faults += _missing_assets(meta, found)
    if found.directory is not None:
        fault, remark = _fingerprint(found)
        faults += [] if fault is None else [fault]
        unchecked += [] if remark is None else [remark]
    return faults, unchecked


# --- the graph ------------------------------------------------------------------------------------


def _graph_faults(meta: MetaGraph, path: str) -> Iterator[Fault]:
    """Decode all that there is, and follow every edge of the main graph."""
    try:
        for node in meta.nodes.values():
            for key in node.attrs:
                node.attr(key)
        for function in meta.functions.values():
            for node in function.nodes.values():
                for key in node.attrs:
                    node.attr(key)
        _ = meta.versions, meta.tags, meta.op_defs, meta.function_aliases, meta.collections
        _ = meta.savers, meta.assets, meta.variable_defs
        signatures = meta.signatures
        names = meta.node_names
        dangling = (meta.edges.sources < 0).nonzero()[0].tolist()
        starts = meta.edges.starts.tolist()
    except TensorBundleError as error:
        yield fault_of(error, "malformed")
        return
    if dangling:
        from bisect import bisect_right

        for at in dangling[:_SHOWN]:
            name = names[bisect_right(starts, at) - 1]
            message = f"an input of node {name!r} comes from a node that is not there"
            yield _fault("graph", message, path, name)
    known = set(names)
    for key, signature in signatures.items():
        for fact in (*signature.inputs.values(), *signature.outputs.values()):
            if fact.name is not None and fact.name.partition(":")[0] not in known:
                yield _fault("graph", f"signature {key!r} names {fact.name!r}: no such node", path)


def _fault(kind: str, message: str, path: str, name: str | None = None) -> Fault:
    return Fault(name, None, None, None, kind, message, path)


# --- its values -----------------------------------------------------------------------------------


def _value_faults(meta: MetaGraph, ckpt: Checkpoint, path: str) -> Iterator[Fault]:
    """Variables that the graph restores and the checkpoint does not have, or not fitting."""
    try:
        variables = map_variables(meta, ckpt)
    except TensorBundleError as error:
        yield fault_of(error, "malformed")
        return
    if not variables:
        return
    needed = [each for each in variables.values() if _is_needed(each)]
    told = report(needed, ckpt)
    for missing in told.missing[:_SHOWN]:
        hints = "".join(f"; {hint}" for hint in told.hints)
        yield _fault(
            "variable",
            f"{missing.variable.tf_dtype} variable {missing} is not in the checkpoint{hints}",
            path,
            missing.variable.name,
        )
    if len(told.missing) > _SHOWN:
        more = len(told.missing) - _SHOWN
        yield _fault("variable", f"{more} more variables are not in the checkpoint", path)
    for variable in told.unfit[:_SHOWN]:
        yield _fault("variable", variable.problem, path, variable.name)


def _is_needed(variable: Variable) -> bool:
    """Whether the graph restores it: metrics and counters often are not saved, and need not be."""
    return bool(variable.problem) or bool(variable.found) or variable.how in _RESTORED


# --- what lies around it --------------------------------------------------------------------------


def _missing_assets(meta: MetaGraph, found: GraphFile) -> Iterator[Fault]:
    if found.directory is None:
        return
    for asset in meta.assets:
        file = os.path.join(found.directory, "assets", asset.filename)
        if not is_regular_file(file):
            message = f"the graph needs the asset {asset.filename!r}, which is not there"
            yield _fault("asset", message, file)


def _fingerprint(found: GraphFile) -> tuple[Fault | None, str | None]:
    """Compare the checksum that a SavedModel keeps of its graph; TensorFlow never does."""
    path = os.path.join(found.directory or "", FINGERPRINT)
    if not is_regular_file(path):
        return None, f"whether the graph's bytes were changed: there is no {FINGERPRINT}"
    if not found.path.endswith(".pb"):
        return None, f"{FINGERPRINT}: it is of a saved_model.pb"
    with open(path, "rb") as file:
        raw = file.read(1 << 16)
    try:
        stored = next((each.value for each in fields(raw) if each.number == 1), None)
        computed = checksum_of(found.data)
    except FormatError as error:
        return fault_of(error.add_context(path=path), "malformed"), None
    if stored is None:
        return None, f"{FINGERPRINT}: it has no checksum of the graph"
    if stored != computed:
        message = (
            f"the graph is not the one that was saved: {FINGERPRINT} says {stored:#018x}, "
            f"computed {computed:#018x}"
        )
        return _fault("fingerprint", message, found.path), None
    return None, None


def _object_faults(meta: MetaGraph, ckpt: Checkpoint, path: str) -> Iterator[Fault]:
    """Variables of the graph's objects that the bundle's objects have otherwise, or not at all."""
    raw = meta.object_graph
    if raw is None:
        return
    try:
        objects = ckpt.objects
        saved = [each for each in fields(raw) if each.number == _NODE]
        if objects is None:
            if any(_variable_of(each) is not None for each in saved):
                yield _fault("objects", "the graph has objects, its values have none", path)
            return
        for number, each in enumerate(saved):
            variable = _variable_of(each)
            if variable is None:
                continue
            nodes = objects.nodes
            attributes = nodes[number].attributes if number < len(nodes) else ()
            key = next((a.key for a in attributes if a.name == _VARIABLE_VALUE), None)
            yield from _compare(number, key, variable, ckpt, path)
    except TensorBundleError as error:
        yield fault_of(error, "malformed")


def _variable_of(node: Field) -> tuple[int, tuple[int, ...] | None] | None:
    """Type and shape of an object that is a variable."""
    for each in node.message():
        if each.number == _VARIABLE:
            parts = {part.number: part for part in each.message()}
            dtype = parts[_DTYPE].int32() if _DTYPE in parts else 0
            shape = decode_shape(parts[_SHAPE].content()).dims if _SHAPE in parts else ()
            return dtype, shape
    return None


def _compare(
    number: int,
    key: str | None,
    variable: tuple[int, tuple[int, ...] | None],
    ckpt: Checkpoint,
    path: str,
) -> Iterator[Fault]:
    if key is None or key not in ckpt:
        yield _fault("objects", f"object {number} is a variable: the values have no such", path)
        return
    info = ckpt.info(key)
    dtype, shape = variable
    fits = shape is None or (
        len(shape) == len(info.shape)
        and all(want in (-1, size) for want, size in zip(shape, info.shape, strict=True))
    )
    if info.data_type != dtype or not fits:
        expected = f"{dtypes.name_of(dtype)}{list(shape or ())}"
        found = f"{info.tf_dtype}{list(info.shape)}"
        message = f"object {number} is a variable {expected}, stored is {found}"
        yield _fault("objects", message, path, key)
