"""Header of a `.safetensors` file, read and written, and the index of several.

A file is the length of the header (8 bytes, little-endian), the header (JSON, filled up with spaces
to a multiple of 8), and the tensors without a gap, little-endian and row-major. TensorFlow's types
that the format lacks but whose values are integers it has (quantized ones, int4 and the like) are
stored as these, and ``__metadata__`` names the type under ``tensorflow_dtypes``.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ...errors import FormatError
from ..tensor_info import MAX_DIMENSIONS

# TensorFlow's name of a dtype → the format's, in the rank that safetensors gives them.
WORDS: Final = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
    "int16": "I16",
    "uint16": "U16",
    "float16": "F16",
    "bfloat16": "BF16",
    "int32": "I32",
    "uint32": "U32",
    "float32": "F32",
    "complex64": "C64",
    "float64": "F64",
    "int64": "I64",
    "uint64": "U64",
}
# Types whose values another one holds as they are; which it was is said in the metadata.
STAND_INS: Final = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
    "int4": "int8",
    "uint4": "uint8",
    "int2": "int8",
    "uint2": "uint8",
}
# The types that can be stored, in rank.
RANKS: Final = {name: rank for rank, name in enumerate(WORDS)}
METADATA: Final = "__metadata__"
TF_DTYPES: Final = "tensorflow_dtypes"
# What the index of an export says under "metadata", and no other program's does.
WRITER: Final = {"writer": "tensorbundle"}
MAX_HEADER_BYTES: Final = 100_000_000  # readers refuse more

_NAMES: Final = {word: name for name, word in WORDS.items()}
# Of types that no array holds, bits an element: their places are checked all the same.
_OTHER_BITS: Final = {"F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
_ITEM_BITS: Final = {
    word: 8 if word == "BOOL" or word.startswith("F8") else int("".join(filter(str.isdigit, word)))
    for word in WORDS.values()
} | _OTHER_BITS


class HeaderEntry(NamedTuple):
    """A tensor of a file.

    Attributes:
        word: The format's name of its type.
        name: TensorFlow's name of it; None if there is none.
        shape: Its shape.
        offset: Its first byte in the file.
        nbytes: Its bytes.
    """

    word: str
    name: str | None
    shape: tuple[int, ...]
    offset: int
    nbytes: int


def parse_header(text: bytes, file_size: int) -> dict[str, HeaderEntry]:
    """Read a header: the tensors by name.

    Args:
        text: The JSON, without its length.
        file_size: Bytes of the whole file, which the tensors must fill without a gap.

    Raises:
        FormatError: It is malformed.
    """
    entries = parse_json(text)
    notes = _notes(entries.pop(METADATA, {}))
    begin = 8 + len(text)
    found = {name: _held(name, entry, begin, notes) for name, entry in entries.items()}
    at = begin
    for name, held in sorted(found.items(), key=lambda each: (each[1].offset, each[1].nbytes)):
        if held.offset != at:
            raise FormatError(
                f"tensor {name!r} begins at byte {held.offset}: expected {at}, where the one "
                "before it ends"
            )
        at += held.nbytes
    if at != file_size:
        what = "is cut off" if at > file_size else "goes on after its last tensor"
        raise FormatError(f"the file {what}: it has {file_size} bytes, expected {at}")
    return found


def parse_json(text: bytes) -> dict[str, Any]:
    """Read an object of JSON in which every name stands once. Raises FormatError."""
    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"this is no JSON: {str(error) or 'nested too deep'}") from None
    if not isinstance(found, dict):
        raise FormatError("this is no JSON object: expected names and what they mean")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise FormatError(f"{twice[:200]!r} stands twice in the JSON")
    return found


def _notes(metadata: object) -> Mapping[str, str]:
    """The types that stand-ins were stored for. A note that is malformed says nothing."""
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FormatError(f"{METADATA} is malformed: expected texts by name")
    try:
        noted = json.loads(metadata.get(TF_DTYPES, "{}"))
    except (ValueError, RecursionError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _held(name: str, entry: object, begin: int, notes: Mapping[str, str]) -> HeaderEntry:
    match entry:
        case {"dtype": str(word), "shape": list(shape), "data_offsets": [start, end]}:
            pass
        case _:
            raise FormatError(
                f"the entry of tensor {name!r} is malformed: expected dtype, shape, data_offsets"
            )
    # bool is an int in Python; not in this format.
    numbers = (*shape, start, end)
    if not all(type(n) is int and 0 <= n < 1 << 63 for n in numbers) or len(shape) > MAX_DIMENSIONS:
        raise FormatError(f"the entry of tensor {name!r} is malformed: shape or place are no sizes")
    if word not in _ITEM_BITS:
        raise FormatError(f"tensor {name!r} has the type {word[:40]!r}, which is not known")
    bits = math.prod(shape) * _ITEM_BITS[word]
    if end - start != -(-bits // 8):
        raise FormatError(
            f"the size of tensor {name!r} does not fit: {end - start} bytes, but {word} "
            f"{list(shape)} takes {-(-bits // 8)}"
        )
    kind = _NAMES.get(word)
    noted = notes.get(name)
    if isinstance(noted, str) and STAND_INS.get(noted) == kind:
        kind = noted
    return HeaderEntry(word, kind, tuple(shape), begin + start, end - start)


def parse_index(text: bytes) -> dict[str, str]:
    """Read the index of several files: the file that each tensor lies in.

    Raises:
        FormatError: It is malformed, or names a file that is not beside it.
    """
    places = parse_json(text).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise FormatError("the index is malformed: expected a weight_map of files by name")
    for name, file in places.items():
        if not file or file in (".", "..") or any(mark in file for mark in "/\\\0"):
            raise FormatError(
                f"tensor {name!r} is said to lie in {file!r}: that is no file beside it"
            )
    return places


def is_own_index(text: bytes) -> bool:
    """Whether an index was written by an export."""
    try:
        metadata = parse_json(text).get("metadata")
    except FormatError:
        return False
    return isinstance(metadata, dict) and metadata.items() >= WRITER.items()
