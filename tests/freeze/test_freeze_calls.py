"""Outputs and cuts inside functions, by the names that inlining gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field
from tensorbundle._graphdef.attributes import function_attr, shape_attr, type_attr, type_list_attr
from tensorbundle._graphdef.functions import Arg, Function, OpDef
from tensorbundle._graphdef.nodes import make_node
from tests.graph.small_graphs import (
    FLOAT,
    graph_def,
    identity,
    loaded,
    names,
    operation,
    placeholder,
)

RESOURCE = 20
W, V = np.float32(3), np.float32(4)


def call(name: str, function: str, *inputs: str, types: tuple[int, ...]) -> Any:
    attrs = {
        "f": function_attr(function),
        "Tin": type_list_attr(types),
        "Tout": type_list_attr([FLOAT]),
    }
    return make_node(name, "StatefulPartitionedCall", inputs, attrs)


def function(name: str, types: tuple[int, ...], nodes: list[Any], result: str) -> bytes:
    inputs = tuple(Arg(f"a{i}", each) for i, each in enumerate(types))
    signature = OpDef(name, inputs, (Arg("out", FLOAT),))
    body = {node.name: node for node in nodes}
    reads = {
        n: n for n, node in body.items() if node.op in ("ReadVariableOp", "StatefulPartitionedCall")
    }
    return bytes(Function(signature, body, {"out": result}, reads).encode())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`call` calls `outer`, which calls `inner`: (x * w + v) with reads that everything awaits."""
    folder = tmp_path_factory.mktemp("calls")
    types = (FLOAT, RESOURCE, RESOURCE)
    read = {"dtype": type_attr(FLOAT)}
    inner = [
        make_node("read_w", "ReadVariableOp", ("a1",), read),
        make_node("read_v", "ReadVariableOp", ("a2",), read),
        operation("Mul", "scaled", "a0", "read_w:value:0"),
        operation("AddV2", "shifted", "scaled:z:0", "read_v:value:0"),
        identity("result", "shifted:z:0").replace(inputs=("shifted:z:0", "^read_w", "^read_v")),
    ]
    outer = [call("again", "inner", "a0", "a1", "a2", types=types)]
    outer.append(identity("result", "again:output:0").replace(inputs=("again:output:0", "^again")))
    library = [
        function("inner", types, inner, "result:output:0"),
        function("outer", types, outer, "result:output:0"),
        function("idle", (FLOAT,), [identity("lonely", "a0")], "lonely:output:0"),
    ]
    handle = {"dtype": type_attr(FLOAT), "shape": shape_attr(())}
    nodes = [
        placeholder("x", FLOAT, ()),
        make_node("w", "VarHandleOp", (), handle),
        make_node("v", "VarHandleOp", (), handle),
        call("call", "outer", "x", "w", "v", types=types),
        identity("y", "call").replace(inputs=("call", "^call")),
    ]
    functions = b"".join(bytes_field(1, each) for each in library)
    (folder / "g.pb").write_bytes(graph_def(nodes) + bytes_field(2, functions))
    tb.save(folder / "model.ckpt", {"w": W, "v": V})
    return folder


def freeze(model: Path, **options: Any) -> Any:
    return tb.freeze(model / "g.pb", model / "model.ckpt", **options)


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("call", {"call": "call:0"}),
        ("call:0", {"call:0": "call:0"}),
        ({"z": "call:0"}, {"z": "z:0"}),
        ("y", {"y": "y:0"}),
        ("call/result", {"call/result": "call/result:0"}),
        ("call/again/scaled:0", {"call/again/scaled:0": "call/again/scaled:0"}),
        ("call/again", {"call/again": "call/again:0"}),
    ],
)
def test_results_of_calls_keep_their_names(model: Path, outputs: Any, expected: Any) -> None:
    frozen = freeze(model, outputs=outputs)
    assert frozen.outputs == expected
    nodes = loaded(frozen).nodes
    assert not any(node.op == "StatefulPartitionedCall" for node in nodes.values())
    assert all(tensor.partition(":")[0] in nodes for tensor in expected.values())


