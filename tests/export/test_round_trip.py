"""What goes out comes back: every dtype that TensorFlow has, exported, and saved again."""

import os
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import tensorbundle as tb
from tests.freeze.program import document, run
from tests.golden.cases import path_of
from tests.oracle.client import TensorFlow
from tests.places import PROJECT

TARGETS = ["x.npz", "x/", "x.safetensors", "x.h5"]
SOURCES = ["dtypes", "demo", "big_endian", "strings", "slices/dtypes", "v1/dtypes"]
# What no array holds, and what the formats lack: left out, and told.
LEFT_OUT = {
    "x.npz": {"variant"},
    "x/": {"variant"},
    "x.safetensors": {
        *("variant", "string", "complex128", "float8_e4m3b11fnuz", "float4_e2m1fn"),
    },
    "x.h5": {"variant"},
}


def facts(path: object) -> dict[str, tuple[object, ...]]:
    """Dtype, shape and the bytes of every tensor that can be read."""
    ckpt = tb.open(path)  # type: ignore[arg-type]
    return {
        info.name: (info.tf_dtype, info.shape, ckpt.load([info.name])[info.name].tobytes())
        if info.tf_dtype != "string"
        else ("string", info.shape, ckpt[info.name].reshape(-1).tolist())
        for info in ckpt.infos()
        if info.dtype is not None
    }


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_dtype_comes_back_bit_for_bit(tmp_path: Path, source: str, target: str) -> None:
    original = facts(path_of(source))
    if {fact[0] for fact in original.values()} <= LEFT_OUT[target]:
        told = run("export", path_of(source), f"{tmp_path}/{target}", code=2).stderr
        assert "nothing would be left to export" in told
        return
    result = document("export", path_of(source), f"{tmp_path}/{target}")
    run("save", f"{tmp_path}/{target}", tmp_path / "back")
    left_out = {each["name"] for each in result["left_out"]}
    # Strings that end in NUL, or hold one, have no place in numpy's and HDF5's.
    assert {
        original[name][0]
        for name in left_out & original.keys()
        if not any(b"\0" in text for text in original[name][2] if isinstance(text, bytes))
    } <= LEFT_OUT[target]
    kept = {name: fact for name, fact in original.items() if name not in left_out}
    assert facts(tmp_path / "back") == kept
    assert facts(f"{tmp_path}/{target}") == kept
    assert len(kept) > len(original) // 2 or source == "strings"


def test_what_comes_back_is_what_tensorflow_reads(tmp_path: Path, tensorflow: TensorFlow) -> None:
    there = tensorflow.read(path_of("dtypes"))
    for target in TARGETS:
        run("export", path_of("dtypes"), f"{tmp_path}/{target}")
        run("save", f"{tmp_path}/{target}", tmp_path / "back", "--force")
        here = tensorflow.read(str(tmp_path / "back"))
        for what in ("dtypes", "shapes", "values"):
            assert {n: there[what][n] for n in here[what]} == here[what]
        assert len(here["values"]) > 90


def test_a_checkpoint_that_is_saved_keeps_its_types(tmp_path: Path) -> None:
    ckpt = tb.open(path_of("dtypes"))
    names = [name for name in ckpt if ckpt.info(name).dtype is not None]
    run("export", path_of("dtypes"), tmp_path / "x.npz")
    tb.save(tmp_path / "back", tb.open(tmp_path / "x.npz"))
    back = tb.open(tmp_path / "back")
    assert [back.info(name).tf_dtype for name in names] == [
        ckpt.info(name).tf_dtype for name in names
    ]


def test_several_safetensors_come_back_by_their_index(tmp_path: Path) -> None:
    run("export", path_of("demo"), tmp_path / "m.safetensors", "--max-shard-bytes", "20kB")
    assert len(list(tmp_path.glob("m-*.safetensors"))) > 2
    kept = {k: v for k, v in facts(path_of("demo")).items() if v[0] != "string"}
    for path in ("m.safetensors.index.json", "m.safetensors", ""):
        assert facts(tmp_path / path) == kept
    run("save", tmp_path / "m.safetensors.index.json", tmp_path / "back")
    assert facts(tmp_path / "back") == kept


