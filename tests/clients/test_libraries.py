"""Tensors handed to torch and JAX, and taken from them."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import torch

import tensorbundle as tb
from tests.golden.cases import path_of

FIXTURES = ["dtypes", "demo", "slices/dtypes", "v1/dtypes", "big_endian"]


def plain(array: np.ndarray[Any, Any]) -> bytes:
    """The bytes of an array, those of integers below a byte as of a whole one."""
    if array.dtype.name in ("int4", "int2", "uint4", "uint2"):
        array = array.astype("int8" if array.dtype.name[0] == "i" else "uint8")
    return array.tobytes()


@pytest.mark.parametrize("fixture", FIXTURES)
def test_torch_gets_every_type_that_it_has_bit_for_bit(fixture: str) -> None:
    ckpt = tb.open(path_of(fixture))
    tensors = ckpt.to_torch()
    left_out = {ckpt.info(name).tf_dtype for name in ckpt if name not in tensors}
    assert left_out <= {"variant", "string", "float8_e4m3b11fnuz", "float4_e2m1fn"}
    for name, tensor in tensors.items():
        array = ckpt.load([name])[name]
        assert tuple(tensor.shape) == array.shape
        if array.size:
            raw = tensor.reshape(-1).contiguous().view(torch.uint8)
            assert raw.numpy().tobytes() == plain(array), name


def test_torch_gets_its_own_bfloat16_and_float8() -> None:
    tensors = tb.open(path_of("dtypes")).to_torch(["bfloat16/matrix", "float8_e5m2/scalar"])
    assert tensors["bfloat16/matrix"].dtype == torch.bfloat16
    assert tensors["float8_e5m2/scalar"].dtype == torch.float8_e5m2
    assert tensors["float8_e5m2/scalar"].shape == ()


@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_writing_in_place_changes_no_file_and_ends_no_process(mode: Any) -> None:
    for fixture in FIXTURES:
        files = sorted(Path(path_of(fixture)).parent.glob("*"))
        before = [hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()]
        ckpt = tb.open(path_of(fixture), mode=mode)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # torch warns of arrays that it may not write to
            for tensor in ckpt.to_torch().values():
                tensor.zero_()
        assert before == [hashlib.sha256(f.read_bytes()).hexdigest() for f in files if f.is_file()]
        assert tb.open(path_of(fixture)).verify().ok


@pytest.mark.parametrize("fixture", FIXTURES)
def test_jax_gets_every_type_of_64_bits_too(fixture: str) -> None:
    ckpt = tb.open(path_of(fixture))
    arrays = ckpt.to_jax()
    left_out = {ckpt.info(name).tf_dtype for name in ckpt if name not in arrays}
    assert left_out <= {"variant", "string"}
    for name, given in arrays.items():
        assert isinstance(given, jax.Array)
        array = ckpt.load([name])[name]
        assert (given.dtype, given.shape) == (array.dtype, array.shape)
        assert plain(np.asarray(given)) == plain(array), name


def test_a_type_that_a_library_lacks_is_an_error_when_it_is_named() -> None:
    ckpt = tb.open(path_of("dtypes"))
    with pytest.raises(tb.ConversionError, match="torch has no type for string"):
        ckpt.to_torch("string/vector")
    with pytest.raises(tb.ConversionError, match="JAX has no type for string"):
        ckpt.to_jax(["string/vector"])
    assert ckpt.to_torch("string/*") == {}


def test_a_state_dict_becomes_a_checkpoint_and_files(tmp_path: Path) -> None:
    state = {
        "lin.weight": torch.nn.Parameter(torch.arange(6.0).reshape(2, 3)),
        "half": torch.arange(4).to(torch.bfloat16),
        "eight": torch.arange(4).to(torch.float8_e4m3fn),
        "step": torch.tensor(3),
        "turned": torch.arange(6).reshape(2, 3).T,
    }
    tb.save(tmp_path / "m", state)
    tb.export(state, tmp_path / "m.npz")
    for path in ("m", "m.npz"):
        found = tb.open(tmp_path / path).to_torch()
        assert found.keys() == state.keys()
        for name, tensor in state.items():
            assert found[name].dtype == tensor.dtype
            assert torch.equal(found[name].float(), tensor.detach().float())


def test_jax_arrays_are_exported(tmp_path: Path) -> None:
    arrays = {"w": jax.numpy.arange(6, dtype="bfloat16"), "b": jax.numpy.ones(3)}
    tb.export(arrays, tmp_path / "m.safetensors")
    found = tb.open(tmp_path / "m.safetensors").to_jax()
    assert {name: each.dtype.name for name, each in found.items()} == {
        "w": "bfloat16",
        "b": "float32",
    }
    assert found["w"].tolist() == arrays["w"].tolist()


def test_files_of_torch_are_read_as_checkpoints(tmp_path: Path) -> None:
    state = {
        "lin.weight": torch.arange(6.0).reshape(2, 3).T,
        "half": torch.arange(4).to(torch.bfloat16),
        "eight": torch.arange(4).to(torch.float8_e4m3fn),
        "scalar": torch.tensor(3),
        "empty": torch.zeros(0, 4),
    }
    torch.save(state, tmp_path / "m.pt")
    old = {name: each for name, each in state.items() if name != "eight"}  # newer than the format
    torch.save(old, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "more.pth")
    for name in ("m.pt", "old.bin", "more.pth"):
        ckpt = tb.open(tmp_path / name)
        assert {*ckpt} == {*(old if name == "old.bin" else state)}
        tb.save(tmp_path / "saved", ckpt, overwrite=True)
        for found in (ckpt.to_torch(), tb.open(tmp_path / "saved").to_torch()):
            for key in ckpt:
                tensor = state[key]
                assert (found[key].dtype, found[key].shape) == (tensor.dtype, tensor.shape)
                assert torch.equal(found[key].float(), tensor.float())


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("ran"),))


def test_a_file_of_torch_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"w": torch.ones(2), "x": Malicious()}, tmp_path / "m.pt")
    with pytest.raises(tb.FormatError, match="torch reads no weights here"):
        tb.open(tmp_path / "m.pt")
    assert not (tmp_path / "ran").exists()
    (tmp_path / "cut.pt").write_bytes((tmp_path / "m.pt").read_bytes()[:300])
    with pytest.raises(tb.FormatError, match="torch reads no weights here"):
        tb.open(tmp_path / "cut.pt")


def test_a_state_dict_becomes_a_hub_folder_without_second_names(tmp_path: Path) -> None:
    shared = torch.arange(6.0).reshape(2, 3)
    state = {"emb.weight": shared, "head.weight": shared, "other": shared.clone()}
    done = tb.export(state, tmp_path / "hub", format="hub", config={"model_type": "x"})
    assert {*tb.open(tmp_path / "hub" / "model.safetensors")} == {"emb.weight", "other"}
    assert done.left_out == (("head.weight", "it is 'emb.weight' by another name"),)
