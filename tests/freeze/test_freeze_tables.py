"""Lookup tables of frozen graphs: filled by one operation, from constants."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, text_field
from tensorbundle._freeze.stages.assets import Assets, Columns, vocabulary
from tensorbundle._freeze.stages.tables import Tables, keep_tables
from tensorbundle._graph.mapping import map_tables
from tensorbundle._graphdef.attributes import int_attr, string_attr, type_attr
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import Node, Nodes, const_node, make_node
from tensorbundle.errors import FormatError, MissingFileError, UnsupportedError
from tests.freeze.stages.running import WORKER, Frozen, Program, Programs, by_hand, in_tensorflow

FLOAT, INT32, STRING, INT64 = 1, 3, 7, 9
EQUAL = [
    "from_variable",
    "module_files",
    "module_first_version",
    "module_mutable",
    "module_path",
    "module_static",
    "module_vocabulary",
    "static",
]
MODES = ("inline", "keep")


def freeze(program: Program, mode: str = "inline") -> tuple[Frozen, dict[str, Any]]:
    """What came of a program, and the content of its mutable tables by key."""
    prefix = Path(program.directory or "") / "variables" / "variables"
    if not prefix.with_suffix(".index").exists():
        return program.freeze(mode), {}
    ckpt = tb.open(str(prefix))
    frozen = program.freeze(mode, contents=map_tables(program.meta, ckpt))
    return frozen, {key: ckpt[key] for key in frozen.tables.streamed.values()}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Every program, frozen in both modes and run by TensorFlow, without its vocabularies."""
    folder = tmp_path_factory.mktemp("tables")
    programs = Programs.build("tables", folder)
    for name, program in programs.items():
        for mode in MODES:
            frozen, contents = freeze(program, mode)
            program.write(frozen, mode, {**program.arrays("values"), **contents})
        if program.directory and name != "module_path":
            assets = Path(program.directory) / "assets"
            assets.rename(assets.with_name("taken away")) if assets.exists() else None
    in_tensorflow(WORKER, "run", folder)
    for program in programs.values():
        away = program.folder / "model" / "taken away"
        away.rename(away.with_name("assets")) if away.exists() else None
    return programs


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EQUAL)
def test_lookups_find_the_same_after_the_one_operation(
    programs: Programs, name: str, mode: str
) -> None:
    programs[name].ran(mode)


def test_programs_are_all_tested(programs: Programs) -> None:
    assert sorted(programs) == EQUAL


def test_only_tables_that_are_needed_are_kept(programs: Programs) -> None:
    frozen, _ = freeze(programs["static"])
    assert frozen.tables.init == "frozen_init_tables"
    tables = [name for name, node in frozen.nodes.items() if node.op.startswith("HashTable")]
    assert tables == ["fruit", "old"]
    init = frozen.nodes["frozen_init_tables"]
    assert sorted(frozen.nodes[each[1:]].op for each in init.inputs) == [
        "InitializeTable",
        "LookupTableImportV2",
    ]


def test_graph_without_tables_is_left_alone(programs: Programs) -> None:
    program = programs["from_variable"]
    frozen = program.freeze(outputs={"0": "values:0"})
    assert (frozen.tables.init, frozen.tables.warnings) == (None, ())
    assert list(frozen.nodes) == ["values"]


def test_vocabularies_are_constants(programs: Programs) -> None:
    frozen, _ = freeze(programs["module_files"])
    assert not any("TextFile" in op for op in frozen.ops())
    assert frozen.tables.warnings == ()
    keys = [node for name, node in frozen.nodes.items() if name.endswith("/frozen_keys")]
    assert keys[0].attr("value").array().tolist() == [b"plum", b"pear", b"apple"]


def test_content_of_mutable_tables_comes_from_the_checkpoint(programs: Programs) -> None:
    frozen, contents = freeze(programs["module_mutable"])
    assert len(frozen.tables.streamed) == 2
    for name in frozen.tables.streamed:
        assert frozen.nodes[name].op == "Const"
        assert "value" not in frozen.nodes[name].attrs
    found = [sorted(each.tolist()) for each in contents.values()]
    assert found == [[b"apple", b"plum"], [21, 22]]


def test_mutable_table_without_content_stays_empty_and_is_told(programs: Programs) -> None:
    frozen = programs["module_mutable"].freeze()
    assert frozen.tables.init is None
    (warning,) = frozen.tables.warnings
    assert warning.startswith("nothing fills 1 lookup tables, which stay empty: 'MutableHashTable")


