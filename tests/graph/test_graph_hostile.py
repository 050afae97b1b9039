"""Damaged and hostile graphs: errors of our types only, with path and offset, in bounded time."""

import contextlib
import random
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, int_field, map_fields, text_field
from tensorbundle._graph.graph import Graph, load_graph
from tensorbundle._graphdef.attributes import (
    FunctionRef,
    decode_attr,
    fill_placeholders,
    function_list_attr,
    function_names,
    int_attr,
    int_list_attr,
    rename_functions,
    tensor_attr,
    type_attr,
)
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import make_node
from tensorbundle._graphdef.tensors import (
    TensorMessage,
    decode_tensor,
    encode_tensor,
    tensor_header,
)
from tests.golden.cases import DATA

FILES = [DATA / "saver" / "model.ckpt-20.meta", DATA / "saved_model" / "saved_model.pb"]
NODE = bytes_field(1, make_node("n", "NoOp").encode())


def touch(graph: Graph) -> None:
    """Decode everything."""
    meta = graph.meta
    for nodes in (graph.nodes, *(each.nodes for each in graph.functions.values())):
        for node in nodes.values():
            for key in node.attrs:
                value = node.attr(key)
                function_names(node.attrs[key])
                if isinstance(value, TensorMessage):
                    touch_tensor(value)
            node.replace(name="x").encode()
    for function in graph.functions.values():
        function.replace(name="x").encode()
    facts = (graph.ops, graph.devices, graph.signatures, graph.collections, graph.assets)
    more = (graph.savers, graph.tags, graph.versions, graph.tables, graph.tensorflow_version)
    rest = (meta.op_defs, meta.variable_defs, meta.edges, meta.duplicates)
    assert len(facts) + len(more) + len(rest) == 14


def touch_tensor(tensor: TensorMessage) -> None:
    try:
        tensor.array()
    except tb.UnsupportedError:  # a type that has become another
        assert tensor.dtype not in (1, 3, 7)


def survives(path: Path, data: bytes) -> bool:
    """Whether a damaged file can still be read; else one of our errors says what is wrong."""
    path.write_bytes(data)
    failure = failure_of(path)
    if failure is None:
        return True
    assert failure.path == str(path)
    assert "\n" not in str(failure)
    return False


def failure_of(path: Path) -> tb.TensorBundleError | None:
    try:
        touch(load_graph(path))
    except tb.TensorBundleError as error:
        return error
    return None


@pytest.mark.parametrize("source", FILES, ids=lambda path: path.name)
def test_truncated_graphs_are_refused(source, tmp_path):
    data = source.read_bytes()
    path = tmp_path / source.name
    sizes = range(0, len(data), 97)
    assert sum(survives(path, data[:size]) for size in sizes) <= len(sizes) // 4


@pytest.mark.parametrize("source", FILES, ids=lambda path: path.name)
def test_flipped_bytes_give_our_errors_or_another_graph(source, tmp_path):
    data = source.read_bytes()
    random_bits = random.Random(source.name)
    path = tmp_path / source.name
    for _ in range(1000):
        changed = bytearray(data)
        for _ in range(random_bits.randint(1, 3)):
            changed[random_bits.randrange(len(data))] = random_bits.randrange(256)
        survives(path, bytes(changed))