def test_arrays_of_other_programs_come_in(tmp_path: Path) -> None:
    arrays = {
        "big-endian": np.arange(3, dtype=">i4"),
        "column-major": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "text": np.array(["größe", ""]),
        "bytes": np.array([[b"a\0b", b"c"]]),
        "bfloat16": np.arange(3).astype(ml_dtypes.bfloat16),  # |V2, as JAX writes it
    }
    np.savez(tmp_path / "plain.npz", **arrays)
    np.savez_compressed(tmp_path / "deflated.npz", **arrays)
    for name in ("plain.npz", "deflated.npz"):
        ckpt = tb.open(tmp_path / name)
        assert ckpt["big-endian"].tolist() == [0, 1, 2]
        assert ckpt["big-endian"].dtype == np.int32
        assert ckpt["column-major"].flags.c_contiguous
        assert ckpt["column-major"].tolist() == arrays["column-major"].tolist()
        assert ckpt["text"].tolist() == ["größe".encode(), b""]
        assert ckpt["bytes"].tolist() == [[b"a\0b", b"c"]]
        assert ckpt["bfloat16"].tobytes() == arrays["bfloat16"].tobytes()
        assert b"".join(ckpt.chunks("column-major")) == arrays["column-major"].tobytes("C")
        assert b"".join(ckpt.chunks("big-endian")) == np.arange(3, dtype="<i4").tobytes()
        assert ckpt.verify().ok


def test_a_single_npy_file_is_a_tensor_of_its_name(tmp_path: Path) -> None:
    np.save(tmp_path / "kernel.npy", np.eye(3))
    assert {k: v.tolist() for k, v in tb.open(tmp_path / "kernel.npy").items()} == {
        "kernel": np.eye(3).tolist()
    }


def test_the_types_of_safetensors_that_numpy_has_no_name_for_come_in(tmp_path: Path) -> None:
    arrays = {
        name: np.arange(4).astype(getattr(ml_dtypes, name))
        for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")
    }
    safetensors.numpy.save_file(arrays, tmp_path / "x.safetensors")
    run("save", tmp_path / "x.safetensors", tmp_path / "back")
    for name, array in arrays.items():
        assert tb.open(tmp_path / "back")[name].tobytes() == array.tobytes()
        assert tb.open(tmp_path / "back").info(name).tf_dtype == name


def test_a_type_that_tensorflow_lacks_is_one_line_that_names_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", ok=np.ones(2), when=np.array(["2020-01-01"], "M8[D]"))
    error = run("save", tmp_path / "t.npz", tmp_path / "back", code=2).stderr
    assert error.startswith(
        "tensorbundle: error: no array holds the type '<M8[D]' in tensor 'when'"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "t.npz"]
    assert tb.open(tmp_path / "t.npz")["ok"].tolist() == [1, 1]


