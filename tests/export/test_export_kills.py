"""Whatever happens to an export over an earlier one, the old or the new is there, whole."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tensorbundle._export.export import export
from tensorbundle._write import staging
from tests.checkpoint.fake import FakeCheckpoint, content
from tests.export.killed_exports import VERBS
from tests.places import PROJECT

KILLS = int(os.environ.get("KILLS", "300")) // len(VERBS)


def run(*arguments: object) -> str:
    result = subprocess.run(
        [sys.executable, "-m", "tests.export.killed_exports", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
        capture_output=True,
        text=True,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_exports_killed_at_random_moments_leave_the_old_or_the_new(
    tmp_path: Path, verb: str
) -> None:
    assert run(tmp_path, verb, KILLS).startswith(f"{verb}: {KILLS} killed, ")


@pytest.mark.parametrize(
    ("verb", "least"),
    [("safetensors", 15), ("npy", 10), ("kept-folder", 25), ("npz", 3), ("saved-model", 8)],
)
def test_exports_killed_between_any_two_steps_leave_the_old_or_the_new(
    tmp_path: Path, verb: str, least: int
) -> None:
    assert int(run(tmp_path, verb, "steps").split()[1]) >= least


FORMS: list[tuple[str, dict[str, Any]]] = [
    ("m.safetensors", {"max_shard_bytes": 100}),
    ("out/", {}),
    ("m.npz", {}),
]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize(("target", "options"), FORMS)
def test_every_step_failing_in_turn_leaves_what_was_there(
    tmp_path: Path, target: str, options: dict[str, Any], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = FakeCheckpoint({f"t{i}": np.zeros(20, "f4") for i in range(4)})
    new = FakeCheckpoint({f"t{i}": np.ones(20, "f4") for i in range(4)})
    path = f"{tmp_path}/{target}"
    export(old, path, overwrite=True, **options)
    before = content(tmp_path)
    steps = 0
    for name in ("replace", "link", "exchange", "flush_path", "flush_file_system", "open"):
        failed = True
        number = 0
        while failed:
            number += 1
            owner = staging if hasattr(staging, name) else os
            with monkeypatch.context() as patch:
                patch.setattr(owner, name, failing(getattr(owner, name), number, code))
                try:
                    export(new, path, overwrite=True, **options)
                    failed = False
                except OSError as error:
                    told = str(error.filename)
                    steps += 1
            if failed:
                assert content(tmp_path) == before, (name, number)
                assert ".tensorbundle" not in told
            else:
                export(old, path, overwrite=True, **options)
    assert steps >= 2


def failing(call: Any, number: int, code: int) -> Any:
    calls = [0]

    def maybe(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        # What opens directories in order to lock or list them makes nothing.
        if calls[0] == number:
            raise OSError(code, os.strerror(code), str(arguments[0]))
        return call(*arguments, **options)

    return maybe


FULL_SCRIPT = """
import resource, signal, sys
from tensorbundle.cli import program
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
program(sys.argv[1:])
"""


@pytest.mark.parametrize("target", ["x.npz", "x.safetensors", "x/"])
def test_a_disk_that_is_full_names_the_target(tmp_path: Path, target: str) -> None:
    demo = PROJECT / "tests/golden/data/demo"
    result = subprocess.run(
        [sys.executable, "-c", FULL_SCRIPT, "export", demo, f"{tmp_path}/{target}"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert f"file too large: {tmp_path}/x" in result.stderr
    assert ".tensorbundle" not in result.stderr
    assert os.listdir(tmp_path) == []


# --- leftovers ------------------------------------------------------------------------------------


def test_what_an_export_of_before_left_in_its_folder_is_no_stranger(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"w": np.ones(1)})
    export(ckpt, tmp_path / "out", format="npy", overwrite=True)
    left = tmp_path / "out" / ".tensorbundle-0123abcd" / "deeper"
    left.mkdir(parents=True)
    (left / "half.npy").write_bytes(b"half")
    export(ckpt, tmp_path / "out", overwrite=True)
    assert content(tmp_path / "out").keys() == {"index.json", "w.npy"}
    assert os.listdir(tmp_path) == ["out"]


def test_what_a_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"w": np.ones(1)})
    with staging.Staging(str(tmp_path), earlier=[], overwrite=False) as living:
        with living.create("other.bin") as file:
            file.write(b"half of it")
        export(ckpt, tmp_path / "w.npz", overwrite=True)
    assert content(tmp_path).keys() == {"other.bin", "w.npz"}


def test_a_link_called_like_a_leftover_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_bytes(b"precious")
    (tmp_path / ".tensorbundle-0123abcd").symlink_to(tmp_path / "precious")
    export(FakeCheckpoint({"w": np.ones(1)}), tmp_path / "w.npz", overwrite=True)
    assert (tmp_path / "precious" / "file").read_bytes() == b"precious"


@pytest.mark.parametrize(
    "journal",
    [
        '{"staged": {}, "earlier": {}, "moves": {"a": "precious"}, "moved": null}',
        '{"staged": {}, "earlier": {}, "moves": {"a": "../precious"}, "moved": null}',
        '{"staged": {"../precious": null}, "earlier": {"/precious": null}, "moves": {}}',
        '{"staged": 3}',
        "[" * 5000,
    ],
)
def test_a_journal_that_no_export_wrote_has_nothing_removed(tmp_path: Path, journal: str) -> None:
    hidden = tmp_path / "out" / ".tensorbundle-0123abcd"
    hidden.mkdir(parents=True)
    for place in (tmp_path, tmp_path / "out"):
        (place / "precious").write_bytes(b"precious")
    (hidden / ".journal").write_text(journal)
    export(FakeCheckpoint({"w": np.ones(1)}), tmp_path / "out" / "w.npz", overwrite=True)
    assert content(tmp_path).keys() == {"precious", "out/precious", "out/w.npz"}


def test_temporary_files_are_for_the_writer_alone_and_never_opened_twice(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        with staging.Staging(str(tmp_path), earlier=[], overwrite=False) as made:
            hidden = next(tmp_path.iterdir())
            assert hidden.stat().st_mode & 0o777 == 0o700
            (hidden / "x").symlink_to(tmp_path / "elsewhere")
            with pytest.raises(FileExistsError, match=r"/x'"):
                made.create("x")
            (hidden / "x").unlink()
            (hidden / "x").write_bytes(b"")
    finally:
        os.umask(old_mask)
    assert not (tmp_path / "elsewhere").exists()


# --- nobody else's files --------------------------------------------------------------------------


def test_a_dataset_with_an_index_of_its_own_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "index.json").write_text('{"labels": {"file": "labels.npy"}}')
    np.save(tmp_path / "labels.npy", np.arange(3))
    np.save(tmp_path / "train" / "images.npy", np.arange(3))
    before = content(tmp_path)
    with pytest.raises(FileExistsError, match=r"no earlier export: it holds 'index.json'"):
        export(FakeCheckpoint({"w": np.ones(1)}), tmp_path, overwrite=True)
    assert content(tmp_path) == before


@pytest.mark.parametrize("stranger", ["notes.txt", "mine.npy", "sub/w.npy", "link"])
def test_a_file_that_came_into_an_exported_folder_is_refused_by_name(
    tmp_path: Path, stranger: str
) -> None:
    ckpt = FakeCheckpoint({"w": np.ones(1)})
    export(ckpt, tmp_path / "out", format="npy", overwrite=True)
    (tmp_path / "out" / stranger).parent.mkdir(exist_ok=True)
    if stranger == "link":
        (tmp_path / "out" / "link").symlink_to(tmp_path)
    else:
        np.save(tmp_path / "x.npy", np.ones(3))
        (tmp_path / "x.npy").rename(tmp_path / "out" / stranger)
    with pytest.raises(FileExistsError, match=f"it holds '{stranger}'"):
        export(ckpt, tmp_path / "out", overwrite=True)
    assert os.path.lexists(tmp_path / "out" / stranger)


def test_a_file_of_an_export_that_somebody_replaced_is_refused_by_name(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"w": np.ones(1), "v": np.ones(1)})
    export(ckpt, tmp_path / "out", format="npy", overwrite=True)
    np.save(tmp_path / "out" / "w.npy", np.arange(100))
    with pytest.raises(FileExistsError, match=r"it holds 'w\.npy'"):
        export(ckpt, tmp_path / "out", overwrite=True)
    assert np.load(tmp_path / "out" / "w.npy").size == 100


def test_another_programs_sharded_model_is_left_alone(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    names = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    for name in names:
        save_file({name: np.ones(3)}, tmp_path / name, metadata={"format": "pt"})
    index = {"metadata": {"total_size": 48}, "weight_map": {name: name for name in names}}
    (tmp_path / "model.safetensors.index.json").write_text(str(index).replace("'", '"'))
    before = content(tmp_path)
    ckpt = FakeCheckpoint({"a": np.ones(4, "f4"), "b": np.ones(4, "f4")})
    with pytest.raises(FileExistsError, match=r"of-00002\.safetensors' was written by no export"):
        export(ckpt, tmp_path / "model.safetensors", max_shard_bytes=16, overwrite=True)
    assert content(tmp_path) == before
    export(ckpt, tmp_path / "model.safetensors", overwrite=True)
    assert content(tmp_path).items() >= before.items()


def test_a_shard_that_somebody_replaced_is_refused_by_name(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    ckpt = FakeCheckpoint({"a": np.ones(4, "f4"), "b": np.ones(4, "f4")})
    export(ckpt, tmp_path / "m.safetensors", max_shard_bytes=16, overwrite=True)
    save_file({"mine": np.ones(3)}, tmp_path / "m-00002-of-00002.safetensors")
    with pytest.raises(FileExistsError, match=r"m-00002-of-00002\.safetensors' was written by no"):
        export(ckpt, tmp_path / "m.safetensors", max_shard_bytes=16, overwrite=True)


# --- what it costs --------------------------------------------------------------------------------


def test_a_folder_of_many_files_is_flushed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    whole: list[str] = []
    monkeypatch.setattr(staging, "flush_file_system", lambda path: whole.append(path) or True)
    arrays = {f"t{i}": np.ones(1, "f4") for i in range(200)}
    export(FakeCheckpoint(arrays), tmp_path / "out", format="npy", overwrite=True)
    assert len(whole) == 1
    assert len(flushed) < 5


def test_parents_of_a_target_are_made_and_gone_again_when_it_fails(tmp_path: Path) -> None:
    ckpt = FakeCheckpoint({"w": np.ones(1)})
    for target in ("a/b/c/x.npz", "d/e/x/", "f/g/x.safetensors"):
        export(ckpt, f"{tmp_path}/{target}", overwrite=False)
    assert len(content(tmp_path)) == 4
    with pytest.raises(Exception, match="checksum"):
        export(FakeCheckpoint({"w": np.ones(1)}, damaged="w"), tmp_path / "h" / "i" / "x.npz")
    assert not (tmp_path / "h").exists()