@pytest.mark.parametrize("source", FILES, ids=lambda path: path.name)
def test_variables_of_damaged_graphs_give_our_errors(source, tmp_path):
    data = source.read_bytes()
    random_bits = random.Random(source.name)
    path = tmp_path / source.name
    found = 0
    for _ in range(100):
        changed = bytearray(data)
        changed[random_bits.randrange(len(data))] ^= 1 << random_bits.randrange(8)
        path.write_bytes(changed)
        with contextlib.suppress(tb.TensorBundleError):
            found += len(load_graph(path).variables)
    assert found


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (NODE + b"\x00\x01", "tag|number 0"),
        (NODE + b"\x0a" + b"\xff" * 10 + b"\x01", "varint is longer"),
        (NODE + b"\x0a\xff\xff\xff\xff\x7f", "runs past the end"),
        (NODE + b"\x0f", "wire type 7"),
        (NODE + b"\x13", "group"),
        (NODE + bytes_field(1, b"\x0a\x05n"), "runs past the end"),
        (NODE + bytes_field(1, text_field(2, "NoOp")), "a node has no name"),
        (NODE + bytes_field(1, text_field(1, "n")), "a node has no operation|not those of"),
        (NODE + b"\x08\x02", "version 2"),
    ],
)
def test_malformed_graph_is_a_format_error_with_path_and_offset(data, what, tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes(data)
    with pytest.raises(tb.FormatError, match=what) as caught:
        touch(load_graph(path))
    assert caught.value.path == str(path)
    assert len(NODE) <= caught.value.offset <= len(data)


def test_malformed_attribute_names_node_key_and_offset(tmp_path):
    bad = make_node("n", "NoOp", (), {"a": int_attr(1), "b": b"\x12\x7f"}).encode()
    path = tmp_path / "graph.pb"
    path.write_bytes(NODE.replace(b"n", b"m", 1) + bytes_field(1, bad))
    node = load_graph(path).nodes["n"]
    assert node.attr("a") == 1
    with pytest.raises(tb.FormatError, match="attribute 'b' of node 'n' is malformed") as caught:
        node.attr("b")
    assert caught.value.path == str(path)
    assert caught.value.offset == path.stat().st_size  # behind the length that lies


@given(st.binary(max_size=40), st.integers(0, 10))
def test_any_bytes_are_an_attribute_or_a_format_error(data, member):
    raw = bytes_field(member, data) if member else data
    with contextlib.suppress(tb.FormatError):
        value = decode_attr(raw, 1000)
        assert isinstance(value, list | type(None)) or decode_attr(raw) is not None
    with contextlib.suppress(tb.FormatError):
        assert isinstance(function_names(raw), list)
    node = bytes_field(1, text_field(1, "n") + text_field(2, "Op") + data)
    with contextlib.suppress(tb.FormatError):
        (read,) = MetaGraph(node, bare=True).nodes.values()
        assert bytes(read.replace(attrs=read.attrs).encode()).startswith(b"\x0a")


def nested(depth: int) -> bytes:
    raw = type_attr(1)
    for _ in range(depth):
        raw = function_list_attr([FunctionRef("f", {"a": raw})])
    return raw


@pytest.mark.parametrize(
    "walk",
    [
        function_names,
        lambda raw: rename_functions(raw, {"f": "g"}),
        lambda raw: fill_placeholders(raw, {"T": b""}),
    ],
)
def test_functions_nested_too_deep_are_format_errors(walk, tmp_path):
    walk(nested(20))
    for depth in (40, 5000):
        with pytest.raises(tb.FormatError, match="nested too deep") as caught:
            walk(nested(depth))
        assert caught.value.offset is not None


def test_composite_tensors_nested_too_deep_are_format_errors(tmp_path):
    def model(depth: int) -> bytes:
        info = text_field(1, "x:0")
        for _ in range(depth):
            info = bytes_field(5, bytes_field(2, info))
        signature = map_fields(5, {"s": map_fields(1, {"x": info})})
        return bytes_field(1, b"") + bytes_field(2, NODE) + signature

    path = tmp_path / "m.meta"
    path.write_bytes(model(10))
    assert load_graph(path).signatures["s"].inputs["x"].parts
    path.write_bytes(model(3000))
    with pytest.raises(tb.FormatError, match="nested too deep") as caught:
        load_graph(path).signatures  # noqa: B018
    assert (caught.value.path, caught.value.offset is not None) == (str(path), True)


# --- tensors that lie -------------------------------------------------------------------------


def tensor(dtype: int, shape: tuple[int, ...], rest: bytes = b"") -> TensorMessage:
    return decode_tensor(tensor_header(dtype, shape, 0) + rest)


ONE = bytes_field(5, struct.pack("<f", 1.0))
TWO = bytes_field(5, struct.pack("<2f", 1.0, 2.0))


def test_one_value_fills_any_shape_without_its_memory():
    array = tensor(1, (1 << 20, 1 << 20), ONE).array()
    assert (array.shape, array[5, 7], array.strides) == ((1 << 20, 1 << 20), 1.0, (0, 0))
    assert not array.flags.writeable
    zeros = tensor(3, (1 << 40,)).array()
    assert (zeros.shape, zeros[-1]) == ((1 << 40,), 0)
    assert tensor(7, (1 << 40,)).array()[3] == b""


def test_two_values_do_not_fill_any_shape():
    assert tensor(1, (3,), TWO).array().tolist() == [1.0, 2.0, 2.0]
    with pytest.raises(tb.UnsupportedError, match="more than 256 MiB"):
        tensor(1, (1 << 40,), TWO).array()


@pytest.mark.parametrize("shape", [(1 << 62, 1 << 62), (1 << 62, 0), (1 << 50,), (-1,)])
def test_impossible_shapes_are_format_errors(shape):
    with pytest.raises(tb.FormatError, match="shape"):
        tensor(1, shape).array()


def test_more_values_than_elements_are_a_format_error():
    with pytest.raises(tb.FormatError, match=r"2 values.*: expected at most 1"):
        tensor(1, (1,), TWO).array()


@pytest.mark.parametrize("nbytes", [1, 7, 9])
def test_content_of_another_size_is_a_format_error(nbytes):
    with pytest.raises(tb.FormatError, match=f"{nbytes} bytes of content.*: expected 8"):
        tensor(1, (2,), bytes_field(4, bytes(nbytes))).array()


@pytest.mark.parametrize("rest", [bytes_field(5, b"\0\0\0"), b"\x28\x01", bytes_field(9, bytes(4))])
def test_malformed_lists_are_format_errors(rest):
    dtype = 8 if rest[0] >> 3 == 9 else 1
    with pytest.raises(tb.FormatError, match=r"multiple of 4|wire type|pairs"):
        tensor(dtype, (4,), rest).array()


def test_strings_in_content_are_read_and_checked():
    content = bytes([1, 2]) + b"abb"
    assert tensor(7, (2,), bytes_field(4, content)).array().tolist() == [b"a", b"bb"]
    for bad in (content + b"x", content[:-1], b"\xff", b"\xff" * 12):
        with pytest.raises(tb.FormatError, match=r"string|varint"):
            tensor(7, (2,), bytes_field(4, bad)).array()


def test_types_without_values_are_unsupported():
    for dtype in (20, 21, 99):
        with pytest.raises(tb.UnsupportedError, match="no values that an array could hold"):
            tensor(dtype, ()).array()
    with pytest.raises(tb.UnsupportedError, match="at most 64"):
        tensor(1, (1,) * 65, ONE).array()


# --- graphs that lead nowhere, or in circles --------------------------------------------------


def test_cycles_and_loops_are_no_trouble(tmp_path):
    nodes = [make_node(f"n{i}", "Op", [f"n{(i + 1) % 5}", f"n{i}"]) for i in range(5)]
    path = tmp_path / "g.pb"
    path.write_bytes(b"".join(bytes_field(1, node.encode()) for node in nodes))
    graph = load_graph(path)
    touch(graph)
    assert graph.meta.edges.sources.tolist() == [1, 0, 2, 1, 3, 2, 4, 3, 0, 4]


def test_graph_of_equal_names_is_no_trouble(tmp_path):
    path = tmp_path / "g.pb"
    path.write_bytes(bytes_field(1, make_node("n", "Op", ["n"] * 10).encode()) * 20_000)
    start = time.perf_counter()
    meta = load_graph(path).meta
    assert (meta.duplicates, len(meta.nodes)) == (["n"], 1)
    assert set(meta.edges.sources.tolist()) == {0}
    assert time.perf_counter() - start < 10


CHAIN = """
import resource, sys, time
from tensorbundle._graph.graph import load_graph
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
graph = load_graph(sys.argv[1])
assert graph.ops == {"Identity": 999_999, "Placeholder": 1}, graph.ops
assert graph.meta.edges.sources.tolist()[-1] == 999_998
assert graph.meta.duplicates == []
summarised = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(graph.nodes) == 1_000_000
print(time.perf_counter() - start, (summarised - before) * 1024)
"""


def test_chain_of_a_million_nodes_is_read_in_seconds_and_little_memory(tmp_path):
    head = b"\x12\x08Identity\x1a"

    def node(i: int) -> bytes:
        name, source = b"n%d" % i, b"n%d" % (i - 1)
        body = b"\x0a%c%b%b%c%b" % (len(name), name, head, len(source), source)
        return b"\x0a%c%b" % (len(body), body)

    path = tmp_path / "chain.pb"
    first = bytes_field(1, make_node("n0", "Placeholder").encode())
    path.write_bytes(first + b"".join(map(node, range(1, 1_000_000))))
    command = [sys.executable, "-c", CHAIN, path]
    elapsed, memory = map(float, subprocess.check_output(command, text=True).split())
    assert elapsed < 20
    assert memory < 10 * path.stat().st_size


def test_arrays_of_a_hostile_map_are_not_aligned(tmp_path):
    raw = encode_tensor(np.arange(4, dtype=np.float64))
    for shift in range(8):
        padded = decode_tensor(memoryview(bytes(shift) + raw)[shift:])
        assert padded.array().tolist() == [0, 1, 2, 3]


# --- many of what there should be few of ---------------------------------------------------------


def of_rank(rank: int) -> bytes:
    return bytes_field(2, int_field(1, 1 << 40)) * rank


def test_shapes_of_more_dimensions_than_tensorflow_takes_are_refused(tmp_path):
    path = tmp_path / "g.pb"
    for attr in (
        bytes_field(7, of_rank(100_000)),
        tensor_attr(int_field(1, 1) + bytes_field(2, of_rank(100_000))),
    ):
        path.write_bytes(bytes_field(1, make_node("n", "Op", (), {"x": attr}).encode()))
        start = time.perf_counter()
        with pytest.raises(tb.FormatError, match="a shape has more than 254 dimensions"):
            load_graph(path).nodes["n"].attr("x")
        assert time.perf_counter() - start < 5
    most = bytes_field(7, of_rank(254))
    path.write_bytes(bytes_field(1, make_node("n", "Op", (), {"x": most}).encode()))
    assert len(load_graph(path).nodes["n"].attr("x").dims) == 254


def test_lists_of_more_values_than_objects_are_made_of_are_refused(tmp_path):
    path = tmp_path / "g.pb"
    attr = int_list_attr([0] * ((1 << 20) + 1))
    path.write_bytes(bytes_field(1, make_node("n", "Op", (), {"x": attr}).encode()))
    with pytest.raises(tb.FormatError, match="an attribute lists more than 1048576 values"):
        load_graph(path).nodes["n"].attr("x")


def test_fields_that_belong_nowhere_are_refused_when_they_are_a_million(tmp_path):
    path = tmp_path / "g.pb"
    junk = b"\x28\x00" * ((1 << 20) + 1)
    path.write_bytes(NODE + junk)
    with pytest.raises(tb.FormatError, match="more than 1048576 fields beside its nodes"):
        load_graph(path)
    path.write_bytes(bytes_field(1, text_field(5, "1.15")) + bytes_field(2, NODE) + junk)
    with pytest.raises(tb.FormatError, match="a MetaGraphDef has 1048576 fields or more"):
        load_graph(path)


def test_collection_of_many_savers_is_read_in_a_second_and_one_of_others_passed_over(tmp_path):
    values = [text_field(1, f"save_{i}/Const:0") for i in range(20_000)]
    values += [*values, b"\xff\xff\xff"]
    listed = bytes_field(2, b"".join(bytes_field(1, each) for each in values))
    entry = bytes_field(4, text_field(1, "savers") + bytes_field(2, listed))
    path = tmp_path / "g.meta"
    path.write_bytes(bytes_field(1, text_field(5, "1.15")) + bytes_field(2, NODE) + entry)
    start = time.perf_counter()
    assert len(load_graph(path).savers) == 20_000
    assert time.perf_counter() - start < 5
