"""Casting: values in another dtype, rounded once, and never lost in silence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from .._format import dtypes
from .._format.dtypes import Array
from .._look.amounts import format_subject
from ..errors import ConversionError

# A dtype for all floating-point tensors; or dtypes by name or glob, and None for all others.
Cast: TypeAlias = "str | np.dtype[Any] | type | Mapping[str, Any] | Mapping[str | None, Any]"

# What other libraries call them.
_ALIASES: Final = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "f16": "float16",
    "half": "float16",
    "fp32": "float32",
    "f32": "float32",
    "float": "float32",
    "single": "float32",
    "fp64": "float64",
    "f64": "float64",
    "double": "float64",
    "fp8": "float8_e4m3fn",
    "int": "int32",
    "long": "int64",
    "boolean": "bool",
}
_CODE: Final = re.compile(r"[<>=|]?[fiu][1248]|[<>=|]?c(?:8|16)")  # as numpy writes dtypes


@dataclass(frozen=True, slots=True)
class Loss:
    """What a cast may lose.

    Attributes:
        lossy: Whether numbers may lose their fraction as integers, and their size as truth values.
        saturate: Whether what is out of range becomes the largest number, instead of an error.
    """

    lossy: bool = False
    saturate: bool = False


def number_of(dtype: Any) -> int:
    """The DataType number of a dtype or its name. Raises ConversionError, which lists them."""
    try:
        # numpy takes None for float64.
        name = str(dtype if isinstance(dtype, str) or dtype is None else np.dtype(dtype).name)
    except TypeError:
        name = str(dtype)
    small = (
        name.strip().lower().rpartition(".")[2]
    )  # whether tf., np., jnp. or torch. stands before
    number = dtypes.number_named(_ALIASES.get(small, small))
    if number is None and _CODE.fullmatch(small):
        number = dtypes.number_of(np.dtype(small))
    if number is not None and number != dtypes.STRING:
        return number
    names = (dtypes.name_of(each) for each in range(1, 64) if each != dtypes.STRING)
    known = ", ".join(each for each in names if dtypes.number_named(each))
    raise ConversionError(f"no dtype of numbers is called {name!r}: expected one of {known}")


def converted(array: Array, dtype: np.dtype[Any], name: str, loss: Loss | None = None) -> Array:
    """Cast values, rounding each once: to the nearest, or as integers towards zero.

    Args:
        array: The values.
        dtype: What they are to be.
        name: Their tensor's, for errors.
        loss: What may be lost; by default what rounding takes from floating-point numbers.

    Raises:
        ConversionError: Values that the new dtype cannot hold, or only with a loss that is not
            allowed; NaN where there is none.
    """
    loss = loss or Loss()
    if array.dtype == dtype:
        return array
    kind = _kind(dtype)
    if _kind(array.dtype) == "c" and kind != "c":
        raise ConversionError(f"complex numbers cannot become {dtype}", key=name)
    with np.errstate(all="ignore"):
        if kind == "i":
            return _as_integers(array, dtype, name, loss)
        if kind == "b":
            return _as_truth(array, name, loss)
        return _as_floats(array, dtype, name, loss)


def rounded(values: Array, dtype: np.dtype[Any]) -> Array:
    """Round doubles to a floating-point dtype, once."""
    return (values if dtype.itemsize >= 4 else _representable(values, dtype)).astype(dtype)


def _representable(values: Array, dtype: np.dtype[Any]) -> Array:
    """The nearest numbers of a short dtype, as doubles; beyond its largest those that would follow.

    ml_dtypes goes by way of float32 or float16, and would round twice.
    """
    limits = _limits(dtype)
    exponents = np.maximum(np.frexp(values)[1] - 1, int(limits.minexp))
    places = exponents - int(limits.nmant)
    near: Array = np.ldexp(np.rint(np.ldexp(values, -places)), places)
    return near


def _limits(dtype: np.dtype[Any]) -> Any:
    import ml_dtypes

    info: Any = ml_dtypes.iinfo if _kind(dtype) == "i" else ml_dtypes.finfo
    return info(dtype)


def _kind(dtype: np.dtype[Any]) -> str:
    """f, c, i or b: numpy has none for the types of ml_dtypes."""
    return dtype.name.removeprefix("b" if dtype.name == "bfloat16" else "u")[0]


def _doubles(array: Array) -> Array:
    """Doubles that round to any shorter type as the values do."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8:
        return array.astype(np.float64)
    # Of integers that are too long for it, what is cut off leaves a mark too.
    size = np.where(array < 0, -array.astype(np.uint64), array.astype(np.uint64))
    marked = (size >> np.uint64(11) | ((size & np.uint64(0x7FF)) != 0)) << np.uint64(11)
    size = np.where(size >> np.uint64(53) != 0, marked, size)
    return np.copysign(size.astype(np.float64), np.where(array < 0, -1.0, 1.0))


