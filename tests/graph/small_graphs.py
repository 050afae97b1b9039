"""Graphs made node by node, for what no program of TensorFlow's would write."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import tensorbundle as tb
from tensorbundle._format.dtypes import numpy_dtype
from tensorbundle._format.wire import bytes_field, int_field, text_field
from tensorbundle._graphdef.attributes import int_attr, shape_attr, type_attr
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import Node, const_node, make_node

FLOAT, INT32, STRING, BOOL = 1, 3, 7, 10


def variable(name: str, dtype: int = FLOAT, shape: tuple[int, ...] | None = ()) -> Node:
    """A reference variable."""
    attrs = {"dtype": type_attr(dtype), "shape": shape_attr(shape)}
    return make_node(name, "VariableV2", (), attrs)


def identity(name: str, source: str, dtype: int = FLOAT) -> Node:
    return make_node(name, "Identity", (source,), {"T": type_attr(dtype)})


def placeholder(name: str, dtype: int = FLOAT, shape: tuple[int, ...] | None = None) -> Node:
    attrs = {"dtype": type_attr(dtype), "shape": shape_attr(shape)}
    return make_node(name, "Placeholder", (), attrs)


def operation(op: str, name: str, *inputs: str, **attrs: bytes) -> Node:
    return make_node(name, op, inputs, {"T": type_attr(FLOAT), **attrs})


def graph_def(nodes: Iterable[Node]) -> bytes:
    """A ``GraphDef`` of a version that TensorFlow reads."""
    versions = bytes_field(4, int_field(1, 987))
    return b"".join(bytes_field(1, node.encode()) for node in nodes) + versions


def write_meta(path: str | Path, nodes: Iterable[Node]) -> str:
    """Write a ``.meta`` of these nodes alone."""
    info = text_field(5, "2.21.0")
    Path(path).write_bytes(bytes_field(1, info) + bytes_field(2, graph_def(nodes)))
    return str(path)


def write_model(
    folder: Path, values: Mapping[str, Any], dtypes: Mapping[str, int] | None = None
) -> str:
    """Write a checkpoint, and a graph with a variable `name` and a node `read_name` of each.

    Returns:
        The ``.meta``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / "model.ckpt"
    tb.save(prefix, values)
    infos = tb.open(prefix).infos()
    return write_meta(f"{prefix}.meta", variables_of(infos, dtypes or {}))


def variables_of(infos: Iterable[Any], dtypes: Mapping[str, int]) -> list[Node]:
    nodes = []
    for info in infos:
        dtype = dtypes.get(info.name, info.data_type)
        nodes.append(variable(info.name, dtype, info.shape))
        nodes.append(identity(f"read_{info.name}", info.name, dtype))
    return nodes


def constant(graph: Any, name: str) -> Any:
    """The value of a constant, in a graph that was frozen."""
    node = graph.nodes[name]
    assert node.op == "Const"
    return node.attr("value").array()


def some_of_each_type() -> dict[str, np.ndarray]:
    """Arrays of every type that numpy and ml_dtypes hold, by TensorFlow's name."""
    arrays = {}
    random = np.random.RandomState(0)
    for number in range(1, 34):
        dtype = numpy_dtype(number)
        if dtype is None or number in (7, 11, 12, 13, 15, 16):
            continue
        raw = random.randint(0, 4, (3, 5)).astype(np.int64)
        arrays[dtype.name] = raw.astype(dtype)
    return arrays


VALUES = {
    "net/w": np.arange(12, dtype=np.float32).reshape(4, 3),
    "net/b": np.ones(3, np.float32),
    "ema/net/b": np.zeros(3, np.float32),
}


def network() -> list[Any]:
    """A dense layer with dropout that a placeholder switches, and a training step."""
    return [
        placeholder("x", FLOAT, (-1, 4)),
        make_node("keep_prob", "PlaceholderWithDefault", ("one",),
                  {"dtype": type_attr(FLOAT), "shape": shape_attr(())}),
        const_node("one", np.float32(1)),
        placeholder("is_training", BOOL, ()),
        variable("net/w", FLOAT, (4, 3)),
        variable("net/b", FLOAT, (3,)),
        identity("net/w/read", "net/w"),
        operation("MatMul", "net/matmul", "x", "net/w/read"),
        operation("BiasAdd", "net/logits", "net/matmul", "net/b"),
        const_node("shape", np.array([1, 3], np.int32)),
        make_node("noise", "RandomUniform", ("shape",),
                  {"dtype": type_attr(FLOAT), "T": type_attr(INT32)}),
        operation("Mul", "noisy", "net/logits", "noise"),
        operation("Mul", "dropped", "noisy", "keep_prob"),
        operation("Softmax", "tower/probs", "net/logits"),
        make_node("split", "Split", ("axis", "net/logits"),
                  {"T": type_attr(FLOAT), "num_split": int_attr(3)}),
        const_node("axis", np.int32(1)),
        make_node("train", "NoOp", ("^net/logits",)),
        make_node("gate", "Switch", ("net/logits", "is_training"), {"T": type_attr(FLOAT)}),
        identity("gated", "gate:1"),
    ]  # fmt: skip


def names(frozen: Any) -> list[str]:
    """The nodes of a graph that was frozen in memory."""
    return list(loaded(frozen).nodes)


def loaded(frozen: Any) -> Any:
    return MetaGraph(frozen.data, bare=True)
