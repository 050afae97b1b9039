"""Situations as people meet them: what is told is right, and the command given truly mends it."""

import base64
import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.doctor.damage import assert_same
from tests.doctor.test_diagnose import SHARD, mend, run, values
from tests.golden.cases import DATA

Make = Callable[[str], object]


def changed(suffix: str, change: Callable[[bytes], bytes]) -> Make:
    """Make something else of a file's bytes."""

    def make(prefix: str) -> None:
        path = Path(prefix + suffix)
        path.write_bytes(change(path.read_bytes()))

    return make


def renamed(suffix: str, name: str) -> Make:
    """Give a file another name, in its directory or elsewhere."""

    def make(prefix: str) -> None:
        target = Path(prefix).parent / name
        target.parent.mkdir(exist_ok=True)
        os.rename(prefix + suffix, target)

    return make


def windows_text(raw: bytes) -> bytes:
    """What an editor makes of bytes that it takes for text of Windows."""
    each = (bytes([byte]) for byte in raw)
    return "".join(one.decode("cp1252", "ignore") or one.decode("latin-1") for one in each).encode()


def zipped(raw: bytes, scratch: Path = Path("m-10")) -> bytes:
    """A zip archive of one file."""
    import io

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(scratch.name, raw)
    return packed.getvalue()


def both_copied(prefix: str) -> None:
    os.rename(prefix + SHARD, prefix + SHARD + " (1)")
    os.rename(prefix + ".index", prefix + " (1).index")


def exchanged(prefix: str) -> None:
    os.rename(prefix + SHARD, prefix + ".tmp")
    os.rename(prefix + ".index", prefix + SHARD)
    os.rename(prefix + ".tmp", prefix + ".index")


def link_as_text(suffix: str) -> Make:
    def make(prefix: str) -> None:
        renamed(suffix, f"store/abc{suffix}")(prefix)
        Path(prefix + suffix).write_text(f"store/abc{suffix}")

    return make


def dead_link(prefix: str) -> None:
    os.rename(prefix + SHARD, prefix + ".bin")
    os.symlink("../../blobs/abc", prefix + SHARD)


def in_zip(prefix: str) -> None:
    with zipfile.ZipFile(prefix + ".zip", "w") as archive:
        for suffix in (SHARD, ".index"):
            archive.write(prefix + suffix, f"run/best/{os.path.basename(prefix)}{suffix}")
            os.remove(prefix + suffix)


def in_tar(prefix: str) -> None:
    with tarfile.open(os.path.dirname(prefix) + "/all.tgz", "w:gz") as archive:
        for suffix in (SHARD, ".index"):
            archive.add(prefix + suffix, f"./run/{os.path.basename(prefix)}{suffix}")
            os.remove(prefix + suffix)


def shard_packed(prefix: str) -> None:
    raw = Path(prefix + SHARD).read_bytes()
    os.remove(prefix + SHARD)
    Path(prefix + SHARD + ".xz").write_bytes(lzma.compress(raw))


def parts_of_a_saver(prefix: str) -> None:
    folder = f"{prefix}_temp_0c1d2e"
    named = list(values().items())
    for suffix in (SHARD, ".index"):
        os.remove(prefix + suffix)
    tb.save(f"{folder}/part-00000-of-00002", dict(named[:3]))
    tb.save(f"{folder}/part-00001-of-00002", dict(named[3:]))


def page_beside_copy(prefix: str) -> None:
    os.rename(prefix + SHARD, prefix + SHARD + ".1")
    Path(prefix + SHARD).write_text("<html><title>Sign in</title></html>")


