"""What a file really is: one test input per kind, built from real signatures."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorbundle._locate.damage import (
    explain_not_a_table,
    identify_file,
    identify_head,
    is_table,
)

MAGIC = bytes.fromhex("57fb808b247547db")
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:cd34a02d7fa13ab67fde95dbc3d8b75f479e3afad96cbc9f5bc5ec1a64423b3f\n"
    b"size 13171996\n"
)


def zip_of(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"content")
    return file.getvalue()


def tar_bytes():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.ckpt.index"), io.BytesIO(b""))
    return file.getvalue()


def npy_bytes():
    file = io.BytesIO()
    np.save(file, np.arange(3))
    return file.getvalue()


def npz_bytes():
    file = io.BytesIO()
    np.savez(file, w=np.arange(3))
    return file.getvalue()


def safetensors_bytes():
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


def field(number, content):
    return bytes([number << 3 | 2, len(content)]) + content


NODE = field(1, field(1, b"net/input") + field(2, b"Placeholder"))
META_GRAPH = field(1, field(2, field(1, field(1, b"Add"))) + field(5, b"2.21.0"))


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"", "an empty file"),
        (bytes(100), "zero-filled file (all zero bytes"),
        (POINTER, "a git-LFS pointer"),
        (POINTER.replace(b"\n", b"\r\n"), "real size 13171996 bytes): run `git lfs pull`"),
        (b"version https://git-lfs.github.com/spec/v1\n", "real size unknown bytes"),
        (b"../../.git/annex/objects/x/y/SHA256E-s1--z", "a git-annex pointer"),
        (b"outs:\n- md5: 0123\n  size: 1\n", "a DVC pointer"),
        (b"<!DOCTYPE html>\n<html>", "an HTML page"),
        (b"\n\n<html lang='en'>", "an HTML page"),
        (b"\xef\xbb\xbf<!doctype HTML>", "an HTML page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "an XML document"),
        (b'{"message": "Not Found"}', 'a JSON text beginning \'{"message": "Not Found"}\''),
        (b"404: Not Found", "a text beginning '404: Not Found'"),
        (b" \n\t\n", "nothing but white space"),
        (b"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n", "merge-conflict marks"),
        (b"<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n", "merge-conflict marks"),
        (b'model_checkpoint_path: "x"\n', "a checkpoint state file"),
        (b'node {\n  name: "x"\n}\n', "a graph as text"),
        (b"meta_info_def {\n}\n", "a MetaGraph as text"),
        (b"saved_model_schema_version: 1\n", "a SavedModel as text"),
        ("text".encode("utf-16"), "text in UTF-16"),
        ("text".encode("utf-32"), "text in UTF-32"),
        (
            b"/home/me/run/model.ckpt-3000.index",
            "which points to '/home/me/run/model.ckpt-3000.index'",
        ),
        (
            b"../shared/weights",
            "a symbolic link stored as text, which points to '../shared/weights'",
        ),
        (b"model.ckpt-3000.index\n", "which points to 'model.ckpt-3000.index'"),
        (b"model.ckpt-3000.data-00000-of-00001", "which points to"),
        ("/home/ünï/a b.index".encode(), "which points to '/home/ünï/a b.index'"),
        (b"hello world", "a text beginning 'hello world'"),
        (gzip.compress(b"x", mtime=0), "a gzip archive"),
        (bz2.compress(b"x"), "a bzip2 archive"),
        (lzma.compress(b"x"), "an xz archive"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "a zstandard archive"),
        (b"7z\xbc\xaf\x27\x1c\x00", "a 7-zip archive"),
        (tar_bytes(), "a tar archive"),
        (zip_of("model.ckpt.index"), "a zip archive (first member 'model.ckpt.index')"),
        (zip_of("archive/data.pkl"), "a PyTorch file"),
        (zip_of("metadata.json"), "a Keras .keras file"),
        (npz_bytes(), "a numpy .npz archive"),
        (npy_bytes(), "a numpy .npy array"),
        (safetensors_bytes(), "a safetensors file"),
        (pickle.dumps({"w": 1}, protocol=2), "a Python pickle"),
        (pickle.dumps({"w": 1}, protocol=4), "a Python pickle"),
        (
            pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + pickle.dumps(1001, protocol=2),
            "a PyTorch file (old pickle format)",
        ),
        (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
        (b"\x1c\x00\x00\x00TFL3\x00\x00", "a TensorFlow Lite model"),
        (b"GGUF\x03\x00\x00\x00", "a GGUF model"),
        (b"\x89PNG\r\n\x1a\n\x00", "a PNG image"),
        (b"\xff\xd8\xff\xe0\x00", "a JPEG image"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00", "an AppleDouble file"),
        (
            struct.pack("<QI", 24, 0) + b"\x09" + bytes(8) + b"\x1a\x0dbrain.Event:2",
            "a TensorBoard event file",
        ),
        (NODE, "a graph (GraphDef"),
        (META_GRAPH, "a MetaGraph"),
        (b"\x08\x01" + field(2, META_GRAPH), "a SavedModel graph"),
    ],
)
def test_file_of_known_kind_is_described(tmp_path, content, phrase):
    file = tmp_path / "file"
    file.write_bytes(content)
    assert phrase in identify_head(content[:4096], len(content)).phrase
    assert phrase in identify_file(str(file)).phrase
    assert phrase in explain_not_a_table(str(file))


@pytest.mark.parametrize(
    "content",
    [
        np.linspace(-1, 1, 50, dtype=np.float32).tobytes(),
        np.arange(100, dtype=np.int64).tobytes(),
        bytes.fromhex("00000208011a020801"),
        b"\x80",
        b"\x0a\x80",
        b"\x0a\xff\xff\xff\xff\xff\xff",
        b"\x08",
        b"\x08\x01\x12",
        b"\xff" * 20,
    ],
)
def test_tensor_or_table_bytes_are_not_described(content):
    assert identify_head(content, len(content)) is None


def test_long_zero_filled_file_is_described_by_its_head():
    phrase = identify_head(bytes(4096), 1 << 30).phrase
    assert phrase is not None
    assert "its first 4096 bytes are zero" in phrase


def test_text_cut_inside_a_character_is_still_text():
    assert "a text beginning" in identify_head("é".encode() * 50 + b"\xc3", 5000).phrase


def test_every_description_is_one_line():
    assert "\n" not in identify_head(b'{\n "error": {\n "code": 404 }}', 30).phrase


def test_table_is_not_described_as_anything_else(tmp_path):
    file = tmp_path / "model.ckpt"
    file.write_bytes(bytes(100) + MAGIC)
    assert identify_file(str(file)) is None
    assert explain_not_a_table(str(file)) is None
    assert is_table(str(file))


def test_magic_alone_is_too_short_for_a_table(tmp_path):
    file = tmp_path / "model.ckpt"
    file.write_bytes(b"\x01" + MAGIC)
    assert "9 bytes, which is shorter than the 48-byte table footer" in (
        explain_not_a_table(str(file)) or ""
    )


def test_table_cut_short_is_explained_by_its_last_bytes(tmp_path):
    file = tmp_path / "model.ckpt"
    file.write_bytes(b"\x01\x02\xff" * 40 + MAGIC[:-1])
    assert "expected the table magic 57fb808b247547db" in (explain_not_a_table(str(file)) or "")
    assert not is_table(str(file))


STARTS = [b"", b"\x0a", b"\x08\x01\x12", b"PK\x03\x04", b"\x80\x04", POINTER[:50], NODE, META_GRAPH]


@given(st.sampled_from(STARTS), st.binary(max_size=80), st.integers(0, 1 << 40))
def test_any_head_gives_one_line_or_none(start, rest, more):
    head = start + rest
    found = identify_head(head, len(head) + more)
    described = None if found is None else found.phrase
    assert described is None or described.splitlines() == [described]
    assert described is None or len(described) < 5000


def test_corpus_damage_is_named(corpus):
    expected = {
        "2Obe__BSData/saved_model/variables/variables.index": "a git-LFS pointer",
        "2Obe__BSData/saved_model/saved_model.pb": "a git-LFS pointer",
        "dgg95223__ML_QC_GEOM_OPT@ad52841a/test/water/monomer/model.ckpt.index": (
            "which points to '/home/dgg95223/backup/ML_QC_GEOM_OPT/test/water/monomer/"
            "model.ckpt-3000.index'"
        ),
    }
    for name, phrase in expected.items():
        assert phrase in (explain_not_a_table(str(corpus / name)) or "")


def test_corpus_files_that_are_sound_are_described_as_what_they_are(corpus):
    kinds = {
        ".meta": "a MetaGraph",
        "saved_model.pb": "a SavedModel graph",
        "/checkpoint": "a checkpoint state file",
        "frozen.pb": "a graph (GraphDef",
        "frozen_model.pb": "a graph (GraphDef",
    }
    for file in sorted(corpus.rglob("*")):
        if not file.is_file():
            continue
        found = identify_file(str(file))
        described = None if found is None else found.phrase
        if described and ("pointer" in described or "stored as text" in described):
            continue
        for ending, phrase in kinds.items():
            if str(file).endswith(ending):
                assert described is not None
                assert phrase in described
        if file.name.endswith(".index"):
            assert described is None
