"""Files of tensors of other programs that are damaged, hostile, or not what they are called."""

import io
import json
import os
import random
import struct
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import tensorbundle as tb
from tests.freeze.program import run

ARRAYS: dict[str, Any] = {
    "w": np.arange(30.0).reshape(5, 6),
    "b": np.array([True, False]),
    "s": np.array([b"ab", b"c"]),
    "u": np.array(["x", "größe"]),
    "i": np.int64(3),
}
TENSORS = {
    "a/b": np.arange(4, dtype="f4"),
    "h": np.arange(3).astype(ml_dtypes.bfloat16),
    "z": np.zeros((0, 3)),
}
MAKERS: dict[str, Callable[[Path], object]] = {
    "a.npz": lambda path: np.savez(path, **ARRAYS),
    "c.npz": lambda path: np.savez_compressed(path, **ARRAYS),
    "x.npy": lambda path: np.save(path, np.asfortranarray(ARRAYS["w"])),
    "u.npy": lambda path: np.save(path, ARRAYS["u"]),
    "m.safetensors": lambda path: safetensors.numpy.save_file(
        TENSORS, path, metadata={"format": "pt", "tensorflow_dtypes": '{"h": "qint8"}'}
    ),
}


def mutated(content: bytes, chance: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        at, what = chance.randrange(len(data) + 1), chance.randrange(6)
        if what == 0:
            del data[at:]
        elif what == 1:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif what == 2:
            del data[at : at + chance.randrange(1, 9)]
        elif what == 3:
            start = chance.randrange(len(data) + 1)
            data[at : at + 8] = data[start : start + 8]
        else:
            data[at : at + 1] = bytes(
                [chance.choice([0, 255, 127, 48, 57, 123, 34, what * at % 256])]
            )
    return bytes(data)


def refused(path: Path) -> str | None:
    """Read all of a file; the typed error that says why not."""
    try:
        ckpt = tb.open(path)
        for name in ckpt:
            assert ckpt[name].nbytes < 1 << 20
        ckpt.verify()
    except (tb.FormatError, tb.UnsupportedError) as error:
        return str(error)
    return None


def test_ten_thousand_mutated_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    chance, seen = random.Random(7), Counter[str]()
    for maker_name, make in MAKERS.items():
        path = tmp_path / maker_name
        make(path)
        original = path.read_bytes()
        for _ in range(2_100):
            path.write_bytes(mutated(original, chance))
            refusal = refused(path)
            seen["read" if refusal is None else "refused"] += 1
            if refusal is not None:
                assert "\n" not in refusal
                assert maker_name in refusal
                assert len(refusal) < 600 + len(str(tmp_path))
    assert seen.total() == 2_100 * len(MAKERS) > 10_000
    assert min(seen.values()) > 500


def test_save_of_mutated_files_ends_with_0_or_2_and_says_why_in_one_line(tmp_path: Path) -> None:
    chance, codes = random.Random(8), Counter[int]()
    from click.testing import CliRunner

    from tensorbundle.cli import program

    for maker_name, make in MAKERS.items():
        path = tmp_path / maker_name
        make(path)
        original = path.read_bytes()
        for _ in range(100):
            path.write_bytes(mutated(original, chance))
            result = CliRunner().invoke(
                program, ["save", str(path), str(tmp_path / "o"), "--force"]
            )
            assert isinstance(result.exception, SystemExit) or result.exception is None
            codes[result.exit_code] += 1
            if result.exit_code:
                assert result.stderr.startswith("tensorbundle: error: ")
                assert result.stderr.count("\n") == 1
    assert set(codes) == {0, 2}


def test_an_archive_whose_member_was_changed_names_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", first=np.zeros(100), second=np.zeros(100))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[1700] ^= 4
    (tmp_path / "a.npz").write_bytes(content)
    assert tb.open(tmp_path / "a.npz")["first"].sum() == 0
    with pytest.raises(tb.FormatError, match=r"member 'second.npy' is damaged in tensor 'second'"):
        tb.open(tmp_path / "a.npz")["second"]
    error = run("save", tmp_path / "a.npz", tmp_path / "out", code=2).stderr
    assert "member 'second.npy' is damaged" in error
    assert os.listdir(tmp_path) == ["a.npz"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\x93" * 100, "the archive is damaged"),
        (b"PK\x03\x04" + bytes(100), "the archive is damaged"),
    ],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.npz").write_bytes(content)
    error = run("save", tmp_path / "bad.npz", tmp_path / "out", code=2).stderr
    assert message in error
    assert "pickle" not in error


def archive(path: Path, members: dict[str, bytes], **options: Any) -> None:
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in members.items():
            file.writestr(name, content)


def npy(descr: str, shape: str, data: bytes = b"", fortran: bool = False) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (npy("'<f8'", "(268435456, 1024)"), r"takes 2199023255552 bytes, 0 are there"),
        (npy("'<f8'", "(True,)", bytes(8)), "header is malformed"),
        (npy("'<f8'", "(-1,)", bytes(8)), "header is malformed"),
        (npy("'<f8'", "(99999999999999999999,)", bytes(8)), "is no size of a dimension"),
        (npy("'<f8'", f"({'1,' * 65})", bytes(8)), "65 dimensions: at most 64"),
        (npy("'<f8'", "(0, 9223372036854775807, 9223372036854775807)"), "larger than any file"),
        (npy("'|O'", "(1,)", b"\x80\x04K\x01."), "pickled Python objects, which are never read"),
        (npy("'<f8'", "(1,)", bytes(9)), r"takes 8 bytes, 9 are there"),
        (npy("'<U1'", "(1,)", b"\xff" * 4), "a text holds the code point 0xffffffff"),
        (npy("'<U1'", "(1,)", b"\x00\xd8\x00\x00"), "a text is malformed: surrogates not allowed"),
        (npy("__import__('os')", "(1,)", bytes(8)), "header is malformed"),
        (b"\x93NUMPY\x04\x00" + bytes(20), r"of version 4.0: expected"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "header of 2147483647 bytes"),
        (b"hello world", "hello wo"),
    ],
)
def test_a_member_that_lies_is_refused_before_memory_is_taken(
    tmp_path: Path, member: bytes, message: str
) -> None:
    archive(tmp_path / "a.npz", {"liar.npy": member})
    with pytest.raises(tb.FormatError, match="'liar") as caught:
        tb.open(tmp_path / "a.npz")["liar"]
    assert message in caught.value.message
    (tmp_path / "liar.npy").write_bytes(member)
    with pytest.raises(tb.FormatError, match="liar") as caught:
        tb.open(tmp_path / "liar.npy")["liar"]
    assert message in caught.value.message