def test_file_that_is_needed_at_run_time_is_told(programs: Programs) -> None:
    frozen, _ = freeze(programs["module_path"])
    directory = programs["module_path"].directory
    assert frozen.tables.warnings == (
        f"1 file of the model is needed at run time: '{directory}/assets/text.txt'",
    )


def test_vocabulary_that_is_not_there_is_a_missing_file(programs: Programs, tmp_path: Path) -> None:
    program = programs["module_first_version"]
    with pytest.raises(MissingFileError, match=r"asset 'old\.txt' of the model is not there"):
        keep(program.meta.nodes, program.meta, "LookupTableFindV2", str(tmp_path))


def test_vocabulary_without_a_model_is_left_to_run_time(programs: Programs) -> None:
    program = programs["module_first_version"]
    kept = keep(program.meta.nodes, program.meta, "LookupTableFindV2", None)
    assert kept.nodes[str(kept.init)].inputs == ("^InitializeTableFromTextFileV2",)
    assert kept.warnings[0].endswith("is filled from a file that is needed at run time: 'old.txt'")


# --- made by hand ---------------------------------------------------------------------------------


def keep(nodes: Nodes, meta: MetaGraph, root: str, directory: str | None = None) -> Tables:
    return keep_tables(nodes, {}, meta, [root], contents={}, directory=directory)


def table(name: str, op: str = "HashTableV2") -> Node:
    return make_node(
        name, op, (), {"key_dtype": type_attr(STRING), "value_dtype": type_attr(INT64)}
    )


def meta_of(assets: dict[str, str] | None = None, **collections: str) -> MetaGraph:
    """A MetaGraph that says where tables are filled, and which files there are."""
    raw = b""
    for key, name in collections.items():
        nodes = bytes_field(1, text_field(1, name))
        raw += bytes_field(4, text_field(1, key) + bytes_field(2, nodes))
    for tensor, filename in (assets or {}).items():
        raw += bytes_field(6, bytes_field(1, text_field(1, tensor)) + text_field(2, filename))
    return MetaGraph(raw)


def test_initializer_is_found_without_collections_and_through_identities() -> None:
    nodes = by_hand(
        table("t"),
        make_node("same", "Identity", ("t",)),
        make_node("frozen_init_tables", "NoOp"),
        make_node("fill", "InitializeTableV2", ("same", "k", "v")),
        make_node("again", "InitializeTableV2", ("t", "k", "v")),
        const_node("k", np.array([b"a"], object)),
        const_node("v", np.array([1])),
        make_node("out", "LookupTableSizeV2", ("same",)),
    )
    kept = keep(nodes, meta_of(), "out")
    assert kept.init == "frozen_init_tables_1"
    assert kept.nodes["frozen_init_tables_1"].inputs == ("^fill",)


def test_writes_fill_only_if_they_are_run_when_the_model_is_loaded() -> None:
    nodes = by_hand(
        table("t", "MutableHashTableV2"),
        const_node("k", np.array([b"a"], object)),
        const_node("v", np.array([1])),
        make_node("insert", "LookupTableInsertV2", ("t", "k", "v")),
        make_node("init", "NoOp", ("^insert",)),
        make_node("restored", "RestoreV2", ("k", "k", "k")),
        make_node("restore", "LookupTableImportV2", ("t", "restored", "restored:1")),
        make_node("all", "NoOp", ("^restore",)),
        make_node("out", "LookupTableSizeV2", ("t",)),
    )
    assert keep(nodes, meta_of(), "out").init is None
    kept = keep(nodes, meta_of(table_initializer="init"), "out")
    assert kept.nodes[str(kept.init)].inputs == ("^insert",)
    assert keep(nodes, meta_of(saved_model_main_op="all"), "out").init is None


def test_name_of_a_file_outside_the_model_is_refused(tmp_path: Path) -> None:
    for name in ("../secret", "/etc/passwd", "a/../../b", "..", "", "a\0b", "..\\b"):
        nodes = by_hand(make_node("file", "Placeholder"))
        assets = Assets(nodes, meta_of({"file:0": name}), str(tmp_path))
        assert assets.files == {"file": name}
        with pytest.raises(FormatError, match="is not a file of the model: expected a plain name"):
            assets.read(name)


