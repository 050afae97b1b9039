"""Forms of a variable's users when the variable is a constant (freeze.md §2.1).

One function for each kind of user. A node keeps its name, so that whoever names it still finds it;
in the body of a function its output may be called differently afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from ..._format.wire import Raw
from ..._graphdef.attributes import bool_attr, int_attr, shape_list_attr, type_attr, type_list_attr
from ..._graphdef.nodes import Node, const_node, make_node
from ..._graphdef.roles import HANDLE_CARRIERS, REF_CARRIERS, FunctionUse
from ..._graphdef.shapes import ShapeValue
from ..._ops.edges import control_inputs, data_inputs
from ...errors import UnsupportedError
from .handles import Handle

_INT32: Final = 3
_BOOL: Final = 10
_MAX_RANK: Final = 255

# Said of the handle, and wrong of the value.
STALE_ATTRS: Final = frozenset({"_handle_dtypes", "_output_shapes", "_read_only_resource_inputs"})


class Form(NamedTuple):
    """What a node becomes.

    Attributes:
        node: The node itself.
        before: Nodes that it needs now.
        output: What its only output is called now where that changes: old name, new name.
    """

    node: Node
    before: tuple[Node, ...] = ()
    output: tuple[str, str] | None = None


class Place(NamedTuple):
    """Where a node is that is changed.

    Attributes:
        handles: Its variables by number of the input.
        source: The node that its first variable comes from.
        is_start: Whether that is the variable itself, or an argument of a function.
        in_body: Whether it is in the body of a function, which names outputs.
        new_name: What makes names for new nodes.
    """

    handles: Mapping[int, Handle]
    source: str
    is_start: bool
    in_body: bool
    new_name: Callable[[str], str]

    def output(self, node: Node) -> str:
        """The edge from a new node's only output."""
        return f"{node.name}:output:0" if self.in_body else node.name


def constant_form(node: Node, place: Place) -> Form | None:
    """What a node becomes that uses a variable.

    Returns:
        None for a node that may stay, as it reads a reference.

    Raises:
        UnsupportedError: There is no form without the variable.
    """
    values = {port: each for port, each in place.handles.items() if not each.is_ref}
    if values:
        place = place._replace(handles=values)
    carried = node.op if node.op in HANDLE_CARRIERS else None
    if not values:
        carried = REF_CARRIERS.get(node.op)
    if carried is not None:
        return _carried(node, place, carried)
    form = _FORMS.get(node.op)
    if form is not None and 0 in place.handles:
        return form(node, place)
    if not values and node.op not in _REF_ONLY:
        return None
    raise UnsupportedError("it has no constant form")


def _private(node: Node) -> dict[str, Raw]:
    """The attributes that any operation may have."""
    return {
        key: raw
        for key, raw in node.attrs.items()
        if key.startswith("_") and key not in ("_handle_dtypes", "_read_only_resource_inputs")
    }


def _dtype(place: Place) -> int:
    return place.handles[0].dtype


def _carried(node: Node, place: Place, op: str) -> Form | None:
    attrs = {key: raw for key, raw in node.attrs.items() if key not in STALE_ATTRS}
    if op == "IdentityN":
        attrs["T"] = _types(node.attr("T"), place.handles, 0)
        return Form(node.replace(attrs=attrs))
    if op == "Merge":
        if len(place.handles) < len(data_inputs(node)):
            raise UnsupportedError("it merges a variable that is frozen with something else")
    elif 0 not in place.handles:
        return None  # the variable is what a switch decides by
    attrs["T"] = type_attr(next(iter(place.handles.values())).dtype)
    return Form(node.replace(op=op, attrs=attrs))


def _types(types: object, handles: Mapping[int, Handle], first: int) -> bytes:
    """A list of types with those of variables in their places."""
    numbers = [int(each) for each in types] if isinstance(types, list) else []
    for port, handle in handles.items():
        if 0 <= port - first < len(numbers):
            numbers[port - first] = handle.dtype
    return type_list_attr(numbers)


def _read(node: Node, place: Place) -> Form:
    attrs = {**_private(node), "T": type_attr(_dtype(place))}
    return Form(node.replace(op="Identity", attrs=attrs), output=("value", "output"))