def test_verify_and_ls_and_show_take_files_of_tensors(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", a=np.arange(1000.0), b=np.arange(1000.0))
    assert run("ls", tmp_path / "w.npz").stdout.splitlines()[-1].startswith("2 tensors, 16.0 kB")
    assert "999" in run("show", tmp_path / "w.npz", "a").stdout
    assert run("verify", tmp_path / "w.npz").stdout.splitlines()[-1].startswith("ok")
    content = bytearray((tmp_path / "w.npz").read_bytes())
    content[4000] ^= 1
    (tmp_path / "w.npz").write_bytes(content)
    fault = document("verify", tmp_path / "w.npz", code=1)["faults"][0]
    assert (fault["name"], fault["kind"]) == ("a", "checksum")
    assert "member 'a.npy' is damaged" in fault["message"]


@pytest.mark.parametrize("target", TARGETS)
def test_diff_takes_any_of_them_as_either_side(tmp_path: Path, target: str) -> None:
    arrays = {"same": np.arange(5.0), "other": np.ones(3, "f4")}
    tb.save(tmp_path / "ckpt", arrays)
    run("export", tmp_path / "ckpt", f"{tmp_path}/{target}")
    tb.save(tmp_path / "changed", {**arrays, "other": np.zeros(3, "f4")})
    assert tb.diff(tmp_path / "ckpt", f"{tmp_path}/{target}").same
    for sides in ((target, "changed"), ("changed", target)):
        found = tb.diff(*(f"{tmp_path}/{side}" for side in sides))
        assert ([each.name for each in found.changed], found.equal) == (["other"], 1)


def test_edit_takes_a_file_of_tensors_and_crosscheck_says_that_tensorflow_does_not(
    tmp_path: Path,
) -> None:
    np.savez(tmp_path / "w.npz", a=np.ones(3), b=np.ones(2))
    run("edit", tmp_path / "w.npz", tmp_path / "out", "--drop", "b")
    assert set(tb.open(tmp_path / "out")) == {"a"}
    error = run("crosscheck", tmp_path / "w.npz", code=2).stderr
    assert "TensorFlow restores no npz" in error


def test_a_file_of_tensors_in_the_memory_of_the_program_is_exported_too(tmp_path: Path) -> None:
    arrays = {"w": np.ones((2, 3), "bfloat16"), "n": 3, "s": ["a", b"b"], b"raw": np.array([True])}
    done = tb.export(arrays, tmp_path / "m.npz")
    assert (done.written, done.left_out) == (4, ())
    tb.save(tmp_path / "m", arrays)
    assert facts(tmp_path / "m.npz") == facts(tmp_path / "m")
    with pytest.raises(tb.ConversionError, match="'bad'"):
        tb.export({"bad": object()}, tmp_path / "x.npz")


# --- names ----------------------------------------------------------------------------------------


def test_names_that_end_in_a_port_are_noted(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", **{"conv1/W:0": np.ones(2), "conv1/b:0": np.ones(2)})
    note = run("save", tmp_path / "w.npz", tmp_path / "out").stderr
    assert "2 names with ':0' at the end, such as conv1/W:0" in note
    assert set(tb.open(tmp_path / "out")) == {"conv1/W:0", "conv1/b:0"}


def test_dotted_names_become_objects_by_their_separator(tmp_path: Path) -> None:
    arrays = {"lm_head.weight": np.ones(2), "lm_head.bias": np.ones(2)}
    safetensors.numpy.save_file(arrays, tmp_path / "w.safetensors")
    note = run("save", tmp_path / "w.safetensors", tmp_path / "a", "--objects").stderr
    assert "lm_head.bias is the name of one object" in note
    assert "--separator ." in note
    done = run("save", tmp_path / "w.safetensors", tmp_path / "b", "--objects", "--separator", ".")
    assert done.stderr == ""
    assert {each.path for each in tb.open(tmp_path / "b").objects.variables} == {
        "lm_head/weight",
        "lm_head/bias",
    }


@pytest.mark.parametrize("name", ["a//b", "/a", "a/", ""])
def test_objects_of_names_with_an_empty_part_are_refused(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "w.npz", **{name: np.ones(2), "sound": np.ones(1)})
    error = run("save", tmp_path / "w.npz", tmp_path / "out", "--objects", code=2).stderr
    if name:
        assert f"a name has an empty part, which no object has in tensor {name!r}" in error
    if name:
        run("save", tmp_path / "w.npz", tmp_path / "out")
        assert name in tb.open(tmp_path / "out")
    else:
        error = run("save", tmp_path / "w.npz", tmp_path / "out", code=2).stderr
        assert "a tensor needs a name" in error


# --- memory ---------------------------------------------------------------------------------------

MEMORY_SCRIPT = """
import resource, sys
import tensorbundle as tb
from tests.freeze.program import run
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.argv[3] == "command":
    run("save", sys.argv[1], sys.argv[2])
else:
    tb.save(sys.argv[2], tb.open(sys.argv[1]))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""


@pytest.mark.parametrize(("way", "limit"), [("command", 48 << 20), ("library", 200 << 20)])
def test_a_small_archive_of_much_is_saved_in_the_memory_of_one_tensor(
    tmp_path: Path, way: str, limit: int
) -> None:
    arrays = {f"t{i}": np.zeros(8 << 20) for i in range(4)}  # 64 MB each
    np.savez_compressed(tmp_path / "w.npz", **arrays)
    assert (tmp_path / "w.npz").stat().st_size < 1 << 20
    result = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, tmp_path / "w.npz", tmp_path / "out", way],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
    )
    assert result.stderr == ""
    assert int(result.stdout) < limit
    assert tb.open(tmp_path / "out").nbytes == 4 * (64 << 20)
