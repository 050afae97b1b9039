"""Graphs as text: both ways, next to TensorFlow, and what is no such text."""

import subprocess
import sys
from pathlib import Path

import pytest

import tensorbundle as tb
from tensorbundle._graphdef import text as _text
from tensorbundle._graphdef.text import format_text, parse_text
from tensorbundle.errors import FormatError, UnsupportedError
from tests.golden.cases import DATA
from tests.house.source import PACKAGE, PROJECT

MAKER = PROJECT / "tests" / "golden" / "make_graph_protos.py"
GRAPH = b"""node {
  name: "w"
  op: "Const"
  attr { key: "dtype" value { type: DT_FLOAT } }
  attr { key: "_class" value { list { s: "loc:@w\\377" } } }
}
versions { producer: 21 }
"""


def test_text_becomes_the_bytes_of_its_message() -> None:
    kind, message = parse_text(b'node { name: "a" op: "NoOp" input: "^b" }', "g.pbtxt")
    assert (kind, message) == ("graph", b"\n\x0d\n\x01a\x12\x04NoOp\x1a\x02^b")


def test_text_there_and_back() -> None:
    kind, message = parse_text(GRAPH, "g.pbtxt")
    assert b"loc:@w\xff" in message  # a string that is not UTF-8
    text = format_text(message, kind)
    assert "type: DT_FLOAT" in text
    assert parse_text(text.encode(), "again") == (kind, message)


@pytest.mark.parametrize(
    ("text", "kind", "wire"),
    [
        (b"versions { producer: 3 }", "graph", b"\x22\x02\x08\x03"),
        (b"# a comment\n\n  library {}", "graph", b"\x12\x00"),
        (b"\xef\xbb\xbfversions {}", "graph", b"\x22\x00"),
        (b"saver_def { version: V2 }", "meta", b"\x1a\x02\x38\x02"),
        (b"graph_def < version: 7 >", "meta", b"\x12\x02\x18\x07"),
        (b"saved_model_schema_version: 1", "saved_model", b"\x08\x01"),
        (b"from_tomorrow: 5\nnode_like { node { } }\nmeta_graphs { }", "saved_model", b"\x12\x00"),
    ],
)
def test_kind_is_told_by_the_first_known_field(text: bytes, kind: str, wire: bytes) -> None:
    assert parse_text(text, "g.pbtxt") == (kind, wire)


def test_unknown_fields_are_left_out() -> None:
    text = b'node { name: "a" colour: "red" shade { depth: [1, 2] } op: "B" }'
    assert parse_text(text, "g") == ("graph", b"\n\x06\n\x01a\x12\x01B")


def test_stored_order_of_attributes_is_kept() -> None:
    text = b'node { attr { key: "b" value { i: 1 } } attr { key: "a" value { i: 2 } } }'
    _, message = parse_text(text, "g")
    assert message.index(b"\x01b") < message.index(b"\x01a")


