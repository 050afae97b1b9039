"""Tensors with values, shapes, and the classes that programs compare others with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, SupportsIndex

import numpy as np

from ...train import as_dtype
from ..missing import needs_tensorflow, purpose_of
from .switches import BEHAVIOUR


class _StandIn:
    """Class of TensorFlow that nothing here is of: programs ask ``isinstance(x, tf.Module)``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        part = type(self).__name__
        raise needs_tensorflow(f"making a tf.{part}", purpose_of(part))


class Tensor(_StandIn):
    """Base of what programs take for tensors."""


class Variable(_StandIn):
    """Base of what programs take for variables."""


class RaggedTensor(_StandIn):
    """Rows of different lengths."""


class SparseTensor(_StandIn):
    """Values at a few places."""


class IndexedSlices(_StandIn):
    """Rows of a tensor."""


class TypeSpec(_StandIn):
    """Type of a value."""


class TensorSpec(TypeSpec):
    """Type and shape of a tensor."""


class RaggedTensorSpec(TypeSpec):
    """Type of a ragged tensor."""


class SparseTensorSpec(TypeSpec):
    """Type of a sparse tensor."""


class Module(_StandIn):
    """Object with variables."""


class TensorArray(_StandIn):
    """List of tensors."""


class Dataset(_StandIn):
    """Elements of an input pipeline."""


class Iterator_(_StandIn):
    """Iterator over a data set."""


class DistributedDataset(_StandIn):
    """Data set on several devices."""


class EagerTensor(np.ndarray[Any, np.dtype[Any]]):
    """Array with the `numpy` of a tensor; else as numpy's arrays are."""

    def numpy(self) -> Any:
        """The array, or of a scalar the number."""
        return self.view(np.ndarray)[()]


def cast(x: Any, dtype: Any, name: str | None = None) -> EagerTensor:
    """Convert an array to another type."""
    return np.asarray(x).astype(as_dtype(dtype).as_numpy_dtype).view(EagerTensor)


def convert_to_tensor(value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> EagerTensor:
    """Make a tensor of a value, which is an array with a `numpy`."""
    if dtype is not None:
        return cast(value, dtype)
    array = np.asarray(value)
    if not isinstance(value, (np.ndarray, np.generic)):
        # Numbers of Python are of 32 bits in TensorFlow, if they fit.
        narrow = {"float64": np.float32, "int64": np.int32, "complex128": np.complex128}
        array = array.astype(narrow.get(array.dtype.name, array.dtype))
    return array.view(EagerTensor)


class Dimension(int):
    """Dimension of a shape, with the `value` that it has in TensorFlow 1."""

    @property
    def value(self) -> int:
        """The number."""
        return int(self)


class UnknownDimension:
    """Dimension that is not known, as TensorFlow 1 has it."""

    value = None

    def __eq__(self, other: object) -> Any:
        return None if other is None or isinstance(other, (int, UnknownDimension)) else False

    def __hash__(self) -> int:
        return hash(None)

    def __str__(self) -> str:
        return "?"

    def __repr__(self) -> str:
        return "Dimension(None)"


class TensorShape:
    """Shape of a tensor, of which dimensions or even their number may not be known.

    Args:
        dims: The dimensions, None or -1 where one is not known; None when nothing is.
    """

    def __init__(self, dims: Iterable[Any] | SupportsIndex | TensorShape | None) -> None:
        if isinstance(dims, TensorShape):
            dims = dims.dims
        elif isinstance(dims, SupportsIndex):
            dims = [dims]
        self.dims: list[Dimension | None] | None = (
            None
            if dims is None
            else [None if each is None or int(each) < 0 else Dimension(each) for each in dims]
        )

    @property
    def rank(self) -> int | None:
        """Number of dimensions."""
        return None if self.dims is None else len(self.dims)

    ndims = rank

    def as_list(self) -> list[int | None]:
        """Dimensions as numbers.

        Raises:
            ValueError: Their number is not known.
        """
        return [None if each is None else int(each) for each in self._known()]

    def is_fully_defined(self) -> bool:
        """Tell whether all dimensions are known."""
        return self.dims is not None and None not in self.dims

    def num_elements(self) -> int | None:
        """Number of elements, if all dimensions are known."""
        known = [each for each in self.dims or () if each is not None]
        return math.prod(known) if self.is_fully_defined() else None

    def is_compatible_with(self, other: Any) -> bool:
        """Tell whether both may be of one tensor."""
        mine, theirs = self.dims, TensorShape(other).dims
        if mine is None or theirs is None:
            return True
        return len(mine) == len(theirs) and all(
            a is None or b is None or a == b for a, b in zip(mine, theirs, strict=True)
        )

    def _known(self) -> list[Dimension | None]:
        if self.dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return self.dims

    def _shown(self) -> list[Any]:
        """Dimensions as programs see them."""
        unknown = UnknownDimension() if BEHAVIOUR.dimensions_have_values else None
        return [unknown if each is None else each for each in self._known()]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._shown())

    def __len__(self) -> int:
        return len(self._known())

    def __bool__(self) -> bool:
        return self.dims is not None

    def __getitem__(self, key: Any) -> Any:
        return TensorShape(self._known()[key]) if isinstance(key, slice) else self._shown()[key]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (TensorShape, list, tuple, type(None))):
            return NotImplemented
        return self.dims == TensorShape(other).dims

    def __hash__(self) -> int:
        return hash(None if self.dims is None else tuple(self.dims))

    def __str__(self) -> str:
        if self.dims is None:
            return "<unknown>"
        inner = ", ".join(map(str, self._shown()))
        return f"({inner},)" if len(self.dims) == 1 else f"({inner})"

    def __repr__(self) -> str:
        return f"TensorShape({None if self.dims is None else self.as_list()})"
