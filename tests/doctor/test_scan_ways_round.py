"""Ways round scanners: graphs as no TensorFlow writes them, but as it reads them."""

import json
import os
from pathlib import Path

import pytest

import tensorbundle as tb
from tensorbundle._graphdef.attributes import (
    function_attr,
    int_attr,
    placeholder_attr,
    string_attr,
    tensor_attr,
    type_attr,
)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes | int) -> bytes:
    """A field of a message: a number, or bytes."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def node(name: str, op: str, *inputs: str, **attrs: bytes) -> bytes:
    """A NodeDef."""
    out = field(1, name.encode()) + field(2, op.encode())
    out += b"".join(field(3, each.encode()) for each in inputs)
    return out + b"".join(
        field(5, field(1, key.encode()) + field(2, raw)) for key, raw in attrs.items()
    )


def strings(*values: bytes) -> bytes:
    """A TensorProto of a vector of strings."""
    shape = field(2, field(2, field(1, len(values))))
    return field(1, 7) + shape + b"".join(field(8, each) for each in values)


def const(name: str, *values: bytes) -> bytes:
    return node(name, "Const", dtype=type_attr(7), value=tensor_attr(strings(*values)))


def graph(*nodes: bytes) -> bytes:
    return b"".join(field(1, each) for each in nodes)


def function(name: str, *nodes: bytes) -> bytes:
    """The library of a GraphDef with one function."""
    signature = field(1, field(1, name.encode()))
    return field(2, field(1, signature + b"".join(field(3, each) for each in nodes)))


X = node("x", "Placeholder", dtype=type_attr(1))
NAME = node("name", "Placeholder", dtype=type_attr(7))
EVIL = (const("p", b"/etc/passwd"), node("r", "ReadFile", "p"))
INNER = graph(*EVIL)
JOIN = {"N": int_attr(2)}


def nested(inner: bytes) -> bytes:
    return graph(X, const("g", inner), node("d", "DatasetFromGraph", "g"))


def saving(*parts: str) -> bytes:
    """A graph that saves where two strings say, put together."""
    return graph(
        NAME, X, const("root", b"/etc/"), const("up", b"../../x"), const("part", b"_temp/part"),
        node("join", "StringJoin", *parts, **JOIN), const("names", b"w"),
        node("save", "SaveV2", "join", "names", "names", "x"),
    )  # fmt: skip


GRAPHS = {
    "an operation named twice": (
        graph(X, EVIL[0], field(1, b"r") + field(2, b"Identity") + field(2, b"ReadFile")),
        "ReadFile"),
    "a tag in more bytes": (
        graph(X, EVIL[0]) + b"\x8a\x00" + varint(len(EVIL[1])) + EVIL[1], "ReadFile"),
    "a nested graph": (nested(INNER), "ReadFile"),
    "versions first": (nested(field(4, field(1, 27)) + INNER), "ReadFile"),
    "functions first": (nested(function("f", X) + INNER), "ReadFile"),
    "in a nested function": (nested(function("f", *EVIL) + graph(X)), "ReadFile"),
    "an unknown field first": (nested(field(99, b"hello") + INNER), "ReadFile"),
    "a nested graph in two": (
        graph(const("a", INNER[:20]), const("b", INNER[20:]),
              node("j", "StringJoin", "a", "b", **JOIN), node("d", "DatasetFromGraph", "j")),
        "DatasetFromGraph"),
    "a nested graph decoded": (
        graph(const("a", b"Cg=="), node("j", "DecodeBase64", "a"),
              node("d", "DatasetFromGraph", "j")),
        "DatasetFromGraph"),
    "a nested graph that is fed": (
        graph(NAME, node("d", "DatasetFromGraph", "name")), "DatasetFromGraph"),
    "in a function's attribute": (
        graph(X, node("c", "PartitionedCall", "x",
                      f=function_attr("F", {"v": tensor_attr(strings(INNER))})))
        + function("F", node("g", "Const", value=placeholder_attr("v"))),
        "ReadFile"),
    "a description of messages": (
        graph(X, node("d", "DecodeProtoV2", "x", descriptor_source=string_attr(b"/etc/shadow"))),
        "DecodeProtoV2"),
    "a vocabulary in an attribute": (
        graph(X, node("d", "FixedUnigramCandidateSampler", "x",
                      vocab_file=string_attr(b"/etc/shadow"))),
        "FixedUnigramCandidateSampler"),
    "statistics": (
        graph(X, node("d", "CalibrationStatisticsSaver", "x",
                      output_file_path=string_attr(b"/tmp/x"))),
        "CalibrationStatisticsSaver"),
    "a dump": (
        graph(X, node("d", "DumpTensor", "x", log_dir_path=string_attr(b"/tmp"))), "DumpTensor"),
    "another store": (
        graph(const("s", b"s3"), node("d", "FileSystemSetConfiguration", "s", "s", "s")),
        "FileSystemSetConfiguration"),
    "a saver with a root": (saving("root", "name"), "SaveV2"),
    "a saver that goes up": (saving("name", "up"), "SaveV2"),
}  # fmt: skip
ORDINARY = {
    "a saver": saving("name", "part"),
    "a nested graph that computes": nested(graph(X)),
    "a description in the program": graph(
        X, node("d", "DecodeProtoV2", "x", descriptor_source=string_attr(b"local://"))),
    "a description in the graph": graph(
        X, node("d", "EncodeProto", "x", descriptor_source=string_attr(b"bytes://\x0a\x01"))),
    "a sampler with its own counts": graph(
        X, node("d", "FixedUnigramCandidateSampler", "x", vocab_file=string_attr(b""))),
    "words, and bytes that are no graph": graph(
        const("w", b"the", b"\x0a\x02hi", b"\x12\x03abc" * 9, bytes(range(256)))),
}  # fmt: skip


@pytest.mark.parametrize("way", GRAPHS)
def test_what_is_hidden_is_found(way: str, tmp_path: Path) -> None:
    raw, op = GRAPHS[way]
    (tmp_path / "graph.pb").write_bytes(raw)
    scanned = tb.scan(tmp_path / "graph.pb")
    assert not scanned.ok
    assert op in {each.op for each in scanned.findings if each.level != "note"}


@pytest.mark.parametrize("way", ORDINARY)
def test_what_is_ordinary_is_passed(way: str, tmp_path: Path) -> None:
    (tmp_path / "graph.pb").write_bytes(ORDINARY[way])
    assert tb.scan(tmp_path / "graph.pb").ok


def test_a_meta_graph_with_its_graph_in_two_is_read_whole(tmp_path: Path) -> None:
    info = field(1, field(2, b""))
    raw = info + field(2, graph(X) + function("a", X)) + field(2, function("b", *EVIL))
    (tmp_path / "m.meta").write_bytes(raw)
    assert [each.node for each in tb.scan(tmp_path / "m.meta").findings] == ["b/r"]


@pytest.mark.parametrize(
    "name", ["graph.bin", "GRAPH.PB", "graph.prototxt", "model.graph", "frozen", "fingerprint.pb"]
)
def test_graphs_under_other_names_are_scanned_in_a_directory(name: str, tmp_path: Path) -> None:
    (tmp_path / "ordinary.pb").write_bytes(graph(X))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / name).write_bytes(INNER)
    assert not tb.scan(tmp_path).ok


def test_folders_behind_links_are_scanned_once_even_if_they_lead_round(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "g.pb").write_bytes(INNER)
    (tmp_path / "model").mkdir()
    os.symlink(tmp_path / "outside", tmp_path / "model" / "sub")
    os.symlink(tmp_path / "model", tmp_path / "outside" / "round")
    assert [each.op for each in tb.scan(tmp_path / "model").findings] == ["ReadFile"]


@pytest.mark.parametrize(
    ("layer", "is_code"),
    [
        ('{"class_name" : "Lambda"}', True),
        (r'{"class_name": "\u004cambda"}', True),
        ('{"class_name":\n"keras>Lambda"}', True),
        ('{"class_name": "TFOpLambda"}', False),
        (json.dumps({"name": "Lambda"}), False),
    ],
)
def test_code_in_layers_of_keras_is_found_however_it_is_spelled(
    layer: str, is_code: bool, tmp_path: Path
) -> None:
    meta = field(1, field(2, b"")) + field(2, graph(X))
    (tmp_path / "saved_model.pb").write_bytes(field(1, 1) + field(2, meta))
    (tmp_path / "keras_metadata.pb").write_text(layer)
    assert [each.kind for each in tb.scan(tmp_path).findings] == ["runs Python"] * is_code


def test_an_asset_with_something_put_behind_it_is_no_asset(tmp_path: Path) -> None:
    asset = field(1, field(1, b"asset:0")) + field(2, b"words.txt")
    nodes = (
        const("asset", b"words.txt"), const("up", b"/../../etc/passwd"),
        node("join", "StringJoin", "asset", "up", **JOIN), node("r", "ReadFile", "join"),
        node("ok", "ReadFile", "asset"),
    )  # fmt: skip
    meta = field(1, field(2, b"")) + field(2, graph(*nodes)) + field(6, asset)
    (tmp_path / "saved_model.pb").write_bytes(field(1, 1) + field(2, meta))
    assert [each.node for each in tb.scan(tmp_path).findings if each.op] == ["r"]
