"""What lies at a prefix: V1 tables and shards; the names of shards."""

import os
import subprocess
import sys

import pytest

from tensorbundle._locate.checkpoints import Location, locate, shard_path
from tensorbundle.errors import FormatError, MissingFileError
from tests.checkpoint.files import TABLE, state, touch

# --- V1 -------------------------------------------------------------------------------------


def test_v1_file_is_known_by_its_magic(tmp_path):
    file = str(touch(tmp_path / "model.ckpt", TABLE))
    touch(tmp_path / "model.ckpt.meta")
    assert locate(file) == Location(file, "v1", file, None, (file,), file + ".meta")
    assert locate(file + ".meta").prefix == file
    state(tmp_path, "model.ckpt")
    assert locate(tmp_path).files == (file,)


@pytest.mark.parametrize(
    "spelling", ["model-5", "model-5.meta", "model-5-?????-of-00002", "model-5-0000*"]
)
def test_v1_shards_by_prefix_graph_or_glob(tmp_path, spelling):
    files = [str(touch(tmp_path / f"model-5-0000{i}-of-00002", TABLE)) for i in range(2)]
    touch(tmp_path / "model-5.meta")
    assert locate(tmp_path / spelling).files == tuple(files)


def test_v1_glob_in_the_state_file_is_followed_after_a_move(tmp_path):
    files = [str(touch(tmp_path / f"model.ckpt-5-0000{i}-of-00002", TABLE)) for i in range(2)]
    touch(tmp_path / "model.ckpt-5.meta")
    for written in ("model.ckpt-5-?????-of-00002", "/gone/model.ckpt-5-?????-of-00002"):
        state(tmp_path, written)
        found = locate(tmp_path)
        assert found.files == tuple(files)
        assert found.meta == os.path.join(tmp_path, "model.ckpt-5.meta")


def test_v1_shards_are_found_in_a_directory_with_brackets(tmp_path):
    file = str(touch(tmp_path / "[run] *" / "m-00000-of-00001", TABLE))
    assert locate(tmp_path / "[run] *" / "m-?????-of-00001").files == (file,)


def test_single_v1_shard_is_taken_alone_with_a_note(tmp_path):
    touch(tmp_path / "m-00000-of-00002", TABLE)
    second = str(touch(tmp_path / "m-00001-of-00002", TABLE))
    found = locate(second)
    assert found.files == (second,)
    assert "only shard 1 of 2 was taken" in found.notes[0]


def test_missing_v1_shard_raises_and_names_it(tmp_path):
    for shard in (0, 2):
        touch(tmp_path / f"m-0000{shard}-of-00003", TABLE)
    for spelling in ("m", "m-?????-of-00003"):
        with pytest.raises(MissingFileError, match=r"shard 00001 of .* 2 of 3 are there") as caught:
            locate(tmp_path / spelling)
        assert caught.value.path == os.path.join(tmp_path, "m-00001-of-00003")


def test_v1_shards_with_numbers_beyond_their_count_are_not_counted(tmp_path):
    touch(tmp_path / "m-00000-of-00002", TABLE)
    touch(tmp_path / "m-00005-of-00002", TABLE)
    with pytest.raises(MissingFileError, match="1 of 2 are there"):
        locate(tmp_path / "m")


def test_several_sets_of_v1_shards_raise_and_ask(tmp_path):
    for name in ("m-00000-of-00001", "m-00000-of-00002", "m-00001-of-00002"):
        touch(tmp_path / name, TABLE)
    with pytest.raises(MissingFileError, match=r"name one of '.*m-\?{5}-of-00001', '.*-of-00002'"):
        locate(tmp_path / "m")
    assert len(locate(tmp_path / "m-?????-of-00002").files) == 2


def test_v1_shards_that_are_other_files_raise_format_error(tmp_path):
    touch(tmp_path / "train-00000-of-00001", b"text")
    with pytest.raises(FormatError, match="is a text beginning 'text'"):
        locate(tmp_path / "train")


def test_literal_v1_name_wins_over_the_glob(tmp_path):
    literal = str(touch(tmp_path / "m*", TABLE))
    touch(tmp_path / "m1", TABLE)
    assert locate(literal).files == (literal,)


def test_v2_data_shards_are_not_taken_for_v1_shards(tmp_path):
    touch(tmp_path / "m.data-00000-of-00001", TABLE)
    with pytest.raises(MissingFileError, match=r"neither 'm\.data\.index'"):
        locate(tmp_path / "m.data")


# --- names of shards ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shard", "count", "expected"),
    [
        (0, 1, "p.data-00000-of-00001"),
        (12, 345, "p.data-00012-of-00345"),
        (100000, 100001, "p.data-100000-of-100001"),
    ],
)
def test_shard_path_pads_as_c_does(shard, count, expected):
    assert shard_path("p", shard, count) == expected


def test_location_module_is_light():

    code = (
        "import __future__, sys, numpy, dataclasses, errno\n"
        "before = set(sys.modules)\n"
        "import tensorbundle._locate.checkpoints\n"
        "new = set(sys.modules) - before\n"
        "print(*sorted(name for name in new if not name.startswith('tensorbundle')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