MENDED: dict[str, tuple[Make, str]] = {
    "a browser's copies of both": (both_copied, "the name of a copy"),
    "shard with an extension": (renamed(SHARD, f"m-10{SHARD}.txt"), "a shard is missing"),
    "shard under a best name": (renamed(SHARD, f"best{SHARD}"), "a shard is missing"),
    "shard of a killed download": (
        renamed(SHARD, f"m-10{SHARD}.crdownload"), "a shard is missing"),
    "shard in capitals": (renamed(SHARD, f"M-10{SHARD.upper()}"), "a shard is missing"),
    "shard of a killed rename": (
        renamed(SHARD, f"m-10{SHARD}.tempstate17"), "a shard is missing"),
    "index of a killed rename": (
        renamed(".index", "m-10.index.tempstate17"), "the index is missing"),
    "shard in a folder": (renamed(SHARD, f"data/m-10{SHARD}"), "a shard is missing"),
    "index in a folder": (renamed(".index", "meta/m-10.index"), "the index is missing"),
    "shard in the folder around": (renamed(SHARD, f"../m-10{SHARD}"), "a shard is missing"),
    "index and shard exchanged": (exchanged, "each other's name"),
    "index a link as text": (link_as_text(".index"), "a symbolic link stored as text"),
    "shard a link as text": (link_as_text(SHARD), "a symbolic link stored as text"),
    "shard a dead link": (dead_link, "a shard is missing"),
    "shard a page, a copy beside it": (page_beside_copy, "an HTML page"),
    "shard still packed": (shard_packed, "still in an archive"),
    "both in a zip with folders": (in_zip, "still in an archive"),
    "both in a tar with folders": (in_tar, "still in an archive"),
    "shard gzipped in place": (changed(SHARD, gzip.compress), "packed by gzip"),
    "index bzipped in place": (changed(".index", bz2.compress), "packed by bzip2"),
    "shard xz in place": (changed(SHARD, lzma.compress), "packed by xz"),
    "shard zipped in place": (changed(SHARD, zipped), "packed by zip"),
    "shard as text of Windows": (changed(SHARD, windows_text), "from Windows-1252 to UTF-8"),
    "shard to UTF-8 twice": (
        changed(SHARD, lambda raw: raw.decode("latin-1").encode().decode("latin-1").encode()),
        "twice",
    ),
    "shard as UTF-16": (
        changed(SHARD, lambda raw: raw.decode("latin-1").encode("utf-16")), "to UTF-16"),
    "shard as Base64": (changed(SHARD, base64.encodebytes), "in Base64"),
    "index as Base64": (changed(".index", base64.b64encode), "in Base64"),
    "shard as digits": (changed(SHARD, lambda raw: raw.hex().encode()), "as hexadecimal digits"),
    "index with a byte order mark": (
        changed(".index", lambda raw: b"\xef\xbb\xbf" + raw), "3 bytes in front"),
    "index with a line feed": (changed(".index", lambda raw: raw + b"\n"), "1 behind its end"),
    "index with both": (
        changed(".index", lambda raw: b"\r\n" + raw + b"--boundary--"),
        "2 bytes in front, 12 behind",
    ),
    "parts of a Saver": (parts_of_a_saver, "never merged"),
}  # fmt: skip


@pytest.mark.parametrize("situation", MENDED)
def test_the_command_mends_what_is_told(situation: str, tmp_path: Path) -> None:
    prefix = str(tmp_path / "run" / "m-10")
    tb.save(prefix, values())
    make, expected = MENDED[situation]
    make(prefix)
    found = tb.diagnose(prefix).symptoms[0]
    assert expected in found.what, found
    for _ in range(3):  # one file after the other
        found_next = tb.diagnose(prefix)
        if found_next.healthy:
            break
        assert found_next.symptoms[0].command is not None, found_next
        run(found_next.symptoms[0].command)
    assert_same(prefix, values())


LOST: dict[str, tuple[Make, str]] = {
    "no UTF-8 left out": (
        changed(SHARD, lambda raw: raw.decode("utf-8", "ignore").encode()), "left out"),
    "no carriage returns": (
        changed(SHARD, lambda raw: raw.replace(b"\r", b"")), "carriage returns were left out"),
    "shard half loaded": (
        lambda prefix: (os.remove(prefix + SHARD), Path(prefix + SHARD + ".part").write_bytes(b"")),
        "missing shard",
    ),
    "shard all zero": (changed(SHARD, lambda raw: bytes(len(raw))), "zero-filled"),
    "index empty": (changed(".index", lambda raw: b""), "an empty file"),
    "shard an error in JSON": (changed(SHARD, lambda raw: b'{"error": 404}'), "a JSON text"),
}  # fmt: skip


@pytest.mark.parametrize("situation", LOST)
def test_no_command_is_given_where_none_would_save_anything(situation: str, tmp_path: Path) -> None:
    prefix = str(tmp_path / "run" / "m-10")
    tb.save(prefix, values())
    make, expected = LOST[situation]
    make(prefix)
    found = tb.diagnose(prefix)
    assert expected in found.symptoms[0].what, found
    assert [each.command for each in found.symptoms if each.command] == []


