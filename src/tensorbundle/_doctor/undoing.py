"""Undoing conversions: of line ends, of encodings for text, for mail and for print, of packing."""

from __future__ import annotations

import binascii
import bz2
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

from .. import _core
from ..errors import TensorBundleError

_TABLE_MAGIC: Final = bytes.fromhex("57fb808b247547db")
_FOOTER_BYTES: Final = 48
_TRAILER_BYTES: Final = 5  # behind each block: its kind and checksum
# What Windows has where Latin-1 has control characters.
_CP1252: Final = tuple(
    (ord(text), byte)
    for byte in range(0x80, 0xA0)
    if (text := bytes([byte]).decode("cp1252", "ignore"))
)
_UNDO_CP1252: Final = (
    "import sys; t = {{ord(c): b for b in range(128, 160) if (c := bytes([b]).decode("
    "'cp1252', 'ignore'))}}; sys.stdout.buffer.write(sys.stdin.buffer.read().decode()."
    "translate(t).encode('latin-1'))"
)


class Undoing(NamedTuple):
    """One way of undoing what was done to bytes.

    Attributes:
        what: What was done, in words.
        undo: Gives the bytes that were, of the bytes that are and the most that may come of them;
            None where they were not made so.
        command: The same for a shell, to standard output, of ``{name}``.
    """

    what: str
    undo: Callable[[bytes, int], bytes | None]
    command: str


def ends_of_table(raw: bytes) -> tuple[int, int] | None:
    """Where a table begins and ends among other bytes, by the footer that is at its end."""
    end = raw.rfind(_TABLE_MAGIC) + len(_TABLE_MAGIC)
    if end < _FOOTER_BYTES:
        return None
    try:  # two handles of offset and size: the second is the last block
        at = end - _FOOTER_BYTES
        for _ in range(2):
            _, at = _core.varint(raw, at)
        offset, at = _core.varint(raw, at)
        size, _ = _core.varint(raw, at)
    except TensorBundleError:
        return None
    begin = end - (offset + size + _TRAILER_BYTES + _FOOTER_BYTES)
    return (begin, end) if begin >= 0 and (begin, end) != (0, len(raw)) else None


def _line_ends(raw: bytes, _: int) -> bytes | None:
    return raw.replace(b"\r\n", b"\n")


def _latin1(raw: bytes, _: int) -> bytes | None:
    try:
        return raw.decode("utf-8").encode("latin-1")
    except UnicodeError:
        return None


def _latin1_twice(raw: bytes, most: int) -> bytes | None:
    once = _latin1(raw, most)
    return None if once is None or once == raw else _latin1(once, most)


def _cp1252(raw: bytes, _: int) -> bytes | None:
    try:
        return raw.decode("utf-8").translate(dict(_CP1252)).encode("latin-1")
    except UnicodeError:
        return None


def _utf16(raw: bytes, _: int) -> bytes | None:
    if not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    try:
        return raw.decode("utf-16").encode("latin-1")
    except UnicodeError:
        return None


def _base64(raw: bytes, _: int) -> bytes | None:
    if not re.match(rb"[A-Za-z0-9+/\s]{8,}", raw):
        return None
    try:
        return binascii.a2b_base64(b"".join(raw.split()), strict_mode=True)
    except (binascii.Error, TypeError):
        return None


def _hexadecimal(raw: bytes, _: int) -> bytes | None:
    if not re.match(rb"[0-9A-Fa-f\s]{8,}", raw):
        return None
    try:
        return bytes.fromhex(raw.decode("ascii"))
    except (UnicodeError, ValueError):
        return None


def _opened(raw: bytes) -> gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile:
    packed = io.BytesIO(raw)
    if raw.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=packed)
    return bz2.BZ2File(packed) if raw.startswith(b"BZ") else lzma.LZMAFile(packed)


def _compressed(raw: bytes, most: int) -> bytes | None:
    try:
        with _opened(raw) as file:
            plain: bytes = file.read(most + 1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error):
        return None
    return plain if len(plain) <= most else None


def _zipped(raw: bytes, most: int) -> bytes | None:
    if not raw.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = archive.infolist()
            if len(members) != 1 or members[0].file_size > most:
                return None
            return archive.read(members[0])
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, zlib.error):
        return None


def _packed_by(magic: bytes) -> Callable[[bytes, int], bytes | None]:
    return lambda raw, most: _compressed(raw, most) if raw.startswith(magic) else None


UNDOINGS: Final = (
    Undoing(
        "line ends were converted: a carriage return was put before each line feed",
        _line_ends,
        r"perl -pe 's/\r\n/\n/g' {name}",
    ),
    Undoing(
        "bytes were converted from Latin-1 to UTF-8",
        _latin1,
        "iconv -f UTF-8 -t LATIN1 {name}",
    ),
    Undoing(
        "bytes were converted from Latin-1 to UTF-8, twice",
        _latin1_twice,
        "iconv -f UTF-8 -t LATIN1 {name} | iconv -f UTF-8 -t LATIN1",
    ),
    Undoing(
        "bytes were converted from Windows-1252 to UTF-8",
        _cp1252,
        f'python3 -c "{_UNDO_CP1252}" < {{name}}',
    ),
    Undoing("bytes were converted to UTF-16", _utf16, "iconv -f UTF-16 -t LATIN1 {name}"),
    Undoing("bytes were encoded in Base64", _base64, "base64 -d {name}"),
    Undoing("bytes were written as hexadecimal digits", _hexadecimal, "xxd -r -p {name}"),
    Undoing("the file is packed by gzip", _packed_by(b"\x1f\x8b"), "gzip -dc < {name}"),
    Undoing("the file is packed by bzip2", _packed_by(b"BZ"), "bzip2 -dc < {name}"),
    Undoing("the file is packed by xz", _packed_by(b"\xfd7"), "xz -dc < {name}"),
    Undoing("the file is packed by zip", _zipped, "unzip -p {name}"),
)
