"""The checkpoints that are measured, made with real TensorFlow (`python -m benchmarks.data`).

The same tensors lie beside them as safetensors and npz, copied from what TensorFlow reads back.
"""

from __future__ import annotations

import argparse
import functools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

DEFAULT_DIRECTORY = Path("build/benchmarks")


@dataclass(frozen=True)
class Dataset:
    """Tensors of one shape, all float32; `memory` is the bytes of those without files.

    Attributes:
        parts: The checkpoints that it consists of, if these are several.
        first: The number of its first tensor.
        seed: Of its values.
        slots: Each layer has its kernel with these endings.
        scratch: Where to write, in tasks that do: a folder that is empty before each call.
        graph: What a model is stored as, if the tensors are one's: see graph_data.py.
    """

    path: Path
    count: int
    shape: tuple[int, ...]
    parts: tuple[Dataset, ...] = ()
    first: int = 0
    seed: int = 0
    slots: tuple[str, ...] = ("",)
    scratch: Path = Path()
    graph: Literal["", "meta", "saved_model"] = ""

    @property
    def prefix(self) -> str:
        return str(self.path)

    @property
    def shard(self) -> str:
        return f"{self.path}.data-00000-of-00001"

    @property
    def index(self) -> str:
        return f"{self.path}.index"

    @property
    def meta(self) -> str:
        return f"{self.path}.meta"

    @property
    def safetensors(self) -> str:
        return f"{self.path}.safetensors"

    @property
    def npz(self) -> str:
        return f"{self.path}.npz"

    @property
    def nbytes(self) -> int:
        if self.parts:
            return sum(part.nbytes for part in self.parts)
        elements = self.count
        for dim in self.shape:
            elements *= dim
        return elements * 4

    def name(self, i: int) -> str:
        if self.nbytes // self.count <= 1 << 20:
            return f"scope_{i // 100}/layer_{i}/Adam/m"
        layer, slot = divmod(self.first + i, len(self.slots))
        return f"layer_{layer}/kernel{self.slots[slot]}"

    @property
    def one_name(self) -> str:
        return self.name(self.count // 2)

    @property
    def memory(self) -> Any:
        return _random_array(self.nbytes)

    def files(self, subject: str) -> list[str]:
        """What a subject of that name reads."""
        if self.parts:
            return [file for part in self.parts for file in part.files(subject)]
        if self.graph == "meta":
            return [self.meta, self.index, self.shard]
        if self.graph == "saved_model":
            variables = f"{self.path}/variables/variables"
            shards = [f"{variables}.index", f"{variables}.data-00000-of-00001"]
            return [f"{self.path}/saved_model.pb", *shards]
        by_format = {"safetensors_": [self.safetensors], "npz_": [self.npz]}
        return by_format.get(subject, [self.index, self.shard])


@functools.cache
def _random_array(size: int) -> Any:
    import numpy as np

    return np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)


_LARGE = (1024, 4096)

# name -> (tensors, shape); a name with "memory" has no files.
_SETS = {
    "1g": (64, _LARGE),
    "1g-adam": (63, _LARGE),
    "5x1g": (5 * 64, _LARGE),
    "64x16m": (64, _LARGE),
    "4g": (256, _LARGE),
    "1k": (1_000, (4, 4)),
    "10k": (10_000, (4, 4)),
    "50k": (50_000, (4, 4)),
    "1m": (1_000_000, (4, 4)),
    "graph-1g": (64, (2048, 2048)),
    "graph-15k": (66, (64, 64)),
    "saved-model-512m": (32, (2048, 2048)),
    "memory-64b": (1, (16,)),
    "memory-256m": (1, (64 << 20,)),
}


def dataset(directory: str | os.PathLike[str], name: str) -> Dataset:
    data = Dataset(Path(directory) / name, *_SETS[name])
    if name.startswith("graph-"):
        return replace(data, graph="meta")
    if name.startswith("saved-model-"):
        return replace(data, graph="saved_model")
    if name == "1g-adam":
        return replace(data, slots=("", "/Adam", "/Adam_1"))
    if name == "5x1g":
        parts = [Dataset(Path(directory) / f"{name}-{i}", 64, _LARGE, seed=i) for i in range(5)]
        return replace(data, parts=tuple(parts))
    if name == "64x16m":
        parts = [
            Dataset(Path(directory) / f"{name}-{i}", 1, _LARGE, first=i, seed=i) for i in range(64)
        ]
        return replace(data, parts=tuple(parts))
    return data


def make(data: Dataset, *, rivals: bool) -> None:
    """Write what is not there yet; each file appears when it is whole."""
    if data.graph:
        if not all(map(os.path.exists, data.files(""))):
            from benchmarks import graph_data

            graph_data.make(data)
        return
    for part in data.parts or (data,):
        if not os.path.exists(part.index):
            _make_checkpoint(part)
    if not rivals or (os.path.exists(data.safetensors) and os.path.exists(data.npz)):
        return
    import numpy as np
    from safetensors.numpy import save_file

    from benchmarks.subjects import tensorflow_

    tensors = tensorflow_.read_all(data.prefix)
    save_file(tensors, f"{data.path}.partial")
    os.replace(f"{data.path}.partial", data.safetensors)
    np.savez(f"{data.path}.partial.npz", **tensors)
    os.replace(f"{data.path}.partial.npz", data.npz)


def _make_checkpoint(data: Dataset) -> None:
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(data.seed)
    tf.raw_ops.SaveV2(
        prefix=data.prefix,
        tensor_names=[data.name(i) for i in range(data.count)],
        shape_and_slices=[""] * data.count,
        tensors=[
            tf.constant(rng.standard_normal(data.shape, dtype=np.float32))
            for _ in range(data.count)
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DIRECTORY)
    parser.add_argument("--rivals", action="store_true", help="safetensors and npz too")
    parser.add_argument("names", nargs="+", choices=[n for n in _SETS if "memory" not in n])
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        make(dataset(options.data, name), rivals=options.rivals)


if __name__ == "__main__":
    main()
