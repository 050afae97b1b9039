"""Streaming a graph into a file: sizes are known before, and weights pass through.

A ``GraphDef`` is nodes, then the library, then versions, each behind its length. All is bytes at
hand but the values of frozen variables, whose lengths are known: their headers are made from the
inside out, and the values themselves go from the data shard to the file (freeze.md §6.1).
"""

from __future__ import annotations

import errno
import heapq
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, get_args

from .. import _core
from .._checkpoint.shards import checksum_error, explain
from .._format.dtypes import STRING
from .._format.filenames import as_path
from .._format.names import as_bytes
from .._format.wire import Raw, bytes_field, bytes_header, int_field
from .._format.wording import Worded, option, quoted
from .._graphdef.functions import Function
from .._graphdef.nodes import Nodes
from .._graphdef.tensors import tensor_header
from .._progress import Meter, Progress
from .._write.staging import Staging, check_target, nearest_directory
from ..errors import ConversionError
from .weights import Content, Span

if TYPE_CHECKING:
    from .._graphdef.meta_graph import MetaGraph

# What protobuf can parse ends here (freeze.md §6.3).
MAX_BYTES: Final = (1 << 31) - 1
LARGE_BYTES: Final = 1 << 30
_TEXT_SUFFIX: Final = ".pbtxt"
Format: TypeAlias = Literal["pb", "pbtxt"]
# Suffixes that promise another format, and what makes such files of a .pb.
_OTHER_FORMATS: Final[Mapping[str, str]] = {
    ".tflite": "TensorFlow Lite's converter goes on from it: tf.compat.v1.lite.TFLiteConverter",
    ".lite": "TensorFlow Lite's converter goes on from it: tf.compat.v1.lite.TFLiteConverter",
    ".onnx": "tf2onnx goes on from it: python -m tf2onnx.convert --graphdef",
    ".xml": "OpenVINO goes on from it: ovc MODEL.pb",
    ".bin": "OpenVINO goes on from it: ovc MODEL.pb",
    ".mlmodel": "coremltools goes on from it",
    ".mlpackage": "coremltools goes on from it",
    ".uff": "NVIDIA's uff converter goes on from it",
    ".dlc": "Qualcomm's snpe-tensorflow-to-dlc goes on from it",
    ".h5": "HDF5 holds weights, which 'export' writes",
    ".hdf5": "HDF5 holds weights, which 'export' writes",
    ".keras": "",
    ".pt": "",
    ".pth": "",
    ".npz": "'export' writes weights so",
    ".npy": "'export' writes weights so",
    ".safetensors": "'export' writes weights so",
    ".json": "",
    ".meta": "",
    ".index": "",
    ".ckpt": "",
    ".savedmodel": "'export-saved-model' writes one",
    **dict.fromkeys((".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".zst"), ""),
}
_LARGEST: Final = 5  # are named when a graph is too large

_LARGE_PIECE_BYTES: Final = 64 << 10

# Between two looks at whether Ctrl-C was pressed.
_BATCH_BYTES: Final = 256 << 20
# Less than this is not worth a call of the kernel's.
_KERNEL_COPY_BYTES: Final = 4 << 20

Item: TypeAlias = "bytes | memoryview | Content"


@dataclass(frozen=True, slots=True)
class Layout:
    """A message before it is written: pieces of it, and their size in all."""

    items: tuple[Item, ...]
    nbytes: int


class _Sink(Protocol):
    def append(self, pieces: list[Any], /) -> list[int]: ...


def lay_out(
    nodes: Nodes, functions: Mapping[str, Function], versions: Any, contents: Mapping[str, Content]
) -> Layout:
    """Know the bytes of a graph.

    Args:
        nodes: Its nodes.
        functions: Its library.
        versions: The raw ``VersionDef``.
        contents: By constant, the value that its node lacks.

    Raises:
        ConversionError: They are more than a protobuf message can have.
    """
    items: list[Item] = []
    sizes: list[tuple[int, str]] = []
    for node in nodes.values():
        encoded, content = node.encode(), contents.get(node.name)
        head = b"" if content is None else _value_head(content)
        size = len(encoded) + len(head) + (0 if content is None else content.nbytes)
        items += [bytes_header(1, size), encoded]
        if content is not None:
            items += [head, content]
        sizes.append((size, node.name))
    library = b"".join(bytes_field(1, function.encode()) for function in functions.values())
    if library:
        items.append(bytes_field(2, library))
    if len(versions):
        items.append(bytes_field(4, versions))
    nbytes = sum(item.nbytes if isinstance(item, Content) else len(item) for item in items)
    if nbytes > MAX_BYTES:
        raise _too_large(nbytes, sizes)
    return Layout(tuple(_joined(items)), nbytes)


def _value_head(content: Content) -> bytes:
    """The attribute ``value`` up to the content of its tensor, from the inside out."""
    tensor = tensor_header(
        content.dtype, content.shape, 0 if content.dtype == STRING else content.nbytes
    )
    head = bytes_header(8, len(tensor) + content.nbytes) + tensor
    head = bytes_field(1, b"value") + bytes_header(2, len(head) + content.nbytes) + head
    return bytes_header(5, len(head) + content.nbytes) + head


def _joined(items: list[Item]) -> Iterator[Item]:
    """Neighbouring bytes in one: writing then takes a piece a weight, not one a field.

    Large constants of the graph itself stay as they are: views of the file that was read.
    """
    run: list[Any] = []
    for item in items:
        if isinstance(item, Content) or len(item) > _LARGE_PIECE_BYTES:
            yield b"".join(run)
            yield item
            run = []
        else:
            run.append(item)
    yield b"".join(run)


def _too_large(nbytes: int, sizes: list[tuple[int, str]]) -> ConversionError:
    largest = ", ".join(
        f"{quoted(name)} {size} bytes" for size, name in heapq.nlargest(_LARGEST, sizes)
    )
    return ConversionError(
        Worded(
            f"the frozen graph is too large for a protobuf message: {nbytes} bytes, at most "
            f"{MAX_BYTES} can be read back; the largest: {largest}; ",
            Worded.of("export_saved_model", "'export-saved-model'"),
            " leaves the weights in the checkpoint and has no such limit",
        )
    )


def nested(number: int, *parts: bytes | Layout) -> Layout:
    """A message that is a field of another, made of parts that are laid out already."""
    nbytes = sum(len(part) if isinstance(part, bytes) else part.nbytes for part in parts)
    head = bytes_header(number, nbytes)
    items: list[Item] = [head]
    for part in parts:
        items += [part] if isinstance(part, bytes) else part.items
    return Layout(tuple(items), len(head) + nbytes)


def raw_versions(meta: MetaGraph) -> Raw:
    """The ``VersionDef`` of a graph; made of the one number that old graphs have."""
    versions = meta.versions
    return versions.raw if len(versions.raw) else int_field(1, versions.producer)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a graph is written.

    Attributes:
        path: The file; None for memory.
        text: Whether as text.
        overwrite: Whether a file that is there is replaced.
        is_dry: Whether nothing is written at all.
    """

    path: str | None
    text: bool
    overwrite: bool
    is_dry: bool = False

    @classmethod
    def of(
        cls,
        path: str | os.PathLike[str] | None,
        *,
        text: bool | None = None,
        overwrite: bool,
        format: Format | None = None,
        is_dry: bool = False,
    ) -> Destination:
        """Take what a caller says of a file.

        Raises:
            ConversionError: Its name is one of another format's.
        """
        name = None if path is None else as_path(path)
        if format not in (None, *get_args(Format)):
            raise ValueError(f"format must be one of {get_args(Format)}, not {format!r}")
        if name is not None and format is None and not text:
            _refuse_suffix(name)
        if text is None:
            text = format == "pbtxt" or (
                format is None and name is not None and name.endswith(_TEXT_SUFFIX)
            )
        return cls(name, text, overwrite, is_dry)


def _refuse_suffix(path: str) -> None:
    """Raise ConversionError for a name by which something else than a GraphDef is expected."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _OTHER_FORMATS:
        raise ConversionError(
            Worded(
                f"what is written is a GraphDef, and not what {suffix!r} says: write a .pb",
                f" ({_OTHER_FORMATS[suffix]})" if _OTHER_FORMATS[suffix] else "",
                ", or give ",
                option("format", "pb"),
            ),
            path=path,
        )


def write(
    layout: Layout, target: Destination, *, verify: bool, progress: Progress = None
) -> tuple[str | None, bytes | None, int]:
    """Write a graph to a file or to memory, as text where that is wanted or its suffix says so.

    Returns:
        The path or the bytes, the other being None, and the size.

    Raises:
        FileExistsError: There is a file, and it is not to be replaced.
        ChecksumError: A tensor is damaged.
        OSError: The file system refuses, or has not enough room.
    """
    path, overwrite = target.path, target.overwrite
    meter = Meter(progress, layout.nbytes)
    if target.is_dry:
        return path, None, layout.nbytes
    if target.text:
        from .._graphdef.text import format_text

        message = format_text(to_bytes(layout, meter, verify=verify))
        told = as_bytes(message)
        if path is None:
            return None, told, len(told)
        return _text_to_file(told, path, overwrite=overwrite), None, len(told)
    if path is None:
        return None, to_bytes(layout, meter, verify=verify), layout.nbytes
    return to_file(layout, path, meter, verify=verify, overwrite=overwrite), None, layout.nbytes


def to_bytes(layout: Layout, meter: Meter, *, verify: bool) -> bytes:
    """The message itself. Raises ChecksumError, and what reading a shard raises."""
    memory = _Memory()
    _write(layout, memory, meter, verify=verify, kernel=None)
    return memory.joined()


def to_file(layout: Layout, path: str, meter: Meter, *, verify: bool, overwrite: bool) -> str:
    """Write the message to a file, which appears whole or not at all.

    Returns:
        The path, symbolic links followed.

    Raises:
        FileExistsError: There is a file, and it is not to be replaced.
        ChecksumError: A tensor is damaged.
        OSError: The file system refuses, or has not enough room.
    """
    path = check_target(path, is_directory=False)
    directory, name = os.path.split(path)
    require_space(directory, layout.nbytes)
    earlier = [name] if os.path.lexists(path) else []
    with Staging(directory, earlier=earlier, overwrite=overwrite) as staging:
        write_file(layout, staging.place(name), meter, verify=verify)
    return path


def write_file(layout: Layout, path: str, meter: Meter, *, verify: bool) -> None:
    """Write the message to a new file; that it reaches the disk is the caller's."""
    output = _core.OutputFile(path)
    _write(layout, output, meter, verify=verify, kernel=None if verify else output)
    output.finish(durable=False)


def _text_to_file(text: bytes, path: str, *, overwrite: bool) -> str:
    path = check_target(path, is_directory=False)
    directory, name = os.path.split(path)
    require_space(directory, len(text))
    earlier = [name] if os.path.lexists(path) else []
    staging = Staging(directory, earlier=earlier, overwrite=overwrite)
    with staging, staging.create(name) as file:
        file.write(text)
    return path


def require_space(directory: str, nbytes: int) -> None:
    """Raise OSError unless a file system has room for so many bytes."""
    status = os.statvfs(nearest_directory(directory))
    free = status.f_bavail * status.f_frsize
    if free < nbytes:
        raise OSError(
            errno.ENOSPC, f"not enough room: {nbytes} bytes are needed, {free} are free", directory
        )


def _write(
    layout: Layout, sink: _Sink, meter: Meter, *, verify: bool, kernel: _core.OutputFile | None
) -> None:
    """Send all pieces to a sink; large spans by the kernel's copy where one is given."""
    batch: list[Any] = []
    size = 0
    for part in _parts(layout):
        if isinstance(part, Span) and kernel is not None and part.nbytes >= _KERNEL_COPY_BYTES:
            _flush(batch, sink, verify=False)
            kernel.append_unchecked(part.file, part.offset, part.nbytes)
            meter.add(size + part.nbytes)
            size = 0
            continue
        batch.append(part)
        size += part.nbytes if isinstance(part, Span) else len(part)
        # A view is only lent until the next part is asked for.
        if size >= _BATCH_BYTES or isinstance(part, memoryview):
            _flush(batch, sink, verify=verify)
            meter.add(size)
            size = 0
    _flush(batch, sink, verify=verify)
    meter.add(size)


def _parts(layout: Layout) -> Iterator[Span | bytes | memoryview]:
    for item in layout.items:
        if isinstance(item, Content):
            yield from item.parts()
        else:
            yield item


def _flush(batch: list[Any], sink: _Sink, *, verify: bool) -> None:
    pieces = [
        (part.file, part.offset, part.nbytes) if isinstance(part, Span) else part for part in batch
    ]
    checksums = sink.append(pieces)
    for part, computed in zip(batch, checksums, strict=True):
        stored = part.stored if isinstance(part, Span) else None
        if verify and stored is not None and stored.crc32c != computed:
            raise explain(checksum_error(stored, computed, part.file.path))
    batch.clear()


class _Memory:
    """What takes pieces as an `_core.OutputFile` does, and keeps them."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def append(self, pieces: list[Any], /) -> list[int]:
        """Keep the bytes; their checksums."""
        taken = [
            piece[0].read(piece[1], piece[2]) if isinstance(piece, tuple) else bytes(piece)
            for piece in pieces
        ]
        self._kept += taken
        return [_core.crc32c(each) for each in taken]

    def joined(self) -> bytes:
        """All of them."""
        return b"".join(self._kept)
