"""Spellings of a V2 path, and what is not a checkpoint."""

import os
import tempfile
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tensorbundle._locate.checkpoints import Location, locate, shard_path
from tensorbundle.errors import FormatError, MissingFileError
from tests.checkpoint.files import POINTER, TABLE, bundle, state, touch

# --- V2 by prefix and by its files ----------------------------------------------------------


def test_exact_prefix_gives_its_files(tmp_path):
    prefix = bundle(tmp_path, "model.ckpt-100", meta=True)
    assert locate(prefix) == Location(
        requested=prefix,
        kind="v2",
        prefix=prefix,
        index=prefix + ".index",
        meta=prefix + ".meta",
    )


def test_prefix_without_graph_has_no_meta(tmp_path):
    assert locate(bundle(tmp_path, "ckpt-1")).meta is None


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001", ".meta"])
def test_any_file_of_a_bundle_means_its_prefix(tmp_path, suffix):
    prefix = bundle(tmp_path, "model.ckpt", meta=True)
    assert replace(locate(prefix + suffix), requested=prefix) == locate(prefix)


@pytest.mark.parametrize("suffix", [".data-00003-of-00007", ".data-100000-of-100001", ".meta"])
def test_absent_file_of_a_bundle_still_means_its_prefix(tmp_path, suffix):
    prefix = bundle(tmp_path, "model.ckpt")
    assert locate(prefix + suffix).prefix == prefix


@pytest.mark.parametrize(
    "base",
    [
        "with space",
        "br[0]ckets",
        "st*r",
        "que?tion",
        "ünïcode 😀",
        "-dash",
        "checkpoint",
        "checkpoint.data",
        "x.index",
        "x.meta",
        "x.data-00000-of-00001",
        "dot.",
        ".hidden",
        "new\nline",
        "caf\udce9",
        "x-00000-of-00002",
    ],
)
def test_odd_names_are_found_by_every_spelling(tmp_path, base):
    prefix = bundle(tmp_path, base, meta=True)
    for spelling in ("", ".index", ".data-00000-of-00001", ".meta"):
        assert locate(prefix + spelling).prefix == prefix
        assert locate(os.fsencode(prefix + spelling)).prefix == prefix


def test_path_objects_and_bytes_are_accepted(tmp_path):
    prefix = bundle(tmp_path, "m")
    for spelling in (tmp_path / "m", prefix, os.fsencode(prefix)):
        assert locate(spelling).requested == prefix


def test_relative_prefix_stays_relative(tmp_path, monkeypatch):
    bundle(tmp_path, "-m")
    monkeypatch.chdir(tmp_path)
    assert locate("-m").index == "-m.index"
    assert locate("-m.index").prefix == "-m"


def test_prefix_that_looks_like_an_index_comes_first(tmp_path):
    bundle(tmp_path, "x")
    other = bundle(tmp_path, "x.index")
    assert locate(os.path.join(tmp_path, "x.index")).prefix == other


def test_prefix_is_found_where_a_directory_has_the_same_name(tmp_path):
    prefix = bundle(tmp_path, "run")
    bundle(tmp_path / "run", "inner")
    found = locate(prefix)
    assert found.prefix == prefix
    assert "is also a directory" in found.notes[0]
    assert locate(prefix + os.sep).prefix == os.path.join(prefix, "inner")


def test_directory_named_like_an_index_is_a_directory(tmp_path):
    prefix = bundle(tmp_path / "x.index", "inner")
    assert locate(tmp_path / "x.index").prefix == prefix


def test_both_formats_under_one_prefix_take_v2_with_a_note(tmp_path):
    prefix = bundle(tmp_path, "model.ckpt")
    touch(tmp_path / "model.ckpt", TABLE)
    found = locate(prefix)
    assert found.kind == "v2"
    assert found.notes == (f"both formats lie under the prefix {prefix!r}: V2 was taken",)


def test_prefix_checkpoint_beside_the_state_file_means_the_bundle(tmp_path):
    prefix = bundle(tmp_path, "checkpoint")
    file = state(tmp_path, "checkpoint")
    assert locate(prefix) == Location(prefix, "v2", prefix, prefix + ".index")
    assert locate(tmp_path).state == file
    assert locate(tmp_path).prefix == prefix


def test_index_that_is_a_pointer_is_still_located(tmp_path):
    touch(tmp_path / "m.index", POINTER)
    assert locate(tmp_path / "m").index == os.path.join(tmp_path, "m.index")


