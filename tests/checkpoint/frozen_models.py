"""Every case of the matrix frozen here, and the frozen graphs run in one process of TensorFlow."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tensorbundle as tb
from tests.freeze.models import Model, Models, in_tensorflow
from tests.freeze.programs.arrays import read_arrays


@dataclass
class Outcome:
    """What became of one case: a frozen graph with its file, or an error."""

    model: Model
    path: Path
    frozen: Any = None
    error: Exception | None = None

    @property
    def values(self) -> dict[str, np.ndarray]:
        """What TensorFlow computes with the frozen graph.

        Raises:
            AssertionError: It could not be run, or was never frozen.
        """
        if self.error is not None:
            raise AssertionError(f"not frozen: {self.error}") from self.error
        told = self.path.with_suffix(".error")
        assert not told.exists(), told.read_text()
        return read_arrays(self.path.with_suffix(".npz"))

    def order(self) -> dict[str, Any]:
        """What the process of TensorFlow is asked to do."""
        return {
            "graph": str(self.path),
            "feeds": str(self.model.folder / "feeds.npz"),
            "outputs": dict(self.frozen.outputs),
            "init_ops": [self.frozen.init_op] if self.frozen.init_op else [],
            "answer": str(self.path.with_suffix(".npz")),
        }


def freeze(model: Model, path: Path) -> Outcome:
    case = model.case
    options = dict(case.options)
    if case.signature is None:
        options["outputs"] = model.outputs
    else:
        options["signature"] = case.signature
    outcome = Outcome(model, path)
    try:
        outcome.frozen = tb.freeze(model.path, model.ckpt, path=path, **options)
    except Exception as error:  # told by the tests of this case alone
        outcome.error = error
    return outcome


def freeze_all(models: Models, folder: Path) -> dict[str, Outcome]:
    """Freeze every case that has checks, and let TensorFlow run the results."""
    outcomes = {
        name: freeze(model, folder / f"{name}.pb")
        for name, model in models.items()
        if model.case.checks
    }
    orders = [outcome.order() for outcome in outcomes.values() if outcome.frozen is not None]
    (folder / "orders.json").write_text(json.dumps(orders))
    in_tensorflow("worker", "run", folder)
    return outcomes
