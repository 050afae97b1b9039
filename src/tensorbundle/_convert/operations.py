"""Operations on tensors on their way to the other side, each with its inverse.

Shapes are those of arrays too, of elements that take no room: there is one way through, not two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from .._format.dtypes import Array
from .._write.casting import converted, number_of
from ..errors import ConversionError

_NOTHING: Final = np.dtype([])  # no fields: no bytes


class Operation:
    """What is done with the arrays of one rule; most take one and give one.

    Attributes:
        word: Its name in a file of rules.
        invertible: Whether `backward` gives back what `forward` was given.
        many: The side that has several arrays for one of the other: 0, 1, or None.
    """

    word = ""
    invertible = True
    many: int | None = None

    def forward(self, arrays: list[Array], count: int) -> list[Array]:
        """Make the second side's arrays; so many where there are several. Raises ValueError."""
        return [self.there(each) for each in arrays]

    def backward(self, arrays: list[Array], count: int) -> list[Array]:
        """Make the first side's arrays, likewise. Raises ValueError."""
        return [self.back(each) for each in arrays]

    def there(self, array: Array) -> Array:
        """The array of the second side."""
        raise NotImplementedError

    def back(self, array: Array) -> Array:
        """The array of the first side."""
        raise NotImplementedError


@dataclass(frozen=True)
class Transpose(Operation):
    """Axes in reverse order, as a kernel of TensorFlow's is a weight of torch's."""

    word = "transpose"

    def there(self, array: Array) -> Array:
        """See `Operation`."""
        return array.T

    back = there


@dataclass(frozen=True)
class Permute(Operation):
    """Axes in another order, as numpy's ``transpose`` takes them."""

    axes: tuple[int, ...]
    word = "permute"

    def there(self, array: Array) -> Array:
        """See `Operation`."""
        return array.transpose(self.axes)

    def back(self, array: Array) -> Array:
        """See `Operation`."""
        return array.transpose([self.axes.index(n) for n in range(len(self.axes))])


@dataclass(frozen=True)
class Squeeze(Operation):
    """Dimensions of one element, left out."""

    axes: tuple[int, ...]
    word = "squeeze"

    def there(self, array: Array) -> Array:
        """See `Operation`."""
        return np.squeeze(array, self.axes)

    def back(self, array: Array) -> Array:
        """See `Operation`."""
        return np.expand_dims(array, self.axes)


@dataclass(frozen=True)
class Reshape(Operation):
    """Another shape on either side; of each, one dimension may be -1."""

    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    word = "reshape"

    def there(self, array: Array) -> Array:
        """See `Operation`."""
        return self._reshaped(array, *self.shapes)

    def back(self, array: Array) -> Array:
        """See `Operation`."""
        return self._reshaped(array, *reversed(self.shapes))

    @staticmethod
    def _reshaped(array: Array, old: tuple[int, ...], new: tuple[int, ...]) -> Array:
        if len(old) != array.ndim or any(
            wanted not in (-1, dim) for wanted, dim in zip(old, array.shape, strict=True)
        ):
            raise ValueError(f"expected the shape {list(old)}")
        return array.reshape(new)


@dataclass(frozen=True)
class Split(Operation):
    """As many parts of equal size along an axis as the second side has names for."""

    axis: int
    word = "split"
    many = 1

    def forward(self, arrays: list[Array], count: int) -> list[Array]:
        """See `Operation`."""
        return np.split(arrays[0], count, self.axis)

    def backward(self, arrays: list[Array], count: int) -> list[Array]:
        """See `Operation`."""
        if len({each.shape for each in arrays}) > 1:
            raise ValueError("parts of several shapes")
        return [np.concatenate(arrays, self.axis)]


@dataclass(frozen=True)
class Unstack(Operation):
    """An axis along which the first side stacks what the second keeps apart, as layers."""

    axis: int
    word = "unstack"
    many = 1

    def forward(self, arrays: list[Array], count: int) -> list[Array]:
        """See `Operation`."""
        if arrays[0].shape[self.axis] != count:
            raise ValueError(f"expected {count} along axis {self.axis}")
        return [np.take(arrays[0], n, self.axis) for n in range(count)]

    def backward(self, arrays: list[Array], count: int) -> list[Array]:
        """See `Operation`."""
        return [np.stack(arrays, self.axis)]


