"""The fuzz targets of readers in Python, run on mutated seeds."""

import os
import random

import pytest

from tests.differential.mutants import changed_bytes
from tests.fuzz.readers import TARGETS, run, seeds
from tests.places import PROJECT

MUTANTS = int(os.environ.get("MUTANTS", "150"))


@pytest.fixture(scope="module")
def inputs() -> dict[str, list[bytes]]:
    return seeds()


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_inputs_are_typed_errors_or_results(
    target: str, inputs: dict[str, list[bytes]]
) -> None:
    rng = random.Random(target)
    for data in [*inputs[target], b""]:
        run(target, data)
    for _ in range(MUTANTS):
        data = rng.choice([*inputs[target], b""])
        for _ in range(rng.choice([1, 2, 5])):
            data = changed_bytes(rng, data)
        run(target, data)


def test_make_fuzz_knows_every_target() -> None:
    text = (PROJECT / "Makefile").read_text("utf-8")
    assert f"FUZZ_READERS ?= {' '.join(TARGETS)}\n" in text


def test_seeds_are_there(inputs: dict[str, list[bytes]]) -> None:
    assert [name for name, found in inputs.items() if not found and name != "riegeli"] == []
