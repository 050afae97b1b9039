"""Exports, read back by the libraries whose formats they are."""

import io
import json
import os
from pathlib import Path
from urllib.parse import unquote

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from tensorbundle._export.export import Export, export
from tensorbundle._export.npy import file_name
from tensorbundle.errors import ConversionError
from tests.checkpoint.fake import FakeCheckpoint, content, strings

PLAIN = "bool int8 uint8 int16 uint16 float16 int32 uint32 float32 int64 uint64 float64 complex64"
EIGHT_BITS = "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz"
BELOW_A_BYTE = "int4 uint4 int2 uint2"
NOT_IN_SAFETENSORS = "complex128 float8_e4m3b11fnuz float4_e2m1fn"
OF_ML_DTYPES = f"bfloat16 {EIGHT_BITS} {BELOW_A_BYTE} float8_e4m3b11fnuz float4_e2m1fn"
SHAPES = {"scalar": (), "vector": (5,), "matrix": (2, 3), "empty": (3, 0, 2)}

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def dtype_of(name: str) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def arrays_of(names: str) -> dict[str, np.ndarray]:
    """Arrays of each dtype and shape; names sort otherwise than dtypes do."""
    return {
        f"{shape_name}/{name}": (np.arange(np.prod(shape, dtype=int)) % 2)
        .astype(dtype_of(name))
        .reshape(shape)
        for name in names.split()
        for shape_name, shape in SHAPES.items()
    }


def assert_same(actual: np.ndarray, expected: np.ndarray) -> None:
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    assert actual.tobytes() == expected.tobytes()


# --- npz ------------------------------------------------------------------------------------------


def test_npz_is_byte_for_byte_what_savez_writes(tmp_path: Path) -> None:
    arrays = arrays_of(f"{PLAIN} complex128")
    ckpt = FakeCheckpoint(arrays | {"größe/重み": np.arange(3.0)})
    path = tmp_path / "out.npz"
    result = export(ckpt, path)
    np.savez(tmp_path / "numpy.npz", **ckpt.arrays)
    assert path.read_bytes() == (tmp_path / "numpy.npz").read_bytes()
    nbytes = sum(array.nbytes for array in ckpt.arrays.values())
    assert result == Export((str(path),), len(ckpt), nbytes, ())


def test_npz_arrays_of_ml_dtypes_say_what_they_are_and_come_back_by_view(tmp_path: Path) -> None:
    arrays = arrays_of(OF_ML_DTYPES)
    result = export(FakeCheckpoint(arrays), tmp_path / "out.npz")
    assert result.notes == (
        f"{len(arrays)} tensors have types that numpy has no name for: "
        "np.load(...)[name].view(ml_dtypes.bfloat16) and the like give them back",
    )
    with np.load(tmp_path / "out.npz") as loaded:
        assert set(loaded) == set(arrays)
        for name, array in arrays.items():
            assert loaded[name].dtype.names == (array.dtype.name,)
            assert_same(loaded[name].view(array.dtype), array)


