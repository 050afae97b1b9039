"""Values given to be saved, as what is stored: a DataType and the bytes of an array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .._format import dtypes
from .._format.foreign.torch import array_of
from ..errors import ConversionError

# Python numbers become what TensorFlow makes of them; numpy's own keep their dtype.
_NARROWED: Final = {"float64": "float32", "int64": "int32"}

_HINTS: Final = {
    "M": "store the integers: array.view('int64')",
    "m": "store the integers: array.view('int64')",
    "V": "store each field as a tensor of its own",
}


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor's content, ready to be stored.

    Attributes:
        number: TensorFlow's DataType.
        shape: Its shape.
        array: Its numbers, C-contiguous and native, whose bytes are those stored; None for strings.
        elements: Its strings, row-major; None for numbers.
    """

    number: int
    shape: tuple[int, ...]
    array: np.ndarray[Any, Any] | None
    elements: list[bytes] | None = None


def value_of(given: Any, dtype: str | None = None) -> Value:
    """Turn what a user wants to save into what is stored.

    Args:
        given: An array of any layout and byte order, a numpy scalar, an object with ``__array__``,
            or Python numbers, strings and nested lists of them, which become what ``tf.constant``
            makes of them: float32, int32 (int64 where need be), bool, string. ``str`` is stored as
            UTF-8.
        dtype: TensorFlow's name of a type with the same bytes, such as ``"qint8"`` for int8.

    Raises:
        ConversionError: No DataType holds it.
    """
    array = _as_array(given)
    if array.dtype.kind in "OSUT":
        if dtype not in (None, "string"):
            raise ConversionError(f"strings cannot be stored as {dtype}")
        return Value(dtypes.STRING, array.shape, None, _as_bytes(array))
    number = dtypes.number_of(array.dtype)
    if dtype is not None:
        number = _as_named(dtype, array.dtype)
    elif number is None:
        wide = array.dtype.kind in "fc"  # float128 and complex256
        hint = "cast it first: array.astype('float64')" if wide else _HINTS.get(array.dtype.kind)
        raise ConversionError(
            f"TensorFlow has no type for {array.dtype}" + (f": {hint}" if hint else "")
        )
    assert number is not None
    array = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    # Types below a byte: ml_dtypes leaves the sign in the high bits, TensorFlow stores zeros there.
    if number != dtypes.BOOL:
        array = dtypes.canonical(array, number)
    return Value(number, array.shape, array)


def _as_array(given: Any) -> np.ndarray[Any, Any]:
    if isinstance(given, np.ma.MaskedArray):
        raise ConversionError("a masked array has no value under its mask: call filled() first")
    if type(given).__module__.split(".")[0] == "torch" and hasattr(given, "detach"):
        return array_of(given)
    if isinstance(given, (np.ndarray, np.generic)) or hasattr(given, "__array__"):
        return np.asarray(given)
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ConversionError(f"no array can be made of it: {error}") from None
    narrow = _NARROWED.get(array.dtype.name)
    if narrow is None or not _is_python(given):
        return array
    if narrow == "int32" and array.size and not -(2**31) <= array.min() <= array.max() < 2**31:
        return array
    return array.astype(narrow)


def _is_python(given: Any) -> bool:
    """Whether all numbers in nested lists are Python's own."""
    if isinstance(given, (list, tuple)):
        return all(_is_python(each) for each in given)
    return not isinstance(given, (np.ndarray, np.generic))


def _as_bytes(array: np.ndarray[Any, Any]) -> list[bytes]:
    elements = array.reshape(-1).tolist()
    for i, element in enumerate(elements):
        if isinstance(element, str):
            elements[i] = element.encode()
        elif not isinstance(element, bytes):
            raise ConversionError(_refusal(i, element))
    return elements


def _refusal(number: int, element: Any) -> str:
    """Why an object is not stored."""
    if isinstance(element, int) and not -(2**63) <= element < 2**64:
        short = element.bit_length() < 128
        what = str(element) if short else f"one of {element.bit_length()} bits"
        return f"no integer type holds {what}: expected -2**63 to 2**64 - 1"
    if isinstance(element, Mapping):
        return "a mapping is no tensor: expected a value for each name, such as 'outer/inner'"
    return (
        f"an array of objects is stored as strings, and element {number} is {type(element)}: "
        "expected bytes or str"
    )


def _as_named(name: str, dtype: np.dtype[Any]) -> int:
    number = dtypes.number_named(name)
    if number is None:
        raise ConversionError(f"{name!r} is no type that can be stored")
    if dtypes.numpy_dtype(number) != dtype.newbyteorder("="):
        raise ConversionError(
            f"{dtype} cannot be stored as {name}: expected {dtypes.numpy_dtype(number)}"
        )
    return number
