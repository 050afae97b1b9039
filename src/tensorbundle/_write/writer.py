"""Writer of V2 checkpoints, one tensor at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from .. import _core
from .._format.dtypes import number_named, plain_number_of
from .._format.filenames import INDEX_SUFFIX, as_path, shard_path
from .._format.names import as_new_name, no_bytes
from .._format.parts import PartSpec, part_spec, shape_of_part
from .._progress import Meter, Progress
from .._source.address import Address, is_far
from ..errors import ConversionError
from .commit import PendingFiles, refuse_existing
from .names import WrittenNames, by_name, warn_of_patterns
from .values import Value, value_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._far.publish import Outgoing

_MAX_ALIGNMENT: Final = 4096
_BATCH_BYTES: Final = 64 << 20
_MAX_SHARDS: Final = 99_997  # the two above are second names, see _commit.py


class Writer:
    """Writes a V2 checkpoint, one tensor after the other, in the memory that one tensor takes.

    Leaving the ``with`` block makes the checkpoint visible, in one step and on the disk; leaving it
    by an exception, or being killed, leaves what was there before. A checkpoint that is open or
    mapped somewhere may be written over.

    The files are those that TensorFlow's ``SaveV2`` writes for the same tensors in the same order,
    byte for byte; those of several shards are what ``MergeV2Checkpoints`` makes of them. Not for
    use from several threads at once.

    Example:
        >>> import numpy as np, tempfile, tensorbundle as tb
        >>> prefix = tempfile.mkdtemp() + "/model.ckpt"
        >>> with tb.Writer(prefix) as writer:
        ...     writer.add("dense/kernel", np.ones((2, 3), np.float32))
        ...     writer.add_slice("table", np.zeros((2, 8)), (4, 8), np.s_[0:2, :])
        ...     writer.add_slice("table", np.ones((2, 8)), (4, 8), np.s_[2:4, :])
        >>> tb.open(prefix)["table"].sum()
        np.float64(16.0)
    """

    def __init__(
        self,
        prefix: str | os.PathLike[str] | bytes,
        *,
        max_shard_bytes: int | None = None,
        num_shards: int | None = None,
        alignment: int = 1,
        threads: int = 0,
        fsync: bool = True,
        overwrite: bool = False,
    ) -> None:
        """Prepare to write; leftovers of killed savers at the same prefix are removed.

        Args:
            prefix: Of the checkpoint; its directory is made if only the last level is missing. An
                address: what is written goes there when all of it is, the index last.
            max_shard_bytes: Begin another data shard when a tensor would make one larger than that.
            num_shards: Write at least so many shards; see ``shard`` of `add`.
            alignment: A power of two up to 4096: pad, so that each tensor begins at a multiple of
                it. TensorFlow itself always packs (1), and reads padded shards as well.
            threads: How many to use; 0 means as many as are useful.
            fsync: Wait until the files are on the disk. Without, a power failure may lose the
                checkpoint and the previous one; being killed still may not.
            overwrite: Whether a checkpoint at ``prefix`` is replaced.

        Raises:
            FileExistsError: There is a checkpoint at ``prefix``, and no ``overwrite``.
            OSError: The directory cannot be made or written to.
        """
        self.prefix = as_path(prefix)
        self.files: tuple[str, ...] = ()
        _check_prefix(self.prefix)
        self._outgoing: Outgoing | None = None
        if alignment not in [1 << n for n in range(_MAX_ALIGNMENT.bit_length())]:
            raise ValueError(f"alignment must be a power of two up to 4096, not {alignment}")
        if max_shard_bytes is not None and (max_shard_bytes < 1 or num_shards is not None):
            raise ValueError("max_shard_bytes must be positive, and goes without num_shards")
        if is_far(prefix):
            from .._far.publish import Outgoing

            self._outgoing = Outgoing(Address.of(prefix), overwrite=overwrite)
            self.prefix = self._outgoing.prefix
            fsync = False  # of a copy that is gone when it has been put there
        refuse_existing(self.prefix, overwrite=overwrite)
        self._num_shards = num_shards
        check_shard((num_shards or 1) - 1)
        self._by_size = max_shard_bytes is not None
        self._names = WrittenNames()
        self._files = PendingFiles(self.prefix, durable=fsync)
        self._core: _core.BundleWriter | None = _core.BundleWriter(
            self._files.stem,
            self._files.suffix,
            alignment=alignment,
            max_shard_bytes=max_shard_bytes or 0,
            threads=threads,
            durable=fsync,
        )

    def add(
        self, name: str | bytes, value: Any, *, dtype: str | None = None, shard: int | None = None
    ) -> None:
        """Write a tensor.

        Args:
            name: Its name, not used before.
            value: An array of any layout and byte order, with ml_dtypes' types too; an array of
                ``bytes`` or ``str`` (stored as UTF-8); a scalar; nested lists. Python's numbers
                become float32, int32 or int64, and bool, as in ``tf.constant``.
            dtype: TensorFlow's name for the type to store it as, when it has the same bytes:
                ``"qint8"`` for int8, say.
            shard: Which data shard it goes to, from 0 on; None: the one written to last.

        Raises:
            ConversionError: No TensorFlow type holds it.
            OSError: It could not be written; the writer is of no use then.
        """
        text = as_new_name(name)
        content = _value_of(text, value, dtype)
        core = self._at_shard(shard)
        self._names.add([text])
        self._write(core, text, content)

    def add_many(
        self,
        tensors: Mapping[str, Any],
        *,
        dtypes: Mapping[str, str] | None = None,
        progress: Progress = None,
    ) -> None:
        """Write many tensors at once, in the order of the mapping; see `add`.

        Args:
            tensors: Values by name.
            dtypes: What ``dtype`` of `add` is, for some names; a checkpoint has its own.
            progress: As of `Checkpoint.verify`; what is no array yet counts nothing.
        """
        meter = Meter(progress, 0 if progress is None else nbytes_of(tensors))
        if not isinstance(by_name(tensors), dict):  # it may make its values when they are asked for
            info = getattr(tensors, "info", None)  # of a checkpoint, which knows their types
            for name in tensors:
                stated = (dtypes or {}).get(name) or (info and info(name).tf_dtype)
                value = tensors[name]
                self.add(name, value, dtype=stated)
                meter.add(getattr(value, "nbytes", 0))
            meter.finish()
            return
        names: list[str] = list(tensors)
        if set(map(type, names)) != {str}:
            names = list(map(as_new_name, names))
        values = list(tensors.values())
        core = self._at_shard(None)
        self._names.add(names)
        at = 0
        while at < len(names):
            if not dtypes or names[at] not in dtypes:
                stop = at + 1 if dtypes else len(names)
                if meter.progress is not None:
                    stop = _batch_end(values, at, stop)
                done = self._guarded(core.add_arrays, names, values, at, stop, plain_number_of)
                if done > at:
                    meter.add(_nbytes(values[at:done]))
                    at = done
                    continue
            content = _value_of(names[at], values[at], (dtypes or {}).get(names[at]))
            self._write(core, names[at], content)
            meter.add(_nbytes(values[at : at + 1]))
            at += 1
        meter.finish()

    def add_slice(
        self,
        name: str | bytes,
        value: Any,
        shape: Sequence[int],
        slice: PartSpec,
        *,
        dtype: str | None = None,
        shard: int | None = None,
    ) -> None:
        """Write a part of a partitioned tensor; the parts should cover it without overlap.

        Args:
            name: The name of the whole tensor, the same for all parts.
            value: The part, as in `add`.
            shape: The shape of the whole tensor.
            slice: Where the part lies: of each dimension a slice or a pair of start and length,
                such as ``np.s_[0:2, :]``; or TensorFlow's form of it, ``"0,2:-"``.
            dtype: As in `add`.
            shard: As in `add`.

        Raises:
            ValueError: It does not fit the tensor or its other parts.

        Warns:
            CompatibilityWarning: TensorFlow writes such slices, but cannot join them.
        """
        text = as_new_name(name)
        full_shape = tuple(int(size) for size in shape)
        extents = part_spec(slice, full_shape)
        content = _value_of(text, value, dtype)
        expected = shape_of_part(extents, full_shape)
        if content.shape != expected:
            raise ConversionError(
                f"a part does not fit its slice: shape {list(content.shape)}, "
                f"expected {list(expected)}",
                key=text,
            )
        if expected == full_shape:
            self.add(text, value, dtype=dtype, shard=shard)
            return
        core = self._at_shard(shard)
        self._names.add_part(text, content.number, full_shape, extents)
        place = (full_shape, extents)
        if content.elements is not None:
            self._guarded(core.add_strings, text, content.shape, content.elements, *place)
        else:
            self._guarded(core.add_slice, text, content.number, content.array, *place)

    def add_chunks(
        self,
        name: str | bytes,
        dtype: str,
        shape: Sequence[int],
        chunks: Iterable[bytes | memoryview],
        *,
        shard: int | None = None,
    ) -> None:
        """Write a tensor that comes in pieces, so that it need never be in memory as a whole.

        Args:
            name: Its name, not used before.
            dtype: TensorFlow's name of its type; not ``"string"``.
            shape: Its shape.
            chunks: Its bytes, little-endian and row-major, in pieces of any size, such as
                `Checkpoint.chunks` gives. Those of types below a byte have their high bits zero.
            shard: As in `add`.

        Raises:
            ValueError: The pieces do not come to the size of the tensor.
        """
        number = number_named(dtype)
        if number is None or dtype == "string":
            raise ConversionError(f"{dtype!r} has no elements of fixed width")
        text = as_new_name(name)
        core = self._at_shard(shard)
        self._names.add([text])

        def write() -> None:
            core.begin(text, number, tuple(shape))
            for chunk in chunks:
                core.append(chunk)
            core.end()

        self._guarded(write)

    def next_shard(self) -> None:
        """Finish the current data shard, and write what follows to the next one."""
        self._guarded(self._at_shard(None).next_shard)

    def close(self) -> None:
        """Make the checkpoint visible. The second time, nothing is done.

        Raises:
            OSError: It could not be written; what was at the prefix is still there.
        """
        if self._core is not None:
            count = self._guarded(self._core.finish, self._num_shards or 1)
            self._core = None
            self._guarded(self._files.commit, count)
            self.files = (
                *(shard_path(self.prefix, n, count) for n in range(count)),
                self.prefix + INDEX_SUFFIX,
            )
            if self._outgoing is not None:
                self.files = tuple(self._outgoing.publish())
                self.prefix = self._outgoing.address.url

    def abort(self) -> None:
        """Remove all that was written; what was at the prefix before is still there."""
        self._core = None
        self._files.discard()
        if self._outgoing is not None:
            self._outgoing.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _at_shard(self, shard: int | None) -> _core.BundleWriter:
        if self._core is None:
            raise ValueError("this writer is closed, or failed before")
        if shard is not None:
            if self._by_size:
                raise ValueError("max_shard_bytes chooses the shard")
            check_shard(shard)
            self._core.use_shard(shard)
        return self._core

    def _write(self, core: _core.BundleWriter, name: str, value: Value) -> None:
        if value.elements is not None:
            self._guarded(core.add_strings, name, value.shape, value.elements)
        else:
            self._guarded(core.add_arrays, [name], [value.array], 0, 1, lambda _: value.number)

    def _guarded(self, work: Any, *arguments: Any) -> Any:
        """Run what writes files; a failure undoes all, and is told of the final name."""
        try:
            return work(*arguments)
        except BaseException as error:
            self.abort()
            self._files.rename_in(error)
            if isinstance(error, UnicodeEncodeError):  # many names at once are not read one by one
                raise no_bytes(error.object) from None
            raise


def nbytes_of(tensors: Mapping[str, Any]) -> int:
    """Bytes of what a mapping holds, as far as they are known before its values are made."""
    nbytes = getattr(tensors, "nbytes", None)  # of a checkpoint
    if nbytes is None:
        nbytes = _nbytes(tensors.values()) if isinstance(tensors, dict) else 0
    return int(nbytes)


def _nbytes(values: Iterable[Any]) -> int:
    return sum(getattr(value, "nbytes", 0) for value in values)


def _batch_end(values: Sequence[Any], start: int, stop: int) -> int:
    """Where as many are together as are written between two calls of ``progress``."""
    nbytes = 0
    for at in range(start, stop):
        nbytes += getattr(values[at], "nbytes", 0)
        if nbytes >= _BATCH_BYTES:
            return at + 1
    return stop


def _value_of(name: str, value: Any, dtype: str | None) -> Value:
    try:
        return value_of(value, dtype)
    except ConversionError as error:
        raise error.add_context(key=name) from None


def check_shard(shard: int) -> None:
    if not 0 <= shard < _MAX_SHARDS:
        raise ValueError(f"a checkpoint has 1 to {_MAX_SHARDS} shards: there is no number {shard}")


def _check_prefix(prefix: str) -> None:
    if not prefix or "\0" in prefix:
        raise ValueError(f"not a prefix: {prefix!r}")
    warn_of_patterns(prefix)
