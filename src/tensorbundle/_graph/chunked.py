"""Chunked SavedModels (``saved_model.cpb``), put together again (freeze.md §1.5).

TensorFlow's proto splitter takes messages apart that are too large for protobuf. The pieces are
records of a Riegeli file; the last record tells where in the whole each of them belongs: by field
numbers, positions among repeated fields, and keys of maps. Here they are put there without knowing
what the messages are, for a message on the wire is its fields, and merging is appending.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from .._format.wire import BYTES, MAX_DEPTH, Field, Raw, bytes_field, encode_varint, fields
from ..errors import FormatError, TensorBundleError
from .riegeli import read_records

_CONTENT: Final = 2  # the type of a chunk that is the content of a bytes field
_FIELD, _MAP_KEY, _INDEX = 1, 2, 3


class _Step(NamedTuple):
    """One step into a message: a field by number, then an element by index or map key."""

    kind: int
    number: int
    key: bytes = b""


class _Place(NamedTuple):
    """Place of a chunk: its message, the steps from there, the chunk, and what is in it."""

    target: _Tree
    steps: tuple[_Step, ...]
    chunk: int | None
    inner: list[memoryview]


@dataclass(slots=True)
class _Part:
    """Field: its bytes without tag and length, or the message that is being put together."""

    number: int
    wire: int
    content: Raw | _Tree


class _Tree:
    """Message that is being put together. Only messages on the way to a chunk are taken apart."""

    __slots__ = ("_entries", "_places", "depth", "parts")

    def __init__(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise FormatError(f"chunks lie deeper than {MAX_DEPTH} messages in each other")
        self.depth = depth
        self.parts: list[_Part] = []
        self._places: dict[int, list[_Part]] = {}  # the same parts by field number
        self._entries: dict[int, dict[bytes, _Part]] = {}  # by field number, the entries of a map

    def merge(self, message: Raw, base: int = 0) -> None:
        """Append the fields of a message."""
        for field in fields(message, base):
            self._append(_Part(field.number, field.wire, field.data))

    def _append(self, part: _Part) -> None:
        self.parts.append(part)
        self._places.setdefault(part.number, []).append(part)
        self._entries.pop(part.number, None)

    def add(self, number: int, content: Raw | _Tree) -> _Part:
        """Append one field of bytes or a message."""
        part = _Part(number, BYTES, content)
        self._append(part)
        return part

    def single(self, number: int) -> _Part:
        """Part of a field that is not repeated."""
        known = self._places.get(number)
        return known[-1] if known else self.add(number, b"")

    def count(self, number: int) -> int:
        """Count the elements of a repeated field."""
        return len(self._places.get(number, ()))

    def element(self, number: int, index: int) -> _Part:
        """Element of a repeated field, which has it."""
        return self._places[number][index]

    def entry(self, number: int, key: bytes) -> _Part:
        """Entry of a map; its value is field 2."""
        if number not in self._entries:
            known = self._places.get(number, ())
            self._entries[number] = {_key_of(part): part for part in known}
        entries = self._entries[number]
        if key not in entries:
            part = self.add(number, key)
            entries[key] = part
            self._entries[number] = entries
        return entries[key]

    def opened(self, part: _Part) -> _Tree:
        """Message in a part, taken apart."""
        if not isinstance(part.content, _Tree):
            if part.wire != BYTES:
                raise FormatError(f"a chunk belongs into field {part.number}, which is no message")
            tree = _Tree(self.depth + 1)
            tree.merge(part.content)
            part.content = tree
        return part.content

    def encoded(self) -> tuple[list[Raw], int]:
        """Its bytes in pieces, and how many they are."""
        pieces: list[Raw] = []
        size = 0
        for part in self.parts:
            if isinstance(part.content, _Tree):
                inner, length = part.content.encoded()
            else:
                inner, length = [part.content], len(part.content)
            head = encode_varint(part.number << 3 | part.wire)
            if part.wire == BYTES:
                head += encode_varint(length)
            pieces += [head, *inner]
            size += len(head) + length
        return pieces, size


def join_chunks(data: Raw, path: str = "") -> bytes:
    """SavedModel that a chunked file was made of.

    Args:
        data: The file.
        path: Where it was read, for errors.

    Returns:
        The bytes of the whole message.

    Raises:
        FormatError: The file is damaged, or no chunked message.
        UnsupportedError: It is compressed in a way that cannot be read; the message says what to
            install.
    """
    try:
        records = read_records(data)
        if not records:
            raise FormatError("a chunked message without a single record")
        *chunks, metadata = records
        return _joined(chunks, metadata)
    except TensorBundleError as error:
        raise error.add_context(path=path or None) from None


def _joined(chunks: list[memoryview], metadata: memoryview) -> bytes:
    kinds, sizes = [], []
    message: list[memoryview] = []
    for field in fields(metadata):
        if field.number == 2:
            kind, size = _chunk_info(field)
            kinds.append(kind)
            sizes.append(size)
        elif field.number == 3:
            message.append(field.content())
    if sizes != [len(chunk) for chunk in chunks]:
        raise FormatError(
            f"the last record lists {len(sizes)} chunks: "
            f"expected the sizes of the {len(chunks)} records before it"
        )
    root = _Tree(0)
    joiner = _Joiner(chunks, kinds)
    todo = [_Place(root, (), *_chunked_message(message))]
    while todo:
        place = todo.pop()
        target = joiner.put(place)
        # Shallow places come first, and elements in the order of their positions.
        todo += sorted(_places(target, place.inner), key=_order, reverse=True)
    pieces, _ = root.encoded()
    return b"".join(pieces)


class _Joiner:
    """Puts chunks where they belong. Each belongs to one place only, so nothing grows."""

    def __init__(self, chunks: list[memoryview], kinds: list[int]) -> None:
        self._unused = dict(enumerate(chunks))
        self._kinds = kinds
        self._spare = len(chunks)  # how many elements may be made for chunks behind them

    def put(self, place: _Place) -> _Tree:
        """Put a chunk in its place; return the message there, into which more may belong."""
        tree, part = place.target, None
        steps = iter(place.steps)
        step = next(steps, None)
        while step is not None:
            following = next(steps, None)
            if step.kind != _FIELD:
                raise FormatError("a place does not begin with the number of a field")
            tree = tree if part is None else tree.opened(part)
            if following is None or following.kind == _FIELD:
                part, step = tree.single(step.number), following
                continue
            if following.kind == _INDEX:
                part = self._element(tree, step.number, following.number)
            else:
                tree = tree.opened(tree.entry(step.number, following.key))
                part = tree.single(2)
            step = next(steps, None)
        content, is_content = self._take(place.chunk)
        if part is not None and is_content:
            part.wire, part.content = BYTES, content
            return tree
        target = tree if part is None else tree.opened(part)
        target.merge(content)
        return target

    def _element(self, tree: _Tree, number: int, index: int) -> _Part:
        count = tree.count(number)
        missing = index - count + 1
        if missing > 0:
            self._spare -= missing
            if self._spare < 0:
                raise FormatError(
                    f"a chunk belongs into element {index} of field {number}, "
                    f"of which there are {count}"
                )
            for _ in range(missing):
                tree.add(number, b"")
        return tree.element(number, index)

    def _take(self, chunk: int | None) -> tuple[Raw, bool]:
        """Chunk, and whether it is the content of a field instead of a message."""
        if chunk is None:
            return b"", False
        if chunk not in self._unused:
            raise FormatError(f"chunk {chunk} is not there, or used twice")
        return self._unused.pop(chunk), self._kinds[chunk] == _CONTENT


def _order(place: _Place) -> tuple[tuple[_Step, ...], int]:
    return place.steps, -1 if place.chunk is None else place.chunk


def _places(target: _Tree, chunked_fields: list[memoryview]) -> Iterator[_Place]:
    for each in chunked_fields:
        steps: list[_Step] = []
        message: list[memoryview] = []
        for field in fields(each):
            if field.number == 1:
                steps.append(_step(field))
            elif field.number == 3:
                message.append(field.content())
        if len(steps) > 2 * MAX_DEPTH:
            raise FormatError(f"a place has {len(steps)} steps: expected at most {2 * MAX_DEPTH}")
        yield _Place(target, tuple(steps), *_chunked_message(message))


def _chunked_message(messages: list[memoryview]) -> tuple[int | None, list[memoryview]]:
    """Chunk of a message, if it has one, and what lies within it."""
    chunk: int | None = None
    inner: list[memoryview] = []
    for message in messages:
        for field in fields(message):
            if field.number == 1:
                field.expect(0)
                chunk = field.value
            elif field.number == 2:
                inner.append(field.content())
    return chunk, inner


def _chunk_info(info: Field) -> tuple[int, int]:
    """Type and the size of a chunk."""
    kind = size = 0
    for field in info.message():
        if field.number == 1:
            kind = field.value
        elif field.number == 2:
            size = field.value
    return kind, size


def _step(index: Field) -> _Step:
    found: _Step | None = None
    for field in index.message():
        if field.number in (_FIELD, _INDEX):
            field.expect(0)
            found = _Step(field.number, field.value)
            if field.number == _FIELD and not 0 < field.value < 1 << 29:
                raise FormatError(f"a field cannot have the number {field.value}")
        elif field.number == _MAP_KEY:
            found = _Step(_MAP_KEY, 0, _stored_key(field))
    if found is None:
        raise FormatError("a step of a place says nothing")
    return found


def _stored_key(key: Field) -> bytes:
    """Key of a map as the field that it is in an entry."""
    for field in key.message():
        if field.wire == BYTES:
            return bytes_field(1, field.data)
        return encode_varint(1 << 3) + encode_varint(field.value)
    return bytes_field(1, b"")


def _key_of(entry: _Part) -> bytes:
    """Find the entry that is there already."""
    parts: list[tuple[int, int, Raw]] = []
    if isinstance(entry.content, _Tree):
        parts = [
            (part.number, part.wire, part.content)
            for part in entry.content.parts
            if not isinstance(part.content, _Tree)
        ]
    elif entry.wire == BYTES:
        parts = [(field.number, field.wire, field.data) for field in fields(entry.content)]
    for number, wire, content in parts:
        if number == 1:
            if wire == BYTES:
                return bytes_field(1, content)
            return encode_varint(1 << 3) + bytes(content)
    return bytes_field(1, b"")