def test_exact_prefix_costs_three_stats_and_opens_nothing(tmp_path, monkeypatch):
    prefix = bundle(tmp_path, "m")
    seen = []
    real = os.stat
    monkeypatch.setattr(os, "stat", lambda path: seen.append(path) or real(path))
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr(os, "listdir", None)
    monkeypatch.setattr(os, "scandir", None)
    locate(prefix)
    assert seen == [prefix + ".index", prefix, prefix + ".meta"]


# --- the empty base name --------------------------------------------------------------------


def test_trailing_separator_with_a_state_file_means_the_directory_as_in_tensorflow(tmp_path):
    bundle(tmp_path, "")
    prefix = bundle(tmp_path, "model.ckpt")
    state(tmp_path, "model.ckpt")
    directory = os.path.join(tmp_path, "")
    found = locate(directory)
    assert found.prefix == prefix
    assert f"write {directory + '.index'!r} for it" in found.notes[-1]
    assert locate(tmp_path).prefix == prefix
    assert locate(directory + ".index").prefix == directory
    assert locate(directory + ".data-00000-of-00001").prefix == directory


def test_trailing_separator_without_a_state_file_means_the_empty_base_name(tmp_path):
    bundle(tmp_path, "")
    bundle(tmp_path, "model.ckpt")
    directory = os.path.join(tmp_path, "")
    assert locate(directory).index == directory + ".index"


def test_empty_base_name_in_the_current_directory(tmp_path, monkeypatch):
    bundle(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    found = locate(".index")
    assert (found.prefix, found.index) == ("", ".index")
    assert shard_path(found.prefix, 0, 1) == ".data-00000-of-00001"


def test_trailing_separator_without_empty_base_name_means_the_directory(tmp_path):
    prefix = bundle(tmp_path, "model.ckpt")
    state(tmp_path, "model.ckpt")
    assert locate(os.path.join(tmp_path, "")).prefix == prefix


# --- what is not a checkpoint ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "phrase"),
    [
        ("model.h5", b"\x89HDF\r\n\x1a\n\0", "an HDF5 file"),
        ("model.tflite", b"\x1c\0\0\0TFL3\0", "a TensorFlow Lite model"),
        ("model.pbtxt", b"meta_info_def {\n}\n", "a MetaGraph as text"),
        ("model.ckpt", POINTER, "a git-LFS pointer"),
        ("model.ckpt", b"", "an empty file"),
        ("model.ckpt", TABLE[:-1] + b"\x00", "cut off|zero-filled"),
        ("model.ckpt", b"\xfe" * 30, "30 bytes, which is shorter"),
        ("x.index.tempstate123", b"\xfe" * 100, "not a table or a table cut off"),
    ],
)
def test_other_file_raises_format_error_that_says_what_it_is(tmp_path, name, content, phrase):
    file = touch(tmp_path / name, content)
    with pytest.raises(FormatError, match=f"not a checkpoint: .*{name}' is .*({phrase})") as caught:
        locate(file)
    assert caught.value.path == str(file)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("frozen.pb", b"\n\n\n\x01w\x12\x05Const"),
        ("no suffix", b"\n\n\n\x01w\x12\x05Const"),
        ("graph.pbtxt", b"\nnode {\n}\n"),
    ],
)
def test_graph_is_located_by_its_content(tmp_path, name, content):
    file = touch(tmp_path / name, content)
    found = locate(file)
    assert (found.kind, found.prefix, found.files) == ("graph", str(file), (str(file),))
    assert (found.index, found.meta, found.saved_model) == (None, None, None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_pipe_raises_format_error_and_does_not_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatError, match="is not a regular file"):
        locate(tmp_path / "pipe")


@given(st.text(st.sampled_from("mx-0*?[]./\0\\é.index.data-00000-of-00001"), max_size=30))
def test_any_path_gives_a_location_or_a_typed_error(name):
    assume(".." not in name)
    with tempfile.TemporaryDirectory() as folder:
        for content, file in ((TABLE, "m"), (TABLE, "x.index"), (b"?", "m-00000-of-00001")):
            with open(os.path.join(folder, file), "wb") as out:
                out.write(content)
        try:
            found = locate(f"{folder}/{name}")
        except (FormatError, MissingFileError):
            return
        assert all(map(os.path.isfile, found.files or [found.index]))
