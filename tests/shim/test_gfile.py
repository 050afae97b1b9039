"""Files through the stand-in's ``gfile``: remote ones, and how they are named."""

from pathlib import Path

import pytest

from tensorbundle.shim.parts import gfile
from tensorbundle.train import errors

ROOT = "memory://gfile"


def test_remote_files_are_written_read_and_listed() -> None:
    with gfile.GFile(f"{ROOT}/b/one.txt", "w") as file:
        file.write("first ä\nsecond")
    assert gfile.GFile(f"{ROOT}/b/one.txt").readlines() == ["first ä\n", "second"]
    assert gfile.GFile(f"{ROOT}/b/one.txt", "rb").read(6) == b"first "
    assert gfile.exists(f"{ROOT}/b/one.txt")
    assert gfile.isdir(f"{ROOT}/b")
    assert gfile.listdir(f"{ROOT}/b") == ["one.txt"]
    assert [each.rpartition("/")[2] for each in gfile.glob(f"{ROOT}/b/*.txt")] == ["one.txt"]
    assert gfile.stat(f"{ROOT}/b/one.txt").length == 15
    assert list(gfile.walk(ROOT)) == [(ROOT, ["b"], []), (f"{ROOT}/b", [], ["one.txt"])]


def test_remote_files_are_copied_and_removed(tmp_path: Path) -> None:
    with gfile.GFile(f"{ROOT}/c/one", "wb") as file:
        file.write(b"\x00\x01")
    gfile.copy(f"{ROOT}/c/one", f"{ROOT}/c/two")
    gfile.copy(f"{ROOT}/c/one", tmp_path / "three")
    gfile.rename(f"{ROOT}/c/two", f"{ROOT}/c/four")
    assert (tmp_path / "three").read_bytes() == b"\x00\x01"
    assert sorted(gfile.listdir(f"{ROOT}/c")) == ["four", "one"]
    gfile.remove(f"{ROOT}/c/four")
    gfile.makedirs(f"{ROOT}/c/d")
    assert gfile.isdir(f"{ROOT}/c/d")
    gfile.rmtree(f"{ROOT}/c")
    assert not gfile.exists(f"{ROOT}/c/one")


def test_what_is_wrong_is_tensorflows_error() -> None:
    with pytest.raises(errors.NotFoundError, match="nowhere"):
        gfile.GFile(f"{ROOT}/nowhere").read()
    with pytest.raises(errors.NotFoundError, match="nowhere"):
        gfile.stat(f"{ROOT}/nowhere")
    with gfile.GFile(f"{ROOT}/e", "w") as file:
        file.write("")
    with pytest.raises(errors.AlreadyExistsError, match="already exists"):
        gfile.copy(f"{ROOT}/e", f"{ROOT}/e")


def test_local_paths_may_be_urls_paths_and_bytes(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_text("x")
    for spelling in (path, str(path), str(path).encode(), f"file://{path}"):
        assert gfile.exists(spelling)
        assert gfile.GFile(spelling).read() == "x"
        assert gfile.stat(spelling).length == 1


def test_a_file_is_read_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(b"one\r\ntwo\nthree")
    with gfile.GFile(path) as file:
        assert next(file) == "one\n"
        assert file.tell() == 5
        file.seek(offset=0)
        assert list(file) == ["one\n", "two\n", "three"]
        file.seek(position=5)
        assert file.read() == "two\nthree"
        assert file.size() == 14