def test_npz_strings_are_of_fixed_width(tmp_path: Path) -> None:
    arrays = {
        "several": strings(b"a\0b", b"", b"\xff long"),
        "scalar": np.array(b"one", dtype=object),
        "none": np.empty((2, 0), dtype=object),
        "blank": strings(b"", b""),
        "many": strings(*(b"%d" % i for i in range(300_000))),
    }
    export(FakeCheckpoint(arrays), tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as loaded:
        for name, array in arrays.items():
            assert loaded[name].shape == array.shape
            assert loaded[name].tolist() == array.tolist()


def test_npz_leaves_out_what_numpy_cannot_hold_and_says_why(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint(
        {
            "w": np.ones(2, "f4"),
            "deep": np.broadcast_to(np.float32(0), (1,) * 64),
            "tail": strings(b"x\0"),
            "padding": strings(*[b""] * 100_000, b"x" * 10_000),
            "variant": None,
            "nul\0": np.ones(1),
            "latin1 \udce9": np.ones(1),
            "long" * 20_000: np.ones(1),
            "w.npy": np.ones(1),
        }
    )
    result = export(ckpt, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as loaded:
        assert set(loaded) == {"w", "deep"}
    reasons = {name[:10]: reason for name, reason in result.left_out}
    assert reasons == {
        "latin1 \udce9": "its name is not UTF-8, names in a zip archive are",
        "longlonglo": "its name is 80004 bytes long, a zip archive takes 65535",
        "nul\0": "its name holds a NUL, where names in a zip archive end",
        "padding": "its strings, 10000 bytes, would take 1000010000 padded to the longest one",
        "tail": "a string ends in NUL, which numpy's fixed-width strings lose",
        "variant": "tensors of type variant cannot be read as arrays",
        "w.npy": "np.load takes its name for that of 'w'",
    }
    assert result.written == 2


# --- safetensors ----------------------------------------------------------------------------------


def test_safetensors_is_byte_for_byte_what_save_file_writes(tmp_path: Path) -> None:
    arrays = arrays_of(f"{PLAIN} bfloat16 {EIGHT_BITS}")
    odd_names = [
        '"quoted"',
        "back\\slash",
        "tab\t\x01\x7f\u2028",
        "größe/重み/🌍",
        "",
        "__metadata",
    ]
    arrays |= {name: np.arange(3, dtype="f4") for name in odd_names}
    path = tmp_path / "out.safetensors"
    result = export(FakeCheckpoint(arrays), path)
    safetensors.numpy.save_file(arrays, tmp_path / "theirs", metadata={"format": "np"})
    assert path.read_bytes() == (tmp_path / "theirs").read_bytes()
    assert result == Export(
        (str(path),), len(arrays), sum(array.nbytes for array in arrays.values()), ()
    )


def test_safetensors_holds_small_integers_as_those_of_a_byte_and_says_so(tmp_path: Path) -> None:
    arrays = {"int4": np.arange(-8, 8).astype("int4"), "int2": np.arange(-2, 2).astype("int2")}
    arrays |= {"uint4": np.arange(16).astype("uint4"), "uint2": np.arange(4).astype("uint2")}
    path = tmp_path / "out.safetensors"
    export(FakeCheckpoint(arrays), path)
    loaded = safetensors.numpy.load_file(path)
    for name, array in arrays.items():
        assert loaded[name].dtype == np.dtype(name.replace("4", "8").replace("2", "8"))
        assert loaded[name].tolist() == array.astype(int).tolist()
    with safetensors.safe_open(path, "np") as file:
        assert json.loads(file.metadata()["tensorflow_dtypes"]) == {name: name for name in arrays}


def test_safetensors_without_tensors_is_a_valid_file(tmp_path: Path) -> None:
    export(FakeCheckpoint({}), tmp_path / "out.safetensors")
    assert safetensors.numpy.load_file(tmp_path / "out.safetensors") == {}


def test_safetensors_leaves_out_what_it_cannot_hold_and_says_why(tmp_path: Path) -> None:
    arrays = {f"{name}": np.ones(2, dtype_of(name)) for name in NOT_IN_SAFETENSORS.split()}
    ckpt = FakeCheckpoint(
        {"w": np.ones(2, "f4"), GRAPH: np.array(b"graph", dtype=object), "variant": None}
        | {"latin1 \udce9": np.ones(1), "__metadata__": np.ones(1)}
        | arrays
    )
    result = export(ckpt, tmp_path / "out.safetensors")
    assert set(safetensors.numpy.load_file(tmp_path / "out.safetensors")) == {"w"}
    assert dict(result.left_out) == {
        GRAPH: "safetensors has no dtype for string",
        "variant": "tensors of type variant cannot be read as arrays",
        "latin1 \udce9": "its name is not UTF-8, names in safetensors are",
        "__metadata__": "safetensors keeps this name for itself",
    } | {name: f"safetensors has no dtype for {name}" for name in arrays}


def test_safetensors_past_the_limit_is_split_in_the_hugging_face_form(tmp_path: Path) -> None:
    sizes = {"a": 40, "b": 60, "big": 500, "c": 0, "d": 100, "e": 1}
    arrays = {name: np.full(size, 7, "u1") for name, size in sizes.items()}
    result = export(FakeCheckpoint(arrays), tmp_path / "m.safetensors", max_shard_bytes=100)
    names = [f"m-0000{i}-of-00004.safetensors" for i in range(1, 5)]
    index_name = "m.safetensors.index.json"
    assert result.files == tuple(str(tmp_path / name) for name in [*names, index_name])
    assert sorted(os.listdir(tmp_path)) == [*names, index_name]
    index = json.loads((tmp_path / index_name).read_text("utf-8"))
    placed = dict(zip(["a", "b", "big", "c", "d", "e"], [0, 0, 1, 2, 2, 3], strict=True))
    assert index == {
        "metadata": {"total_size": 701, "writer": "tensorbundle"},
        "weight_map": {name: names[place] for name, place in placed.items()},
    }
    for name, array in arrays.items():
        with safetensors.safe_open(tmp_path / index["weight_map"][name], "np") as file:
            assert_same(file.get_tensor(name), array)


def test_safetensors_within_the_limit_is_one_file(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"a": np.ones(4, "f4"), "b": np.ones(4, "f4")})
    result = export(ckpt, tmp_path / "m.safetensors", max_shard_bytes=32)
    assert result.files == (str(tmp_path / "m.safetensors"),)
    assert os.listdir(tmp_path) == ["m.safetensors"]


def test_safetensors_of_another_form_leaves_no_earlier_weights(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"a": np.ones(4, "f4"), "b": np.ones(4, "f4")})
    others = ["m-1-of-2.safetensors", "mm.safetensors", "m.safetensors.bak"]
    for other in others:
        (tmp_path / other).write_bytes(b"other")
    path = tmp_path / "m.safetensors"
    for limit in (None, 16, 100, 16):
        files = export(ckpt, path, max_shard_bytes=limit, overwrite=True).files
        assert sorted(os.listdir(tmp_path)) == sorted([*others, *map(os.path.basename, files)])


def test_safetensors_with_a_header_that_no_reader_accepts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorbundle._export.safetensors.MAX_HEADER_BYTES", 100)
    ckpt = FakeCheckpoint({"a": np.ones(4, "f4"), "b": np.ones(4, "f4")})
    with pytest.raises(ConversionError, match=r"2 need a header of 144 bytes, readers accept 100"):
        export(ckpt, tmp_path / "m.safetensors")
    assert os.listdir(tmp_path) == []


# --- a directory of npy ---------------------------------------------------------------------------


def test_npy_directory_holds_what_np_save_writes(tmp_path: Path) -> None:
    arrays = arrays_of(f"{PLAIN} bfloat16 int4 complex128") | {"text": strings(b"a", b"bc")}
    result = export(FakeCheckpoint(arrays | {"variant": None}), f"{tmp_path}/out/")
    index = json.loads((tmp_path / "out" / "index.json").read_text("utf-8"))
    assert index["matrix/bfloat16"] == {
        "file": "matrix/bfloat16.npy",
        "dtype": "bfloat16",
        "shape": [2, 3],
    }
    assert index.keys() == arrays.keys()
    files = {entry["file"]: name for name, entry in index.items()}
    written = content(tmp_path / "out")
    assert written.keys() == {"index.json", *files}
    for file, name in files.items():
        expected = io.BytesIO()
        array = arrays[name].astype("S") if name == "text" else arrays[name]
        if array.dtype.isbuiltin == 2:
            array = array.view([(array.dtype.name, f"<u{array.dtype.itemsize}")])
        np.save(expected, array)
        assert written[file] == expected.getvalue()
    assert result.left_out == (("variant", "tensors of type variant cannot be read as arrays"),)
    assert {os.path.relpath(file, tmp_path / "out") for file in result.files} == written.keys()


NAMES = [
    *("a", "a/b", "a.npy", "a.npy/b", "index.json", "index.json/a", "index", ".", "..", "../up"),
    *(
        "x/../../up",
        "/abs",
        "//",
        "/",
        "",
        "double//slash",
        "a/./b",
        "trailing/",
        "trailing ",
        "t./x",
    ),
    *(
        "nul\0",
        "back\\slash",
        "C:x",
        "100%",
        "%2F",
        "%s",
        "latin1 \udce9",
        "\udcff/\udcfe",
        "größe/重み",
    ),
    *("n" * 246, "n" * 247, "n" * 300, "n" * 301, "d/" * 600 + "x", "\x1b[1m", ".ATTRIBUTES/VALUE"),
]


def test_npy_files_of_odd_names_stay_inside_the_directory(tmp_path: Path) -> None:
    arrays = {name: np.full(2, i) for i, name in enumerate(NAMES)}
    (tmp_path / "out").mkdir()
    export(FakeCheckpoint(arrays), tmp_path / "out", format="npy")
    assert os.listdir(tmp_path) == ["out"]
    index = json.loads((tmp_path / "out" / "index.json").read_text("utf-8"))
    assert index.keys() == arrays.keys()
    for name, entry in index.items():
        assert_same(np.load(tmp_path / "out" / entry["file"]), arrays[name])
    assert index["a/b"]["file"] == "a/b.npy"
    assert index[".."]["file"] == ".%2E.npy"
    assert index["/abs"]["file"] == "%2Fabs.npy"


@given(st.text(st.sampled_from("a./%\\: \0\udce9é"), max_size=8))
def test_file_name_is_undone_by_unquote(name: str) -> None:
    file = file_name(name)
    assert unquote(file.removesuffix(".npy"), errors="surrogateescape") == name
    parts = file.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not any(part.endswith((".npy", " ", ".")) for part in parts[:-1])


def test_npy_directory_of_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    export(FakeCheckpoint({"old": np.ones(1), "both/x": np.ones(1)}), f"{tmp_path}/out/")
    export(
        FakeCheckpoint({"new": np.ones(1), "both/x": np.zeros(1)}), tmp_path / "out", overwrite=True
    )
    assert content(tmp_path / "out").keys() == {"new.npy", "both/x.npy", "index.json"}
    assert np.load(tmp_path / "out" / "both" / "x.npy") == 0


@pytest.mark.parametrize("stranger", ["notes.txt", "mine.npy", "sub/index.json"])
def test_npy_directory_with_other_files_is_never_touched(tmp_path: Path, stranger: str) -> None:
    (tmp_path / stranger).parent.mkdir(exist_ok=True)
    (tmp_path / stranger).write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="is not empty and no earlier export"):
        export(FakeCheckpoint({"w": np.ones(1)}), tmp_path)
    assert content(tmp_path) == {stranger: b"mine"}
