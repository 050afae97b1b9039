"""Feeds: what a user gives, as the arrays that a graph takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._format import dtypes
from .._format.names import as_bytes
from .._freeze.result import shown_shape
from ..errors import ConversionError, UnsupportedError

if TYPE_CHECKING:
    from .._format.dtypes import Array
    from .._freeze.freeze import FrozenInput

_FLOATS: Final = frozenset("fV")  # ml_dtypes' have the kind V
_WIDE: Final = ("int64", "uint32", "uint64")


def feed_array(name: str, value: Any, wanted: FrozenInput) -> Array:
    """A value as an array of an input's dtype.

    What is narrowed without change of kind is taken, as TensorFlow takes it: float64 for float32,
    whole numbers that fit for int32.

    Args:
        name: What the user calls the input.
        value: An array, or anything that `numpy.asarray` takes.
        wanted: The input.

    Raises:
        ConversionError: It is of another kind or shape.
        UnsupportedError: The engine cannot take it.
    """
    number = dtypes.number_named(wanted.dtype)
    dtype = None if number is None else dtypes.numpy_dtype(number)
    if dtype is None or dtype.kind == "c":
        raise UnsupportedError(f"input {name!r} is {wanted.dtype}, which OpenVINO does not take")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise _misfit(name, f"no array can be made of it ({error})", wanted) from None
    converted = _strings(array) if number == dtypes.STRING else _numbers(array, dtype)
    given = f"{dtypes.name_of(dtypes.number_of(array.dtype) or 0)}{shown_shape(array.shape)}"
    if converted is None:
        plain = {"U": "text", "T": "text", "S": "bytes", "O": "Python objects"}
        raise _misfit(name, plain.get(array.dtype.kind, given), wanted)
    if wanted.shape is not None and not _fits(array.shape, wanted.shape):
        raise _misfit(name, given, wanted)
    if wanted.dtype in _WIDE and converted.size and _exceeds_32_bits(converted):
        raise UnsupportedError(
            f"input {name!r} is {wanted.dtype} and has values beyond 32 bits, in which OpenVINO "
            "computes"
        )
    return converted


def shape_fed(value: Any) -> tuple[int, ...] | None:
    """The shape of inputs like this one: its rank alone; None for what is no array."""
    try:
        return (-1,) * np.ndim(value)
    except ValueError:
        return None


def _numbers(array: Array, dtype: np.dtype[Any]) -> Array | None:
    """The array in another dtype, or None when it would be of another kind."""
    if array.dtype == dtype:
        return array
    source, target = array.dtype.kind, dtype.kind
    if source == "b" or (source in "iu" and target in _FLOATS):
        return array.astype(dtype)
    if source in _FLOATS and target in _FLOATS:
        with np.errstate(over="ignore"):
            return array.astype(dtype)
    if source in "iu" and target in "iu":
        narrow = array.astype(dtype)
        return narrow if np.array_equal(narrow, array) else None
    return None


def _strings(array: Array) -> Array | None:
    """Strings as the engine takes them: bytes of one width."""
    if array.dtype.kind not in "SUOT":
        return None
    elements = [
        as_bytes(each) if isinstance(each, str) else each for each in array.reshape(-1).tolist()
    ]
    if not all(isinstance(each, bytes) for each in elements):
        return None
    return np.array(elements, "S").reshape(array.shape) if elements else np.empty(array.shape, "S1")


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        there in (-1, here) for here, there in zip(shape, wanted, strict=True)
    )


def _exceeds_32_bits(array: Array) -> bool:
    return bool(array.max() >= 1 << 31 or array.min() < -(1 << 31))


def _misfit(name: str, given: str, wanted: FrozenInput) -> ConversionError:
    expected = f"{wanted.dtype}{shown_shape(wanted.shape)}"
    return ConversionError(f"the value for input {name!r} does not fit: {given}, not {expected}")