@pytest.mark.parametrize(
    ("source", "name", "kind"),
    [
        ("saved_model/saved_model.pb", "saved_model.pbtxt", "saved_model"),
        ("saver/model.ckpt-20.meta", "model.meta", "meta"),
    ],
)
def test_load_graph_reads_text(tmp_path: Path, source: str, name: str, kind) -> None:
    (tmp_path / name).write_text(format_text((DATA / source).read_bytes(), kind))
    graph, binary = tb.load_graph(tmp_path / name), tb.load_graph(DATA / source)
    assert graph.kind == kind
    assert list(graph.nodes) == list(binary.nodes)
    assert graph.collections == binary.collections
    assert graph.signatures == binary.signatures
    assert {name: each.key for name, each in graph.variables.items()} == {
        name: each.key for name, each in binary.variables.items()
    }


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "has no field of a GraphDef, MetaGraphDef or SavedModel"),
        (b'model_checkpoint_path: "x"', "has no field of a GraphDef"),
        (b"node { name: 5 }", r"not a GraphDef as text: 'g', line 1, column \d+: "),
        (b"versions {}\nnode {", r"line 2, column \d+"),
        (b'node { attr { key: "T" value { type: DT_OF_TOMORROW } } }', "DT_OF_TOMORROW"),
        (b"saver_def { version: 99999999999999999999999 }", "not a MetaGraphDef as text"),
        (b'node { name: "\xff" }', "is not UTF-8"),
        (b'node { name: "\\u12" }', "not a GraphDef as text"),
        (b"library { function { " + b"attr{value{func{" * 3000, "nested too deep|line 1"),
        (b"node { attr { value {" + b"func{attr{value{" * 60 + b"}}}" * 61 + b"}}", "GraphDef"),
        (b"node { x {" + b"x{" * 5000, "nested too deep|line 1"),
        (
            b"meta_graphs { collection_def { value { any_list { value { [a.b/C] { } } } } } }",
            "text",
        ),
    ],
)
def test_what_is_no_such_text_raises_format_error(text: bytes, match: str) -> None:
    with pytest.raises(FormatError, match=match) as caught:
        parse_text(text, "g")
    assert caught.value.path == "g"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("message", [b"\x0a\x05ab", b"\x0a\x80", b"\xff" * 20])
def test_bytes_that_are_no_message_raise_format_error(message: bytes) -> None:
    with pytest.raises(FormatError, match=r"not a GraphDef \(g.pb\): "):
        format_text(message, "graph", "g.pb")


def test_every_cut_of_a_text_is_read_or_refused() -> None:
    for end in range(len(GRAPH)):
        try:
            parse_text(GRAPH[:end], "g")
        except FormatError:
            continue


def test_without_protobuf_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    _text._loaded.cache_clear()
    with pytest.raises(UnsupportedError, match="pip install protobuf"):
        parse_text(GRAPH, "g")


def test_the_types_are_small_and_those_of_tensorflow(tmp_path: Path) -> None:
    stored = PACKAGE / "_graphdef" / "graph_protos.bin"
    assert stored.stat().st_size < 30_000
    made = tmp_path / "protos.bin"
    code = f"""
import sys
sys.argv = ["", {str(made)!r}]
exec(compile(open({str(MAKER)!r}).read(), "maker", "exec"))
import tensorflow
print(tensorflow.__version__)
"""
    done = run(code)
    if done.stdout.startswith("2.21."):
        assert made.read_bytes() == stored.read_bytes()


SAME = """
import pathlib, sys
{first}
{second}
from google.protobuf import text_format
kinds = {{"graph": tf.compat.v1.GraphDef, "meta": tf.compat.v1.MetaGraphDef}}
for path in map(pathlib.Path, sys.argv[1:]):
    kind, message = parse_text(path.read_bytes(), str(path))
    ours = kinds[kind].FromString(message)
    theirs = text_format.Parse(path.read_bytes(), kinds[kind](), allow_unknown_field=True)
    assert ours == theirs, path
    assert text_format.Parse(format_text(message, kind), kinds[kind]()) == theirs, path
    print("same")
"""
TENSORFLOW = "import tensorflow as tf"
OURS = f"""
from tensorbundle._graphdef.text import format_text, parse_text
parse_text({GRAPH!r}, "g")
"""


@pytest.mark.parametrize("order", [(TENSORFLOW, OURS), (OURS, TENSORFLOW)])
def test_next_to_tensorflow_and_as_tensorflow_reads_it(order, tmp_path: Path, corpus: Path) -> None:
    own = tmp_path / "own.pbtxt"
    own.write_bytes(GRAPH.replace(b"\\377", b"\\303\\251"))
    files = [own, *sorted(corpus.rglob("graph.pbtxt"))]
    done = run(SAME.format(first=order[0], second=order[1]), *files)
    assert done.stdout.split() == ["same"] * len(files)


def run(code: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done
