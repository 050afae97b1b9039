"""Chunked SavedModels: pieces put together, containers of every form, and what is damaged."""

import random
import sys
import zlib

import brotli
import cramjam
import pytest
import zstandard

import tensorbundle as tb
from tensorbundle._graph.chunked import join_chunks
from tensorbundle._graph.riegeli import read_records
from tensorbundle._graphdef.text import _loaded
from tensorbundle.errors import FormatError, TensorBundleError, UnsupportedError
from tests.golden.cases import DATA
from tests.graph.chunked_files import Chunks, Message, RiegeliWriter, in_chunks

COMPRESSIONS = [
    (b"\0", None),
    (b"b", brotli.compress),
    (b"z", lambda data: zstandard.ZstdCompressor().compress(data)),
]


def saved_model():
    """A SavedModel that TensorFlow wrote, as a message."""
    return (
        _loaded()
        .classes["saved_model"]
        .FromString((DATA / "saved_model" / "saved_model.pb").read_bytes())
    )


def split(message) -> tuple[Chunks, Message]:
    """Take a SavedModel apart in every way that the splitter has."""
    chunks = Chunks()
    whole = type(message).FromString(message.SerializeToString())
    graph = whole.meta_graphs[0].graph_def
    contents = []
    for number, node in enumerate(graph.node):
        for entry in node.attr:
            if entry.key == b"value" and entry.value.tensor.tensor_content:
                contents.append((number, entry.value.tensor.tensor_content))
                entry.value.tensor.tensor_content = b""
                if not entry.value.tensor.ByteSize():
                    entry.value.tensor.SetInParent()
    nodes = [type(node).FromString(node.SerializeToString()) for node in graph.node]
    functions = [f.SerializeToString() for f in graph.library.function]
    del graph.library.function[:]
    third = len(nodes) // 3
    del graph.node[third:]
    graph.node[1].Clear()  # a large node leaves an empty one in its place
    rest = type(graph)(node=nodes[third:])
    graph_bytes = graph.SerializeToString()
    whole.meta_graphs[0].ClearField("graph_def")
    signatures = {e.key: e.value.SerializeToString() for e in whole.meta_graphs[0].signature_def}
    del whole.meta_graphs[0].signature_def[:]

    root = Message(chunks, whole.SerializeToString())
    for key, signature in signatures.items():
        root.put([2, ("index", 0), 5, ("key", key.decode())], signature)
    inner = root.put([2, ("index", 0), 2], graph_bytes)
    for number, function in enumerate(functions):
        inner.put([2, 1, ("index", number)], function)
    for number, content in contents:
        inner.put([1, ("index", number), 5, ("key", "value"), 8, 4], content, kind=2)
    inner.put([1, ("index", 1)], nodes[1].SerializeToString())
    inner.put([], rest.SerializeToString())
    return chunks, root


@pytest.mark.parametrize(("kind", "compress"), COMPRESSIONS)
def test_a_saved_model_in_pieces_is_the_same_again(kind, compress) -> None:
    model = saved_model()
    chunks, root = split(model)
    assert len(chunks.contents) > 10
    joined = join_chunks(chunks.file(root, kind, compress))
    again = type(model).FromString(joined)
    for meta in (model.meta_graphs[0], again.meta_graphs[0]):
        meta.signature_def.sort(key=lambda entry: entry.key)
        for node in meta.graph_def.node:
            node.attr.sort(key=lambda entry: entry.key)
    assert again == model