def _as_floats(array: Array, dtype: np.dtype[Any], name: str, loss: Loss) -> Array:
    short = array.dtype.itemsize <= 4 and _kind(array.dtype) == "f"
    if dtype.itemsize >= 4 or (dtype.itemsize == 2 and short):  # which libraries round once
        result, values = array.astype(dtype), array
        wrong = np.isfinite(values) & ~np.isfinite(result)
    else:
        values = _doubles(array)
        near = _representable(values, dtype)
        result = near.astype(dtype)
        wrong = _out_of_range(values, near, dtype)
    if not wrong.any():
        return result
    not_numbers = wrong & np.isnan(values)
    if not loss.saturate or not_numbers.any() or _kind(dtype) == "c":
        if not_numbers.any():
            _refuse(array, not_numbers, dtype, name, None)
        _refuse(array, wrong, dtype, name, None if _kind(dtype) == "c" else "saturate")
    result[wrong] = np.copysign(float(_limits(dtype).max), values[wrong]).astype(dtype)
    return result


def _out_of_range(values: Array, near: Array, dtype: np.dtype[Any]) -> Array:
    """Where a short dtype has no number for a value, be it infinite or none."""
    infinite, none = np.array([np.inf, np.nan]).astype(dtype).astype(np.float32)
    wrong: Array = np.abs(near) > float(_limits(dtype).max)
    if np.isinf(infinite):
        wrong &= np.isfinite(values)
    return wrong if np.isnan(none) else wrong | np.isnan(values)


def _as_integers(array: Array, dtype: np.dtype[Any], name: str, loss: Loss) -> Array:
    limits = _limits(dtype)
    low, high = int(limits.min), int(limits.max)
    if _kind(array.dtype) == "f":
        whole = np.trunc(array.astype(np.float64))
        if (bad := np.isnan(whole)).any():
            _refuse(array, bad, dtype, name, None)
        if not loss.lossy and (bad := whole != array.astype(np.float64)).any():
            _refuse(array, bad & ~np.isnan(whole), dtype, name, "lossy")
        below, above = whole < float(low), whole >= float(high + 1)
    else:
        whole = array if array.dtype.kind in "iub" else array.astype(np.int16)
        below, above = whole < low, whole > high
    wrong = below | above
    if wrong.any() and not loss.saturate:
        _refuse(array, wrong, dtype, name, "saturate")
    inside = np.where(wrong, whole.dtype.type(0), whole)
    if dtype.isbuiltin != 1:  # ml_dtypes casts from small integers
        inside = inside.astype(np.int8)
    result = inside.astype(dtype)
    result[below], result[above] = dtype.type(low), dtype.type(high)
    return result


def _as_truth(array: Array, name: str, loss: Loss) -> Array:
    values = array.astype(np.float64)
    if (bad := np.isnan(values)).any():
        _refuse(array, bad, np.dtype(bool), name, None)
    if not loss.lossy and (bad := (values != 0) & (values != 1)).any():
        _refuse(array, bad, np.dtype(bool), name, "lossy")
    truth: Array = values != 0
    return truth


def _refuse(array: Array, wrong: Array, dtype: np.dtype[Any], name: str, way: str | None) -> None:
    count = int(np.count_nonzero(wrong))
    value = array.reshape(-1)[int(np.argmax(wrong.reshape(-1)))]
    hint = f" (--{way}, {way}=True, allows it)" if way else ""
    said = f"{format_subject(count, 'value', 'does')} not fit {dtype.name}"
    raise ConversionError(f"{said}, the first is {value}{hint}", key=name)
