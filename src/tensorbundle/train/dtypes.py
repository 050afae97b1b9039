"""``tf.DType``: the type of a tensor, which equals whatever TensorFlow's equals."""

from __future__ import annotations

import builtins
import functools
from typing import Any, Final

import numpy as np

from .._format.dtypes import BOOL, RESOURCE, STRING, VARIANT, name_of, numpy_dtype

_COUNT: Final = 34  # of the types that there are, "invalid" included
_REF: Final = 100  # added to the number of a type, that of a reference to a variable of it
_COMPLEX: Final = {8: 1, 18: 2}  # the type of the parts
_QUANTIZED: Final = frozenset((11, 12, 13, 15, 16))
_BELOW_A_BYTE: Final = frozenset((29, 30, 31, 32))
_SMALL_FLOATS: Final = frozenset((24, 25, 26, 27, 28, 33))
_ALIASES: Final = {"half": 19, "float": 1, "double": 2}
_PYTHON_TYPES: Final = {float: 1, builtins.bool: BOOL, object: STRING}


class DType:
    """Type of tensors; there is one object for each.

    It equals what ``tf.DType`` equals (names, numpy's dtypes and types, numbers, TensorFlow's own)
    and has its hash, the number, which is not that of numpy's.

    Args:
        type_enum: TensorFlow's number for it.

    Raises:
        TypeError: There is no such type.

    Example:
        >>> import numpy as np, tensorbundle as tb
        >>> float32 = tb.train.DType(1)
        >>> float32 == "float32", float32 == np.float32, float32
        (True, True, tf.float32)
    """

    __slots__ = ("_number",)
    _number: int

    def __new__(cls, type_enum: int) -> DType:
        """Give the one object of that number."""
        number = int(type_enum)
        if number not in _ENUMS:
            raise TypeError(f"{type_enum} does not correspond to a valid tensorflow::DataType")
        return interned(number)

    @property
    def name(self) -> str:
        """TensorFlow's name, as ``float32``, ``qint8``, ``string``."""
        return name_of(self._number % _REF) + ("_ref" if self._number > _REF else "")

    @property
    def as_datatype_enum(self) -> int:
        """TensorFlow's number."""
        return self._number

    @property
    def as_numpy_dtype(self) -> Any:
        """Type of the arrays' elements: a class as ``numpy.float32``, ``object`` for strings.

        Of quantised types a dtype with their name, as in TensorFlow; the arrays themselves hold
        plain integers.

        Raises:
            KeyError: No array holds it (resource, variant).
        """
        number = self._number % _REF
        dtype = numpy_dtype(number)
        if dtype is None:
            raise KeyError(self._number)
        if number == STRING:
            return np.object_ if self._number > _REF else object
        return np.dtype([(name_of(number), dtype)]) if number in _QUANTIZED else dtype.type

    @property
    def base_dtype(self) -> DType:
        """Type that a reference refers to; of others the type itself."""
        return DType(self._number % _REF)

    @property
    def real_dtype(self) -> DType:
        """Type of a complex number's parts; of others the type itself."""
        part = _COMPLEX.get(self._number % _REF)
        return self if part is None else DType(part)

    @property
    def size(self) -> int:
        """Bytes of an element; 0 for those of no fixed size."""
        number = self._number % _REF
        dtype = numpy_dtype(number)
        return 0 if dtype is None or number == STRING else dtype.itemsize

    @property
    def is_bool(self) -> bool:
        """True when it is bool."""
        return self._number % _REF == BOOL

    @property
    def is_floating(self) -> bool:
        """True when it is a real floating-point type."""
        return name_of(self._number % _REF).startswith(("float", "bfloat"))

    @property
    def is_complex(self) -> bool:
        """True when it is complex."""
        return self._number % _REF in _COMPLEX

    @property
    def is_integer(self) -> bool:
        """True when it is an integer, not a quantised one."""
        return name_of(self._number % _REF).startswith(("int", "uint"))

    @property
    def is_quantized(self) -> bool:
        """True when it is a quantised type."""
        return self._number % _REF in _QUANTIZED

    @property
    def is_unsigned(self) -> bool:
        """True when it is an unsigned integer."""
        return name_of(self._number % _REF).startswith("uint")

    @property
    def is_numeric(self) -> bool:
        """True when TensorFlow computes with it: not types of a byte or less that only store."""
        number = self._number % _REF
        others = (STRING, BOOL, RESOURCE, VARIANT)
        return number not in others and number not in _SMALL_FLOATS | _BELOW_A_BYTE

    @property
    def is_numpy_compatible(self) -> bool:
        """True when arrays hold it."""
        return self._number % _REF not in (RESOURCE, VARIANT)

    @property
    def min(self) -> Any:
        """Least number of the type.

        Raises:
            TypeError: It has none.
        """
        return self._extreme("min", "minimum")

    @property
    def max(self) -> Any:
        """Greatest number of the type.

        Raises:
            TypeError: It has none.
        """
        return self._extreme("max", "maximum")

    def _extreme(self, which: str, word: str) -> Any:
        if self.is_floating or self.is_integer:
            import ml_dtypes

            facts = ml_dtypes.finfo if self.is_floating else ml_dtypes.iinfo
            return getattr(facts(self.as_numpy_dtype), which)
        kind = "quantized type" if self.is_quantized else "type"
        raise TypeError(f"Cannot find {word} value of {self} with {kind} {self.base_dtype}.")

    @property
    def limits(self) -> tuple[Any, Any]:
        """Least and greatest intensity of an image of that type, negative ones left out.

        Raises:
            ValueError: None are defined.
        """
        dtype = self.as_numpy_dtype
        if dtype in (np.float32, np.float64):
            return 0, 1
        if dtype is np.bool_:
            return 0, True
        if self.is_integer and self._number % _REF not in _BELOW_A_BYTE:
            return 0, np.iinfo(dtype).max
        raise ValueError(f"{self} does not have defined limits.")

    def is_compatible_with(self, other: object) -> bool:
        """Tell whether a tensor of the other type is taken for one of this; references are."""
        found = as_dtype(other)
        return self._number in (found._number, found._number % _REF)

    def __eq__(self, other: object) -> bool:
        if other is None:
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __hash__(self) -> int:
        return self._number

    def __int__(self) -> int:
        return self._number

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return interned, (self._number,)


