"""The messages of graphs, as TensorFlow's own protobuf classes read the same bytes."""

import os
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, encode_varint, int_field, map_fields
from tensorbundle._graph.files import read_graph_file
from tensorbundle._graphdef.attributes import (
    DataType,
    FunctionRef,
    Placeholder,
    bool_attr,
    decode_attr,
    fill_placeholders,
    float_attr,
    function_attr,
    function_list_attr,
    function_names,
    int_attr,
    int_list_attr,
    placeholder_attr,
    rename_functions,
    shape_attr,
    shape_list_attr,
    string_attr,
    string_list_attr,
    tensor_attr,
    type_attr,
    type_list_attr,
)
from tensorbundle._graphdef.functions import Arg, Function, OpDef, decode_function
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import Node, const_node, join_input, make_node, parse_input
from tensorbundle._graphdef.shapes import ShapeValue
from tensorbundle._graphdef.tensors import decode_tensor, encode_tensor, tensor_header
from tests.golden.cases import DATA
from tests.graph.expected_facts import array_facts, describe, encode_again
from tests.oracle.client import Module, TensorFlow


@pytest.fixture(scope="module")
def oracle(oracle: TensorFlow) -> Module:
    """The facts that TensorFlow's own messages say."""
    return oracle.module("tests.graph.facts_programs")


@pytest.fixture(scope="module")
def kinds(oracle: Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph with attributes of every kind and tensors of every type."""
    path = tmp_path_factory.mktemp("kinds") / "kinds.pb"
    oracle.write_kinds(path)
    return path


def graph_files(folder: Path) -> list[Path]:
    """The binary graphs below a folder; pointers and links stored as text left out."""
    found = [*folder.rglob("*.meta"), *folder.rglob("saved_model.pb"), *folder.rglob("*graph.pb")]
    found += folder.rglob("frozen*.pb")
    return sorted(path for path in set(found) if os.path.getsize(path) > 200)


def check(oracle: Module, path: Path, tmp_path: Path) -> None:
    """One file: every fact is TensorFlow's, and what is encoded again is the same message."""
    found = read_graph_file(path)
    ours = [describe(found.kind, meta) for meta in found.meta_graphs]
    theirs = oracle.describe(found.kind, path)
    for one, other in zip(ours, theirs, strict=True):
        for key in one:
            assert one[key] == other[key], (path, key)
    parts = [encode_again(meta, found.kind == "graph") for meta in found.meta_graphs]
    if found.kind == "saved_model":
        parts = [int_field(1, 1), *(bytes_field(2, part) for part in parts)]
    (tmp_path / "again").write_bytes(b"".join(parts))
    assert oracle.compare(found.kind, path, tmp_path / "again"), path


def test_golden_graphs_are_read_as_tensorflow_reads_them(oracle, tmp_path):
    files = graph_files(DATA)
    assert len(files) >= 8
    for path in files:
        check(oracle, path, tmp_path)


def test_corpus_graphs_are_read_as_tensorflow_reads_them(oracle, corpus, tmp_path):
    checked = 0
    for path in graph_files(corpus):
        try:
            read_graph_file(path)
        except tb.FormatError as error:
            assert "git-LFS pointer" in str(error) or "symbolic link" in str(error)  # noqa: PT017
            continue
        check(oracle, path, tmp_path)
        checked += 1
    assert checked >= 60


def test_every_kind_of_attribute_and_tensor_is_read_as_tensorflow_reads_it(oracle, kinds, tmp_path):
    assert len(read_graph_file(kinds).meta_graphs[0].nodes["tensors"].attrs) > 300
    check(oracle, kinds, tmp_path)


def test_arrays_are_written_as_tensorflow_reads_them(oracle, kinds, tmp_path):
    node = read_graph_file(kinds).meta_graphs[0].nodes["tensors"]
    messages = [node.attr(key) for key in node.attrs]
    attrs = {
        f"t{i}": tensor_attr(encode_tensor(each.array(), each.dtype))
        for i, each in enumerate(messages)
    }
    path = tmp_path / "written.pb"
    path.write_bytes(bytes_field(1, make_node("t", "T", (), attrs).encode()))
    check(oracle, path, tmp_path)
    again = read_graph_file(path).meta_graphs[0].nodes["t"]
    for i, each in enumerate(messages):
        assert array_facts(again.attr(f"t{i}").array()) == array_facts(each.array())


# --- attributes made and taken apart ----------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (type_attr(1), DataType(1)),
        (type_attr(0), DataType(0)),
        (int_attr(-3), -3),
        (bool_attr(False), False),
        (float_attr(0.5), 0.5),
        (string_attr(b"a\x00"), b"a\x00"),
        (shape_attr((2, -1)), ShapeValue((2, -1))),
        (shape_attr(()), ShapeValue(())),
        (shape_attr(None), ShapeValue(None)),
        (placeholder_attr("T"), Placeholder("T")),
        (function_attr("f"), FunctionRef("f", {})),
        (type_list_attr([1, 20]), [DataType(1), DataType(20)]),
        (type_list_attr([]), []),
        (int_list_attr([-1, 300]), [-1, 300]),
        (shape_list_attr([(1,), None]), [ShapeValue((1,)), ShapeValue(None)]),
        (string_list_attr([b"", b"x"]), [b"", b"x"]),
        (b"", None),
    ],
)
def test_what_is_made_is_read_again(raw, value):
    found = decode_attr(raw)
    assert (type(found), found) == (type(value), value)


