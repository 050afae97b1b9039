"""Directories: state files, single checkpoints, SavedModels."""

import os

import pytest

from tensorbundle._locate.checkpoints import Location, locate
from tensorbundle._locate.states import read_state
from tensorbundle.errors import FormatError, MissingFileError
from tests.checkpoint.files import POINTER, TABLE, bundle, saved_model, state, touch

# --- the state file -------------------------------------------------------------------------


def test_state_file_and_its_directory_mean_the_newest(tmp_path):
    bundle(tmp_path, "ckpt-1")
    prefix = bundle(tmp_path, "ckpt-2", meta=True)
    file = state(tmp_path, "ckpt-1", "ckpt-2")
    for spelling in (str(tmp_path), file):
        assert locate(spelling) == Location(
            spelling, "v2", prefix, prefix + ".index", (), prefix + ".meta", file
        )


def test_state_file_of_any_name_is_recognised(tmp_path):
    prefix = bundle(tmp_path, "ckpt-2")
    renamed = os.rename(state(tmp_path, "ckpt-2"), tmp_path / "latest") or tmp_path / "latest"
    assert locate(renamed).prefix == prefix


def test_state_file_in_the_current_directory(tmp_path, monkeypatch):
    bundle(tmp_path, "ckpt-2")
    state(tmp_path, "ckpt-2")
    monkeypatch.chdir(tmp_path)
    assert locate("checkpoint").prefix == "ckpt-2"
    assert locate(".").prefix == os.path.join(".", "ckpt-2")


def test_relative_state_path_may_lie_in_a_subdirectory(tmp_path):
    prefix = bundle(tmp_path / "sub", "ckpt-2")
    state(tmp_path, "sub/ckpt-2")
    assert locate(tmp_path).prefix == prefix


def test_absolute_state_path_is_used_as_it_is(tmp_path):
    prefix = bundle(tmp_path / "elsewhere", "ckpt-2")
    state(tmp_path / "here", prefix)
    found = locate(tmp_path / "here")
    assert found.prefix == prefix
    assert found.notes == (f"the state file names {prefix!r}, which lies outside its directory",)


def test_absolute_state_path_wins_over_a_copy_with_a_note(tmp_path):
    prefix = bundle(tmp_path / "original", "ckpt-2")
    copy = bundle(tmp_path / "copy", "ckpt-2")
    state(tmp_path / "copy", prefix)
    found = locate(tmp_path / "copy")
    assert found.prefix == prefix
    assert found.notes == (f"the state file names {prefix!r}, which was taken, not {copy!r}",)


@pytest.mark.parametrize(
    "written",
    [
        "/Volumes/Mac/iris_model/model.ckpt-8000",
        "C:/Python35/modeldir/model.ckpt-8000",
        r"c:\Users\me\chat bot\model.ckpt-8000",
        r"\\server\share\model.ckpt-8000",
        r"logs\model.ckpt-8000",
        "logs/old/model.ckpt-8000",
    ],
)
def test_moved_directory_is_found_by_base_name_with_a_note(tmp_path, written):
    prefix = bundle(tmp_path, "model.ckpt-8000")
    state(tmp_path, written)
    found = locate(tmp_path)
    assert found.prefix == prefix
    assert found.notes == (
        f"the state file names {written!r}, which is not there: "
        f"found by its base name in {str(tmp_path)!r}",
    )


@pytest.mark.skipif(os.sep != "/", reason="on Windows the path needs no translation")
def test_relative_windows_state_path_is_translated(tmp_path):
    prefix = bundle(tmp_path / "sub", "ckpt-2")
    state(tmp_path, r"sub\ckpt-2")
    found = locate(tmp_path)
    assert found.prefix == prefix
    assert "written on Windows" in found.notes[0]


def test_state_naming_the_directory_itself_means_the_empty_base_name(tmp_path):
    bundle(tmp_path, "")
    state(tmp_path, "/gone/run/")
    assert locate(tmp_path).index == os.path.join(tmp_path, ".index")


def test_state_naming_what_is_gone_raises_and_lists_what_is_there(tmp_path):
    for step in (0, 200):
        prefix = bundle(tmp_path, f"model.ckpt-{step}")
        os.utime(prefix + ".index", (step, step))
    state(tmp_path, "model.ckpt-0", "model.ckpt-200", "model.ckpt-400")
    with pytest.raises(
        MissingFileError, match=r"names 'model\.ckpt-400', which is not there"
    ) as caught:
        locate(tmp_path)
    assert "checkpoints there: 'model.ckpt-200', 'model.ckpt-0'" in str(caught.value)


def test_state_naming_what_has_only_a_graph_says_so(tmp_path):
    touch(tmp_path / "model.ckpt.meta")
    state(tmp_path, "model.ckpt")
    with pytest.raises(MissingFileError, match=r"only the graph \('model\.ckpt\.meta'\) is there"):
        locate(tmp_path)


