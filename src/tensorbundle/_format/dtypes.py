"""TensorFlow's DataType numbers and the numpy dtypes that hold them (format.md §4.2)."""

from __future__ import annotations

import functools
from typing import Any, Final, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]

MAX_RANK: Final = 254  # of a tensor of TensorFlow

FLOATING: Final = frozenset({1, 2, 14, 19, *range(24, 29)})
STRING: Final = 7
BOOL: Final = 10
RESOURCE: Final = 20
VARIANT: Final = 21
HANDLES: Final = frozenset([RESOURCE, VARIANT])  # they stand for what lives in a process
_REFERENCE: Final = 100  # added to the number of a type for a reference to it

_NAMES: Final = [
    "invalid",
    "float32",
    "float64",
    "int32",
    "uint8",
    "int16",
    "int8",
    "string",
    "complex64",
    "int64",
    "bool",
    "qint8",
    "quint8",
    "qint32",
    "bfloat16",
    "qint16",
    "quint16",
    "uint16",
    "complex128",
    "float16",
    "resource",
    "variant",
    "uint32",
    "uint64",
    "float8_e5m2",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e4m3b11fnuz",
    "float8_e5m2fnuz",
    "int4",
    "uint4",
    "int2",
    "uint2",
    "float4_e2m1fn",
]

# One element a byte, in the low bits; what the high bits hold is not part of the value.
_SUB_BYTE_MASKS: Final = {29: 0x0F, 30: 0x0F, 31: 0x03, 32: 0x03, 33: 0x0F}

# numpy itself has these; everything else that has a name comes from ml_dtypes.
_NUMPY_NAMES: Final = frozenset(
    [
        "float16",
        "float32",
        "float64",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bool",
    ]
)


def name_of(number: int) -> str:
    """TensorFlow's name of a DataType, as in ``tf.DType.name``; ``unknown(n)`` for later ones.

    Example:
        >>> name_of(14), name_of(99)
        ('bfloat16', 'unknown(99)')
    """
    if 0 <= number < len(_NAMES):
        return _NAMES[number]
    return f"unknown({number})"


def is_reference(number: int) -> bool:
    """Whether a DataType number means a reference, as old variables are."""
    return number > _REFERENCE


def without_reference(number: int) -> int:
    """The DataType number that a reference is to; other numbers as they are."""
    return int(number) - _REFERENCE if is_reference(number) else int(number)


@functools.lru_cache(maxsize=128)
def numpy_dtype(number: int) -> np.dtype[Any] | None:
    """The dtype of the arrays that a DataType is read into.

    Quantised types are read as the integers that are stored, strings as objects (``bytes``).

    Returns:
        None for types that no array holds: variant, resource, and those that are not known.
    """
    name = name_of(number)
    if number == STRING:
        return np.dtype(object)
    if name.startswith(("qint", "quint")):
        name = name[1:]
    if name in _NUMPY_NAMES:
        return np.dtype(name)
    if number in (0, RESOURCE, VARIANT) or number >= len(_NAMES) or number < 0:
        return None
    import ml_dtypes

    scalar_type = getattr(ml_dtypes, name, None)
    # An ml_dtypes from before this type was added: listed, and refused when read.
    return None if scalar_type is None else np.dtype(scalar_type)


def number_named(name: str) -> int | None:
    """The DataType of that TensorFlow name, if an array can hold it; the inverse of `name_of`."""
    if name not in _NAMES:
        return None
    number = _NAMES.index(name)
    return None if numpy_dtype(number) is None else number


def number_of(dtype: np.dtype[Any]) -> int | None:
    """The DataType that holds the numbers of a dtype, in whatever byte order; None if none does.

    Example:
        >>> import numpy as np
        >>> number_of(np.dtype("float32")), number_of(np.dtype("datetime64[s]"))
        (1, None)
    """
    number = number_named(dtype.name)
    native = dtype.newbyteorder("=")
    return number if number is not None and numpy_dtype(number) == native else None


def plain_number_of(dtype: np.dtype[Any]) -> int:
    """The DataType whose stored bytes are those of such an array as they are; 0 if none is."""
    number = number_of(dtype) or 0
    return 0 if number in _SUB_BYTE_MASKS else number


def is_exotic(number: int) -> bool:
    """Whether stored bytes may hold patterns that are no canonical values of the type."""
    return number == BOOL or number in _SUB_BYTE_MASKS


def array_type(number: int) -> tuple[np.dtype[Any] | None, bool]:
    """The dtype of `numpy_dtype`, and whether stored bytes are those of such an array as they are.

    Example:
        >>> array_type(1), array_type(BOOL)
        ((dtype('float32'), True), (dtype('bool'), False))
    """
    dtype = numpy_dtype(number)
    return dtype, dtype is not None and number != STRING and not is_exotic(number)


def canonical(array: np.ndarray[Any, Any], number: int) -> np.ndarray[Any, Any]:
    """Return the array with bytes that stand for no value put right, as a copy if any are.

    A stored bool may be any byte, and the high bits of a type below a byte anything; TensorFlow
    hands both on as they are.
    """
    if not is_exotic(number) or array.size == 0:
        return array
    raw = array.view(np.uint8)
    largest = 1 if number == BOOL else _SUB_BYTE_MASKS[number]
    if raw.max() <= largest:
        return array
    # Into a new array: of one without dimensions, operators make a scalar that is no array.
    right = np.empty_like(raw)
    if number == BOOL:
        np.not_equal(raw, 0, out=right.view(np.bool_))
    else:
        np.bitwise_and(raw, np.uint8(largest), out=right)
    return right.view(array.dtype)
