"""What every export has in common: choosing, all or nothing, progress, memory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from tensorbundle._export.export import export
from tensorbundle.errors import ChecksumError, ConversionError, TensorNotFoundError
from tests.checkpoint.fake import FakeCheckpoint, content, strings
from tests.places import PROJECT

# --- choosing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
def test_names_choose_tensors(tmp_path: Path, name: str) -> None:
    ckpt = FakeCheckpoint({key: np.ones(1) for key in ("a/x", "a/y", "b/x", "c")})
    result = export(ckpt, f"{tmp_path}/{name}", names=iter(["a/*", "c", re.compile("^b")]))
    assert result.written == 4
    assert export(ckpt, f"{tmp_path}/{name}", names="a/*", overwrite=True).written == 2
    with pytest.raises(TensorNotFoundError, match="no tensor 'd'"):
        export(ckpt, f"{tmp_path}/{name}", names="d", overwrite=True)


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
def test_a_tensor_that_is_named_must_be_held(tmp_path: Path, name: str) -> None:
    ckpt = FakeCheckpoint({"text": strings(b"x\0"), "w": np.ones(1)})
    target = f"{tmp_path}/{name}"
    for names in ("text", ["w", "text"]):
        with pytest.raises(ConversionError, match="cannot export tensor 'text': ") as caught:
            export(ckpt, target, names=names)
        assert caught.value.key == "text"
    assert os.listdir(tmp_path) == []
    assert export(ckpt, target, names=["w", "t*"], overwrite=True).left_out[0][0] == "text"


@pytest.mark.parametrize("name", ["x", "x.npy", "x.NPZ.txt"])
def test_unknown_suffix_lists_what_is_offered(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConversionError, match=r"\.npz, \.safetensors or \.h5, or a directory"):
        export(FakeCheckpoint({}), tmp_path / name)


def test_format_overrules_the_suffix(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"w": np.ones(1, "f4")})
    export(ckpt, tmp_path / "a", format="safetensors")
    export(ckpt, tmp_path / "b.safetensors", format="npz")
    export(ckpt, tmp_path / "c.npz", format="npy")
    assert safetensors.numpy.load_file(tmp_path / "a").keys() == {"w"}
    assert np.load(tmp_path / "b.safetensors")["w"] == 1
    assert np.load(tmp_path / "c.npz" / "w.npy") == 1
    with pytest.raises(ConversionError, match="unknown format 'h6': expected one of npz, safeten"):
        export(ckpt, tmp_path / "d", format="h6")


@pytest.mark.parametrize(("name", "limit"), [("x.npz", 1), ("x/", 1), ("x.safetensors", 0)])
def test_shard_size_that_means_nothing_is_refused(tmp_path: Path, name: str, limit: int) -> None:
    with pytest.raises(ValueError, match="is for safetensors, and at least 1"):
        export(FakeCheckpoint({}), f"{tmp_path}/{name}", max_shard_bytes=limit)


# --- all or nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
@pytest.mark.parametrize("limit", [None, 8])
def test_damage_leaves_nothing_behind(tmp_path: Path, name: str, limit: int | None) -> None:
    arrays = {"a": np.ones(1), "b": np.ones(1000), "c": np.ones(1)}
    target = f"{tmp_path}/{name}"
    limit = limit if name == "x.safetensors" else None
    with pytest.raises(ChecksumError, match="'b'"):
        export(FakeCheckpoint(arrays, damaged="b"), target, max_shard_bytes=limit)
    assert os.listdir(tmp_path) == []
    export(FakeCheckpoint(arrays), target, max_shard_bytes=limit, overwrite=True)
    before = content(tmp_path)
    with pytest.raises(ChecksumError, match="'b'"):
        export(FakeCheckpoint(arrays, damaged="b"), target, max_shard_bytes=limit, overwrite=True)
    assert content(tmp_path) == before


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
def test_without_overwrite_an_existing_target_is_kept(tmp_path: Path, name: str) -> None:
    target = f"{tmp_path}/{name}"
    export(FakeCheckpoint({"w": np.ones(1)}), target, overwrite=False)
    before = content(tmp_path)
    with pytest.raises(FileExistsError, match="exists: give another path"):
        export(FakeCheckpoint({"w": np.zeros(1)}), target, overwrite=False)
    assert content(tmp_path) == before


def test_an_array_mapped_from_the_replaced_file_keeps_its_values(tmp_path: Path) -> None:
    export(FakeCheckpoint({"w": np.ones(1)}), f"{tmp_path}/out/")
    mapped = np.load(tmp_path / "out" / "w.npy", mmap_mode="r")
    export(FakeCheckpoint({"w": np.zeros(1)}), f"{tmp_path}/out/", overwrite=True)
    assert mapped == 1
    assert np.load(tmp_path / "out" / "w.npy") == 0


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.npz").symlink_to(tmp_path / "real" / "x.npz")
    (tmp_path / "folder").symlink_to(tmp_path / "real")
    export(FakeCheckpoint({"w": np.ones(1)}), tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    assert os.listdir(tmp_path / "real") == ["x.npz"]


def test_targets_that_cannot_be_replaced_are_refused_at_once(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"w": np.ones(1)}, damaged="w")
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError, match=r"folder\.npz"):
        export(ckpt, tmp_path / "folder.npz")
    with pytest.raises(NotADirectoryError, match="file"):
        export(ckpt, f"{tmp_path}/file/")
    with pytest.raises(FileExistsError, match="is no regular file"):
        export(ckpt, tmp_path / "pipe", format="npz")
    with pytest.raises(NotADirectoryError, match="file"):
        export(ckpt, tmp_path / "file" / "x.npz")
    for target in ("-", ""):
        with pytest.raises(ConversionError, match="the name of a file or folder is needed"):
            export(ckpt, target, format="npz")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.npz", "pipe"]


def test_a_bare_file_name_is_written_to_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    long_name = "n" * 251 + ".npz"
    ckpt = FakeCheckpoint({"w": np.ones(1)})
    assert export(ckpt, "x.npz").files == ("x.npz",)
    assert export(ckpt, "x.safetensors").files == ("x.safetensors",)
    assert export(ckpt, "x/").files == ("x/w.npy", "x/index.json")
    assert export(ckpt, long_name).files == (long_name,)
    assert sorted(os.listdir()) == [long_name, "x", "x.npz", "x.safetensors"]


def test_written_files_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "folder").mkdir()
    ckpt = FakeCheckpoint({"w": np.ones(1)})
    export(ckpt, tmp_path / "x.npz")
    export(ckpt, f"{tmp_path}/x/", overwrite=True)
    assert (tmp_path / "x.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "folder").stat().st_mode


# --- on the way -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
def test_progress_ends_at_the_bytes_in_all(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorbundle._export.request._REPORT_INTERVAL_S", 0.0)
    ckpt = FakeCheckpoint({"a": np.ones(1000), "b": np.ones(24), "t": strings(b"abc\0"), "v": None})
    seen: list[tuple[int, int]] = []
    export(
        ckpt,
        f"{tmp_path}/{name}",
        progress=lambda done, total: seen.append((done, total)),
        overwrite=True,
    )
    done = [each for each, _ in seen]
    assert seen[-1] == (8192, 8192)
    assert done == sorted(done)
    assert len(done) == 10
    seen.clear()
    monkeypatch.setattr("tensorbundle._export.request._REPORT_INTERVAL_S", 60.0)
    export(
        ckpt,
        f"{tmp_path}/{name}",
        progress=lambda done, total: seen.append((done, total)),
        overwrite=True,
    )
    assert len(seen) == 2


MEMORY_SCRIPT = """
import resource, sys
import numpy as np
from tests.checkpoint.fake import FakeCheckpoint
from tensorbundle._export.export import export

class Large(FakeCheckpoint):
    def chunks(self, name, *, nbytes=8 << 20):
        piece = bytes(nbytes)
        for _ in range(1 << 28, 0, -nbytes):
            yield memoryview(piece)

array = np.broadcast_to(np.float32(0), (1 << 26,))  # 256 MB that take no memory
ckpt = Large({"w": array})
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert export(ckpt, sys.argv[1]).nbytes == 1 << 28
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""


@pytest.mark.parametrize("name", ["x.npz", "x.safetensors", "x/"])
def test_memory_stays_near_one_chunk(tmp_path: Path, name: str) -> None:
    target = f"{tmp_path}/{name}"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])}
    result = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, target],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.stderr == ""
    assert int(result.stdout) < 32 << 20
