"""Golden fixtures: where they lie, what TensorFlow reads from them, how arrays are compared.

`expected.json` has the field names of the corpus' file of that name, so `digest` and `digest_of`
serve both. See `golden/README.md`.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.places import GOLDEN

DATA = GOLDEN / "data"

# Types of less than a byte keep their value in the low bits; what the high ones hold is not data.
_LOW_BITS = {"int4": 0x0F, "uint4": 0x0F, "float4_e2m1fn": 0x0F, "int2": 0x03, "uint2": 0x03}


@functools.cache
def expected() -> dict[str, dict[str, Any]]:
    """Return every fixture's record by id, with its tensors' records by name."""
    records: dict[str, dict[str, Any]] = json.loads((GOLDEN / "expected.json").read_text("utf-8"))
    return records


def path_of(fixture_id: str) -> str:
    """Return what a user would give to `tb.open` for this fixture (a prefix, directory or glob)."""
    return f"{DATA}/{expected()[fixture_id]['path']}"


def spellings_of(fixture_id: str) -> list[str]:
    """Return other paths that must lead to the same checkpoint."""
    return [f"{DATA}/{spelling}" for spelling in expected()[fixture_id].get("spellings", [])]


def digest_of(record: Mapping[str, Any]) -> str | None:
    """Return the expected digest of a tensor's record, None if it has no readable value."""
    return record.get("sha256") or record.get("sha256_len64le_prefixed")


def digest(array: Any) -> str:
    """Return the sha256 of an array's little-endian C-order bytes.

    Strings (bytes, or an object array of them): of each element's length as 8 little-endian bytes
    and the element.
    """
    if isinstance(array, bytes):
        array = np.array(array, dtype=object)
    array = np.asarray(array)
    if array.dtype.kind == "O":
        sha256 = hashlib.sha256()
        for element in array.reshape(-1).tolist():
            sha256.update(len(element).to_bytes(8, "little") + element)
        return sha256.hexdigest()
    if array.dtype.name in _LOW_BITS:
        array = array.view(np.uint8) & np.uint8(_LOW_BITS[array.dtype.name])
    elif array.dtype.isbuiltin == 1 and array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def digest_all(digests: Mapping[str, str]) -> str:
    """Return one digest for many tensors: sha256 of "name digest\\n" lines, sorted by name."""
    lines = "".join(f"{name} {digests[name]}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
