"""What real TensorFlow computes of frozen graphs: many of them in one process."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorbundle as tb
from tests.freeze.models import in_tensorflow
from tests.freeze.programs.arrays import read_arrays, write_arrays


def computed(
    folder: Path, runs: Iterable[tuple[tb.Frozen, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Run frozen graphs on feeds; of each the outputs by key.

    Raises:
        AssertionError: TensorFlow refuses one.
    """
    orders = []
    for number, (frozen, feeds) in enumerate(runs):
        data = frozen.data if frozen.path is None else Path(frozen.path).read_bytes()
        assert data is not None
        (folder / f"{number}.pb").write_bytes(data)
        write_arrays(folder / f"{number}.feeds.npz", dict(feeds))
        orders.append(
            {
                "graph": str(folder / f"{number}.pb"),
                "outputs": dict(frozen.outputs),
                "feeds": str(folder / f"{number}.feeds.npz"),
                "init_ops": [frozen.init_op] if frozen.init_op else [],
                "answer": str(folder / f"{number}.answer.npz"),
            }
        )
    (folder / "orders.json").write_text(json.dumps(orders))
    in_tensorflow("worker", "run", folder)
    results = []
    for number in range(len(orders)):
        error = folder / f"{number}.answer.error"
        assert not error.exists(), f"run {number}: {error.read_text()}"
        results.append(read_arrays(folder / f"{number}.answer.npz"))
    return results
