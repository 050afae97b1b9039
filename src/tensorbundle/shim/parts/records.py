"""Records of TensorFlow's files, one after the other: ``tf.io.tf_record_iterator``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ..._core import crc32c, crc32c_mask
from ...errors import UnsupportedError
from ...train.errors import ChangedError, DamagedError
from .gfile import GFile

_LENGTH: Final = 8
_CRC: Final = 4


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """Yield the records of a file, each with its checksum compared.

    Args:
        path: The file, local or remote; it is not compressed.
        options: None: files that are compressed are not read.

    Raises:
        NotFoundError: There is no such file.
        ChangedError, DamagedError: A record is damaged, or the file ends in it.
    """
    if options is not None:
        raise UnsupportedError("records of compressed files are not read: `options` is given")
    with GFile(path, "rb") as file:
        while head := file.read(_LENGTH + _CRC):
            length = int.from_bytes(_checked(file.name, head, _LENGTH), "little")
            yield _checked(file.name, file.read(length + _CRC), length)


def _checked(path: str, stored: bytes, length: int) -> bytes:
    """Bytes without the checksum after them, which must be theirs."""
    if len(stored) < length + _CRC:
        raise DamagedError("truncated record: the file ends in it", path=path)
    data = stored[:length]
    if crc32c_mask(crc32c(data)) != int.from_bytes(stored[length:], "little"):
        raise ChangedError("corrupted record: its checksum differs", path=path)
    return data
