"""Header of a `.npy` file, read and written.

numpy has no name for ml_dtypes' types. They are written as a structure of one field that bears the
type's name, ``[('bfloat16', '<u2')]``: ``np.load`` shows what it is, ``.view(ml_dtypes.bfloat16)``
gives it back, and so does this module. ``|V2``, which ``np.save`` itself makes of bfloat16, is read
as that; other raw bytes may be anything and are not read.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from ...errors import FormatError
from .. import dtypes
from ..tensor_info import MAX_DIMENSIONS

MAGIC: Final = b"\x93NUMPY"

_MAX_HEADER_BYTES: Final = 10_000  # numpy's limit too
_MAX_BYTES: Final = (1 << 63) - 1

# A dictionary of exactly three keys, in any order, as many programs write it.
_ITEM: Final = re.compile(
    r"\s*(?:'(?P<key>\w+)'|\"(?P<other>\w+)\")\s*:\s*"
    r"(?P<value>'[^'\\]*'|\"[^\"\\]*\"|\[[^\[\]]*\]|\([\d\sL,]*\)|True|False)\s*(?:,|(?=\}))"
)
_FIELD: Final = re.compile(r"\[\s*\(\s*'([^'\\]*)'\s*,\s*'([^'\\]*)'\s*,?\s*\)\s*,?\s*\]")
_SIMPLE: Final = re.compile(r"([<>|=]?)([biufcSUV?])(\d{0,10})")
_KEYS: Final = frozenset(["descr", "fortran_order", "shape"])


class Header(NamedTuple):
    """What precedes the values.

    Attributes:
        word: The type as the file has it.
        dtype: The dtype of the values, in the file's byte order; None if there is none to read.
        number: TensorFlow's DataType for them; 0 if there is none.
        shape: The shape.
        fortran: Whether the first index runs fastest.
        nbytes: Length of the header.
    """

    word: str
    dtype: np.dtype[Any] | None
    number: int
    shape: tuple[int, ...]
    fortran: bool
    nbytes: int

    @property
    def data_nbytes(self) -> int | None:
        """Bytes that the values take, or None where the type is not known."""
        return None if self.dtype is None else math.prod(self.shape) * self.dtype.itemsize


def encode_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Write the header of an array, as ``np.save`` does for numpy's own types."""
    if dtype.isbuiltin == 2:  # of ml_dtypes
        descr: Any = np.dtype([(dtype.name, f"<u{dtype.itemsize}")]).descr
    else:
        descr = np.lib.format.dtype_to_descr(dtype.newbyteorder("<"))
    file = io.BytesIO()
    facts = {"descr": descr, "fortran_order": False, "shape": shape}
    # Version 1.0 holds headers of up to 64 kB: every one of 64 dimensions without fields.
    np.lib.format.write_array_header_1_0(file, facts)
    return file.getvalue()


def read_header(read: Callable[[int], bytes]) -> Header:
    """Read a header.

    Args:
        read: Gives the next so many bytes, or fewer where the file ends.

    Raises:
        FormatError: It is malformed.
    """
    start = read(8)
    if len(start) < 8 or not start.startswith(MAGIC):
        raise FormatError(f"not a .npy array: it begins with {start[:8]!r}, expected {MAGIC!r}")
    major, minor = start[6], start[7]
    if (major, minor) not in ((1, 0), (2, 0), (3, 0)):
        raise FormatError(f"a .npy array of version {major}.{minor}: expected 1.0, 2.0 or 3.0")
    width = 2 if major == 1 else 4
    size = int.from_bytes(read(width), "little")
    if size > _MAX_HEADER_BYTES:
        raise FormatError(f"a .npy header of {size} bytes: at most {_MAX_HEADER_BYTES} are read")
    text = read(size)
    if len(text) < size:
        raise FormatError(f"a .npy header is cut off: {size} bytes, of which {len(text)} are there")
    try:
        facts = _parse(text.decode("utf-8" if major == 3 else "latin-1"))
        return _header(facts, 8 + width + size)
    except (UnicodeDecodeError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError("a .npy header is malformed: it is no text") from None


def _parse(text: str) -> dict[str, str]:
    """The three values as they are written."""
    text = text.strip()
    facts: dict[str, str] = {}
    at = 1
    while text.startswith("{") and (match := _ITEM.match(text, at)):
        key = match["key"] or match["other"]
        if key in facts:
            break
        facts[key] = match["value"]
        at = match.end()
    if facts.keys() != _KEYS or text[at:].strip() != "}":
        raise FormatError(
            f"a .npy header is malformed: {text[:80]!r}, expected descr, fortran_order and shape"
        )
    return facts


def _header(facts: dict[str, str], nbytes: int) -> Header:
    shown = facts["shape"]
    fortran = facts["fortran_order"]
    if not shown.startswith("(") or fortran not in ("True", "False"):
        raise FormatError(
            f"a .npy header is malformed: shape {shown[:80]}, fortran_order {fortran}"
        )
    sizes = [size.strip().removesuffix("L") for size in shown[1:-1].split(",")]
    if sizes[-1] == "" and len(sizes) != 1:
        sizes.pop()
    shape = () if sizes == [""] else tuple(map(_size, sizes))
    if len(shape) > MAX_DIMENSIONS:
        raise FormatError(
            f"a .npy array of {len(shape)} dimensions: at most {MAX_DIMENSIONS} are read"
        )
    word = facts["descr"].strip("'\"")
    dtype, number = _dtype(facts["descr"])
    # numpy multiplies the sizes that are not 0, and fails where that is too much.
    if (
        math.prod(size or 1 for size in shape) * (1 if dtype is None else dtype.itemsize)
        > _MAX_BYTES
    ):
        raise FormatError(f"a .npy array is larger than any file: shape {list(shape)}")
    return Header(word, dtype, number, shape, fortran == "True", nbytes)


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise FormatError(f"a .npy header is malformed: {text[:40]!r} is no size of a dimension")
    return int(text)


def _dtype(descr: str) -> tuple[np.dtype[Any] | None, int]:
    """The dtype that a description means, and TensorFlow's number of it."""
    if field := _FIELD.fullmatch(descr):
        number = dtypes.number_named(field[1]) or 0
        dtype = dtypes.numpy_dtype(number) if number else None
        simple = _SIMPLE.fullmatch(field[2])
        size = int(simple[3] or 0) if simple else 0
        if dtype is None or dtype.hasobject or dtype.itemsize != size:
            return None, 0
        return dtype.newbyteorder("<"), number
    simple = _SIMPLE.fullmatch(descr.strip("'\"")) if descr[0] in "'\"" else None
    if simple is None:
        return None, 0
    order, kind, digits = simple.groups()
    if (kind, digits) == ("V", "2"):
        kind, digits = "", "bfloat16"
    elif (kind, digits) == ("f", "1"):  # what numpy calls this one
        kind, digits = "", "float8_e5m2"
    if not kind:
        number = dtypes.number_named(digits) or 0
        return dtypes.numpy_dtype(number), number
    if kind in "SU":
        width = int(digits or 0)
        fits = 0 < width < 1 << (31 if kind == "S" else 29)
        return (np.dtype(f"{order}{kind}{width}"), dtypes.STRING) if fits else (None, 0)
    try:
        dtype = np.dtype(f"{order}{kind}{digits}")
    except TypeError:
        return None, 0
    number = dtypes.number_of(dtype) or 0
    return (dtype, number) if number else (None, 0)
