"""Text and bytes, as ``tf.compat`` converts them."""

from __future__ import annotations

import numbers
import os
from typing import Any, Final

import numpy as np

bytes_or_text_types: Final = (bytes, str)
integral_types: Final = (numbers.Integral, np.integer)
real_types: Final = (numbers.Real, np.integer, np.floating)
complex_types: Final = (numbers.Complex, np.number)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Bytes of text, or of what are bytes already."""
    if isinstance(bytes_or_text, (bytes, bytearray, memoryview)):
        return bytes(bytes_or_text)
    return _text(bytes_or_text).encode(encoding)


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Text of bytes, or of what is text already."""
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text.decode(encoding)
    return _text(bytes_or_text)


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Text of anything."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """Text of a path; what is none as it is."""
    return as_str_any(os.fspath(path)) if hasattr(path, "__fspath__") else path


def path_to_bytes(path: Any) -> bytes:
    """Bytes of a path."""
    return as_bytes(os.fspath(path) if hasattr(path, "__fspath__") else path)


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Tell that files are for every version."""
    return False


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"Expected binary or unicode string, got {value!r}")
    return value