@pytest.mark.parametrize(("kind", "compress"), COMPRESSIONS)
@pytest.mark.parametrize("count", [1, 2, 999])
def test_records_across_blocks_and_chunks(kind, compress, count) -> None:
    dice = random.Random(count)
    records = [dice.randbytes(dice.choice([0, 1, 100, 70_000 // count + 1])) for _ in range(count)]
    writer = RiegeliWriter(kind, compress)
    for start in range(0, count, 100):
        writer.raw_chunk(b"p", 0, 0, bytes(dice.randrange(200)))
        writer.chunk(records[start : start + 100])
    assert [bytes(each) for each in read_records(writer.file())] == records


def test_a_chunk_of_many_empty_records_is_as_long_as_their_number() -> None:
    writer = RiegeliWriter(b"b", brotli.compress)
    writer.chunk([b""] * 70_000)
    writer.chunk([b"behind"])
    assert [bytes(each) for each in read_records(writer.file())][-2:] == [b"", b"behind"]


@pytest.mark.parametrize("size", range(65536 - 24 - 40 - 40 - 40 - 10, 65536))
def test_chunks_that_end_about_the_end_of_a_block(size) -> None:
    writer = RiegeliWriter()
    writer.chunk([b"x" * size])
    writer.chunk([b"y"])
    assert [len(each) for each in read_records(writer.file())] == [size, 1]


@pytest.mark.parametrize("name", ["saved_model.cpb", "any.name"])
def test_load_graph_reads_a_chunked_saved_model(tmp_path, name) -> None:
    chunks, root = split(saved_model())
    (tmp_path / name).write_bytes(chunks.file(root, b"b", brotli.compress))
    graph = tb.load_graph(tmp_path if name.startswith("saved_model") else tmp_path / name)
    whole = tb.load_graph(DATA / "saved_model")
    assert graph.kind == "saved_model"
    assert list(graph.nodes) == list(whole.nodes)
    assert list(graph.functions) == list(whole.functions)
    assert graph.signatures.keys() == whole.signatures.keys()


# --- where chunks belong ----------------------------------------------------------------------


def joined(root_content: bytes | None, *places) -> bytes:
    chunks = Chunks()
    root = Message(chunks, root_content)
    for path, content, *kind in places:
        root.put(path, content, kind=kind[0] if kind else 1)
    return join_chunks(chunks.file(root), "a.cpb")


def test_fields_that_are_missing_are_made() -> None:
    assert joined(b"", ([1, 2], b"\x08\x07")) == b"\x0a\x04\x12\x02\x08\x07"
    assert joined(None, ([3, ("index", 0)], b"\x08\x01")) == b"\x1a\x02\x08\x01"
    assert joined(b"", ([5, ("key", "k")], b"ab", 2)) == b"\x2a\x07\x0a\x01k\x12\x02ab"
    assert joined(b"", ([7, ("key", 300)], b"", 1)) == b"\x3a\x05\x08\xac\x02\x12\x00"


def test_a_message_that_is_there_is_added_to() -> None:
    assert joined(b"\x0a\x02\x08\x01", ([1], b"\x10\x02")) == b"\x0a\x04\x08\x01\x10\x02"
    entry = b"\x2a\x07\x12\x02\x08\x01\x0a\x01k"
    assert (
        joined(entry, ([5, ("key", "k")], b"\x10\x02"))
        == b"\x2a\x09\x12\x04\x08\x01\x10\x02\x0a\x01k"
    )


def test_elements_go_in_by_position_whatever_the_order_of_writing() -> None:
    places = [([1, ("index", n)], bytes([8, n])) for n in (2, 0, 1)]
    assert (
        joined(b"\x10\x05", *places) == b"\x10\x05\x0a\x02\x08\x00\x0a\x02\x08\x01\x0a\x02\x08\x02"
    )


def test_what_is_within_a_chunk_follows_it() -> None:
    chunks = Chunks()
    root = Message(chunks, None)
    root.put([1], None).put([2], b"\x08\x01").put([], b"\x08\x02")
    assert join_chunks(chunks.file(root)) == b"\x0a\x06\x12\x04\x08\x01\x08\x02"


@pytest.mark.parametrize(
    ("places", "match"),
    [
        ([([("index", 1)], b"")], "does not begin with the number of a field"),
        ([([1, ("index", 9)], b"")], r"element 9 of field 1, of which there are 0"),
        ([([1, ("index", 1 << 62)], b"")], r"element 4611686018427387904 of field 1"),
        ([([2, 1], b"")], "field 2, which is no message"),
        ([([1] * 101, b"")], "deeper than 100 messages"),
        ([([1] * 1000, b"")], "has 1000 steps"),
        ([([1 << 29], b"")], "cannot have the number"),
        ([([1], b"\xff")], "varint is cut off"),
    ],
)
def test_places_that_cannot_be(places, match) -> None:
    with pytest.raises(FormatError, match=match) as caught:
        joined(b"\x10\x01", *places)
    assert caught.value.path == "a.cpb"


def test_a_chunk_belongs_to_one_place() -> None:
    place = b"\x12\x08\x0a\x02\x08\x01\x1a\x02\x08\x00"
    metadata = b"\x12\x02\x10\x02" + b"\x1a\x14" + place + place
    with pytest.raises(FormatError, match="chunk 0 is not there, or used twice"):
        join_chunks(in_chunks([b"\x08\x01", metadata]))


def test_deep_messages_of_places_need_no_stack() -> None:
    chunks = Chunks()
    root = message = Message(chunks, b"\x08\x01")
    encoded = b""
    for _ in range(5000):
        encoded = b"\x12" + _length(b"\x1a" + _length(encoded))
    message.encode = lambda: b"\x08\x00" + encoded  # type: ignore[method-assign]
    assert join_chunks(chunks.file(root)) == b"\x08\x01"


def _length(data: bytes) -> bytes:
    from tensorbundle._format.wire import encode_varint

    return encode_varint(len(data)) + data


# --- what cannot be read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "match"),
    [
        ([], "without a single record"),
        ([b"\x08\x01", b""], "lists 0 chunks: expected the sizes of the 1 records"),
        ([b"\x08\x01", b"\x12\x02\x10\x03"], "lists 1 chunks: expected the sizes"),
        ([b"\x1a\x02\x08\x05"], "chunk 5 is not there"),
        ([b"\xff" * 12], "varint is longer"),
    ],
)
def test_records_that_are_no_chunked_message(records, match) -> None:
    with pytest.raises(FormatError, match=match):
        join_chunks(in_chunks(records))


def chunk_file(kind: bytes, records: int, decoded_size: int, data: bytes) -> bytes:
    writer = RiegeliWriter()
    begin = len(writer.file())
    writer.raw_chunk(kind, 0, decoded_size, data)
    out = bytearray(writer.file())
    out[begin + 25 : begin + 32] = records.to_bytes(7, "little")
    return bytes(out)


@pytest.mark.parametrize(
    ("file", "error", "match"),
    [
        (b"", FormatError, "the signature is missing"),
        (b"\x08\x01" * 40, FormatError, "the signature is missing"),
        (chunk_file(b"t", 1, 1, b"abc"), UnsupportedError, "transposed"),
        (chunk_file(b"?", 1, 1, b"abc"), FormatError, "has the type '\\?'"),
        (chunk_file(b"r", 0, 0, b""), FormatError, "a chunk of records is empty"),
        (chunk_file(b"r", 1, 1 << 50, b"\0\1\1x"), FormatError, "too many for a file of"),
        (chunk_file(b"r", 1 << 50, 1, b"\0\1\1x"), FormatError, "chunk is cut off"),
        (
            chunk_file(b"r", 1, 2, b"\0\1\1x"),
            FormatError,
            r"1 bytes of records \(a.cpb, byte 64\): 2 expected",
        ),
        (chunk_file(b"r", 1, 1, b"\0\1\2x"), FormatError, "records run past their chunk"),
        (
            chunk_file(b"r", 2, 1, b"\0\1\1x"),
            FormatError,
            r"1 records of 1 bytes .*: 2 of 1 expected",
        ),
        (chunk_file(b"r", 1, 1, b"\0\x7f\1x"), FormatError, "sizes of records run past"),
        (chunk_file(b"r", 1, 1, b"b\1\1x"), FormatError, "brotli stream is cut off|1 expected"),
        (chunk_file(b"r", 1, 1, b"z\3\1ab\1cd"), FormatError, "no zstd stream"),
        (
            chunk_file(b"r", 1, 1, b"q\3\1ab\1cd"),
            UnsupportedError,
            "compressed by 'q' are not read",
        ),
    ],
)
def test_files_that_lie(file, error, match) -> None:
    with pytest.raises(error, match=match) as caught:
        join_chunks(file, "a.cpb")
    assert caught.value.path == "a.cpb"


def test_snappy_is_named() -> None:
    file = in_chunks([b"ab"], b"s", lambda data: bytes(cramjam.snappy.compress_raw(data)))
    with pytest.raises(UnsupportedError, match="compressed by snappy are not read"):
        join_chunks(file)


@pytest.mark.parametrize(("kind", "module"), [(b"b", "brotli"), (b"z", "zstandard")])
def test_without_the_package_it_is_named(kind, module, monkeypatch) -> None:
    compress = dict(COMPRESSIONS)[kind]
    file = in_chunks([b"ab"], kind, compress)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UnsupportedError, match=rf"{module} need.*pip install brotli zstandard"):
        join_chunks(file)


@pytest.mark.parametrize(("kind", "compress"), COMPRESSIONS[1:])
def test_what_expands_beyond_its_claim_is_stopped(kind, compress) -> None:
    bomb = compress(bytes(128 << 20))
    assert len(bomb) < 100_000
    sizes = compress(b"\x05")
    data = kind + _length(b"\x01" + sizes) + b"\x05" + bomb
    with pytest.raises(FormatError, match=r"more than 5 bytes \(byte 64\): 5 expected"):
        join_chunks(chunk_file(b"r", 1, 5, data))


@pytest.mark.parametrize(("kind", "compress"), COMPRESSIONS)
def test_every_truncation_is_refused(kind, compress) -> None:
    chunks, root = split(saved_model())
    whole = chunks.file(root, kind, compress)
    for end in range(0, len(whole), 97):
        with pytest.raises(FormatError, match=r"cut off|missing|run past|expected"):
            join_chunks(whole[:end])


@pytest.mark.parametrize(("kind", "compress"), COMPRESSIONS)
def test_flipped_bytes_give_a_message_or_our_error(kind, compress) -> None:
    chunks, root = split(saved_model())
    whole = chunks.file(root, kind, compress)
    dice = random.Random(zlib.crc32(kind))
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(dice.choice([1, 1, 3])):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        try:
            join_chunks(bytes(damaged))
        except TensorBundleError:
            continue
