"""`DType` beside TensorFlow's: every fact of every type, and everything that either might equal."""

import json
import subprocess
import sys

import pytest

from tensorbundle.train import DType, as_dtype
from tests.places import PROJECT
from tests.train.dtype_probes import answers


def test_every_answer_is_tensorflows() -> None:
    worker = [sys.executable, "-W", "ignore", "-m", "tests.train.dtype_probes"]
    done = subprocess.run(worker, cwd=PROJECT, capture_output=True, text=True, check=True)
    theirs, ours = json.loads(done.stdout), answers(DType, as_dtype)
    assert theirs.keys() == ours.keys()
    differing = {key: (theirs[key], ours[key]) for key in theirs if theirs[key] != ours[key]}
    assert json.dumps(differing, indent=1) == "{}"
    assert len(theirs) > 4000


def test_type_of_tensorflow_equals_ours() -> None:
    class Theirs:
        as_datatype_enum = 14

    assert DType(14) == Theirs()
    assert DType(1) != Theirs()


def test_number_that_nobody_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="99 does not correspond to a valid"):
        DType(99)
