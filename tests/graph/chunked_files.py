"""Chunked SavedModels, written as TensorFlow's proto splitter does it; hashes are left zero."""

from collections.abc import Callable, Iterable, Sequence

from tensorbundle._format.wire import bytes_field, encode_varint, int_field
from tensorbundle._graph.riegeli import SIGNATURE

Compress = Callable[[bytes], bytes]
# A place: field numbers (int), ("index", n) and ("key", text) behind them.
Path = Sequence["int | tuple[str, int | str]"]


class RiegeliWriter:
    """A file of Riegeli records."""

    def __init__(self, kind: bytes = b"\0", compress: Compress | None = None) -> None:
        self._kind = kind
        self._compress = compress
        self._out = bytearray()
        self._put(SIGNATURE[24:])

    def chunk(self, records: Sequence[bytes], kind: bytes = b"r") -> None:
        sizes = self._buffer(b"".join(encode_varint(len(each)) for each in records))
        values = self._buffer(b"".join(records))
        data = self._kind + encode_varint(len(sizes)) + sizes + values
        self.raw_chunk(kind, len(records), sum(map(len, records)), data)

    def raw_chunk(self, kind: bytes, records: int, decoded_size: int, data: bytes) -> None:
        begin = len(self._out)
        head = bytes(8) + len(data).to_bytes(8, "little") + bytes(8)
        head += kind + records.to_bytes(7, "little") + decoded_size.to_bytes(8, "little")
        self._put(head + data)
        while len(self._out) < begin + records:
            self._put(b"\0")

    def file(self) -> bytes:
        out = bytes(self._out)
        assert out.startswith(SIGNATURE[:8])
        return out

    def _buffer(self, data: bytes) -> bytes:
        return encode_varint(len(data)) + self._compress(data) if self._compress else data

    def _put(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if len(self._out) % 65536 == 0:
                # Where the chunk lies only helps to find it from the middle of the file.
                self._out += bytes(24) if self._out else SIGNATURE[:24]
            size = 65536 - len(self._out) % 65536
            self._out += data[at : at + size]
            at += size


class Message:
    """A message of which parts lie in chunks of their own."""

    def __init__(self, chunks: "Chunks", content: bytes | None, *, kind: int = 1) -> None:
        self._chunks = chunks
        self._index = None if content is None else chunks.add(content, kind)
        self._inner: list[bytes | tuple[bytes, Message]] = []

    def put(self, path: Path, content: bytes | None, *, kind: int = 1) -> "Message":
        message = Message(self._chunks, content, kind=kind)
        tags = b"".join(bytes_field(1, _step(each)) for each in path)
        self._inner.append((tags, message))
        return message

    def encode(self) -> bytes:
        # The number of the first chunk is 0, and written.
        own = b"" if self._index is None else b"\x08" + encode_varint(self._index)
        inner = (tags + bytes_field(3, message.encode()) for tags, message in self._inner)
        return own + b"".join(bytes_field(2, each) for each in inner)


class Chunks:
    """All chunks of one file."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.kinds: list[int] = []

    def add(self, content: bytes, kind: int) -> int:
        self.contents.append(content)
        self.kinds.append(kind)
        return len(self.contents) - 1

    def metadata(self, root: Message) -> bytes:
        infos = zip(self.kinds, self.contents, strict=True)
        return b"".join(
            bytes_field(2, int_field(1, kind) + int_field(2, len(content)))
            for kind, content in infos
        ) + bytes_field(3, root.encode())

    def file(self, root: Message, kind: bytes = b"\0", compress: Compress | None = None) -> bytes:
        return in_chunks([*self.contents, self.metadata(root)], kind, compress)


def in_chunks(
    records: Iterable[bytes], kind: bytes = b"\0", compress: Compress | None = None
) -> bytes:
    """A file with one Riegeli chunk for every two records."""
    writer, waiting = RiegeliWriter(kind, compress), list(records)
    for start in range(0, len(waiting), 2):
        writer.chunk(waiting[start : start + 2])
    return writer.file()


def _step(step: "int | tuple[str, int | str]") -> bytes:
    if isinstance(step, int):
        return int_field(1, step)
    kind, value = step
    if kind == "index":
        return b"\x18" + encode_varint(int(value))
    key = bytes_field(1, value.encode()) if isinstance(value, str) else int_field(3, value)
    return bytes_field(2, key)