def test_type_attribute_tells_its_name():
    assert repr(DataType(101)) == "DataType(101: float32_ref)"
    assert DataType(9).name == "int64"


def test_of_several_values_the_last_counts_and_parts_of_a_message_are_joined():
    assert decode_attr(int_attr(1) + bool_attr(True)) is True
    assert decode_attr(shape_attr((1,)) + shape_attr((2,))) == ShapeValue((1, 2))


def test_packed_and_single_numbers_are_both_read():
    single = bytes_field(1, b"".join(encode_varint(v) for v in (3 << 3, 5, 3 << 3, 6)))
    assert decode_attr(single) == decode_attr(int_list_attr([5, 6])) == [5, 6]
    floats = bytes_field(1, bytes.fromhex("250000003f22040000803f"))
    assert decode_attr(floats) == [0.5, 1.0]


def test_functions_are_named_also_within_functions():
    inner = function_attr("inner")
    raw = function_list_attr(
        [FunctionRef("a", {"f": inner, "n": int_attr(1)}), FunctionRef("b", {})]
    )
    assert function_names(raw) == ["a", "b", "inner"]
    assert function_names(type_attr(1)) == function_names(b"") == []


def test_functions_are_renamed_also_within_functions():
    raw = function_attr("a", {"f": function_attr("b"), "n": int_attr(1)})
    renamed = rename_functions(raw, {"b": "c", "x": "y"})
    assert function_names(renamed) == ["a", "c"]
    assert rename_functions(raw, {"x": "y"}) is raw
    listed = function_list_attr([FunctionRef("a", {}), FunctionRef("b", {})])
    assert function_names(rename_functions(listed, {"b": "c"})) == ["a", "c"]


def test_placeholders_are_filled_also_within_functions():
    values = {"T": type_attr(3)}
    assert fill_placeholders(placeholder_attr("T"), values) == type_attr(3)
    unknown = placeholder_attr("U")
    assert fill_placeholders(unknown, values) is unknown
    raw = function_attr("f", {"Tin": placeholder_attr("T"), "n": int_attr(1)})
    filled = decode_attr(fill_placeholders(raw, values))
    assert filled == FunctionRef("f", {"Tin": type_attr(3), "n": int_attr(1)})


# --- nodes --------------------------------------------------------------------------------------


def read_node(raw: bytes) -> Node:
    (node,) = MetaGraph(bytes_field(1, raw), bare=True).nodes.values()
    return node


def test_unchanged_node_is_written_as_it_was_read():
    odd = bytes_field(2, b"Op") + bytes_field(1, b"n")  # not in the usual order
    assert read_node(odd).encode() == odd