def test_a_member_that_is_no_array_or_stands_twice_is_named(tmp_path: Path) -> None:
    archive(tmp_path / "a.npz", {"w.npy": npy("'<f8'", "()", bytes(8)), "notes.txt": b"hello"})
    with pytest.raises(tb.FormatError, match=r"member 'notes.txt' is no array"):
        tb.open(tmp_path / "a.npz")
    member = npy("'<f8'", "()", bytes(8))
    archive(tmp_path / "b.npz", {"w.npy": member, "v.npy": member})
    twice = (tmp_path / "b.npz").read_bytes().replace(b"v.npy", b"w.npy")
    (tmp_path / "b.npz").write_bytes(twice)
    with pytest.raises(tb.FormatError, match=r"two members are called 'w.npy'"):
        tb.open(tmp_path / "b.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_named(tmp_path: Path, method: int) -> None:
    archive(tmp_path / "a.npz", {"w.npy": npy("'<f8'", "()", bytes(8))}, compression=method)
    with pytest.raises(tb.UnsupportedError, match=r"'w.npy' is compressed by method"):
        tb.open(tmp_path / "a.npz")["w"]


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    archive(tmp_path / "a.npz", {"w.npy": npy("'<f8'", "()", bytes(8))})
    content = (tmp_path / "a.npz").read_bytes()
    at = content.index(b"PK\x01\x02")
    (tmp_path / "a.npz").write_bytes(content[: at + 8] + b"\x01" + content[at + 9 :])
    with pytest.raises(tb.UnsupportedError, match=r"'w.npy' is encrypted"):
        tb.open(tmp_path / "a.npz")["w"]


def test_a_member_that_claims_more_than_its_bytes_can_become_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", w=np.zeros(10))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 0x7FFFFFFF)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(tb.FormatError, match=r"'w.npy' cannot hold what it claims.*: 2147"):
        tb.open(tmp_path / "a.npz")["w"]


# --- safetensors ----------------------------------------------------------------------------------


def tensors(header: object, data: bytes = b"", size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has 0 bytes"),
        (tensors({}, size=1 << 40), "its header would take 1099511627776 bytes"),
        (tensors(b"[]"), "no JSON object"),
        (tensors(b"[" * 50_000), "no JSON: "),
        (tensors(b'{"a":{},"a":{}}'), "'a' stands twice"),
        (tensors({"w": 3}), "the entry of tensor 'w' is malformed"),
        (tensors({"w": {**ENTRY, "shape": [True]}}, bytes(8)), "are no sizes"),
        (tensors({"w": {**ENTRY, "shape": [-2]}}, bytes(8)), "are no sizes"),
        (tensors({"w": {**ENTRY, "shape": [1 << 62]}}, bytes(8)), "does not fit: 8 bytes"),
        (tensors({"w": {**ENTRY, "dtype": "F33"}}, bytes(8)), "type 'F33', which is not known"),
        (tensors({"w": {**ENTRY, "data_offsets": [4, 12]}}, bytes(12)), "begins at byte"),
        (tensors({"w": ENTRY, "v": ENTRY}, bytes(8)), "begins at byte"),
        (tensors({"w": ENTRY}, bytes(7)), "the file is cut off"),
        (tensors({"w": ENTRY}, bytes(9)), "goes on after its last tensor"),
        (tensors({"w": ENTRY, "__metadata__": {"a": 1}}, bytes(8)), "__metadata__ is malformed"),
    ],
)
def test_a_malformed_safetensors_file_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(tb.FormatError, match=r"w\.safetensors") as caught:
        tb.open(tmp_path / "w.safetensors")
    assert message in caught.value.message