def test_asset_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "assets" / "words").mkdir(parents=True)
    with pytest.raises(FormatError, match="asset 'words' is not a file"):
        Assets({}, meta_of(), str(tmp_path)).read("words")


def test_path_of_an_asset_becomes_a_constant_also_through_a_variable(tmp_path: Path) -> None:
    nodes = by_hand(
        make_node("file", "Placeholder", (), {"dtype": type_attr(STRING)}),
        make_node("holder", "VarHandleOp"),
        make_node("assign", "AssignVariableOp", ("holder", "passed")),
        make_node("passed", "Identity", ("file",)),
        make_node("read", "ReadVariableOp", ("holder",)),
        make_node("out", "StringJoin", ("read", "file")),
    )
    kept = keep(nodes, meta_of({"file:0": "words.txt"}), "out", str(tmp_path))
    path = f"{tmp_path}/assets/words.txt".encode()
    assert kept.nodes["file"].attr("value").array().tolist() == path
    assert list(kept.constants) == ["holder"]
    assert path in bytes(kept.constants["holder"].value or b"")
    assert len(kept.warnings) == 1


def test_identities_in_a_circle_end() -> None:
    nodes = by_hand(
        table("t"),
        make_node("a", "Identity", ("b",)),
        make_node("b", "Identity", ("a",)),
        make_node("fill", "InitializeTableFromTextFileV2", ("t", "a"), {"key_index": int_attr(-2)}),
        make_node("other", "InitializeTableV2", ("a", "t", "t")),
        make_node("out", "LookupTableSizeV2", ("t",)),
    )
    kept = keep(nodes, meta_of({"out:0": "x"}), "out", "somewhere")
    assert kept.nodes[str(kept.init)].inputs == ("^fill",)


# --- files ----------------------------------------------------------------------------------------


def columns(key: int, value: int, dtype: int = INT64, **options: Any) -> Columns:
    return Columns(key, value, STRING, dtype, **options)


def test_vocabulary_has_lines_and_their_numbers() -> None:
    keys, values = vocabulary(b"a b\n\xff\x00\nc", columns(-2, -1, offset=3), "v")
    assert (keys.tolist(), values.tolist()) == ([b"a b", b"\xff\x00", b"c"], [3, 4, 5])
    assert (keys.dtype, values.dtype) == (np.dtype(object), np.dtype(np.int64))


def test_vocabulary_has_columns_of_numbers() -> None:
    keys, values = vocabulary(b"1.5,a\n-2,b\n", columns(1, 0, FLOAT, delimiter=b","), "v")
    assert (keys.tolist(), values.tolist(), values.dtype) == ([b"a", b"b"], [1.5, -2], np.float32)


def test_empty_vocabulary_is_empty() -> None:
    keys, values = vocabulary(b"", columns(-2, -1), "v")
    assert (keys.shape, values.shape) == ((0,), (0,))


@pytest.mark.parametrize(
    ("content", "taken", "message"),
    [
        (b"a\n\nb", columns(-2, -1), "vocabulary 'v' has an empty line: line 2"),
        (b"a\nb", columns(-2, -1, vocab_size=3), "vocabulary 'v' has 2 lines: expected 3"),
        (b"a\tb\nc", columns(0, 1), "line 2 of vocabulary 'v' has 1 columns: expected at least 2"),
        (b"a\tb", columns(0, 1), "vocabulary 'v' holds what is no number"),
        (b"a\t99999999999", columns(0, 1, INT32), "vocabulary 'v' holds what is no number"),
    ],
)
def test_vocabulary_that_tensorflow_refuses_is_a_format_error(
    content: bytes, taken: Columns, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        vocabulary(content, taken, "v")


def test_vocabulary_of_another_type_is_not_supported() -> None:
    with pytest.raises(UnsupportedError, match="vocabulary 'v' has values of DataType 10"):
        vocabulary(b"a\tTrue", columns(0, 1, 10), "v")


def test_delimiter_is_read_from_the_node() -> None:
    from tensorbundle._freeze.stages.assets import columns_of

    attrs = {"key_index": int_attr(-2), "value_index": int_attr(-1), "delimiter": string_attr(b"|")}
    node = make_node("fill", "InitializeTableFromTextFileV2", ("t", "f"), attrs)
    assert columns_of(node, table("t")) == Columns(-2, -1, STRING, INT64, b"|", -1, 0)
