"""Files that hold others: Magenta's bundles, and TensorFlow's records of events (TFRecord).

A bundle (``.mag``) is a message whose fields 3 are V1 checkpoints, as files, and whose field 4 is
their ``.meta``. A record has a length, its checksum, the content, and its checksum; in a
``tfevents`` file each is an ``Event``, whose field 4 is a GraphDef and 9 a MetaGraphDef. Both are
gone through by seeking: contents are read by those who want them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from .._core import crc32c, crc32c_mask, varint
from ..errors import FormatError
from .wire import BYTES, FIXED64, VARINT

_TABLE_MAGIC: Final = bytes.fromhex("57fb808b247547db")
_BUNDLE_FIELDS: Final = range(1, 5)
_CHECKPOINT, _GRAPH = 3, 4
_HEAD: Final = 64  # of a record: what an event has before the field that matters is shorter
_EVENT_GRAPHS: Final = (9, 4)  # the one that says more first


class Part(NamedTuple):
    """A stretch of a file: where it begins, and its bytes."""

    offset: int
    nbytes: int

    def read(self, path: str) -> bytes:
        """Read it."""
        with open(path, "rb") as file:
            file.seek(self.offset)
            return file.read(self.nbytes)


class Bundle(NamedTuple):
    """What a Magenta bundle holds: the tables of one V1 checkpoint, and their graph."""

    tables: tuple[Part, ...]
    graph: Part | None


def bundle_in(path: str) -> Bundle | None:
    """Take a Magenta bundle apart.

    Args:
        path: A regular file; the heads of its parts are read.

    Returns:
        None when it is something else.

    Raises:
        OSError: The file cannot be read.
    """
    tables: list[Part] = []
    graph = None
    last = 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        while at < size:
            file.seek(at)
            found = _header(file.read(20))
            if found is None or found[0] not in _BUNDLE_FIELDS or found[1] != BYTES:
                return None
            number, _, length, width = found
            if number < last or (number == last and number != _CHECKPOINT):
                return None  # a graph is a thousand fields of one number
            last = number
            part = Part(at + width, length)
            at = part.offset + length
            if at > size or (number == _CHECKPOINT and length < len(_TABLE_MAGIC)):
                return None
            if number == _CHECKPOINT:
                file.seek(at - len(_TABLE_MAGIC))
                if file.read(len(_TABLE_MAGIC)) != _TABLE_MAGIC:
                    return None
                tables.append(part)
            elif number == _GRAPH:
                graph = part
    return Bundle(tuple(tables), graph) if tables else None


def is_records(head: bytes) -> bool:
    """Whether a file begins with a record, by the checksum of its length."""
    return len(head) >= 12 and crc32c_mask(crc32c(head[:8])) == int.from_bytes(head[8:12], "little")


def graph_in_events(path: str) -> Part | None:
    """The graph that a file of events holds: the last MetaGraphDef, or else the last GraphDef.

    Args:
        path: A file that `is_records`; the heads of its records are read.

    Raises:
        FormatError: A record's length is damaged.
        OSError: The file cannot be read.
    """
    found: dict[int, Part] = {}
    with open(path, "rb") as file:
        for record in _records(file):
            number, part = _event_field(file, record)
            if number in _EVENT_GRAPHS:
                found[number] = part
    return next((found[number] for number in _EVENT_GRAPHS if number in found), None)


def _records(file: IO[bytes]) -> Iterator[Part]:
    """The records of a file; a last one that is not whole, as programs at work leave, is not."""
    size = os.fstat(file.fileno()).st_size
    at = 0
    while at + 16 <= size:
        file.seek(at)
        head = file.read(12)
        if not is_records(head):
            raise FormatError("a record's length is damaged: its checksum differs", offset=at)
        part = Part(at + 12, int.from_bytes(head[:8], "little"))
        at = part.offset + part.nbytes + 4
        if at <= size:
            yield part


def _event_field(file: IO[bytes], record: Part) -> tuple[int, Part]:
    """What an event is about: the number of its field, and where its content lies."""
    file.seek(record.offset)
    head = file.read(min(_HEAD, record.nbytes))
    at = 0
    while found := _header(head[at:]):
        number, wire, length, width = found
        if wire == BYTES:
            return number, Part(record.offset + at + width, min(length, record.nbytes - at - width))
        at += width + (8 if wire == FIXED64 else 0)
    return 0, record


def _header(data: bytes) -> tuple[int, int, int, int] | None:
    """A field's number, wire type, length or value, and the width of its tag and that number."""
    try:
        tag, at = varint(data)
        number, wire = tag >> 3, tag & 7
        if number == 0 or wire not in (BYTES, VARINT, FIXED64):
            return None
        if wire == FIXED64:
            return number, wire, 8, at
        return number, wire, *varint(data, at)
    except FormatError:
        return None
