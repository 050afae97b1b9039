"""The stand-in itself: when it stands in, what it has, and what it says of what it lacks."""

import doctest
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tensorbundle import UnsupportedError, shim
from tensorbundle.shim.modules import resolve
from tensorbundle.shim.surface import ROOT, surface
from tests.golden.cases import DATA
from tests.oracle.client import TensorFlow
from tests.places import PROJECT
from tests.shim.bare import Bare

DEMO = str(DATA / "demo" / "model.ckpt-2000")
ABSENT = "is not in tensorbundle's stand-in for TensorFlow"


def code(bare: Bare, text: str, *arguments: str) -> str:
    """Run lines with the stand-in; what they print."""
    lines = f"import sys\nfrom tensorbundle import shim\n{text}"
    result = bare.run("-c", lines, *arguments)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


@pytest.mark.parametrize("room", ["check", "install", "missing", "parts.switches"])
def test_examples_in_docstrings_run(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    module = importlib.import_module(f"tensorbundle.shim.{room}")
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0
    assert result.attempted


# --- when it stands in -----------------------------------------------------------------------


def test_it_stands_in_where_tensorflow_is_not_installed(bare: Bare) -> None:
    text = """
assert shim.install() and shim.install()
import tensorflow as tf
print(tf.train.load_variable(sys.argv[1], "dense/bias").shape, sys.modules["tensorflow"] is tf)
shim.uninstall()
try:
    import tensorflow
except ModuleNotFoundError as error:
    print(error)
"""
    assert code(bare, text, DEMO) == "(16,) True\nNo module named 'tensorflow'\n"


def test_it_leaves_a_tensorflow_that_is_installed(bare: Bare, tmp_path: Path) -> None:
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "__init__.py").write_text("real = True\n")
    text = f"""
sys.path.insert(0, {str(tmp_path)!r})
print(shim.install())
with shim.active(even_if_installed=True) as stands_in:
    import tensorflow
    print(stands_in, hasattr(tensorflow, "real"), hasattr(tensorflow, "train"))
import tensorflow
print(tensorflow.real)
try:
    shim.install(even_if_installed=True)
except Exception as error:
    print(type(error).__name__, error)
"""
    assert code(bare, text).splitlines() == [
        "False",
        "True False True",
        "True",
        "UnsupportedError TensorFlow is imported already: the stand-in can only be installed "
        "before it is",
    ]


def test_no_package_of_that_name_is_installed(bare: Bare) -> None:
    text = """
import importlib.metadata
shim.install()
import tensorflow
try:
    print(importlib.metadata.version("tensorflow"))
except importlib.metadata.PackageNotFoundError as error:
    print("no package", error.name)
"""
    assert code(bare, text) == "no package tensorflow\n"


# --- what it has -----------------------------------------------------------------------------


def test_everything_on_the_surface_is_there() -> None:
    with shim.active(even_if_installed=True):
        for module, names in surface().items():
            assert importlib.util.find_spec(module) is not None
            for name, place in names.items():
                assert resolve(place) is not None, f"{module}.{name}"


def test_the_surface_has_names_of_tensorflow_only(oracle: TensorFlow) -> None:
    known = json.loads(oracle.call("tests.shim.names", "known", sorted(surface())))
    theirs = {name for names in known.values() for name in names}
    ours = {name for names in surface().values() for name in names}
    # The first two are of TensorFlow 1; the others are modules that are there once imported.
    assert ours - theirs <= {"FileStatistics", "contrib", "inspect_checkpoint", "python"}
    inner = {
        each for each in surface() if each.startswith(("tensorflow.python.", "tensorflow.core."))
    }
    assert inner <= known.keys()


def test_readers_of_tensorflow_1_are_under_all_its_names(bare: Bare) -> None:
    text = """
shim.install()
import tensorflow as tf
import tensorflow.contrib.framework as framework
from tensorflow.contrib.framework import load_variable
from tensorflow.contrib.framework.python.framework import checkpoint_utils
from tensorflow.python import pywrap_tensorflow
from tensorflow.python.pywrap_tensorflow import NewCheckpointReader
from tensorflow.python.training.saver import latest_checkpoint
made = (
    tf.train.NewCheckpointReader, tf.pywrap_tensorflow.NewCheckpointReader, NewCheckpointReader,
    pywrap_tensorflow.NewCheckpointReader, tf.python.pywrap_tensorflow.NewCheckpointReader,
)
for reader in (make(sys.argv[1]) for make in made):
    assert reader.get_variable_to_shape_map()["dense/bias"] == [16]
for load in (load_variable, framework.load_variable, checkpoint_utils.load_variable,
             tf.contrib.framework.load_variable):
    assert load(sys.argv[1], "dense/bias").shape == (16,)
print(len(tf.contrib.framework.list_variables(sys.argv[1])), tf.gfile.Exists(sys.argv[1]))
"""
    assert code(bare, text, DEMO) == "28 False\n"


# --- what it says of what it lacks -----------------------------------------------------------

