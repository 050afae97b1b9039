"""The C++ core: bytes, tables, entries, checksums, bulk reading. Names and dtypes are Python's.

Every call may raise what ``errors.py`` draws, and ``OSError``. Paths are ``str`` as ``os.fsdecode``
gives them. All objects are immutable to their users and may be shared between threads.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, final, overload

import numpy as np

from ._format.tensor_info import TensorInfo
from .errors import FormatError

_T = TypeVar("_T")

# (start, length) of each dimension; a length of -1 is the whole dimension.
SliceSpec: TypeAlias = tuple[tuple[int, int], ...]

# dtype number, shape, stored bytes, shard, offset in it, CRC-32C (unmasked), slices (of a
# partitioned tensor, whose stored bytes, shard, offset and CRC then say nothing).
Entry: TypeAlias = tuple[int, tuple[int, ...], int, int, int, int, tuple[SliceSpec, ...]]

# key, shard, what kind of fault (see `FAULT_KINDS` in _verify.py), and the error.
Finding: TypeAlias = tuple[bytes, int, str, Exception]

# number of a shard that cannot be opened, what kind of fault, the error, and the keys it holds.
LostShard: TypeAlias = tuple[int, str, Exception, list[bytes]]

# offset of a block, its bytes, what kind of fault, and the error.
BlockFault: TypeAlias = tuple[int, int, str, Exception]

# A tensor of `add_means`: name, DataType, shape, (file, offset, CRC-32C) in each checkpoint or in
# one; of a slice also the full shape and the place, else None.
MeanJob: TypeAlias = tuple[
    str,
    int,
    Sequence[int],
    Sequence[tuple[File, int, int]],
    Sequence[int] | None,
    SliceSpec | None,
]

class File:
    """A regular file opened for reading by position, or bytes of one that lies elsewhere."""

    @overload
    def __init__(self, path: str) -> None: ...
    @overload
    def __init__(self, name: str, size: int) -> None:
        """A file elsewhere: nothing is opened, and its bytes are those that are held.

        Where others are needed, OSError with EAGAIN is raised, and ``take_missed`` says which.
        """
    def hold(self, offset: int, data: Any) -> int:
        """Borrow bytes of a file elsewhere, which begin at that offset, until ``release``."""
    def release(self, token: int) -> None:
        """Give back the bytes for which ``hold`` gave that token."""
    def take_missed(self) -> tuple[int, int] | None:
        """The range (offset, bytes) that was needed last and not held; asked for once."""
    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int:
        """Bytes when it was opened."""
    @property
    def on_network(self) -> bool:
        """Whether it lies on NFS, SMB, FUSE or the like, where a map may fault."""
    def read(self, offset: int, size: int) -> bytes:
        """Read exactly that range, or raise."""
    def readinto(self, offset: int, buffer: Any) -> None:
        """Fill a writable, contiguous buffer from that offset on, or raise."""

@final
class MappedFile:
    """All of a file in memory; a buffer. Unmapped when the last array that borrows it is gone."""

    def __init__(self, file: File, *, writable: bool = False) -> None:
        """Map it; ``writable``: copy on write, the file is never changed."""
    def __len__(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...

@final
class Table:
    """A sorted table of raw keys: the form of `.index` files and of V1 checkpoints."""

    def __init__(self, file: File) -> None: ...
    @property
    def block_count(self) -> int: ...
    def find_block(self, key: bytes) -> int | None:
        """The block that holds a key if any does; nothing is read."""
    def block_range(self, block: int) -> tuple[int, int]:
        """Offset and stored bytes of a block, without its trailer."""
    def block(self, block: int) -> list[tuple[bytes, int, bytes]]:
        """Read and check a block: (key, offset of the value, value), in strict key order.

        In a compressed block the offset counts in its plain contents, from where the block begins.
        """

@final
class GraphScan:
    """The nodes of a graph or of a function's body, walked once. Borrows ``data``."""

    def __init__(self, data: Any, base: int, node_field: int) -> None:
        """Walk a message whose fields of that number are nodes; ``base``: for offsets in errors."""
    def __len__(self) -> int:
        """How many nodes there are, those of equal names too."""
    def names(self) -> list[str]:
        """Their names in stored order."""
    def ops(self) -> list[tuple[str, int]]:
        """Each operation and how many nodes have it, in the order in which they first occur."""
    def devices(self) -> list[tuple[str, int]]:
        """Each device and how many nodes ask for it, likewise."""
    def others(self) -> list[tuple[int, int, int, int, int]]:
        """Fields beside the nodes: number, wire type, value, begin and end of the content."""
    def edges(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Arrays of int32 for a main graph.

        By node, the number of its first input, and at the end that of all inputs; by input, the
        node it comes from (-1: there is none) and which output of it (-1: control); the nodes whose
        name an earlier one has.
        """
    def make_nodes(self, make: Callable[..., _T], data: Any) -> list[_T]:
        """Call ``make(name, op, inputs, device, None, data, begin, end)`` for each node."""

def map_entries(message: Any, number: int, base: int = 0) -> dict[str, bytes | memoryview]:
    """The entries of a map from strings to messages, which is that field; short ones as copies."""

def map_value_offset(message: Any, number: int, key: str, base: int = 0) -> int:
    """Where the value under a key of such a map begins; ``base`` if there is none."""

def attr_value(attr: Any, base: int = 0) -> tuple[int, Any] | int | None:
    """Which member of an ``AttrValue`` is set, and its value.

    Tensors and functions come as (their bytes, where those begin), shapes as tuples or None, lists
    as lists of such pairs, in which functions have the number they have outside. The member alone:
    a message given in several parts, which have to be joined. None: nothing is set.
    """

@final
class Entries:
    """The entries of an index in key order."""

    def __len__(self) -> int:
        """How many there are, slices of partitioned tensors included."""
    @property
    def num_tensors(self) -> int:
        """How many there are, each partitioned tensor counted once."""
    def names(self) -> list[str]:
        """Names of the tensors; bytes that are not UTF-8 become surrogate escapes."""
    def tuples(self) -> list[Entry]:
        """Entries of the same tensors as ``names`` gives. Raises for a malformed one."""
    def find(self, key: bytes) -> Entry | None:
        """The entry under a raw key, slices too; None for a malformed one."""
    def key(self, row: int) -> bytes:
        """The key of the row of that number, slices counted too."""
    def partitioned(self) -> list[str]:
        """Names of the partitioned tensors."""
    def shard_counts(self) -> dict[int, int]:
        """How many stored ranges each shard has, for those that entries refer to."""
    def dtype_counts(self) -> dict[int, int]:
        """How many stored ranges there are of each DataType number."""
    @property
    def stored_bytes(self) -> int:
        """Bytes of all ranges, as entries claim them."""

@final
class Index:
    """The index of a V2 bundle."""

    def __init__(self, file: File) -> None: ...
    @property
    def num_shards(self) -> int: ...
    @property
    def big_endian(self) -> bool: ...
    @property
    def producer(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """Size of the index file."""
    def find(self, key: bytes) -> Entry | None:
        """The entry under a raw key, slices too; reads one block of the file."""
    def entries(self) -> Entries:
        """All entries; raises for a damaged block or keys that are out of order."""
    def salvage(self) -> tuple[Entries, list[BlockFault]]:
        """The entries of all blocks that are sound, and the others."""

@final
class Bundle:
    """An open V2 bundle: index, data shards, and which tensors have been checked.

    A shard is opened, and mapped, when it is first needed. Errors about one have its path; one that
    another save has put there since the bundle was opened is refused.
    """

    def __init__(
        self,
        index: File,
        prefix: str,
        mode: str,
        checks: bool,
        dtype_of: Callable[[int], tuple[np.dtype[Any] | None, bool]],
        info_type: type[TensorInfo],
    ) -> None:
        """Read the header of the index.

        ``mode``: as of `open`. ``checks``: whether bytes are checked before they are borrowed.
        ``dtype_of``: by DataType number, numpy's dtype and whether stored bytes are those of an
        array as they are.
        """
    @property
    def index(self) -> Index: ...
    def view(self, name: str | bytes) -> np.ndarray[Any, Any] | None:
        """The tensor as the mode gives it; None if there is none, or none that is plain bytes.

        Its checksum is compared when it is first asked for, and those of small tensors that follow
        in the index when it is asked for them in that order.
        """
    def find(self, name: str | bytes) -> TensorInfo | None:
        """Describe one tensor."""
    def has(self, name: object) -> bool:
        """Whether there is such a tensor. Raises where its entry is damaged, as ``find`` does."""
    def infos(self, begin: int, end: int) -> list[TensorInfo]:
        """Describe the tensors among entries ``begin`` to ``end``. Raises for a malformed one."""
    def views(
        self,
        names: Sequence[str] | None,
        threads: int,
        progress: Callable[[int], object] | None = None,
    ) -> tuple[dict[str, Any], list[str]]:
        """Borrowed arrays of many tensors, checked as by ``view``; ``progress`` of the bytes.

        Returns the dict in the order of ``names`` (None: all), and the names of those that are not
        plain bytes, for which the dict holds None.
        """
    def sweep(self, begin: int) -> tuple[list[tuple[str, Any]], int, bool]:
        """Borrowed arrays of the tensors from an entry on, as many as are soon checked.

        Returns pairs of name and array, the entry to go on from, and whether all have an array:
        for one that has None, the single way says why, or makes it.
        """
    def load(
        self,
        names: Sequence[str] | None,
        out: Mapping[str, np.ndarray[Any, Any]] | None,
        threads: int,
        progress: Callable[[int], object] | None = None,
    ) -> tuple[dict[str, Any], list[str]]:
        """Checked copies of many tensors; result as of ``views``.

        ``out``: arrays to fill, whose dtype, shape and layout the caller has checked.
        """
    def read(self, info: TensorInfo, out: Any | None) -> None:
        """Check the bytes of one stored range, and read them into a buffer of that size."""
    def file_of(self, info: TensorInfo) -> File:
        """The shard of a stored range, which has been shown to lie in it."""
    def shard(self, number: int) -> File:
        """A shard, whatever is in it."""
    def verify(
        self, entries: Entries, threads: int, progress: Callable[[int], object] | None
    ) -> tuple[int, int, list[Finding], list[LostShard]]:
        """Check entries and their bytes: (ranges read, their bytes, findings, shards)."""
    def plan_verify(
        self, entries: Entries, first: int, last: int
    ) -> tuple[bytes, list[Finding], list[LostShard]]:
        """What has to be read of shards ``first`` to before ``last``, and what is wrong already.

        Packed rows in the order of shards and offsets: offset, bytes and number of the row, of 64
        bits, shard and CRC-32C, of 32 bits, and whether it is of strings, of 64 bits.
        """
    def give(self, number: int, file: File) -> None:
        """Take a shard that lies elsewhere, as the index does."""

@final
class BundleWriter:
    """Writes shards and index of a V2 bundle under temporary names: the final ones plus a suffix.

    Shards lack the "-of-" part of their names. Not for use from several threads, and not after an
    exception.
    """

    def __init__(
        self,
        prefix: str,
        suffix: str,
        *,
        alignment: int,
        max_shard_bytes: int,
        threads: int,
        durable: bool,
    ) -> None: ...
    def add_arrays(
        self,
        names: list[str],
        arrays: list[Any],
        start: int,
        stop: int,
        number_of: Callable[[np.dtype[Any]], int],
    ) -> int:
        """Write arrays ``start`` to ``stop``, up to the first that is not plain; its number.

        Plain: an ndarray, C-contiguous, native, for whose dtype ``number_of`` gives not 0.
        """
    def add_means(self, jobs: Sequence[MeanJob], weights: Sequence[float]) -> None:
        """Write the means of tensors, of floating-point types that are no smaller than 16 bits.

        Those of one checkpoint are copied, whatever their type. All bytes are checked.
        """
    def add_slice(
        self,
        name: str,
        dtype: int,
        array: np.ndarray[Any, Any],
        full_shape: Sequence[int],
        slice: SliceSpec,
    ) -> None:
        """Write a plain array as a part of a tensor."""
    def add_strings(
        self,
        name: str | bytes,
        shape: Sequence[int],
        elements: list[bytes],
        full_shape: Sequence[int] | None = None,
        slice: SliceSpec | None = None,
    ) -> None:
        """Write a string tensor, or a part of one."""
    def begin(self, name: str | bytes, dtype: int, shape: Sequence[int]) -> None:
        """Begin a tensor whose bytes follow in calls of ``append``."""
    def append(self, data: Any) -> None: ...
    def end(self, crc32c: int | None = None) -> int:
        """End it; returns the CRC-32C of its bytes.

        With a ``crc32c``, that of its entry, the bytes are taken as they are: of strings, say.
        """
    def take_shard(self) -> str:
        """Where to put a file that is to be the current shard; what follows goes to the next."""
    def add_entries(self, entries: Iterable[tuple[bytes, Entry]]) -> None:
        """List what lies in shards that were taken, and tensors whose slices are listed."""
    def use_shard(self, shard: int) -> None:
        """Write what follows to that shard."""
    def next_shard(self) -> None:
        """Finish the current shard, and write what follows to the next."""
    def finish(self, min_shards: int = 0, *, big_endian: bool = False) -> int:
        """Finish all files, at least so many shards; returns how many there are.

        ``big_endian``: the order of the bytes in shards that were taken. Raises FormatError when
        two entries have one key.
        """

@final
class OutputFile:
    """A new file, written from its beginning to its end by several threads.

    Not for use from several threads, and not after an exception.
    """

    def __init__(self, path: str, *, threads: int = 0) -> None:
        """Create the file, which must not be there yet, not even as a symbolic link."""
    @property
    def size(self) -> int:
        """Bytes appended so far."""
    def append(self, pieces: Sequence[Any]) -> list[int]:
        """Write buffers, and ranges of files given as (file, offset, bytes); their CRC-32C."""
    def append_unchecked(self, source: File, offset: int, size: int) -> None:
        """Write a range of a file as the kernel copies it, its bytes unseen."""
    def finish(self, *, durable: bool = True) -> None:
        """Write what is left and close the file; ``durable``: once it has reached the disk."""

def mean_of(dtype: int, arrays: Sequence[Any], weights: Sequence[float], into: Any) -> None:
    """Average numbers in memory, as `BundleWriter.add_means` does.

    ``into`` may be the first of the arrays. All are contiguous, and of one size.
    """

def renumber_index(index: File, num_shards: int) -> bytes:
    """The same index for shards that are called "-of-``num_shards``"."""

def slice_key(name: bytes, slice: SliceSpec) -> bytes:
    """The key under which a slice of a tensor is stored (format.md §6.2)."""

def read_strings(
    file: File, offset: int, count: int, big_endian: bool
) -> tuple[list[bytes], int, int]:
    """Elements of a string tensor, the CRC-32C its entry must have, and the bytes it took."""

def shard_path(prefix: str, number: int, count: int) -> str:
    """The path of a data shard, as C's ``%05d`` writes its number and that of all."""

def empty(shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """As numpy.empty; the memory of a large array is kept for the next when the array is gone.

    Up to 4 GiB are, and the system may take them back whenever it needs memory.
    """

def crc32c(data: Any, value: int = 0) -> int:
    """The CRC-32C of a contiguous buffer, continuing from ``value``."""

def crc32c_pieces(data: Any, begins: Any, sizes: Any) -> bytes:
    """CRC-32C, as uint32, of the pieces of a buffer that begin and are as long as arrays say.

    These are contiguous, of int64.
    """

def crc32c_combine(first: int, second: int, second_size: int) -> int:
    """The CRC-32C of two byte strings one after the other."""

def fingerprint64(data: Any) -> int:
    """TensorFlow's Fingerprint64 of a contiguous buffer, as ``fingerprint.pb`` has it."""

def crc32c_mask(crc32c: int) -> int:
    """The form in which a CRC-32C is stored beside what it is of."""

def crc32c_unmask(stored: int) -> int:
    """The CRC-32C whose stored form that is."""

def crc32c_kernel() -> str:
    """Which implementation runs on this machine."""

def message_fields(
    message: memoryview, base: int, at: int, most: int
) -> tuple[list[tuple[int, int, int, memoryview, int]], int, FormatError | None]:
    """Up to ``most`` fields of a message from position ``at`` on, and where the next one begins.

    Each: number, wire type, value of a varint, bytes, and where those begin, counted from ``base``
    at the beginning of the message. The error: what is there instead of a next one.
    """

def varint(data: Any, at: int = 0, base: int = 0) -> tuple[int, int]:
    """The number that begins at a position, which may lie past the end, and where it ends."""

def varints(data: Any, base: int = 0) -> list[int]:
    """A run of numbers, each in 64 bits without a sign: what a packed repeated field holds."""

def decode_shape(message: Any, base: int = 0) -> tuple[int, ...]:
    """A ``TensorShapeProto`` of which everything is known."""

def decode_partial_shape(message: Any, base: int = 0) -> tuple[int, ...] | None:
    """The same with -1 for what is not known; None where not even the rank is."""

def decode_slice(message: Any, base: int = 0) -> SliceSpec:
    """A ``TensorSliceProto``."""

def check_version(versions: Any, base: int = 0) -> None:
    """Raise UnsupportedError for a ``VersionDef`` that asks for other readers of checkpoints."""

def flat_fields(message: Any, base: int = 0) -> dict[int, int | bytes]:
    """The fields of a message in which none is repeated: numbers with a sign, and copies of bytes.

    Of those that are repeated all the same, the last.
    """

def unpack_varints(data: bytes, count: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """A packed repeated varint field as 64-bit patterns; raises unless it holds ``count``."""