def test_state_naming_itself_raises_missing_file(tmp_path):
    state(tmp_path, "checkpoint")
    with pytest.raises(MissingFileError, match="names 'checkpoint', which is not there"):
        locate(tmp_path)
    with pytest.raises(MissingFileError, match="names 'checkpoint', which is not there"):
        locate(f"{tmp_path}//checkpoint")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is an empty file"),
        (POINTER, "is a git-LFS pointer"),
        (b"<html>", "is an HTML page"),
        (b"model_checkpoint_path: ''", "names no checkpoint"),
        (b"all_model_checkpoint_paths: 'x'", "is a checkpoint state file|names no checkpoint"),
        (
            b"model_checkpoint_path: 'x' new: 1",
            r"line 1, column 28 .*checkpoint\): unknown field 'new'",
        ),
        (b"model_checkpoint_path: 'x\0y'", None),
        (b"model_checkpoint_path: '/\0/?'", None),
    ],
)
def test_bad_state_file_raises(tmp_path, content, message):
    bundle(tmp_path, "x")
    touch(tmp_path / "checkpoint", content)
    error = FormatError if message else MissingFileError
    with pytest.raises(error, match=message or "which is not there"):
        locate(tmp_path)


def test_huge_state_file_is_not_read(tmp_path):
    with touch(tmp_path / "checkpoint", b"model_checkpoint_path: 'x'\n").open("ab") as file:
        file.truncate(1 << 30)
    with pytest.raises(FormatError, match="not a checkpoint state file"):
        read_state(str(tmp_path / "checkpoint"))


# --- directories without a state file -------------------------------------------------------


def test_directory_with_one_index_takes_it_with_a_note(tmp_path):
    prefix = bundle(tmp_path, "only")
    touch(tmp_path / "._only.index", b"\x00\x05\x16\x07")
    found = locate(tmp_path)
    assert found.prefix == prefix
    assert "its only checkpoint 'only' was taken" in found.notes[0]


def test_directory_with_one_v1_table_takes_it_with_a_note(tmp_path):
    touch(tmp_path / "README")
    touch(tmp_path / "model.ckpt", TABLE)
    found = locate(tmp_path)
    assert (found.kind, found.files) == ("v1", (os.path.join(tmp_path, "model.ckpt"),))


def test_directory_with_one_set_of_v1_shards_takes_it(tmp_path):
    files = [str(touch(tmp_path / f"export-0000{i}-of-00002", TABLE)) for i in range(2)]
    touch(tmp_path / "export.meta")
    found = locate(tmp_path)
    assert found.files == tuple(files)
    assert found.meta == os.path.join(tmp_path, "export.meta")


def test_directory_with_several_raises_and_lists_ten_newest_first(tmp_path):
    for step in range(12):
        os.utime(bundle(tmp_path, f"ckpt-{step}") + ".index", (step, step))
    listed = ", ".join(f"'ckpt-{step}'" for step in range(11, 1, -1))
    with pytest.raises(MissingFileError, match=f"name one of {listed} and 2 more"):
        locate(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "it is empty"),
        (["notes.txt"], r"it holds 'notes\.txt'"),
        (["m.data-00000-of-00001"], "data shards without an index: 'm'"),
        (["m.meta"], r"only graphs, not their values: 'm\.meta'"),
        (["1/saved_model.pb", "2/m.index", "3/x"], "subdirectories that hold one: '1', '2'"),
    ],
)
def test_directory_without_checkpoint_raises_and_says_what_it_holds(tmp_path, files, message):
    for name in files:
        touch(tmp_path / name)
    with pytest.raises(MissingFileError, match=message):
        locate(tmp_path)


# --- SavedModel -----------------------------------------------------------------------------


@pytest.mark.parametrize("graph", ["saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"])
@pytest.mark.parametrize(
    "spelling", ["", "{graph}", "variables", "variables/variables", "variables/variables.index"]
)
def test_saved_model_by_every_spelling(tmp_path, graph, spelling):
    prefix = saved_model(tmp_path, graph)
    found = locate(tmp_path / spelling.format(graph=graph))
    assert (found.prefix, found.saved_model) == (prefix, str(tmp_path))


def test_saved_model_in_the_current_directory(tmp_path, monkeypatch):
    saved_model(tmp_path)
    monkeypatch.chdir(tmp_path)
    for spelling in ("variables", "variables/variables", "saved_model.pb"):
        assert locate(spelling).saved_model == os.curdir


def test_saved_model_without_its_graph_gives_its_variables_with_a_note(tmp_path):
    os.remove(saved_model(tmp_path) and tmp_path / "saved_model.pb")
    found = locate(tmp_path)
    assert found.saved_model is None
    assert "no saved_model.pb" in found.notes[0]


def test_saved_model_without_variables_raises(tmp_path):
    touch(tmp_path / "saved_model.pb")
    for spelling in (tmp_path, tmp_path / "saved_model.pb"):
        with pytest.raises(MissingFileError, match="no variables in the SavedModel"):
            locate(spelling)


def test_estimator_directory_means_its_newest_checkpoint(tmp_path):
    for name in ("graph.pbtxt", "events.out.tfevents.1.host", "eval/events.out.tfevents.2.host"):
        touch(tmp_path / name)
    saved_model(tmp_path / "export" / "1600000000")
    prefix = bundle(tmp_path, "model.ckpt-4000", meta=True)
    state(tmp_path, "model.ckpt-4000")
    assert locate(tmp_path).prefix == prefix