@pytest.mark.parametrize("file", ["../secret.safetensors", "/etc/passwd", "", "a/b", ".."])
def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path, file: str) -> None:
    index = tmp_path / "w.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": file}}))
    with pytest.raises(tb.FormatError, match=r"json\): that is no file beside it"):
        tb.open(index)


def test_an_index_without_its_shards_says_which(tmp_path: Path) -> None:
    index = tmp_path / "w.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"w": "w-1.safetensors"}}))
    with pytest.raises(tb.MissingFileError, match=r"w-1\.safetensors"):
        tb.open(index)
    (tmp_path / "w-1.safetensors").write_bytes(tensors({"v": ENTRY}, bytes(8)))
    with pytest.raises(tb.FormatError, match=r"'w' is not in 'w-1\.safetensors'"):
        tb.open(index)


# --- folders, kinds -------------------------------------------------------------------------------


def test_a_folder_whose_index_leads_out_of_it_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    np.save(tmp_path / "secret.npy", np.ones(3))
    np.save(folder / "w.npy", np.ones(3))
    (folder / "link.npy").symlink_to(tmp_path / "secret.npy")
    for file in ("../secret.npy", str(tmp_path / "secret.npy"), "link.npy"):
        entry = {"file": file, "dtype": "float64", "shape": [3]}
        (folder / "index.json").write_text(json.dumps({"w": entry}))
        with pytest.raises(tb.FormatError, match="which does not lie in"):
            tb.open(folder)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    for name in ("w.npz", "w.safetensors", "w.npy"):
        os.mkfifo(tmp_path / name)
        assert (
            "is not a regular file" in run("save", tmp_path / name, tmp_path / "o", code=2).stderr
        )


def test_a_file_is_known_by_its_beginning_whatever_it_is_called(tmp_path: Path) -> None:
    for name in ("a.npz", "x.npy", "m.safetensors"):
        MAKERS[name](tmp_path / name)
        (tmp_path / name).rename(tmp_path / "download")
        assert tb.open(tmp_path / "download").location.kind in name


def test_a_checkpoint_called_like_a_file_of_tensors_is_a_checkpoint(tmp_path: Path) -> None:
    tb.save(tmp_path / "w.npz", {"w": np.ones(2)})
    assert tb.open(tmp_path / "w.npz").location.kind == "v2"


def test_a_model_folder_opens_by_its_weights(tmp_path: Path) -> None:
    safetensors.numpy.save_file(TENSORS, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text("{}")
    assert set(tb.open(tmp_path)) == set(TENSORS)


@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_every_mode_gives_the_same_and_only_views_are_read_only(tmp_path: Path, mode: Any) -> None:
    for name in ("a.npz", "m.safetensors"):
        MAKERS[name](tmp_path / name)
        before = (tmp_path / name).read_bytes()
        for key, array in tb.open(tmp_path / name, mode=mode).items():
            expected = {**ARRAYS, **TENSORS, "u": np.char.encode(ARRAYS["u"], "utf-8")}[key]
            assert array.tolist() == expected.tolist()
            assert array.flags.writeable == (mode != "r")
            if mode != "r" and array.size:
                array.reshape(-1)[0] = array.reshape(-1)[-1]
        assert (tmp_path / name).read_bytes() == before


def test_a_buffer_of_an_npy_file_is_what_numpy_writes() -> None:
    from tensorbundle._format.foreign.npy import encode_header

    file = io.BytesIO()
    np.save(file, np.ones((2, 3), ">f4"))
    assert encode_header(np.dtype("<f4"), (2, 3)) == file.getvalue()[:128].replace(b">", b"<")
