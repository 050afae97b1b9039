"""Tensors that are not finite: NaN and infinities, which no checksum tells from other values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .._checkpoint.report import Fault
from ..errors import TensorBundleError

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint

_AT_ONCE = 1 << 22  # elements


def not_finite(ckpt: Checkpoint) -> Iterator[Fault]:
    """Find tensors with NaN or infinite elements; those that cannot be read are passed over."""
    for info in ckpt.iter_infos():
        if info.dtype is None or info.dtype.kind not in "fcV" or not info.size:
            continue
        try:
            flat = ckpt.load([info.name])[info.name].reshape(-1)
        except TensorBundleError:
            continue
        nans = infinities = 0
        first: int | None = None
        for start in range(0, len(flat), _AT_ONCE):
            piece = flat[start : start + _AT_ONCE]
            if piece.dtype.kind == "V":  # bfloat16 and smaller: exact in float32
                piece = piece.astype(np.float32)
            bad = ~np.isfinite(piece)
            if bad.any():
                nans += int(np.isnan(piece).sum())
                infinities += int(np.isinf(piece).sum())
                first = start + int(np.argmax(bad)) if first is None else first
        if first is not None:
            place = [int(i) for i in np.unravel_index(first, info.shape)]
            message = (
                f"{nans} NaN and {infinities} infinite of {info.size} elements, first at {place}"
            )
            yield Fault(info.name, info.shard, None, None, "not finite", message)
