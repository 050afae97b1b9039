"""Weights of a frozen graph: ranges of data shards wherever that can be.

Nothing is read here but strings, and what must be looked at as a whole: a tensor that is stored in
boxes which do not lie one after the other, or of which only a part is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from .. import _core
from .._format import boxes as _slices
from .._format import dtypes
from .._format.wire import bytes_field
from .._graph.variables import Variable, parse_slice, read_variable
from ..errors import FormatError, UnsupportedError

if TYPE_CHECKING:
    from .._checkpoint.bundle import Bundle
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.tensor_info import TensorInfo

# Rows that have to be read one by one are read so many bytes at a time.
_BLOCK_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a data shard, as they are to be written.

    Attributes:
        file: The shard.
        offset: Where they begin.
        nbytes: How many.
        stored: The stored range whose checksum they have; None when they are a part of one.
    """

    file: _core.File
    offset: int
    nbytes: int
    stored: TensorInfo | None


Part: TypeAlias = "Span | bytes | memoryview"


@dataclass(frozen=True, slots=True)
class Content:
    """The value of one constant.

    Attributes:
        dtype: Its DataType number.
        shape: Its shape.
        nbytes: Bytes of its elements; of strings, of the fields that hold them.
        parts: Gives these bytes, piece by piece.
    """

    dtype: int
    shape: tuple[int, ...]
    nbytes: int
    parts: Callable[[], Iterator[Part]]


