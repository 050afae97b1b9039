"""Fixtures and settings shared by every test."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.freeze.models import Models
from tests.oracle.client import TensorFlow
from tests.places import PROJECT
from tests.train.savers import Savers

# The same examples in every run, and no deadline: the machine that tests may be busy.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True)
hypothesis.settings.load_profile("steady")


def surroundings() -> dict[str, object]:
    """What every test of a process has in common, and none may leave otherwise than it was."""
    environment = {name: at for name, at in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return {
        "folder": os.getcwd(),
        "environment": environment,
        "signals": {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)},
        "TensorFlow imported": "tensorflow" in sys.modules,  # it has processes of its own
    }


@pytest.fixture(autouse=True)
def surroundings_stay() -> Iterator[None]:
    """Which tests share a process, and in which order, differs from run to run."""
    before = surroundings()
    assert not before["TensorFlow imported"], "by a module of tests, when they were collected"
    yield
    assert surroundings() == before


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real checkpoints that lies beside the project."""
    folder = PROJECT.parent / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip("corpus folder absent")
    return folder


@pytest.fixture(scope="session")
def oracle() -> Iterator[TensorFlow]:
    """Real TensorFlow, in one process for all tests that ask for it."""
    with TensorFlow() as running:
        yield running


@pytest.fixture(scope="session")
def tensorflow(oracle: TensorFlow) -> Savers:
    """Its savers and managers; their clock is the true one."""
    return Savers(oracle)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The programs of graphs/, built once by real TensorFlow."""
    return Models.build(tmp_path_factory.mktemp("models"))
