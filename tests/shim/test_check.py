"""``shim-check``: what a program uses of TensorFlow, told before it runs."""

import json
from pathlib import Path

import pytest

from tensorbundle import FormatError, shim
from tests.freeze.program import run
from tests.shim.running import PROGRAMS

PROGRAM = """
import tensorflow as tf
import tensorflow.compat.v1 as tf1, tensorflow.keras.layers as layers
from tensorflow.python.training import checkpoint_utils as utils, moving_averages
try:
    from tensorflow.contrib import slim
except ImportError:
    slim = None
flags = tf.app.flags
v1 = tf.compat.v1
import tensorflow_hub as hub

class Model(tf.Module):
    def __call__(self, x):
        return tf.matmul(x, tf1.get_variable("w", [1])) + utils.load_variable("p", "w")

def main():
    flags.DEFINE_string("x", None, "")
    v1.layers.dense(v1.Session().run("y:0"), 3)
    tf.data.Dataset.from_tensors(1)
    isinstance(1, tf.Variable) and tf.Variable(1)
    other.train.Example()
    tf.train.Saver().restore
"""


def write(folder: Path, text: str, name: str = "program.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_what_is_missing_is_told_by_line(tmp_path: Path) -> None:
    uses = shim.check_script(write(tmp_path, PROGRAM))
    missing = [(use.line, use.name.partition(".")[2]) for use in uses if not use.there]
    assert missing == [
        (3, "keras.layers"),
        (4, "python.training.moving_averages"),
        (6, "contrib.slim"),
        (11, ""),
        (15, "compat.v1.get_variable"),
        (15, "matmul"),
        (19, "compat.v1.layers.dense"),
        (20, "data.Dataset.from_tensors"),
        (21, "Variable"),
    ]
    there = {use.name.partition(".")[2] for use in uses if use.there}
    assert {"app.flags.DEFINE_string", "compat.v1.Session", "Module"} <= there
    assert {"python.training.checkpoint_utils.load_variable", "train.Saver"} <= there
    why = {use.name: use.why for use in uses}
    assert why["tensorflow.matmul"] == "computing needs TensorFlow itself, or numpy"
    assert why["tensorflow.keras.layers"] == "models of Keras need TensorFlow or Keras itself"
    assert why["tensorflow_hub"] == "it is made of TensorFlow, and needs it"


def test_modules_beside_the_program_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    write(tmp_path / "package", "from . import inner\n", "__init__.py")
    write(tmp_path / "package", "import tensorflow as tf\ntf.nn.relu\n", "inner.py")
    script = write(tmp_path, "import os, package\nfrom tensorflow.train import load_variable\n")
    uses = shim.check_script(script)
    assert [(Path(use.path).name, use.line, use.there) for use in uses] == [
        ("program.py", 2, True),
        ("inner.py", 1, True),
        ("inner.py", 2, False),
    ]
    assert len(shim.check_script(script, follow=False)) == 1


def test_one_of_several_imports_under_a_name_is_enough(tmp_path: Path) -> None:
    text = """
try:
    import tensorflow.compat.v1 as tf
except ImportError:
    import tensorflow as tf
tf.app.run()
if hasattr(tf, "contrib"):
    tf.contrib.framework.load_variable
"""
    assert all(use.there for use in shim.check_script(write(tmp_path, text)))


def test_programs_that_run_are_found_to_run() -> None:
    for script in PROGRAMS.glob("*.py"):
        assert [use for use in shim.check_script(script) if not use.there] == []


def test_a_program_of_python_2_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"not Python 3, line 1.*2to3"):
        shim.check_script(write(tmp_path, "print 'x'\n"))


def test_the_command_prints_and_ends_as_a_check(tmp_path: Path) -> None:
    script = write(tmp_path, "import tensorflow as tf\ntf.train.load_variable\ntf.nn.relu\n")
    told = run("shim-check", str(script), code=1)
    assert told.stdout.splitlines() == [
        f"{script}:3: tensorflow.nn.relu: building a graph needs TensorFlow itself",
        "1 of 3 parts of TensorFlow are missing",
    ]
    listed = json.loads(run("shim-check", str(script), "--all", "--json", code=1).stdout)
    assert [use["there"] for use in listed["uses"]] == [True, True, False]
    fine = run("shim-check", str(PROGRAMS / "files.py"))
    assert "parts of TensorFlow are there" in fine.stdout
    run("shim-check", "nowhere.py", code=2)