@functools.lru_cache(maxsize=256)
def interned(number: int) -> DType:
    """The one `DType` of a number, of those too that a checkpoint names and nobody knows."""
    found = object.__new__(DType)
    found._number = number
    return found


def as_dtype(type_value: object) -> DType:
    """Find the `DType` that something stands for, as ``tf.as_dtype`` does.

    Args:
        type_value: A `DType`, TensorFlow's too; its number; its name; numpy's dtype or type;
            Python's ``float``, ``bool`` or ``object``; anything that has a ``dtype``.

    Raises:
        TypeError: It stands for none.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.as_dtype("half")
        tf.float16
    """
    number = _number_of(type_value)
    if number is None:
        raise TypeError(
            f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType."
        )
    return number if isinstance(number, DType) else DType(number)


def _number_of(value: Any) -> int | DType | None:
    if isinstance(value, DType):
        return value
    if isinstance(value, str):
        base = value.removesuffix("_ref")
        number = _NUMBERS.get(base)
        return None if number is None else number + (_REF if base != value else 0)
    if isinstance(value, (int, float, complex, np.number, np.bool_)):
        return _ENUMS.get(value)  # whatever its type: as TensorFlow's table of them is looked up
    if isinstance(value, np.dtype):
        return _of_numpy(value)
    if isinstance(value, type):
        if value in _PYTHON_TYPES:
            return _PYTHON_TYPES[value]
        return _of_numpy(np.dtype(value)) if issubclass(value, np.generic) else _of_scalar(value)
    number = getattr(value, "as_datatype_enum", None)
    if isinstance(number, int):
        return number
    dtype = getattr(value, "dtype", None)
    return _of_numpy(np.dtype(dtype)) if isinstance(dtype, (np.dtype, type)) else None


def _of_scalar(value: type) -> int | None:
    """The number of a type of ml_dtypes', which are no types of numpy's."""
    if not value.__module__.startswith("ml_dtypes"):
        return None
    return _of_numpy(np.dtype(value))


def _of_numpy(dtype: np.dtype[Any]) -> int | None:
    if dtype.kind in "OSU":
        return STRING
    if dtype.names and len(dtype.names) == 1 and _NUMBERS.get(dtype.names[0]) in _QUANTIZED:
        return _NUMBERS[dtype.names[0]]
    number = _NUMBERS.get(dtype.name)
    return number if number is not None and numpy_dtype(number) is not None else None


_ENUMS: Final[dict[Any, int]] = {
    number: number for start in (0, _REF) for number in range(start + 1, start + _COUNT)
}
_NUMBERS: Final = {name_of(number): number for number in range(1, _COUNT)} | _ALIASES
