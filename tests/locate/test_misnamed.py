"""Checkpoints and graphs under names of other kinds, and inside files of other kinds."""

import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import _core
from tensorbundle._format.containers import graph_in_events, is_records
from tensorbundle._locate.checkpoints import locate
from tensorbundle._locate.damage import FileKind, identify_file
from tests.checkpoint.files import bundle
from tests.checkpoint.v1_files import field
from tests.freeze.program import run
from tests.golden.cases import DATA
from tests.graph.small_graphs import graph_def, placeholder, variable

V1 = DATA / "saver_v1" / "model.ckpt-3"
V1_META = Path(f"{V1}.meta")


def same(found: tb.Checkpoint, expected: tb.Checkpoint) -> None:
    assert list(found) == list(expected)
    for name, array in expected.load().items():
        np.testing.assert_array_equal(found[name], array)


# --- a format under the other's names -------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.data-00000-of-00001", "m.index"])
@pytest.mark.parametrize("spelling", ["m", "{}", ".", "m.meta"])
def test_v1_file_under_a_name_of_v2_opens_by_every_spelling(
    tmp_path: Path, name: str, spelling: str
) -> None:
    shutil.copy(V1, tmp_path / name)
    shutil.copy(V1_META, tmp_path / "m.meta")
    opened = tb.open(tmp_path / spelling.format(name))
    same(opened, tb.open(V1))
    assert "whatever its name says" in " ".join(opened.location.notes)
    assert opened.location.meta == str(tmp_path / "m.meta")
    assert opened.verify().ok


def test_v1_shards_under_names_of_v2_open(tmp_path: Path) -> None:
    shards = sorted((DATA / "saver_v1_sharded").glob("*-00000-of-*"))[:1]
    stem = str(shards[0]).rpartition("-00000-of-")[0]
    for shard in Path(stem).parent.glob(f"{Path(stem).name}-*-of-*"):
        numbers = shard.name.removeprefix(Path(stem).name + "-")
        if not numbers.endswith(".meta"):
            shutil.copy(shard, tmp_path / f"m.data-{numbers}")
    same(tb.open(tmp_path / "m"), tb.open(stem))


@pytest.mark.parametrize("name", ["m", "m.index.1", "m.ckpt", "m (1)", "index"])
def test_v2_index_under_another_name_opens_with_its_data(tmp_path: Path, name: str) -> None:
    prefix = tb.save(tmp_path / "m", {"w": np.arange(3)})
    os.rename(f"{prefix}.index", tmp_path / name)
    opened = tb.open(tmp_path / name)
    assert opened["w"].tolist() == [0, 1, 2]
    assert "is the index of a V2 checkpoint" in opened.location.notes[-1]


def test_damaged_v1_and_v2_are_still_refused(tmp_path: Path) -> None:
    content = bytearray(V1.read_bytes())
    content[20] ^= 1
    (tmp_path / "m.index").write_bytes(content)
    with pytest.raises(tb.FormatError, match=r"checksum|mismatch"):
        tb.open(tmp_path / "m")


# --- frozen graphs under other names --------------------------------------------------------------


def frozen(path: Path) -> Path:
    value = np.float32([1, 2, 3])
    tensor = field(1, 1) + field(2, field(2, field(1, 3))) + field(4, value.tobytes())
    attr = field(5, field(1, b"value") + field(2, field(8, tensor)))
    attr += field(5, field(1, b"dtype") + field(2, field(6, 1)))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(field(1, field(1, b"w") + field(2, b"Const") + attr))
    return path


@pytest.mark.parametrize("name", ["saved_model.pb", "model.meta", "frozen"])
def test_frozen_graph_of_any_name_opens_and_exports(tmp_path: Path, name: str) -> None:
    path = frozen(tmp_path / "x" / name)
    assert tb.open(path)["w"].tolist() == [1, 2, 3]
    assert "w" in run("ls", path).stdout
    run("export", path, tmp_path / "w.npz")
    assert np.load(tmp_path / "w.npz")["w"].tolist() == [1, 2, 3]


def test_directory_of_a_frozen_graph_called_saved_model_opens_with_a_note(tmp_path: Path) -> None:
    frozen(tmp_path / "x" / "saved_model.pb")
    opened = tb.open(tmp_path / "x")
    assert opened["w"].tolist() == [1, 2, 3]
    assert "is a frozen graph, and no SavedModel" in opened.location.notes[0]


# --- Magenta's bundles ----------------------------------------------------------------------------


def magenta(path: Path, *, graph: bool = True, table_last: bool = False) -> Path:
    details = field(1, field(1, b"attention_rnn") + field(2, b"Melody"))
    parts = [field(3, V1.read_bytes())] + ([field(4, V1_META.read_bytes())] if graph else [])
    path.write_bytes(details + field(2, field(1, b"about")) + b"".join(parts))
    return path


