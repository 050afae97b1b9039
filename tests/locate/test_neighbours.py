"""What an error says of a checkpoint that is missing."""

import errno
import os

import pytest

from tensorbundle._locate.checkpoints import locate
from tensorbundle.errors import MissingFileError
from tests.checkpoint.files import bundle, touch


def missing(path):
    with pytest.raises(MissingFileError, match="no checkpoint at") as caught:
        locate(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_missing_checkpoint_says_what_was_looked_for(tmp_path):
    message = missing(tmp_path / "m")
    assert "neither 'm.index' (V2) nor a table 'm' (V1) exists" in message
    assert "no other checkpoint is there" in message


def test_missing_checkpoint_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        locate(tmp_path / "m")


def test_missing_checkpoint_lists_near_names_first(tmp_path):
    for step in (1, 2, 3):
        bundle(tmp_path, f"other-{step}")
    bundle(tmp_path, "model.ckpt-100")
    assert "checkpoints there: 'model.ckpt-100', 'other-" in missing(tmp_path / "model.ckpt-10")


@pytest.mark.parametrize("spelling", ["best_model.ckpt", "best_model.ckpt.meta"])
def test_graph_alone_raises_and_says_so(tmp_path, spelling):
    touch(tmp_path / "best_model.ckpt.meta")
    message = missing(tmp_path / spelling)
    assert "only the graph ('best_model.ckpt.meta') is there, not its values" in message


@pytest.mark.parametrize("spelling", ["m", "m.data-00000-of-00002", "m.index", "m.meta"])
def test_data_without_index_raises_and_says_so(tmp_path, spelling):
    for shard in range(2):
        touch(tmp_path / f"m.data-0000{shard}-of-00002", b"\xfe" * 60)
    message = missing(tmp_path / spelling)
    assert (
        "data shards ('m.data-00000-of-00002', 'm.data-00001-of-00002') but no 'm.index'" in message
    )


@pytest.mark.parametrize(
    ("left", "phrase"),
    [
        ("m_temp/part-00000-of-00001.index", "an unfinished save left 'm_temp'"),
        ("m.index.tempstate77", "an unfinished save left 'm.index.tempstate77'"),
        ("m.tar.gz", "unpack 'm.tar.gz' first"),
        ("other.meta", "only graphs of others are there: 'other.meta'"),
        ("m2", "similar names there: 'm2'"),
    ],
)
def test_remains_of_a_checkpoint_are_named(tmp_path, left, phrase):
    touch(tmp_path / left)
    assert phrase in missing(tmp_path / "m")


def test_dangling_link_is_named_with_its_target(tmp_path):
    os.symlink("/gone/m.index", tmp_path / "m.index")
    assert "'m.index' is a symbolic link to '/gone/m.index', which does not" in missing(
        tmp_path / "m"
    )


def test_link_to_a_bundle_is_followed(tmp_path):
    prefix = bundle(tmp_path / "real", "m")
    os.symlink(prefix + ".index", tmp_path / "m.index")
    assert locate(tmp_path / "m").prefix == os.path.join(tmp_path, "m")


@pytest.mark.parametrize(
    ("path", "phrase"),
    [
        ("", "the path is empty"),
        ("no/such/m", "the directory 'no/such' does not exist"),
        ("gs://bucket/model.ckpt", "it is a remote address"),
        ("a\0b", "neither"),
        ("x" * 300, "neither"),
        ("[", "neither"),
        ("*", "neither"),
        ("file/m", "the directory 'file' is not a directory"),
        (b"caf\xe9", r"'caf\udce9'"),
    ],
)
def test_paths_that_lead_nowhere_raise_missing_file(tmp_path, monkeypatch, path, phrase):
    monkeypatch.chdir(tmp_path)
    if b"file" in os.fsencode(path):
        touch(tmp_path / "file")
    assert phrase in missing(path)


def test_path_of_the_wrong_type_raises_type_error():
    with pytest.raises(TypeError, match=r"expected a path \(str, bytes or os\.PathLike\)"):
        locate(5)


def test_refusal_of_the_system_stays_an_os_error(monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "permission denied", path)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(PermissionError, match="permission denied"):
        locate("closed/model.ckpt")
