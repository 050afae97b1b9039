"""Makers of V1 checkpoints (format.md §8)."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.golden.fixture import (
    Fixture,
    make_parent,
    pattern,
    save_v2,
    slice_items,
    strings,
    tensor,
)
from tests.golden.make_bundles import SHAPES

DTYPES = [
    *("float32", "float64", "int32", "int16", "int8", "uint8", "uint16", "qint8", "quint8"),
    *("qint32", "complex64", "int64", "bool", "complex128", "float16"),
]


def save_v1(path: str, saved: list[tuple[bytes, str, Any]]) -> None:
    """Write (name, shape_and_slice, tensor or array) items as one V1 file with SaveSlices."""
    make_parent(path)
    names, specs, tensors = zip(*saved, strict=True)
    tf.raw_ops.SaveSlices(
        filename=path,
        tensor_names=list(names),
        shapes_and_slices=list(specs),
        data=[tensor(item) for item in tensors],
    )


def make_dtypes() -> list[Fixture]:
    """Every dtype that V1 can hold × every kind of shape, strings and negative numbers."""
    saved, written = [], {}
    for dtype in DTYPES:
        for kind, shape in SHAPES.items():
            name = f"{dtype}/{kind}".encode()
            written[name] = pattern(dtype, shape, f"v1 {dtype}")
            saved.append((name, "", tensor(written[name], dtype)))
    plain = {
        b"string/scalar": strings(b"one", shape=()),
        b"string/vector": strings(b"ab", b"", b"xyz", b"\0nul\0", "ünï".encode()),
        b"string/matrix": strings(b"a", b"b", b"c" * 300, b"d", shape=(2, 2)),
        b"string/empty": strings(shape=(0,)),
        b"negative/int8": np.array([-1, -128, 127], np.int8),
        b"negative/int16": np.array([-1, -32768, 32767], np.int16),
        b"negative/int32": np.array([-1, -(2**31), 2**31 - 1], np.int32),
        b"negative/int64": np.array([-1, -(2**63), 2**63 - 1, -3, 2**40], np.int64),
        "name with space/ü".encode(): np.array([1.5], np.float32),
    }
    saved += [(name, "", array) for name, array in plain.items()]
    save_v1("v1/dtypes", saved)
    return [Fixture("v1/dtypes", written=written | plain)]


def make_slices() -> list[Fixture]:
    """Partitioned tensors of several dtypes and ranks."""
    cases = {
        b"float32": (pattern("float32", (3, 7), "v1"), ["2,1:-", "0,2:0,3", "0,2:3,4"]),
        b"float16": (pattern("float16", (6,), "v1"), ["0,1", "1,5"]),
        b"uint16": (pattern("uint16", (6,), "v1"), ["0,1", "1,5"]),
        b"complex128": (pattern("complex128", (2, 3, 2), "v1"), ["-:0,2:-", "-:2,1:-"]),
        b"bool": (pattern("bool", (5, 2), "v1"), ["0,4:0,2", "4,1:-"]),
        b"string": (strings(b"a", b"", b"ccc", b"dd"), ["0,3", "3,1"]),
        b"whole_by_extents": (pattern("int32", (4, 6), "v1"), ["0,4:0,6"]),
    }
    saved = [(b"plain", "", np.arange(4, dtype=np.int64))]
    for name, (array, specs) in cases.items():
        saved += slice_items(name, array, specs)
    save_v1("v1/slices", saved)
    written = {name: array for name, (array, _) in cases.items()}
    written[b"plain"] = np.arange(4, dtype=np.int64)
    specs = {name: specs for name, (_, specs) in cases.items()}
    return [Fixture("v1/slices", written=written, specs=specs)]


def make_blocks() -> list[Fixture]:
    """A tensor above 524288 bytes, which starts a new block, between small ones."""
    written = {
        b"before": np.arange(5, dtype=np.float32),
        b"large": (np.arange(160_000) % 251).astype(np.float32).reshape(400, 400),
        b"zlast": np.array([7, 8], np.int32),
    }
    save_v1("v1/blocks", [(name, "", array) for name, array in written.items()])
    return [Fixture("v1/blocks", written=written)]


def make_sharded() -> list[Fixture]:
    """Two files under a glob that the state file names; a partitioned tensor across them."""
    table = pattern("float64", (5, 2), "v1 sharded")
    written = {
        b"table": table,
        b"first": np.arange(3, dtype=np.int32),
        b"second": np.array(2.5, np.float32),
    }
    first = [(b"first", "", written[b"first"]), *slice_items(b"table", table, ["0,2:-"])]
    second = [(b"second", "", written[b"second"]), *slice_items(b"table", table, ["2,3:-"])]
    save_v1("v1/sharded/model.ckpt-5-00000-of-00002", first)
    save_v1("v1/sharded/model.ckpt-5-00001-of-00002", second)
    glob = "model.ckpt-5-?????-of-00002"
    state = f'model_checkpoint_path: "{glob}"\nall_model_checkpoint_paths: "{glob}"\n'
    Path("v1/sharded/checkpoint").write_text(state)
    specs = {b"table": ["0,2:-", "2,3:-"]}
    spellings = ["v1/sharded", "v1/sharded/checkpoint"]
    fixture = Fixture("v1/sharded", f"v1/sharded/{glob}", written, spellings, specs)
    return [fixture]


def make_both_formats() -> list[Fixture]:
    """A V1 file and a V2 bundle under one prefix: V2 wins."""
    save_v1("v1/both_formats", [(b"w", "", np.array([1.0], np.float32))])
    written = {b"w": np.array([2.0, 2.0], np.float32)}
    save_v2("v1/both_formats", [(name, "", array) for name, array in written.items()])
    return [Fixture("v1/both_formats", written=written, note="V1 and V2; TensorFlow reads V2")]


def make() -> list[Fixture]:
    """Write all of them into the current directory."""
    makers = (make_dtypes, make_slices, make_blocks, make_sharded, make_both_formats)
    return [fixture for maker in makers for fixture in maker()]
