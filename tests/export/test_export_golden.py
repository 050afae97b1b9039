"""Real checkpoints exported, and the files compared with what TensorFlow reads."""

import hashlib
import importlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors

import tensorbundle as tb
from tensorbundle._export.export import Export, export
from tensorbundle.errors import ConversionError
from tests.golden.cases import digest, digest_of, expected, path_of

FIXTURES = [
    *("demo", "dtypes", "strings", "names", "big_endian", "shards/merged", "objects/keras"),
    *(
        "slices/dtypes",
        "slices/shapes",
        "v1/dtypes",
        "v1/slices",
        "saver_v1_sharded",
        "saved_model",
    ),
]
DAMAGED = ["flipped_bit", "truncated_data", "all_zeros", "missing_shard", "mixed_saves"]
# What each format leaves out of FIXTURES, by TensorFlow's dtype or by name.
IN_NO_ARRAY = {"variant"}
NOT_IN_SAFETENSORS = IN_NO_ARRAY | {
    *("string", "complex128", "float8_e4m3b11fnuz", "float4_e2m1fn"),
}
NOT_IN_NPZ = {"\x00", "\x00leading nul", "\x00w\x00\x01\x00", "in\x00side", "latin1 caf\udce9"}


def records_of(fixture_id: str) -> dict[str, dict[str, Any]]:
    return expected()[fixture_id]["tensors"]


def restored(array: np.ndarray[Any, Any], tf_dtype: str) -> np.ndarray[Any, Any]:
    """What a reader makes of an array that numpy's format has no dtype for."""
    if array.dtype.names is not None:
        return array.view(getattr(ml_dtypes, tf_dtype))
    return array.astype(object) if array.dtype.kind == "S" else array


def check(
    fixture_id: str, result: Export, digests: Mapping[str, str], not_held: Collection[str]
) -> None:
    """Compare digests with TensorFlow's, and see that no tensor is missing without a reason."""
    records = records_of(fixture_id)
    assert sorted([*digests, *dict(result.left_out)]) == sorted(records)
    for name, reason in result.left_out:
        if "ends in NUL" in reason:
            strings = tb.open(path_of(fixture_id))[name].reshape(-1)
            assert any(string.endswith(b"\0") for string in strings)
        else:
            assert {name, records[name]["dtype"]} & set(not_held), (name, reason)
    for name, found in digests.items():
        assert (name, found) == (name, digest_of(records[name]))
    assert result.written == len(digests)


@pytest.mark.parametrize("fixture_id", FIXTURES)
def test_npz_holds_what_tensorflow_reads(tmp_path: Path, fixture_id: str) -> None:
    result = export(tb.open(path_of(fixture_id)), tmp_path / "x.npz")
    records = records_of(fixture_id)
    with np.load(tmp_path / "x.npz") as loaded:
        digests = {name: digest(restored(loaded[name], records[name]["dtype"])) for name in loaded}
    names = NOT_IN_NPZ | {name for name in records if "\udcff" in name}
    check(fixture_id, result, digests, IN_NO_ARRAY | names)


@pytest.mark.parametrize("fixture_id", FIXTURES)
def test_safetensors_holds_what_tensorflow_reads(tmp_path: Path, fixture_id: str) -> None:
    records = records_of(fixture_id)
    if all(record["dtype"] == "string" for record in records.values()):
        with pytest.raises(ConversionError, match=r"nothing would be left to export: .* string"):
            export(tb.open(path_of(fixture_id)), tmp_path / "x.safetensors")
        assert not (tmp_path / "x.safetensors").exists()
        return
    result = export(tb.open(path_of(fixture_id)), tmp_path / "x.safetensors")
    tensors = dict(safetensors.deserialize((tmp_path / "x.safetensors").read_bytes()))
    digests = {}
    for name, each in tensors.items():
        data = np.frombuffer(each["data"], np.uint8)
        # An int8 has the sign in the high bits, where TensorFlow keeps zeros of an int4.
        data = data & {"int4": 0x0F, "int2": 0x03}.get(records[name]["dtype"], 0xFF)
        digests[name] = hashlib.sha256(data.tobytes()).hexdigest()
    for name, each in tensors.items():
        assert each["shape"] == records[name]["shape"]
    names = {name for name in records if any("\udc80" <= char <= "\udcff" for char in name)}
    check(fixture_id, result, digests, NOT_IN_SAFETENSORS | names)


@pytest.mark.parametrize("fixture_id", FIXTURES)
def test_npy_directory_holds_what_tensorflow_reads(tmp_path: Path, fixture_id: str) -> None:
    result = export(tb.open(path_of(fixture_id)), f"{tmp_path}/x/")
    records = records_of(fixture_id)
    index = json.loads((tmp_path / "x" / "index.json").read_text("utf-8"))
    digests = {
        name: digest(restored(np.load(tmp_path / "x" / entry["file"]), records[name]["dtype"]))
        for name, entry in index.items()
    }
    check(fixture_id, result, digests, IN_NO_ARRAY)


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_checkpoint_leaves_nothing_behind(tmp_path: Path, damage: str, name: str) -> None:
    ckpt = tb.open(path_of(f"damaged/{damage}"))
    with pytest.raises((tb.FormatError, tb.MissingFileError), match=r"tensor|shard|data-"):
        export(ckpt, f"{tmp_path}/{name}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
def test_every_mode_exports_the_same_bytes(tmp_path: Path, name: str) -> None:
    seen = set()
    for mode in ("r", "c", "read"):
        files = export(
            tb.open(path_of("demo"), mode=mode), f"{tmp_path}/{name}", overwrite=True
        ).files
        seen.add(tuple(Path(file).read_bytes() for file in files))
    assert len(seen) == 1


def test_the_public_name_stays_a_function_when_its_module_is_imported(tmp_path: Path) -> None:
    importlib.import_module(tb.export.__module__)
    for name in ("a.npz", "b.npz"):
        assert tb.export(tb.open(path_of("demo")), tmp_path / name).left_out == ()
