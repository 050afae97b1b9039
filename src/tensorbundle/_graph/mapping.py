"""Mapping variables of a graph to keys of a checkpoint (freeze.md §3).

The graph's own restore ops say it best; names come last, since a saver may have swapped them. The
first source whose key the checkpoint has is taken, and whether the stored tensor fits is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

from .._format import dtypes
from .._format.names import near
from .._graphdef.roles import RESTORES
from .._objects.saved_objects import SavedObjects
from ..errors import FormatError, TensorNotFoundError
from .initial_values import InitialValues
from .sources import KeyCandidate, Override, Sources, shared_name
from .variables import Variable, fits, parse_slice, part_shape, reshapes, variable_nodes

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.tensor_info import TensorInfo
    from .._graphdef.meta_graph import MetaGraph

__all__ = ["AVERAGE", "Override", "Variable", "find_variables", "map_tables", "map_variables"]

AVERAGE: Final = "/ExponentialMovingAverage"


def find_variables(meta: MetaGraph) -> dict[str, Variable]:
    """Find the variables of a graph, each with the key that its graph says, by name of the node."""
    return map_variables(meta, None)


def map_variables(
    meta: MetaGraph,
    ckpt: Checkpoint | None,
    *,
    override: Override = None,
    ema: bool = False,
    missing: Literal["error", "initial"] = "error",
) -> dict[str, Variable]:
    """Find the variables of a graph, and the keys under which a checkpoint holds their values.

    Nothing is raised for those that it does not hold, or not fitting: a model may not need them.
    `_mapping_report.report` says what is wrong with those that are needed.

    Args:
        meta: The graph.
        ckpt: The checkpoint; without it the first source of each variable is taken.
        override: Keys that are known better.
        ema: Take moving averages where the checkpoint has them.
        missing: ``"initial"``: take the initial value of what was not saved, if it is a constant.

    Returns:
        The variables by name of the node, in the order of nodes.

    Raises:
        TensorNotFoundError: ``override`` names a variable that is not there.
        FormatError: The graph is malformed.
    """
    sources = Sources(meta, ckpt, override)
    chooser = _Chooser(ckpt, ema)
    initial = InitialValues(meta, sources) if missing == "initial" else None
    # Graphs of TensorFlow 1 say in collections what training changes, later ones in objects.
    raw = None if meta.variable_defs else meta.object_graph
    objects = None if raw is None else SavedObjects(raw)
    found = {}
    for node, variable in variable_nodes(meta):
        mapped = chooser.choose(variable, sources.candidates(variable, node))
        if objects is not None and objects.is_trainable(mapped.key or "") is False:
            mapped = dataclasses.replace(mapped, trainable=False)
        if initial is not None and not (mapped.in_checkpoint or mapped.problem):
            mapped = initial.give(mapped)
        found[variable.name] = mapped
    if override is not None and not callable(override):
        _check_names(override, found)
    return found


def map_tables(meta: MetaGraph, ckpt: Checkpoint | None) -> dict[str, tuple[str, str]]:
    """Find the keys of the content of mutable tables.

    Returns:
        By name of the table's node, the key of its keys and that of its values; only tables that
        the checkpoint holds, or with no checkpoint those that are restored.
    """
    sources = Sources(meta, ckpt, None)
    known = None if ckpt is None else frozenset(ckpt)
    found: dict[str, tuple[str, str]] = {}

    def add(name: str, keys: str, values: str) -> None:
        if name not in found and (known is None or {keys, values} <= known):
            found[name] = (keys, values)

    for nodes in (sources.restoring, sources.others):
        for name, keys, values in sources.imports(nodes):
            add(name, keys, values)
    if known is not None:
        for name, node in meta.nodes.items():
            if "HashTable" in node.op:
                for stem in (name, shared_name(node)):
                    add(name, f"{stem}-keys", f"{stem}-values")
    return {name: found[name] for name in meta.nodes if name in found}


def _check_names(override: Mapping[str, str], found: Mapping[str, Variable]) -> None:
    """Raise TensorNotFoundError for keys that are given to variables that are not there."""
    unknown = [name for name in override if name.removesuffix(":0") not in found]
    if unknown:
        raise TensorNotFoundError(
            f"the graph has no variable {unknown[0]!r}",
            key=unknown[0],
            near=near(unknown[0], list(found)),
        )


# --- choosing ---------------------------------------------------------------------------------


class _Chooser:
    """Takes the first key that the checkpoint has, and says whether what it holds fits."""

    def __init__(self, ckpt: Checkpoint | None, ema: bool) -> None:
        self._ckpt = ckpt
        self._known: frozenset[str] = frozenset(ckpt or ())
        self._ema = ema

    def choose(self, variable: Variable, candidates: Iterator[KeyCandidate]) -> Variable:
        first: KeyCandidate | None = None
        for each in candidates:
            first = first or each
            if each.computed_by:
                problem = (
                    "the names that its restore op reads are not constant"
                    if each.computed_by in RESTORES
                    else f"the graph makes it with {each.computed_by} out of restored tensors"
                )
                return dataclasses.replace(
                    variable, how=each.how, in_checkpoint=None, problem=problem
                )
            if self._ckpt is None:
                break
            average = each.key + AVERAGE
            if self._ema and each.how != "given" and average in self._known:
                return self._fit(variable, each._replace(key=average), averaged=True)
            if each.key in self._known:
                return self._fit(variable, each)
        assert first is not None, "the name of the node is always a candidate"
        return dataclasses.replace(
            variable,
            key=first.key,
            slice=first.slice,
            how=first.how,
            in_checkpoint=None if self._ckpt is None else False,
        )

    def _fit(self, variable: Variable, taken: KeyCandidate, averaged: bool = False) -> Variable:
        assert self._ckpt is not None
        shape, problem, part = variable.shape, "", taken.slice
        try:
            info = self._ckpt.info(taken.key)
            if taken.how == "given" and part and info.shape != parse_slice(part)[0]:
                part = ""
            shape, problem = _fitting(variable, taken._replace(slice=part), info)
        except FormatError as error:
            problem = str(error)
        # Not dataclasses.replace, which takes five times as long: a graph has thousands of them.
        return Variable(
            variable.name,
            variable.kind,
            variable.op,
            variable.dtype,
            shape,
            taken.key,
            part,
            taken.how,
            variable.trainable,
            True,
            averaged,
            problem,
        )


def _fitting(
    variable: Variable, taken: KeyCandidate, info: TensorInfo
) -> tuple[tuple[int, ...] | None, str]:
    """Variable's shape, and why the stored tensor is not its value."""
    static, stored = variable.shape, info.shape
    if variable.dtype and variable.dtype != info.data_type and not taken.cast:
        return static, (
            f"it is {variable.tf_dtype} in the graph and {dtypes.name_of(info.data_type)} "
            "in the checkpoint"
        )
    if taken.slice:
        full_shape, _ = parse_slice(taken.slice)
        if full_shape != stored:
            return static, (
                f"it is a part of {list(full_shape)} in the graph and "
                f"{list(stored)} in the checkpoint"
            )
        stored = part_shape(taken.slice)
    if fits(stored, static):
        return stored, ""
    if taken.reshaped and reshapes(stored, static):
        return (static if variable.is_static else stored), ""
    return static, f"it is {_shape(static)} in the graph and {_shape(stored)} in the checkpoint"


def _shape(dims: tuple[int, ...] | None) -> str:
    return "of unknown shape" if dims is None else str(list(dims)).replace("-1", "?")
