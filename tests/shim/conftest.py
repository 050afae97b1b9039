"""The environment without TensorFlow, and a TensorFlow that behaves as TensorFlow 1."""

from collections.abc import Iterator

import pytest

from tests.oracle.client import Module, TensorFlow
from tests.shim.bare import Bare


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Python without TensorFlow."""
    return Bare(tmp_path_factory.mktemp("bare") / "venv")


@pytest.fixture(scope="session")
def tensorflow_1() -> Iterator[Module]:
    """TensorFlow that runs programs which switch it to behave as TensorFlow 1."""
    with TensorFlow() as running:
        yield running.module("tests.shim.running")