class Weights:
    """The tensors of a checkpoint, as contents of constants."""

    def __init__(self, ckpt: Checkpoint, *, verify: bool) -> None:
        """Look at nothing yet.

        Args:
            ckpt: The checkpoint.
            verify: Whether checksums are to be checked.
        """
        self._ckpt = ckpt
        self._verify = verify
        self._checked: set[tuple[int | None, int | None]] = set()  # shard and offset

    def of(self, variable: Variable) -> Content:
        """The value of a variable, cast and reshaped where its graph does that on restoring.

        Raises:
            TensorNotFoundError, MissingFileError, FormatError, UnsupportedError: It cannot be had.
        """
        if variable.initial is not None:
            return of_array(variable.initial, variable.dtype)
        key = variable.key or variable.name
        if variable.dtype not in (0, self._ckpt.info(key).data_type):
            return of_array(read_variable(self._ckpt, variable), variable.dtype)
        content = self.content(key, variable.slice)
        if variable.shape is None or not variable.is_static or variable.shape == content.shape:
            return content
        return replace(content, shape=variable.shape)

    def content(self, key: str, part: str = "") -> Content:
        """The tensor under a key, or a part of it as a restore op writes it: ``"10 4 0,3:-"``.

        Raises:
            TensorNotFoundError, MissingFileError, FormatError, UnsupportedError: It cannot be had.
        """
        info = self._ckpt.info(key)
        if info.dtype is None:
            raise UnsupportedError(
                f"tensors of type {info.tf_dtype} cannot be constants of a graph", key=info.name
            )
        box = _whole(info.shape)
        if part:
            full_shape, extents = parse_slice(part)
            if full_shape != info.shape:
                raise FormatError(
                    f"a part of another tensor is asked for: of shape {list(full_shape)}, "
                    f"but the stored one's is {list(info.shape)}",
                    key=info.name,
                )
            box = _slices.box_of(extents, full_shape)
        if info.data_type == dtypes.STRING:
            return self._strings(info, box)
        shape = _slices.shape_of(box)
        nbytes = math.prod(shape) * info.dtype.itemsize
        return Content(info.data_type, shape, nbytes, self._parts(info, box))

    def _strings(self, info: TensorInfo, box: _slices.Box) -> Content:
        # Read now: how long they are decides on every length before them.
        texts: Any = np.asarray(self._ckpt[info.name], object)
        encoded = _encoded(texts[(*_index(box), ...)])
        return Content(
            info.data_type, _slices.shape_of(box), len(encoded), lambda: iter((encoded,))
        )

    def _parts(self, info: TensorInfo, box: _slices.Box) -> Callable[[], Iterator[Part]]:
        bundle = self._as_bundle(info)
        if bundle is not None:
            spans = self._spans(bundle, info, box)
            if spans is not None:
                return lambda: iter(spans)
            if len(stored := bundle.stored(info)) == 1:
                return lambda: self._rows(bundle, info, box, stored[0][1])
        if box == _whole(info.shape):
            return lambda: self._ckpt.chunks(info.name)
        return lambda: iter((_raw(self._ckpt.read_slice(info.name, _index(box))),))

    def _as_bundle(self, info: TensorInfo) -> Bundle | None:
        """The checkpoint, if its bytes are written as they are stored."""
        from .._checkpoint.bundle import Bundle

        ckpt = self._ckpt
        if not isinstance(ckpt, Bundle) or not ckpt.is_near or info.dtype is None:
            return None
        return None if ckpt.big_endian and info.dtype.itemsize > 1 else ckpt

    def _spans(self, bundle: Bundle, info: TensorInfo, box: _slices.Box) -> list[Span] | None:
        """The ranges that one after the other are the box; None if there are none such."""
        stored = bundle.stored(info)
        whole = _whole(info.shape)
        boxes = [_slices.box_of(spec, info.shape) if spec else whole for spec, _ in stored]
        for (_, part), stored_box in zip(stored, boxes, strict=True):
            if stored_box == box:
                return [_span(bundle, part, 0, part.nbytes)]
        if len(stored) > 1:
            return _joined(bundle, stored, boxes, box)
        if not box or box[1:] != whole[1:]:
            return None
        # Rows of a tensor that is stored whole.
        only = stored[0][1]
        row = only.nbytes // max(info.shape[0], 1)
        self._check(bundle, only)
        return [_span(bundle, only, box[0][0] * row, (box[0][1] - box[0][0]) * row)]

    def _check(self, bundle: Bundle, part: TensorInfo) -> None:
        """Check the checksum of a stored range of which a part is wanted, once."""
        place = part.shard, part.offset
        if self._verify and place not in self._checked:
            bundle.read_range(part)
            self._checked.add(place)

    def _rows(
        self, bundle: Bundle, info: TensorInfo, box: _slices.Box, stored: TensorInfo
    ) -> Iterator[Part]:
        """A box of a tensor that is stored whole, some rows at a time."""
        self._check(bundle, stored)
        row = math.prod(_slices.shape_of(box[1:])) * info.array_dtype().itemsize
        step = max(1, _BLOCK_BYTES // max(row, 1))
        (start, stop), *others = box
        for low in range(start, stop, step):
            rows = ((low, min(stop, low + step)), *others)
            yield _raw(self._ckpt.read_slice(info.name, _index(rows)))


def _joined(
    bundle: Bundle,
    stored: Sequence[tuple[Any, TensorInfo]],
    boxes: list[_slices.Box],
    box: _slices.Box,
) -> list[Span] | None:
    """The slices of a tensor that was cut into rows alone, in their order."""
    at, spans = box[0][0], []
    for i in sorted(range(len(boxes)), key=lambda i: boxes[i][0]):
        (start, stop), *others = boxes[i]
        if start == stop:
            continue
        if start != at or tuple(others) != box[1:]:
            return None
        part = stored[i][1]
        spans.append(_span(bundle, part, 0, part.nbytes))
        at = stop
    return spans if at == box[0][1] else None


def _span(bundle: Bundle, part: TensorInfo, start: int, nbytes: int) -> Span:
    """A range of a stored one, which is there and fits its shape."""
    file = bundle.file_of(part)
    complete = start == 0 and nbytes == part.nbytes
    return Span(file, (part.offset or 0) + start, nbytes, part if complete else None)


def of_array(array: np.ndarray[Any, Any], dtype: int) -> Content:
    """An array that is at hand; one that repeats an element takes no more memory than that."""
    if array.dtype == object:
        encoded = _encoded(array)
        return Content(dtypes.STRING, array.shape, len(encoded), lambda: iter((encoded,)))
    step = max(1, _BLOCK_BYTES // array.itemsize)

    def parts() -> Iterator[Part]:
        for start in range(0, array.size, step):
            yield _raw(array.flat[start : start + step])

    return Content(dtype, array.shape, array.size * array.itemsize, parts)


def _encoded(texts: np.ndarray[Any, Any]) -> bytes:
    return b"".join(bytes_field(8, text) for text in texts.reshape(-1))


def _whole(shape: tuple[int, ...]) -> _slices.Box:
    return tuple((0, dim) for dim in shape)


def _index(box: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    return tuple(slice(start, stop) for start, stop in box)


def _raw(array: np.ndarray[Any, Any]) -> memoryview:
    little = array if array.dtype.itemsize == 1 else array.astype(array.dtype.newbyteorder("<"))
    flat = np.ascontiguousarray(little).reshape(-1)
    return flat.view(np.uint8).data if flat.size else memoryview(b"")
