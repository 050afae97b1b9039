"""Programs that run unmodified with the stand-in, and say what they say with TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.golden.cases import DATA
from tests.oracle.client import Module, TensorFlow
from tests.shim.bare import Bare
from tests.shim.running import PROGRAMS

DEMO = str(DATA / "demo" / "model.ckpt-2000")
FLAGS = ["--steps=5", "--noverbose", "--nofast", "--kind", "b", "--also", "1", "--also=2"]


def run_both(
    theirs: Any, bare: Bare, tmp_path: Path, name: str, arguments: list[str]
) -> tuple[Path, Path]:
    """Run a program both ways, each in a folder of its own; what is printed must be the same."""
    script = PROGRAMS / f"{name}.py"
    folders = tmp_path / "theirs", tmp_path / "ours_"
    for folder in folders:
        (folder / "saved").mkdir(parents=True)
    wanted_code, wanted = theirs.run(
        str(script), [each.replace("OUT", str(folders[0])) for each in arguments], str(folders[0])
    )
    given = [each.replace("OUT", str(folders[1])) for each in arguments]
    result = bare.script(script, *given, cwd=folders[1])
    assert result.returncode == wanted_code, result.stderr
    shown = result.stdout.replace(str(folders[1]), str(folders[0])).splitlines()
    assert shown == wanted.splitlines()
    assert len(shown) > 1
    return folders


def same_arrays(folders: tuple[Path, Path], name: str) -> None:
    """What both computed is equal, as far as two engines are."""
    theirs, ours = (np.load(folder / name) for folder in folders)
    assert theirs.files == ours.files
    for each in theirs.files:
        assert theirs[each].dtype == ours[each].dtype
        np.testing.assert_allclose(ours[each], theirs[each], rtol=1e-5, atol=1e-6)


def test_readers_say_the_same_under_every_name(
    oracle: TensorFlow, bare: Bare, tmp_path: Path
) -> None:
    theirs = oracle.module("tests.shim.running")
    paths = [DEMO, *(str(DATA / each) for each in ("dtypes", "strings", "saver_v1/model.ckpt-3"))]
    run_both(theirs, bare, tmp_path, "readers", paths)


def test_files_are_found_read_and_changed_alike(
    oracle: TensorFlow, bare: Bare, tmp_path: Path
) -> None:
    run_both(oracle.module("tests.shim.running"), bare, tmp_path, "files", [])


def test_tensors_are_inspected_alike(oracle: TensorFlow, bare: Bare, tmp_path: Path) -> None:
    theirs = oracle.module("tests.shim.running")
    run_both(theirs, bare, tmp_path, "inspecting", [DEMO, "dense/bias"])


def test_flags_switches_and_the_main_function(
    tensorflow_1: Module, bare: Bare, tmp_path: Path
) -> None:
    arguments = [*FLAGS, "--names=q,r", "rest", "--unknown=1"]
    run_both(tensorflow_1, bare, tmp_path, "switches", arguments)


def test_a_restored_graph_is_looked_at_and_run(
    tensorflow_1: Module, bare: Bare, tmp_path: Path
) -> None:
    folders = run_both(tensorflow_1, bare, tmp_path, "restoring", [DEMO, "OUT/computed.npz"])
    same_arrays(folders, "computed.npz")


@pytest.mark.parametrize("name", ["saver/model.ckpt-20", "saver_v1/model.ckpt-3"])
def test_variables_of_every_kind_of_checkpoint_are_restored(
    tensorflow_1: Module, bare: Bare, tmp_path: Path, name: str
) -> None:
    run_both(tensorflow_1, bare, tmp_path, "restoring", [str(DATA / name), "-"])


def test_variables_restored_in_part_and_saved_again(
    tensorflow_1: Module, bare: Bare, tmp_path: Path
) -> None:
    saver = DATA / "saver"
    arguments = [str(saver / "model.ckpt-10"), str(saver / "model.ckpt-20"), "OUT/saved"]
    run_both(tensorflow_1, bare, tmp_path, "partly", arguments)


def test_a_graph_is_frozen_written_imported_and_run(
    tensorflow_1: Module, bare: Bare, tmp_path: Path
) -> None:
    model = str(DATA / "saved_model")
    arguments = [DEMO, model, "serving_default", "OUT/frozen.pb", "OUT/computed.npz"]
    folders = run_both(tensorflow_1, bare, tmp_path, "frozen", arguments)
    same_arrays(folders, "computed.npz")


def test_the_tool_of_tensorflow_itself_runs_as_it_is(bare: Bare) -> None:
    import importlib.util

    spec = importlib.util.find_spec("tensorflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    tool = Path(spec.submodule_search_locations[0]) / "python/tools/inspect_checkpoint.py"
    result = bare.script(tool, f"--file_name={DEMO}", "--tensor_name=dense/bias")
    ours = bare.script(PROGRAMS / "inspecting.py", DEMO, "dense/bias")
    assert result.returncode == 0, result.stderr
    assert result.stdout
    assert ours.stdout.startswith(result.stdout)


def test_flags_work_where_absl_is_not_installed(bare: Bare, tmp_path: Path) -> None:
    (tmp_path / "absl.py").write_text("raise ImportError('no absl')\n")
    arguments = [*FLAGS, "--names=q,r", "rest", "--unknown=1"]
    with_absl = bare.script(PROGRAMS / "switches.py", *arguments)
    without = bare.script(PROGRAMS / "switches.py", *arguments, PYTHONPATH=str(tmp_path))
    assert (without.returncode, without.stdout) == (3, with_absl.stdout), without.stderr
    wrong = bare.script(PROGRAMS / "switches.py", "--steps=many", PYTHONPATH=str(tmp_path))
    assert wrong.returncode == 1
    assert "flag --steps=many" in wrong.stderr
    told = bare.script(PROGRAMS / "switches.py", "--help", PYTHONPATH=str(tmp_path))
    assert "--[no]verbose: Whether to say more." in told.stdout
