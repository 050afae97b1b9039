"""One directory, two hands: what TensorFlow began we go on with, and the other way round.

The same story is told twice: by TensorFlow alone, and by TensorFlow and us in turns. After every
save both directories must hold the same files, and state files with the same bytes; the clock is
made up, and the same for all.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensorbundle as tb
from tests.train.savers import Savers as TensorFlow

START = 1_700_000_000.0
SAVES = 30
VALUES = {"w": [1.5, 2.5], "b": [[3.0]]}
TREE = {"layer": {"w": [1.5, 2.5], "b": [[3.0]]}, "step": [0.0]}

# Who saves: (T)ensorFlow or (w)e, a new program after each space.
MIXED = "TTTTTTT w wwwww TTTTT w T w T wwwwwwww"
HALVES = "wwwwwwwwwwwwwww TTTTTTTTTTTTTTT"
ONLY_WE = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwww"


def arrays(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: arrays(each) for name, each in tree.items()}
    return np.array(tree, np.float32)


class Ours:
    """The commands that this test gives to TensorFlow, done by us."""

    clock: float

    def start_saver(self, values: dict[str, Any], recover: list[str], **options: Any) -> None:
        self.saver = tb.train.Saver(meta_graph=b"graph", **options)
        self.saver.recover_last_checkpoints(recover)
        self.variables = arrays(values)

    def save(self, path: str, step: int) -> str | None:
        return self.saver.save(self.variables, path, step)

    def start_manager(self, directory: str, tree: Any, **options: Any) -> str | None:
        self.manager = tb.train.CheckpointManager(arrays(tree), directory, **options)
        return self.manager.restore_or_initialize()

    def manage(self) -> str | None:
        return self.manager.save()


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Ours:
    side = Ours()
    monkeypatch.setattr("time.time", lambda: side.clock)
    return side


def contents(directory: Path) -> tuple[list[str], bytes]:
    """Names of the files, and the state file without the directory's own name."""
    text = (directory / "checkpoint").read_bytes().replace(os.fsencode(directory), b"DIR")
    return sorted(os.listdir(directory)), text


def set_back(directory: Path, clock: float) -> None:
    """Let files that were just written look as old as the clock says."""
    for file in directory.iterdir():
        if file.stat().st_mtime > clock:
            os.utime(file, (clock, clock))


def start_saver(side: Any, directory: Path, options: dict[str, Any]) -> None:
    """Begin a program that goes on with what an earlier one kept."""
    state = tb.train.get_checkpoint_state(directory)
    kept = list(state.all_model_checkpoint_paths) if state else []
    side.start_saver(VALUES, kept, **options)


def tell(
    alone: Path,
    together: Path,
    turns: str,
    sides: dict[str, Any],
    start: Callable[[Any, Path], object],
    save: Callable[[Any, Path, int], object],
) -> None:
    """Save into both directories, and compare them after each save."""
    number, clock = 0, START
    alone.mkdir()  # TensorFlow makes only one level, and for sharded saves needs two
    together.mkdir()
    for program in turns.split():
        sides["alone"].clock = sides["T"].clock = sides["w"].clock = clock
        start(sides["alone"], alone)
        start(sides[program[0]], together)
        for side in program:
            clock += 1234.5678
            sides["alone"].clock = sides["T"].clock = sides["w"].clock = clock
            save(sides["alone"], alone, number)
            save(sides[side], together, number)
            set_back(alone, clock)
            set_back(together, clock)
            assert contents(together) == contents(alone), f"save {number} of {turns!r}"
            number += 1
    assert number == SAVES


SAVERS: list[dict[str, Any]] = [
    {"max_to_keep": 4},
    {},
    {"max_to_keep": 1},
    {"max_to_keep": None},
    {"max_to_keep": 0, "pad_step_number": True},
    {"max_to_keep": 3, "save_relative_paths": True},
    {"max_to_keep": 2, "keep_checkpoint_every_n_hours": 2},
    {"max_to_keep": 2, "keep_checkpoint_every_n_hours": 0.1},
    {"max_to_keep": 2, "keep_checkpoint_every_n_hours": None},
    {"max_to_keep": 3, "sharded": True},
]
MANAGERS: list[dict[str, Any]] = [
    {"max_to_keep": 4},
    {"max_to_keep": 1},
    {"max_to_keep": None},
    {"max_to_keep": 2, "keep_checkpoint_every_n_hours": 2},
    {"max_to_keep": 2, "keep_checkpoint_every_n_hours": 0.1},
    {"max_to_keep": 3, "checkpoint_name": "model"},
]