def test_changed_node_keeps_what_is_not_known():
    unknown = bytes_field(6, b"debug") + int_field(99, 5) + bytes.fromhex("fd0601020304")
    stored = make_node("n", "Op", ["a"], {"b": int_attr(1), "a": int_attr(2)}, "/cpu:0")
    node = read_node(bytes(stored.encode()) + unknown).replace(name="m")
    again = bytes(node.encode())
    assert again.endswith(unknown)
    assert again.index(b"\x0a\x01a") < again.index(b"\x0a\x01b")  # attributes are sorted
    read = read_node(again)
    assert (read.name, read.op, read.inputs, read.device) == ("m", "Op", ("a",), "/cpu:0")
    assert dict(read.attrs) == dict(stored.attrs)


def test_of_attributes_of_one_key_the_last_counts():
    one, two = (map_fields(5, {"k": int_attr(each)}) for each in (1, 2))
    node = read_node(make_node("n", "Op").encode() + one + two)
    assert node.attr("k") == 2
    assert node.attr("absent", 7) == 7


def test_names_are_bytes_of_any_kind():
    name = b"\xff\xfe".decode("utf-8", "surrogateescape")
    node = read_node(make_node(name, "Op", [name]).encode())
    assert (node.name, node.inputs) == (name, (name,))


def test_nodes_are_equal_to_themselves_only():
    node = make_node("n", "Op")
    assert node == node
    assert node != node.replace()
    assert repr(node.replace(inputs=["a", "^b"])) == "<Node 'n': Op(a, ^b)>"


@pytest.mark.parametrize(
    ("text", "name", "port"),
    [("a", "a", 0), ("a:2", "a", 2), ("^a", "a", -1), ("a:b", "a:b", 0), ("a:", "a:", 0)],
)
def test_inputs_are_taken_apart_and_put_together(text, name, port):
    assert parse_input(text) == (name, port)
    assert join_input(name, port) == text


def test_constant_is_made_of_an_array_or_a_message():
    node = const_node("c", np.float32([1, 2]))
    assert node.attr("value").array().tolist() == [1.0, 2.0]
    assert node.attr("dtype") == DataType(1)
    again = const_node("d", encode_tensor(["a", b"b"]))
    assert again.attr("value").array().tolist() == [b"a", b"b"]
    assert again.attr("dtype") == DataType(7)


def test_header_and_content_are_the_message():
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    message = tensor_header(3, (2, 3), 24) + array.tobytes()
    assert message == encode_tensor(array) == encode_tensor(array.astype(">i4"))
    assert decode_tensor(message).nbytes == 24


@pytest.mark.parametrize("array", [np.zeros(2, "datetime64[s]"), [object()]])
def test_arrays_of_no_type_of_a_graph_are_refused(array):
    with pytest.raises(tb.ConversionError, match="cannot write"):
        encode_tensor(array)


# --- functions ------------------------------------------------------------------------------------


def test_changed_function_keeps_what_is_not_known():
    signature = OpDef("f", (Arg("x", 1),), (Arg("y", type_attr="T"),))
    nodes = {"n": make_node("n", "Identity", ["x"])}
    made = Function(signature, nodes, {"y": "n:output:0"}, arg_attrs={0: {"a": int_attr(1)}})
    function = decode_function(bytes(made.encode()) + bytes_field(77, b"new"))
    again = decode_function(function.replace(name="g", control_ret={"c": "n"}).encode())
    assert (again.name, list(again.nodes), again.ret) == ("g", ["n"], {"y": "n:output:0"})
    assert (again.control_ret, again.arg_attrs) == ({"c": "n"}, {0: {"a": int_attr(1)}})
    assert again.signature.outputs[0].type_attr == "T"
    assert bytes(again.encode()).endswith(bytes_field(77, b"new"))


def test_unchanged_function_is_written_as_it_was_read():
    raw = bytes_field(1, OpDef("f").encode()) + bytes_field(77, b"new")
    assert decode_function(raw).encode() == raw
