"""Tensors of torch as arrays, types that numpy lacks among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ConversionError
from .. import dtypes


def array_of(tensor: Any) -> np.ndarray[Any, Any]:
    """Take a tensor's values, from whatever device, also of types that torch gives numpy not.

    Raises:
        ConversionError: TensorFlow has no such type.
    """
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    name = str(tensor.dtype).removeprefix("torch.")
    number = dtypes.number_named(name)
    dtype = dtypes.numpy_dtype(number) if number is not None else None
    if dtype is None or dtype.isbuiltin != 2:
        try:
            array: np.ndarray[Any, Any] = tensor.numpy()
        except TypeError:
            raise ConversionError(f"TensorFlow has no type for torch.{name}") from None
        return array
    import torch

    plain = {1: torch.int8, 2: torch.int16}[dtype.itemsize]
    return tensor.reshape(-1).view(plain).numpy().view(dtype).reshape(tuple(tensor.shape))  # type: ignore[no-any-return]