def stories(all_options: list[dict[str, Any]]) -> list[Any]:
    """All options with many turns, the first with few too."""
    told = [(options, MIXED) for options in all_options]
    told += [(all_options[0], HALVES), (all_options[0], ONLY_WE)]
    return [pytest.param(*each, id=f"{name_of(each[0])}-{each[1]}") for each in told]


def name_of(options: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in options.items()) or "default"


@pytest.mark.parametrize(("options", "turns"), stories(SAVERS))
def test_saver_keeps_the_same_files_whoever_goes_on(
    tmp_path: Path, tensorflow: TensorFlow, ours: Ours, options: dict[str, Any], turns: str
) -> None:
    def start(side: Any, directory: Path) -> None:
        start_saver(side, directory, options)

    def save(side: Any, directory: Path, number: int) -> None:
        side.save(str(directory / "model.ckpt"), number)

    sides = {"alone": tensorflow.running("alone"), "T": tensorflow.running("T"), "w": ours}
    tell(tmp_path / "alone", tmp_path / "together", turns, sides, start, save)


@pytest.mark.parametrize(("options", "turns"), stories(MANAGERS))
def test_manager_keeps_the_same_files_whoever_goes_on(
    tmp_path: Path, tensorflow: TensorFlow, ours: Ours, options: dict[str, Any], turns: str
) -> None:
    def start(side: Any, directory: Path) -> None:
        side.start_manager(str(directory), TREE, **options)

    def save(side: Any, directory: Path, number: int) -> None:
        side.manage()

    sides = {"alone": tensorflow.running("alone"), "T": tensorflow.running("T"), "w": ours}
    tell(tmp_path / "alone", tmp_path / "together", turns, sides, start, save)


HOURS = st.sampled_from([None, 0.3, 1.0, 2.5])
SECONDS = st.sampled_from([0.0, 1.0, 1080.0, 3599.5, 3600.0, 9000.0, -4000.0])


@given(
    st.sampled_from(["saver", "manager"]),
    st.integers(1, 3),
    HOURS,
    st.lists(st.tuples(SECONDS, st.booleans()), min_size=1, max_size=15),
)
@hypothesis.settings(max_examples=25)
def test_the_same_files_stay_whatever_the_clock_says(
    tensorflow: TensorFlow, kind: str, max_to_keep: int, hours: float | None, saves: Any
) -> None:
    options = {"max_to_keep": max_to_keep, "keep_checkpoint_every_n_hours": hours}
    ours, theirs = Ours(), tensorflow.running("clock")
    ours.clock = START
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time", lambda: ours.clock)
        directories = [Path(folder) / "ours", Path(folder) / "theirs"]
        for number, (seconds, anew) in enumerate(saves):
            ours.clock += seconds
            theirs.clock = ours.clock
            for side, directory in zip((ours, theirs), directories, strict=True):
                if kind == "manager":
                    if anew or not number:
                        side.start_manager(str(directory), TREE, **options)
                    side.manage()
                else:
                    if anew or not number:
                        start_saver(side, directory, options)
                    side.save(str(directory / "model.ckpt"), number % 11)
                set_back(directory, ours.clock)
            assert contents(directories[0]) == contents(directories[1])


@pytest.mark.parametrize("options", [{}, {"sharded": True}], ids=["plain", "sharded"])
def test_saver_writes_the_bytes_of_tensorflow(
    tmp_path: Path, tensorflow: TensorFlow, options: dict[str, Any]
) -> None:
    for side, directory in ((tensorflow, tmp_path / "theirs"), (Ours(), tmp_path / "ours")):
        directory.mkdir()
        side.start_saver(VALUES, [], **options)
        side.save(str(directory / "model.ckpt"), 7)
    for name in ("model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"):
        theirs = (tmp_path / "theirs" / name).read_bytes()
        assert (tmp_path / "ours" / name).read_bytes() == theirs


def test_relative_paths_are_written_as_tensorflow_does(
    tmp_path: Path, tensorflow: TensorFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: list[list[Any]] = [
        ["run", "run/m-1"],
        ["run", "./run/../run/m-2", ["run/m-1", "run/m-2"]],
        ["run", "/somewhere/m-1", ["run/m-0", "/somewhere/m-1"]],
        [str(tmp_path / "run"), "m-1", ["other/m-0"]],
        ["", "m-1"],
        ["run", "run/ü 'quoted\"", None, "other name"],
    ]
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    tensorflow.change_directory(str(tmp_path))
    for each in arguments:
        path = tmp_path / each[0] / (each[3] if len(each) > 3 else "checkpoint")
        written = []
        for update in (tensorflow.update_state, tb.train.update_checkpoint_state):
            update(*each)
            written.append(path.read_bytes())
        assert written[0] == written[1], each
