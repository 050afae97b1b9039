"""V1 files made by hand (format.md §8), for what TensorFlow's own writer never writes."""

from pathlib import Path

from tensorbundle import _core
from tests.golden.table_file import Entries, build_table, varint

FLOAT, DOUBLE, INT32, UINT8, INT8, STRING = 1, 2, 3, 4, 6, 7
COMPLEX64, INT64, BOOL, BFLOAT16, HALF = 8, 9, 10, 14, 19
VERSIONS = bytes.fromhex("0801")

Spec = tuple[tuple[int, int], ...]


def field(number: int, content: int | bytes) -> bytes:
    """A varint, or a string, bytes, message or packed field."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content % (1 << 64))
    return varint(number << 3 | 2) + varint(len(content)) + content


def slice_message(spec: Spec) -> bytes:
    """A TensorSliceProto; a length of -1 is the whole dimension."""
    return b"".join(
        field(1, b"" if length < 0 else field(1, start) + field(2, length))
        for start, length in spec
    )


def listed(name: bytes, data_type: int, shape: tuple[int, ...], *specs: Spec) -> bytes:
    """A tensor as a header lists it; without specs stored whole."""
    dims = b"".join(field(2, field(1, size)) for size in shape)
    message = field(1, name) + field(2, dims) + field(3, data_type)
    for spec in specs or [((0, -1),) * len(shape)]:
        message += field(4, slice_message(spec))
    return message


def header(*tensors: bytes, versions: bytes = VERSIONS) -> tuple[bytes, bytes]:
    """The first entry of a file."""
    meta = b"".join(field(1, tensor) for tensor in tensors)
    return b"", field(1, meta + field(2, versions))


def record(name: bytes, spec: Spec, values: bytes) -> tuple[bytes, bytes]:
    """The entry of a slice; `values` are fields of its TensorProto."""
    message = field(1, name) + field(2, slice_message(spec)) + field(3, values)
    return _core.slice_key(name, spec), field(2, message)


def write(path: Path, *entries: tuple[bytes, bytes], block_size: int = 262144) -> str:
    """Write a table of these entries in key order; return its path."""
    ordered: Entries = sorted(entries)
    path.write_bytes(build_table(ordered, block_size))
    return str(path)


def write_tensor(
    path: Path, data_type: int, shape: tuple[int, ...], values: bytes, name: bytes = b"x"
) -> str:
    """Write a file of one tensor, stored whole."""
    spec = ((0, -1),) * len(shape)
    return write(path, header(listed(name, data_type, shape)), record(name, spec, values))