GRAPHS = "building a graph needs TensorFlow itself"
MISSING = [
    ("tf.keras.layers.Dense", "tf.keras", "models of Keras need TensorFlow or Keras itself"),
    ("tf.placeholder(tf.float32)", "tf.placeholder", GRAPHS),
    ("tf.layers", "tf.layers", GRAPHS),
    ("tf.compat.v1.get_variable", "tf.get_variable", GRAPHS),
    ("tf.train.AdamOptimizer()", "tensorflow.train.AdamOptimizer", "training needs TensorFlow"),
    ("tf.estimator", "tf.estimator", "training needs TensorFlow itself"),
    ("tf.matmul", "tf.matmul", "computing needs TensorFlow itself, or numpy"),
    ("tf.data.TFRecordDataset", "tensorflow.data.TFRecordDataset", "input pipelines and records"),
    ("tf.nonsense", "tf.nonsense", "without TensorFlow, checkpoints are read"),
]


@pytest.mark.parametrize(("asked", "told", "why"), MISSING)
def test_a_missing_part_is_named_with_who_asked_and_why(asked: str, told: str, why: str) -> None:
    message = f"{told} {ABSENT} (convert.py, line 3): {why}"
    with shim.active(even_if_installed=True):
        import tensorflow as tf

        program = compile(f"\n\n{asked}", "convert.py", "exec")
        with pytest.raises(AttributeError, match=f"^{re.escape(message)}") as caught:
            exec(program, {"tf": tf, "__name__": "__main__"})
    assert isinstance(caught.value, UnsupportedError)


@pytest.mark.parametrize(
    "statement",
    [
        "import tensorflow.keras",
        "from tensorflow import keras",
        "from tensorflow.keras.layers import Dense",
        "import importlib; importlib.import_module('tensorflow.keras')",
    ],
)
def test_a_missing_module_is_an_import_error_that_names_it(statement: str) -> None:
    program = compile(f"\n{statement}", "convert.py", "exec")
    message = f"tensorflow.keras {ABSENT} (convert.py, line 2): models of Keras need"
    with (
        shim.active(even_if_installed=True),
        pytest.raises(ModuleNotFoundError, match=f"^{re.escape(message)}") as caught,
    ):
        exec(program, {"__name__": "__main__"})
    assert caught.value.name == "tensorflow"


def test_a_missing_name_of_a_module_is_an_import_error() -> None:
    with shim.active(even_if_installed=True), pytest.raises(ImportError, match="Example"):
        from tensorflow.train import Example  # noqa: F401


def test_who_asks_whether_something_is_there_hears_no() -> None:
    with shim.active(even_if_installed=True):
        import tensorflow as tf

        assert not hasattr(tf, "keras")
        assert not hasattr(tf, "__nothing__")
        assert getattr(tf, "estimator", None) is None
        for name in ("tensorflow.keras", "tensorflow.nothing", "tensorflow_hub"):
            assert importlib.util.find_spec(name) is None
        spec = importlib.util.find_spec("tensorflow")
        assert spec is not None
        assert spec.loader is not None
        assert tf.__spec__ is spec
        assert sorted({"train", "io", "compat"} - set(dir(tf))) == []


def test_classes_can_be_compared_with_and_nothing_else() -> None:
    with shim.active(even_if_installed=True):
        import tensorflow as tf

        assert not isinstance(1, (tf.Tensor, tf.Variable, tf.TensorShape, tf.data.Dataset))
        with pytest.raises(shim.NeedsTensorFlowError, match=r"making a tf\.Variable .* building"):
            tf.Variable(3)
    assert ROOT not in sys.modules or not hasattr(sys.modules[ROOT], "Variable")


# --- running programs ------------------------------------------------------------------------


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "program.py"
    path.write_text(text)
    return path


def test_a_program_is_run_as_python_runs_it(bare: Bare, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("import tensorflow as tf\nfound = tf.__name__\n")
    script = program(
        tmp_path, "import sys, beside\nprint(__name__, sys.argv, beside.found)\nsys.exit(7)\n"
    )
    result = bare.script(script, "--flag", "-m", "x")
    assert result.returncode == 7
    assert result.stdout == f"__main__ ['{script}', '--flag', '-m', 'x'] tensorflow\n"
    command = [bare.python, "-m", "tensorbundle", "run-script", script, "--flag", "-m", "x"]
    again = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert (again.returncode, again.stdout, again.stderr) == (7, result.stdout, "")
    module = bare.run("-m", "tensorbundle.shim", "-m", "program", "a", cwd=tmp_path)
    assert module.returncode == 7
    assert "'a'] tensorflow" in module.stdout


def test_what_a_program_raises_is_printed_from_the_program_on(bare: Bare, tmp_path: Path) -> None:
    script = program(tmp_path, "import tensorflow as tf\n\n\ntf.layers.dense(1)\n")
    result = bare.script(script)
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert lines[1] == f'  File "{script}", line 4, in <module>'
    assert lines[-1].endswith(
        f"MissingPartError: tf.layers is not in tensorbundle's stand-in for TensorFlow ({script}, "
        "line 4): building a graph needs TensorFlow itself"
    )


def test_there_must_be_a_script(bare: Bare) -> None:
    for arguments in (["nowhere.py"], []):
        assert bare.run("-m", "tensorbundle.shim", *arguments).returncode == 2
        assert bare.run("-m", "tensorbundle", "run-script", *arguments).returncode == 2
