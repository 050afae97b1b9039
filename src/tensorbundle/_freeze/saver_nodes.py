"""Variables where freezing has put constants, and the nodes that save and restore them.

What freezing found out is kept: which nodes are needed, which variables, under which keys. Only the
variables themselves come back. The nodes are those that TensorFlow 1 makes for a saver of all
variables (freeze.md §9), under a scope that is not in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .._format.dtypes import STRING
from .._format.names import as_bytes
from .._format.wire import bytes_field, int_field, text_field
from .._graphdef.attributes import bool_attr, shape_attr, type_attr, type_list_attr
from .._graphdef.nodes import Nodes, const_node, join_input, make_node, parse_input
from .._graphdef.roles import HANDLE_READERS
from .._ops.edges import unique_name

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._graph.variables import Variable
    from .._graphdef.nodes import Node

_INT64: Final = 9


@dataclass(frozen=True, slots=True)
class Restored:
    """A variable of the graph that is written.

    Attributes:
        variable: What it is, and where its value lies.
        snapshot: The tensor of its value.
    """

    variable: Variable
    snapshot: str


@dataclass(frozen=True, slots=True)
class SaverNames:
    """How TensorFlow is told of a saver."""

    filename_tensor: str
    save_tensor: str
    restore_op: str

    def encode(self) -> bytes:
        """The ``SaverDef``, of version 2."""
        return b"".join(
            (
                text_field(1, self.filename_tensor),
                text_field(2, self.save_tensor),
                text_field(3, self.restore_op),
                int_field(4, 5),
                int_field(7, 2),
            )
        )


# --- variables --------------------------------------------------------------------------------


def put_back(
    nodes: Nodes, variables: Iterable[Variable], originals: Nodes
) -> tuple[Nodes, list[Restored]]:
    """Put variables in the place of the constants that were made of them.

    A reference is what it was. A handle is one again, and so are the nodes that read it; whatever
    else took the constant takes the handle's value.

    Args:
        nodes: A frozen graph.
        variables: Those of its constants that are to be variables.
        originals: The nodes before they were frozen.
    """
    result = dict(nodes)
    restored: list[Restored] = []
    readers: dict[str, list[str]] = {each.name: [] for each in variables}
    for name, node in nodes.items():
        if node.inputs and (source := parse_input(node.inputs[0]).name) in readers:
            readers[source].append(name)
    values: dict[str, str] = {}
    for variable in variables:
        original = originals[variable.name].replace(device=nodes[variable.name].device)
        attrs = {key: raw for key, raw in original.attrs.items() if key != "_class"}
        result[variable.name] = original.replace(attrs=attrs, inputs=nodes[variable.name].inputs)
        if variable.kind == "resource":
            snapshot = _read_again(result, variable, readers[variable.name], originals)
            values[variable.name] = snapshot
        else:
            snapshot = _identity(result, variable, readers[variable.name])
        restored.append(Restored(variable, f"{snapshot}:0"))
    return _with_values(result, values), restored


def _read_again(nodes: Nodes, variable: Variable, readers: Sequence[str], originals: Nodes) -> str:
    """Make readers of a handle what they were; the one that gives its value."""
    snapshot = ""
    for name in readers:
        before = originals.get(name)
        if before is not None and before.op in HANDLE_READERS and before.inputs[0] == variable.name:
            controls = [text for text in nodes[name].inputs if text.startswith("^")]
            data = [text for text in before.inputs if not text.startswith("^")]
            attrs = {key: raw for key, raw in before.attrs.items() if key != "_class"}
            nodes[name] = nodes[name].replace(op=before.op, inputs=[*data, *controls], attrs=attrs)
            if before.op == "ReadVariableOp" and not controls:
                snapshot = snapshot or name
    if not snapshot:
        snapshot = unique_name(f"{variable.name}/Read/ReadVariableOp", nodes)
        attrs = {"dtype": type_attr(variable.dtype)}
        nodes[snapshot] = make_node(snapshot, "ReadVariableOp", (variable.name,), attrs)
    return snapshot


def _identity(nodes: Nodes, variable: Variable, readers: Sequence[str]) -> str:
    """The node that reads a reference."""
    for name in readers:
        if nodes[name].op == "Identity" and len(nodes[name].inputs) == 1:
            return name
    name = unique_name(f"{variable.name}/read", nodes)
    attrs = {"T": type_attr(variable.dtype)}
    nodes[name] = make_node(name, "Identity", (variable.name,), attrs)
    return name


def _with_values(nodes: Nodes, values: Mapping[str, str]) -> Nodes:
    """Give the value of a handle to whatever is no reader of handles."""
    result: Nodes = {}
    for name, node in nodes.items():
        inputs = tuple(
            values.get(text, text) if i or node.op not in HANDLE_READERS else text
            for i, text in enumerate(_plain(node))
        )
        result[name] = node if inputs == node.inputs else node.replace(inputs=inputs)
    return result


def _plain(node: Node) -> tuple[str, ...]:
    return tuple(text.removesuffix(":0") for text in node.inputs)


def variable_def(restored: Restored, number: int, saver: Mapping[str, str]) -> bytes:
    """The ``VariableDef`` of a variable, which collections hold."""
    variable = restored.variable
    return b"".join(
        (
            text_field(1, f"{variable.name}:0"),
            text_field(2, saver[variable.name]),
            text_field(3, restored.snapshot),
            int_field(5, int(variable.kind == "resource")),
            text_field(6, f"{saver['']}:{number}"),
            int_field(7, int(variable.trainable)),
        )
    )


# --- the saver --------------------------------------------------------------------------------


class SaverNodes:
    """The nodes that restore and save the variables of a graph, which they are added to.

    Attributes:
        names: What TensorFlow is told of them.
        assigns: By variable, the node that restores it; under ``""`` the one that reads the file.
    """

    def __init__(self, nodes: Nodes, restored: Sequence[Restored], ckpt: Checkpoint) -> None:
        self._nodes = nodes
        self._scope = unique_name("save", {name.split("/", 1)[0] for name in nodes})
        self._restored = restored
        self._ckpt = ckpt
        filename = self._file_name()
        keys = np.array(
            [as_bytes(each.variable.key or "") for each in restored],
            object,
        )
        slices = np.array([each.variable.slice.encode() for each in restored], object)
        restore = self._restore(filename, keys, slices)
        self.assigns = {"": restore}
        for i, each in enumerate(restored):
            self.assigns[each.variable.name] = self._assign(i, each, f"{restore}:{i}")
        assigns = [f"^{name}" for key, name in self.assigns.items() if key]
        restore_all = self._add("restore_all", "NoOp", assigns)
        saved = self._save(filename, keys, slices)
        self.names = SaverNames(f"{filename}:0", f"{saved}:0", restore_all)

    def _add(
        self, name: str, op: str, inputs: Sequence[str], attrs: Mapping[str, bytes] | None = None
    ) -> str:
        full = f"{self._scope}/{name}"
        self._nodes[full] = make_node(full, op, inputs, attrs)
        return full

    def _constant(self, name: str, value: object) -> str:
        full = f"{self._scope}/{name}"
        self._nodes[full] = const_node(full, value)
        return full

    def _file_name(self) -> str:
        default = self._constant("filename/input", np.array(b"model", object))
        attrs = {"dtype": type_attr(STRING), "shape": shape_attr(())}
        return self._add("filename", "PlaceholderWithDefault", [default], attrs)

    def _restore(self, filename: str, keys: object, slices: object) -> str:
        names = self._constant("RestoreV2/tensor_names", keys)
        parts = self._constant("RestoreV2/shape_and_slices", slices)
        stored = [self._ckpt.info(each.variable.key or "").data_type for each in self._restored]
        attrs = {"dtypes": type_list_attr(stored)}
        return self._add("RestoreV2", "RestoreV2", [filename, names, parts], attrs)

    def _assign(self, number: int, each: Restored, value: str) -> str:
        """The node that gives a variable its restored value."""
        variable = each.variable
        stored = self._ckpt.info(variable.key or "").data_type
        if variable.dtype not in (0, stored):
            attrs = {"SrcT": type_attr(stored), "DstT": type_attr(variable.dtype)}
            value = self._add(f"Cast_{number}", "Cast", [value], attrs)
        attrs = {"T": type_attr(variable.dtype)}
        if variable.is_static and variable.shape is not None and self._is_reshaped(variable):
            shape = self._constant(f"Reshape_{number}/shape", np.array(variable.shape, np.int64))
            attrs["Tshape"] = type_attr(_INT64)
            value = self._add(f"Reshape_{number}", "Reshape", [value, shape], attrs)
        if variable.kind == "ref":
            attrs = {
                "T": type_attr(variable.dtype),
                "validate_shape": bool_attr(variable.is_static),
            }
            return self._add(f"Assign_{number}", "Assign", [variable.name, value], attrs)
        value = self._add(
            f"Identity_{number}", "Identity", [value], {"T": type_attr(variable.dtype)}
        )
        attrs = {"dtype": type_attr(variable.dtype)}
        inputs = [variable.name, value]
        return self._add(f"AssignVariableOp_{number}", "AssignVariableOp", inputs, attrs)

    def _is_reshaped(self, variable: Variable) -> bool:
        from .._graph.variables import part_shape

        shape = self._ckpt.info(variable.key or "").shape
        return variable.shape != (part_shape(variable.slice) if variable.slice else shape)

    def _save(self, filename: str, keys: object, slices: object) -> str:
        names = self._constant("SaveV2/tensor_names", keys)
        parts = self._constant("SaveV2/shape_and_slices", slices)
        values = [join_input(*parse_input(each.snapshot)) for each in self._restored]
        attrs = {"dtypes": type_list_attr([each.variable.dtype for each in self._restored])}
        save = self._add("SaveV2", "SaveV2", [filename, names, parts, *values], attrs)
        identity = {"T": type_attr(STRING)}
        return self._add("control_dependency", "Identity", [filename, f"^{save}"], identity)


def node_list(names: Sequence[str]) -> bytes:
    """A ``CollectionDef`` of nodes."""
    return bytes_field(1, b"".join(bytes_field(1, name.encode()) for name in names))


def bytes_list(messages: Sequence[bytes]) -> bytes:
    """A ``CollectionDef`` of messages."""
    return bytes_field(2, b"".join(bytes_field(1, each) for each in messages))
