"""Byte order: values of a machine of the other order, told by what they are read both ways."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from .._checkpoint.bundle import Bundle
from ..errors import TensorBundleError

if TYPE_CHECKING:
    from .._format.dtypes import Array
    from .._format.tensor_info import TensorInfo

_TENSORS: Final = 64  # are looked at, and of each so many elements from its beginning
_ELEMENTS: Final = 1 << 14
_LEAST: Final = 16  # elements, to judge by
# Weights, gradients and statistics lie far within; exponents made of mantissas lie anywhere.
_SMALLEST, _LARGEST = 1e-15, 1e15
_MOST_SANE: Final = 0.5
_MUST_BE_SANE: Final = 0.98
_PYTHON: Final = (
    "import tensorbundle as tb; tb.save({dst!r}, {{n: a.byteswap() if a.dtype.kind in 'fciu' else "
    "a for n, a in tb.open({src!r}).load().items()}})"
)


def big_endian(ckpt: Bundle) -> tuple[str, str, str] | None:
    """Tell of a checkpoint that says of itself that its first bytes are the highest.

    Returns:
        What it is, how that is known, and the command that turns it; None for others.
    """
    if not ckpt.big_endian:
        return None
    prefix = ckpt.location.prefix
    return (
        "the numbers are in another machine's byte order (big-endian): TensorFlow before 2.3 "
        "refuses them",
        "the header of the index says so",
        f"tensorbundle edit {shlex.quote(prefix)} {shlex.quote(prefix + '-little')} --compact",
    )


def swapped(ckpt: Bundle) -> tuple[str, str, str] | None:
    """Tell of values that make sense in the other byte order only, whatever the header says.

    Floating-point numbers are judged: read the wrong way round, most are absurdly large or small,
    or none at all. Checksums are of the bytes, so they say nothing of this.

    Returns:
        As `big_endian`; None where the values make sense, or are too few to say.
    """
    total = 0
    sane, sane_swapped = 0, 0
    for values in _samples(ckpt):
        total += values.size
        sane += _count_sane(values)
        sane_swapped += _count_sane(values.byteswap())
    if total < _LEAST or sane > _MOST_SANE * total or sane_swapped < _MUST_BE_SANE * total:
        return None
    prefix = ckpt.location.prefix
    said = "big" if ckpt.big_endian else "little"
    command = _PYTHON.format(src=prefix, dst=f"{prefix}-swapped")
    return (
        f"the numbers are not in the byte order that the index states ({said}-endian)",
        f"of {total} floating-point elements {sane} are between {_SMALLEST:g} and {_LARGEST:g} or "
        f"0; with their bytes swapped, {sane_swapped}",
        f"python -c {shlex.quote(command)}",
    )


def _samples(ckpt: Bundle) -> Iterator[Array]:
    """The first elements of some tensors of floating-point numbers."""
    taken = 0
    for info in ckpt.iter_infos():
        if info.dtype is None or info.dtype.kind not in "fc" or info.dtype.itemsize == 1:
            continue
        try:
            values = _beginning(ckpt, info)
        except TensorBundleError:
            continue
        yield values.view(values.real.dtype) if values.dtype.kind == "c" else values
        taken += 1
        if taken == _TENSORS:
            return


def _beginning(ckpt: Bundle, info: TensorInfo) -> Array:
    if not info.shape or info.size <= _ELEMENTS:
        return ckpt.read_slice(info.name, ...).reshape(-1)
    rows = max(1, _ELEMENTS * info.shape[0] // info.size)
    return ckpt.read_slice(info.name, slice(0, rows)).reshape(-1)[:_ELEMENTS]


def _count_sane(values: Array) -> int:
    """Elements of a size that programs compute with, in each half alone."""
    with np.errstate(all="ignore"):
        sizes = np.abs(values.astype(np.float64))
        return int(((sizes == 0) | ((sizes > _SMALLEST) & (sizes < _LARGEST))).sum())