@pytest.mark.parametrize("graph", [True, False])
def test_magenta_bundle_opens_verifies_and_shows_its_graph(tmp_path: Path, graph: bool) -> None:
    path = magenta(tmp_path / "attention_rnn.mag", graph=graph)
    opened = tb.open(path)
    same(opened, tb.open(V1))
    assert opened.verify().ok
    assert next(iter(opened)) in run("ls", path).stdout
    run("export", path, tmp_path / "w.npz")
    if graph:
        assert len(tb.load_graph(path).nodes) == len(tb.load_graph(V1_META).nodes)


def test_magenta_bundle_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = magenta(tmp_path / "attention_rnn.mag")
    os.truncate(path, path.stat().st_size - 10)
    for read in (tb.open, tb.load_graph):
        with pytest.raises(tb.FormatError, match=r"not a|cut off"):
            read(path)


# --- records --------------------------------------------------------------------------------------


def masked(data: bytes) -> bytes:
    value = _core.crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return length + masked(length) + content + masked(content)


def event(number: int, content: bytes) -> bytes:
    return b"\x09" + struct.pack("<d", 1.5e9) + b"\x10\x85\x01" + field(number, content)


def test_graph_of_an_event_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1.host"
    small = graph_def([variable("a"), placeholder("b")])
    records = [event(3, b"brain.Event:2"), event(4, small), event(5, b"\x0a\x00" * 100)]
    path.write_bytes(b"".join(map(record, records)))
    assert list(tb.load_graph(path).nodes) == ["a", "b"]
    with path.open("ab") as file:
        file.write(record(event(9, V1_META.read_bytes())) + record(b"x" * 50)[:30])
    assert len(tb.load_graph(path).nodes) == len(tb.load_graph(V1_META).nodes)
    assert "a TensorBoard event file" in run("ls", path, code=2).stderr


def test_event_file_of_tensorflow_gives_the_graph_that_it_was_given(
    tmp_path: Path, oracle: object
) -> None:
    oracle.call("tests.locate.events", "write", str(tmp_path))  # type: ignore[attr-defined]
    (path,) = tmp_path.glob("events.out.tfevents.*")
    graph = tb.load_graph(path)
    assert list(graph.nodes) == ["x", "y"]
    assert graph_in_events(str(path)) is not None


def test_records_without_a_graph_are_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    path.write_bytes(record(b"example 1") + record(b"example 2"))
    assert is_records(path.read_bytes())
    found = identify_file(str(path))
    assert found is not None
    assert found.kind is FileKind.RECORDS
    with pytest.raises(tb.FormatError, match="a file of records"):
        tb.open(path)
    with pytest.raises(tb.FormatError, match="is a file of records without one"):
        tb.load_graph(path)


# --- cut off --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.98])
@pytest.mark.parametrize("kind", ["meta", "graph", "saved_model"])
def test_half_a_graph_is_told_as_cut_off(tmp_path: Path, kind: str, share: float) -> None:
    meta = V1_META.read_bytes()
    content = {
        "meta": meta,
        "graph": graph_def([variable(f"variable_{n}", shape=(3, 4)) for n in range(50)]),
        "saved_model": (DATA / "saved_model" / "saved_model.pb").read_bytes(),
    }[kind]
    path = tmp_path / ("saved_model.pb" if kind == "saved_model" else "m.pb")
    path.write_bytes(content[: int(len(content) * share) - 1])
    with pytest.raises(
        tb.FormatError, match=r"the file is cut off \(.*\): (a part of|it ends)"
    ) as caught:
        len(tb.load_graph(path).nodes)
    assert caught.value.path == str(path)


def test_half_a_frozen_graph_is_told_as_cut_off(tmp_path: Path) -> None:
    path = frozen(tmp_path / "f.pb")
    os.truncate(path, path.stat().st_size - 5)
    with pytest.raises(
        tb.FormatError, match=r"the file is cut off \(.*\): a part of \d+ bytes at byte"
    ):
        tb.open(path)


# --- links ----------------------------------------------------------------------------------------


def test_links_that_lead_to_themselves_do_not_keep_others_from_being_found(tmp_path: Path) -> None:
    prefix = bundle(tmp_path, "model.ckpt-5")
    for name in ("loop", "loop.index", "z.data-00000-of-00001"):
        os.symlink(name, tmp_path / name)
    os.symlink("gone", tmp_path / "dangling.index")
    assert locate(tmp_path).prefix == prefix
    with pytest.raises(tb.MissingFileError, match=r"checkpoints there: 'model\.ckpt-5'"):
        locate(tmp_path / "model.ckpt-6")
    with pytest.raises(tb.MissingFileError, match="no checkpoint at"):
        locate(tmp_path / "loop")