def test_exchanged_shards_change_places_and_none_is_lost(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m-10")
    given = {name: np.random.default_rng(n).random(500) for n, name in enumerate("abc")}
    tb.save(prefix, given, max_shard_bytes=4000)
    shards = sorted(tmp_path.glob("*.data-*"))
    assert len(shards) == 3
    contents = [path.read_bytes() for path in shards]
    for path, content in zip(shards, [*contents[1:], contents[0]], strict=True):
        path.write_bytes(content)
    found = tb.diagnose(prefix).symptoms
    assert [each.what for each in found] == ["3 shards have each other's names"]
    run(found[0].command or "")
    assert_same(prefix, given)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *(path.name for path in shards), "m-10.index"]  # fmt: skip


def test_the_index_of_a_later_save_never_costs_the_only_shard(tmp_path: Path) -> None:
    one, other = str(tmp_path / "m-10"), str(tmp_path / "m-20")
    tb.save(one, {"w": np.arange(500.0)})
    tb.save(other, {"w": np.arange(500.0) + 1})
    shutil.copy(other + ".index", one + ".index")
    found = tb.diagnose(one).symptoms[0]
    assert "the index is of another save" in found.what
    run(f"{found.command} || true")  # salvage says by its exit code that nothing proves them
    np.testing.assert_array_equal(tb.open(one + "-salvaged")["w"], np.arange(500.0))


def test_what_lies_in_place_of_a_wrong_shard_is_kept(tmp_path: Path) -> None:
    prefix = str(tmp_path / "m-10")
    tb.save(prefix, values())
    shutil.move(prefix + SHARD, tmp_path / "kept.bin")
    wrong = np.random.default_rng(0).bytes((tmp_path / "kept.bin").stat().st_size)
    Path(prefix + SHARD).write_bytes(wrong)
    mend(prefix, "a shard is of another save")
    assert Path(prefix + SHARD + ".wrong").read_bytes() == wrong


def test_parts_that_were_never_written_are_told_and_the_rest_is_no_whole_checkpoint(
    tmp_path: Path,
) -> None:
    prefix = str(tmp_path / "m-10")
    tb.save(f"{prefix}_temp/part-00001-of-00003", {"w": np.arange(3)})
    found = tb.diagnose(prefix).symptoms[0]
    assert "some of its parts were never written" in found.what
    assert "of 3 parts 1 are in" in found.evidence
    run(found.command or "")
    assert not os.path.exists(prefix + ".index")
    assert list(tb.open(prefix + "-salvaged")) == ["w"]


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 960\n"
STATES = {
    "empty": ("", "an empty file", "echo "),
    "a pointer": (POINTER, "a git-LFS pointer", "git "),
    "a page": ("<html></html>", "an HTML page", "echo "),
}


@pytest.mark.parametrize("situation", STATES)
def test_a_state_file_that_is_none_is_told_as_such(situation: str, tmp_path: Path) -> None:
    content, expected, command = STATES[situation]
    prefix = str(tmp_path / "m-10")
    tb.save(prefix, values())
    (tmp_path / "checkpoint").write_text(content)
    found = tb.diagnose(tmp_path).symptoms[0]
    assert "checkpoint' is" in found.what
    assert expected in found.what
    assert (found.command or "").startswith(command)
    if command == "echo ":
        run(found.command or "")
        assert tb.diagnose(tmp_path).healthy
        assert_same(str(tmp_path), values())


def test_values_beside_the_graph_are_brought_in(tmp_path: Path) -> None:
    model = Path(shutil.copytree(DATA / "saved_model", tmp_path / "model"))
    for path in list((model / "variables").iterdir()):
        path.rename(model / path.name)
    (model / "variables").rmdir()
    found = tb.diagnose(model)
    run(found.symptoms[0].command or "")
    assert tb.diagnose(model).healthy


def test_a_pointer_in_place_of_the_graph_is_got(tmp_path: Path) -> None:
    model = Path(shutil.copytree(DATA / "saved_model", tmp_path / "model"))
    (model / "saved_model.pb").write_text(POINTER)
    commands = [each.command or "" for each in tb.diagnose(model).symptoms]
    assert any("lfs pull --include saved_model.pb" in command for command in commands)