def test_nothing_waits_for_what_has_no_effect(model: Path) -> None:
    frozen = freeze(model, outputs="y")
    nodes = loaded(frozen).nodes
    assert not any(text.startswith("^") for node in nodes.values() for text in node.inputs)
    assert "NoOp" not in {node.op for node in nodes.values()}
    only = freeze(model, outputs="call/again/scaled")
    assert [each.name for each in only.variables] == ["w"]


def test_cut_inside_a_call_leaves_out_what_comes_before(model: Path) -> None:
    frozen = freeze(model, outputs="y", inputs="call/again/scaled")
    assert [str(each) for each in frozen.inputs] == ["call/again/scaled:0 float32 of unknown shape"]
    assert [each.name for each in frozen.variables] == ["v"]
    assert "x" not in names(frozen)


def test_cut_at_the_result_of_an_inner_call(model: Path) -> None:
    frozen = freeze(model, outputs="y", inputs=["call/again:0"])
    assert [each.name for each in frozen.inputs] == ["call/again/result:0"]
    assert frozen.variables == ()


def test_cut_at_an_output_that_is_not_there_is_refused(model: Path) -> None:
    for name in ("x:1", "call/again/scaled:1"):
        with pytest.raises(tb.ConversionError, match="there is no output '"):
            freeze(model, outputs="y", inputs=[name])


def test_calls_are_kept_on_request(model: Path) -> None:
    frozen = freeze(model, outputs="y", functions="keep")
    graph = loaded(frozen)
    assert graph.nodes["call"].op == "StatefulPartitionedCall"
    assert len(graph.functions) == 2
    for options in ({"outputs": "call/result"}, {"outputs": "y", "inputs": "call/result"}):
        with pytest.raises(tb.ConversionError, match="'call/result' lives inside a function, and"):
            freeze(model, functions="keep", **options)
        with pytest.raises(tb.ConversionError, match="'call/result' lives inside a function, and"):
            tb.prune(model / "g.pb", **options)


def test_output_that_an_inner_node_lacks_is_refused(model: Path) -> None:
    with pytest.raises(tb.ConversionError, match=r"no output 'call/again/scaled:5'.* Mul with 1"):
        freeze(model, outputs="call/again/scaled:5")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "scaled",
            "'scaled' lives inside function 'inner', called by 'call/again': write 'call/ag",
        ),
        ("call/scaled", "called by 'call/again': write 'call/again/scaled'"),
        ("lonely", "inside function 'idle', which nothing calls that inlining would replace"),
    ],
)
def test_name_inside_a_function_says_where_it_lives(model: Path, name: str, message: str) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=message):
        freeze(model, outputs=name)
    with pytest.raises(tb.TensorNotFoundError, match=message):
        freeze(model, outputs="y", inputs=[name])


def test_exported_model_has_the_variables_of_calls(model: Path, tmp_path: Path) -> None:
    done = tb.export_saved_model(
        model / "g.pb", model / "model.ckpt", outputs="y", path=tmp_path / "s"
    )
    graph = tb.load_graph(tmp_path / "s")
    assert {each.name for each in done.variables} == set(graph.variables) == {"w", "v"}
    assert graph.nodes["call/again/read_w"].op == "ReadVariableOp"
    assert tb.freeze(tmp_path / "s").num_nodes == freeze(model, outputs="y").num_nodes


def test_what_has_effects_is_still_waited_for() -> None:
    from tensorbundle._freeze.stages.idle import drop_idle_controls

    nodes = [
        placeholder("x"),
        make_node("check", "Assert", ("x", "x"), {}),
        make_node("call/after", "NoOp", ("^check",)),
        make_node("call/idle", "NoOp", ("^x",)),
        make_node("main", "NoOp", ("^x",)),
        identity("y", "x").replace(inputs=("x", "^call/after", "^call/idle", "^main")),
    ]
    before = {"x", "check", "main", "y"}
    kept = drop_idle_controls({node.name: node for node in nodes}, before, {})
    assert kept["y"].inputs == ("x", "^call/after", "^main")
    assert kept["call/after"].inputs == ("^check",)
    assert kept["call/idle"].inputs == ()
    assert kept["main"] is nodes[4]
