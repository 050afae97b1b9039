"""Cuts of a graph: tensors that are to be fed, and placeholders that get a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._format import dtypes
from ..._format.wording import Worded, option, plain, quoted
from ..._graphdef.attributes import shape_attr, type_attr
from ..._graphdef.nodes import const_node, join_input, make_node, parse_input
from ..._graphdef.roles import FED, PLACEHOLDERS, VARIABLES
from ..._graphdef.shapes import ShapeValue
from ..._graphdef.tensors import encode_tensor
from ..._ops.edges import unique_name
from ..._ops.types import dtype_of, shape_of
from ...errors import ConversionError
from ..variables.constants import Constant

if TYPE_CHECKING:
    from ..._graphdef.functions import OpDef
    from ..._graphdef.meta_graph import MetaGraph
    from ..._graphdef.nodes import Node, Nodes


class Cutter:
    """Cuts nodes of one graph, and remembers what was renamed by that.

    Only a node's first output is called as the node: of a cut at another one the placeholder gets
    a name of its own, and a node that gave its name to a placeholder gets another.
    """

    def __init__(self, meta: MetaGraph, op_defs: Mapping[str, OpDef]) -> None:
        self._meta = meta
        self._op_defs = op_defs
        self._placeholders: dict[str, str] = {}
        self._uncut: dict[str, str] = {}

    def place_of(self, tensor: str) -> str:
        """The name of a tensor after all cuts."""
        return _moved(tensor, self._placeholders, self._uncut)

    def place_before(self, tensor: str) -> str:
        """The name that a tensor had before all cuts."""
        name, port = parse_input(tensor)
        before = {new: old for old, new in self._uncut.items()}
        return join_input(before.get(name, name), port)

    def cut(self, nodes: Nodes, tensors: Mapping[str, tuple[int, ...] | str | None]) -> Nodes:
        """Put placeholders in the place of tensors, so that what computes them is not needed.

        Args:
            nodes: The graph.
            tensors: By tensor, its shape; ``""`` for what the graph says.

        Raises:
            ConversionError: The graph does not say of what type a tensor is.
        """
        if not tensors:
            return nodes
        made: dict[str, Node] = {}
        moved: dict[str, str] = {}  # tensor → tensor
        for text, given in tensors.items():
            name, port = parse_input(text)
            node = nodes[name]
            if node.op in FED and given == "":
                continue
            dtype = dtype_of(node, port, self._op_defs)
            if dtype is None:
                raise ConversionError(
                    f"cannot cut at {quoted(text)}: the type of output {port} of a "
                    f"{plain(node.op)} is not known"
                )
            if dtype in (dtypes.RESOURCE, dtypes.VARIANT):
                raise _no_value(nodes, text, dtype)
            if given == "":
                given = shape_of(self._meta, nodes, node, port)
            assert not isinstance(given, str)
            new = name
            if port > 0:
                new = unique_name(f"{name}_{port}", nodes, made)
                moved[text] = new
            made[new] = make_node(
                new, "Placeholder", (), {"dtype": type_attr(dtype), "shape": shape_attr(given)}
            )
        return self._spliced(nodes, made, moved)

    def _spliced(self, nodes: Nodes, made: dict[str, Node], moved: dict[str, str]) -> Nodes:
        """The graph with new placeholders; other outputs of a node that gave its name stay its."""
        self._placeholders.update(moved)
        replaced = {name for name in made if name in nodes}
        kept = {name: unique_name(f"{name}/uncut", nodes, made) for name in replaced}
        self._uncut.update(kept)
        result: Nodes = {}
        for name, node in nodes.items():
            inputs = tuple(_moved(text, moved, kept) for text in node.inputs)
            node = node if inputs == node.inputs else node.replace(inputs=inputs)
            if name in replaced:
                result[name] = made[name]
                result[kept[name]] = node.replace(name=kept[name])
            else:
                result[name] = node
        result.update({name: node for name, node in made.items() if name not in replaced})
        return result


def _moved(text: str, moved: Mapping[str, str], kept: Mapping[str, str]) -> str:
    name, port = parse_input(text)
    if port > 0:
        tensor = join_input(name, port)
        if tensor in moved:
            return moved[tensor]
        if name in kept:
            return join_input(kept[name], port)
    return text


def _no_value(nodes: Nodes, text: str, dtype: int) -> ConversionError:
    """The error for a cut at a handle, with what is read by it."""
    name, _ = parse_input(text)
    reads = [
        each.name
        for each in nodes.values()
        if each.op in ("ReadVariableOp", "Identity")
        and each.inputs
        and parse_input(each.inputs[0]).name == name
    ]
    near = Worded(": cut at what is read by it: ", option("inputs", reads[:3])) if reads else ""
    return ConversionError(
        Worded(
            f"cannot cut at {quoted(text)}: it is a {dtypes.name_of(dtype)}, which nobody can feed",
            near,
        )
    )


def fed_variables(
    nodes: Nodes, cuts: Mapping[str, tuple[int, ...] | str | None]
) -> dict[str, Constant]:
    """The cuts that are variables: each is fed where it was read, and not written any more."""
    found = {}
    for name, given in cuts.items():
        node = nodes.get(name)
        if node is None or node.op not in VARIABLES:
            continue
        dtype = node.attr("dtype")
        if not isinstance(dtype, int):
            raise ConversionError(
                f"cannot cut at {quoted(name)}: the type of the variable is not known"
            )
        stored = node.attr("shape")
        known = stored.dims if isinstance(stored, ShapeValue) else None
        shape = known if isinstance(given, str) else given
        found[name] = Constant(int(dtype) % 100, shape, is_fed=True)
    return found


def bind(nodes: Nodes, values: Mapping[str, Any], meta: MetaGraph) -> Nodes:
    """Put constants in the place of placeholders.

    Args:
        nodes: The graph.
        values: By node of a placeholder, its value.
        meta: What is said about the graph.

    Raises:
        ConversionError: A node is no placeholder, or its value does not fit it.
    """
    result = dict(nodes)
    for name, value in values.items():
        node = nodes[name]
        if node.op not in PLACEHOLDERS:
            raise ConversionError(
                Worded(
                    f"cannot bind {quoted(name)}: it is a {plain(node.op)}, expected a ",
                    "Placeholder; ",
                    option("inputs"),
                    " makes one of any tensor",
                )
            )
        dtype = dtype_of(node, 0, {})
        assert dtype is not None, "placeholders have a dtype, or none that can be bound"
        array = _array_of(name, value, dtype)
        shape = shape_of(meta, nodes, node, 0)
        if shape is not None and not _fits(array.shape, shape):
            raise ConversionError(
                f"cannot bind {name!r}: its shape is {_shown(shape)}, "
                f"the value's is {list(array.shape)}"
            )
        result[name] = const_node(name, encode_tensor(array, dtype), node.device)
    return result


def _array_of(name: str, value: Any, number: int) -> np.ndarray[Any, Any]:
    """A value as an array of a placeholder's type; refused when it would be another value then."""
    dtype = dtypes.numpy_dtype(number)
    if dtype is None:
        raise ConversionError(f"cannot bind {name!r}: no value is a {dtypes.name_of(number)}")
    given = np.asarray(value)
    if number == dtypes.STRING:
        if given.dtype.kind not in "OSU":
            raise ConversionError(f"cannot bind {name!r}: it is a string, {value!r:.80} is none")
        return given
    array = given.astype(dtype) if given.dtype.kind in "biufcV" else None
    exact = array is not None and (
        (given.dtype.kind in "fc" and dtype.kind in "fcV") or np.array_equal(array, given)
    )
    if array is None or not exact or (given.dtype.kind == "b") != (dtype.kind == "b"):
        raise ConversionError(
            f"cannot bind {name!r}: it is {dtypes.name_of(number)}, and {value!r:.80} is no such "
            "value"
        )
    return array


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        b in (-1, a) for a, b in zip(shape, wanted, strict=True)
    )


def _shown(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join("?" if dim < 0 else str(dim) for dim in shape) + "]"