@dataclass(frozen=True)
class Turned(Operation):
    """An operation the other way round: what it makes of one is one here, of many."""

    inner: Operation
    many = 0

    @property
    def word(self) -> str:  # type: ignore[override]
        """See `Operation`."""
        return {"split": "join", "unstack": "stack"}[self.inner.word]

    def forward(self, arrays: list[Array], count: int) -> list[Array]:
        """See `Operation`."""
        return self.inner.backward(arrays, count)

    def backward(self, arrays: list[Array], count: int) -> list[Array]:
        """See `Operation`."""
        return self.inner.forward(arrays, count)


@dataclass(frozen=True)
class Rows(Operation):
    """The first rows only, of a vocabulary that was padded; the others are gone."""

    count: int
    word = "rows"
    invertible = False

    def there(self, array: Array) -> Array:
        """See `Operation`."""
        if array.ndim == 0 or array.shape[0] < self.count:
            raise ValueError(f"expected {self.count} rows or more")
        return array[: self.count]


@dataclass(frozen=True)
class CastTo(Operation):
    """Meanings in another dtype, rounded once; what they were is gone."""

    dtype: str
    word = "cast"
    invertible = False

    def there(self, array: Array) -> Array:
        """See `Operation`."""
        if array.dtype == _NOTHING:
            return array
        return converted(array, cast_dtype(self.dtype), "")


def cast_dtype(name: str) -> np.dtype[Any]:
    """The dtype of arrays that is called so. Raises ConversionError."""
    from .._format.dtypes import numpy_dtype

    dtype = numpy_dtype(number_of(name))
    assert dtype is not None  # `number_of` knows only those of numbers
    return dtype


def outline(shape: Sequence[int]) -> Array:
    """Make an array of that shape that takes no room."""
    return np.empty(tuple(shape), _NOTHING)


def apply(
    operations: Sequence[Operation], arrays: list[Array], count: int, *, inverse: bool
) -> list[Array]:
    """Do operations one after the other; backward, each one's inverse, the last one first.

    Args:
        operations: Those of a rule.
        arrays: What they are done with.
        count: How many arrays there are on the side that has several.
        inverse: Whether the second side's arrays are given.

    Raises:
        ValueError: The arrays are of other shapes than the operations are for.
    """
    for operation in reversed(operations) if inverse else operations:
        step = operation.backward if inverse else operation.forward
        arrays = step(arrays, count)
    return arrays


def operation_of(given: Any) -> Operation:
    """Read an operation as it stands in a file of rules.

    Raises:
        ConversionError: There is none of that name, or its argument is of another kind.
    """
    if given == "transpose":
        return Transpose()
    if isinstance(given, Mapping) and len(given) == 1:
        ((word, argument),) = given.items()
        read = _READERS.get(word)
        operation = read(argument) if read is not None else None
        if operation is not None:
            return operation
    raise ConversionError(
        f'no operation: {given!r}: expected "transpose", {{ permute = [axis, …] }}, '
        "{ squeeze = axis }, { reshape = [[…], […]] }, { split = axis }, { join = axis }, "
        '{ unstack = axis }, { stack = axis }, { rows = number } or { cast = "dtype" }'
    )


def _permute(given: Any) -> Operation | None:
    axes = _numbers(given)
    return Permute(axes) if axes and sorted(axes) == list(range(len(axes))) else None


def _squeeze(given: Any) -> Operation | None:
    axes = _numbers([given] if _is_number(given) else given)
    return Squeeze(axes) if axes else None


def _reshape(given: Any) -> Operation | None:
    if not isinstance(given, list) or len(given) != 2:
        return None
    old, new = map(_numbers, given)
    if old is None or new is None or old.count(-1) > 1 or new.count(-1) > 1:
        return None
    return Reshape((old, new))


def _split(given: Any) -> Operation | None:
    return Split(given) if _is_number(given) else None


def _join(given: Any) -> Operation | None:
    return Turned(Split(given)) if _is_number(given) else None


def _unstack(given: Any) -> Operation | None:
    return Unstack(given) if _is_number(given) else None


def _stack(given: Any) -> Operation | None:
    return Turned(Unstack(given)) if _is_number(given) else None


def _rows(given: Any) -> Operation | None:
    return Rows(given) if _is_number(given) and given > 0 else None


def _cast(given: Any) -> Operation | None:
    if not isinstance(given, str):
        return None
    cast_dtype(given)
    return CastTo(given)


def _is_number(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _numbers(given: Any) -> tuple[int, ...] | None:
    return tuple(given) if isinstance(given, list) and all(map(_is_number, given)) else None


_READERS: Final = {
    "permute": _permute,
    "squeeze": _squeeze,
    "reshape": _reshape,
    "split": _split,
    "join": _join,
    "unstack": _unstack,
    "stack": _stack,
    "rows": _rows,
    "cast": _cast,
}