def _gather(node: Node, place: Place) -> Form:
    batch_dims = node.attr("batch_dims", 0)
    if not isinstance(batch_dims, int) or not 0 <= batch_dims <= _MAX_RANK:
        raise UnsupportedError(f"its batch_dims is {batch_dims!r}")
    axis = const_node(place.new_name(f"{node.name}/axis"), np.array(batch_dims, np.int32))
    if not place.is_start:
        # In a loop, or in a branch: a constant without inputs would belong to neither.
        axis = axis.replace(inputs=(f"^{place.source}",))
    attrs = {
        **_private(node),
        "Tparams": type_attr(_dtype(place)),
        "Tindices": node.attrs.get("Tindices", type_attr(_INT32)),
        "Taxis": type_attr(_INT32),
        "batch_dims": int_attr(batch_dims),
    }
    inputs = (*data_inputs(node), place.output(axis), *control_inputs(node))
    axis = axis.replace(device=node.device)
    return Form(node.replace(op="GatherV2", inputs=inputs, attrs=attrs), (axis,))


def _gather_nd(node: Node, place: Place) -> Form:
    attrs = {
        **_private(node),
        "Tparams": type_attr(_dtype(place)),
        "Tindices": node.attrs.get("Tindices", type_attr(_INT32)),
    }
    return Form(node.replace(op="GatherNd", attrs=attrs))


def _shape(node: Node, place: Place) -> Form:
    out_type = node.attrs.get("out_type", type_attr(_INT32))
    attrs = {**_private(node), "T": type_attr(_dtype(place)), "out_type": out_type}
    return Form(node.replace(op="Shape", attrs=attrs))


def _is_initialized(node: Node, place: Place) -> Form:
    output = ("is_initialized", "output")
    if place.is_start:
        true = const_node(node.name, np.array(True))
        attrs = {**_private(node), **true.attrs}
        inputs = control_inputs(node)
        return Form(node.replace(op="Const", inputs=inputs, attrs=attrs), output=output)
    # In a loop or a branch it must stay there, so it goes on taking the variable: a rank is
    # always equal to itself.
    name = place.new_name(f"{node.name}/rank")
    rank = make_node(name, "Rank", data_inputs(node)[:1], {"T": type_attr(_dtype(place))})
    attrs = {
        **_private(node),
        "T": type_attr(_INT32),
        "incompatible_shape_error": bool_attr(True),
    }
    inputs = (place.output(rank), place.output(rank), *control_inputs(node))
    output = ("is_initialized", "z")
    return Form(node.replace(op="Equal", inputs=inputs, attrs=attrs), (rank,), output)


def _nothing(node: Node, place: Place) -> Form:
    del place
    return Form(node.replace(op="NoOp", inputs=control_inputs(node), attrs=_private(node)))


_FORMS: Final[Mapping[str, Callable[[Node, Place], Form]]] = {
    "ReadVariableOp": _read,
    "ResourceGather": _gather,
    "ResourceGatherNd": _gather_nd,
    "VariableShape": _shape,
    "VarIsInitializedOp": _is_initialized,
    "IsVariableInitialized": _is_initialized,
    "DisableCopyOnRead": _nothing,
}
# What wants a reference and is no writer.
_REF_ONLY: Final = frozenset({"RefSelect", "DebugGradientRefIdentity"})


def function_form(
    node: Node,
    use: FunctionUse,
    handles: Mapping[int, Handle],
    results: Mapping[int, Handle],
    renamed: Mapping[str, Raw],
) -> Node:
    """A node that uses functions, using those that were made for it.

    Args:
        node: The node.
        use: How it uses functions.
        handles: Its variables by number of the argument.
        results: Those that come out of it by number of the output.
        renamed: The attributes that name its functions, changed already.
    """
    attrs = {key: raw for key, raw in node.attrs.items() if key not in STALE_ATTRS}
    attrs.update(renamed)
    if use.takes:
        attrs[use.takes] = _types(node.attr(use.takes), handles, 0)
    if use.gives and use.gives != use.takes:
        attrs[use.gives] = _types(node.attr(use.gives), results, 0)
    shapes = node.attr("output_shapes")
    if isinstance(shapes, list) and shapes:
        attrs["output_shapes"] = _shapes(shapes, results)
    return node.replace(attrs=attrs)


def _shapes(shapes: Sequence[object], results: Mapping[int, Handle]) -> bytes:
    dims = [each.dims if isinstance(each, ShapeValue) else None for each in shapes]
    for number, handle in results.items():
        if number < len(dims):
            dims[number] = handle.shape
    return shape_list_attr(dims)


def variable_constant(node: Node, handle: Handle, value: Raw | None) -> Node:
    """The constant that a variable becomes: without a value, if that is written later."""
    attrs: dict[str, Raw] = {"dtype": type_attr(handle.dtype)}
    if value is not None:
        attrs["value"] = value
    return make_node(node.name, "Const", (), attrs, node.device)
