"""Committing: a checkpoint appears whole, or not at all.

Whatever moment the process is killed at, what lies at the prefix is a whole checkpoint, the
previous one or the new one, for TensorFlow too. Three things bring that about:

1.  All files are written under temporary names (``P.index.tempstate<number>``, as TensorFlow calls
    them; of a very long ``P`` a short stand-in) and are on the disk before any gets its final name;
    then data first and the index last, because a checkpoint is what its index says. Files are
    replaced, never written into, so whoever has the previous ones open or mapped keeps them.

2.  When the previous checkpoint has as many shards as the new one, their names collide, and between
    the renaming of data and of the index the old index would stand beside new data. The index names
    its data by the number of shards alone: so the previous shards first get second names (hard
    links) with a number of shards that nobody uses, and the index is replaced by its copy with that
    number in the header. That one rename moves the previous checkpoint, whole, out of the way. Then
    the new files take their names; at last the second names go.

3.  Leftovers of a killed process are found by the next save to the same prefix: temporary files
    whose writer holds no lock on its index any more, and second names.

Each step is on the disk before the next begins (the directory is flushed), so the same holds when
the power fails; not with ``durable=False``, which gives that up for speed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from typing import Final

from .. import _core
from .._format.filenames import INDEX_SUFFIX, shard_path
from ..errors import FormatError, MissingFileError, UnsupportedError
from .durable import (
    abandoned,
    copy_file,
    flush_directory,
    locked_directory,
    make_directory,
    reserve,
    temporary_stem,
)
from .staging import TargetExistsError, refuse_special

# Numbers of shards for second names: TensorFlow's own clean-up matches five digits.
_SPARE_COUNTS: Final = (99999, 99998)

_TEMPORARY: Final = re.compile(r"\.(?:index|data-\d{5,})(\.tempstate\d+)(?:\.previous)?")
_TEMPORARY_END: Final = re.compile(r"(\.tempstate\d+)(?:\.previous)?$")
_LONGEST_SUFFIX: Final = len(".index.tempstate.previous") + 20
_SECOND_NAME: Final = re.compile(r"\.data-\d{5,}-of-(9999[98])")

_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


class PendingFiles:
    """The files of one checkpoint while they are written, and their way to their final names."""

    def __init__(self, prefix: str, *, durable: bool) -> None:
        """Make the directory if need be, remove what killed processes left, and reserve names.

        Args:
            prefix: Of the checkpoint to be.
            durable: Whether each step is to be on the disk before the next.

        Raises:
            OSError: The directory cannot be made or written to.
        """
        self._prefix = prefix
        self._directory, self._base = os.path.split(prefix)
        self._durable = durable
        self.stem = temporary_stem(prefix, _LONGEST_SUFFIX)
        self.suffix = ""
        try:
            make_directory(self._directory, durable=durable)
            self._remove_leftovers()
            self.suffix, self._lock = reserve(self._temporary_index)
        except OSError as error:
            self.rename_in(error)
            raise

    def __del__(self) -> None:
        # Of a writer that nobody closed, or that a signal kept from being entered.
        if hasattr(self, "_lock"):
            self.discard()

    def _temporary_index(self, suffix: str) -> str:
        return self.stem + INDEX_SUFFIX + suffix

    def rename_in(self, error: BaseException) -> None:
        """Have an error name files as the user knows them, not by their temporary names."""
        for attribute in ("filename", "filename2", "path"):
            name = getattr(error, attribute, None)
            if isinstance(name, str) and (found := _TEMPORARY_END.search(name)):
                name = name[: found.start(1)]
                if name.startswith(self.stem):
                    name = self._prefix + name[len(self.stem) :]
                setattr(error, attribute, name)

    def commit(self, num_shards: int) -> None:
        """Give all files their final names.

        Args:
            num_shards: How many data shards were written.

        Raises:
            OSError: It could not be done; the previous checkpoint is what there is, unless the
                message is about flushing the directory.
        """
        renamed: list[str] = []
        index = self._prefix + INDEX_SUFFIX
        with self._lock, locked_directory(self._directory):
            try:
                self._move_previous_away(num_shards)
                for shard in range(num_shards):
                    path = shard_path(self._prefix, shard, num_shards)
                    os.replace(f"{self.stem}.data-{shard:05d}{self.suffix}", path)
                    renamed.append(path)
                self._flush()
                os.replace(self._temporary_index(self.suffix), index)
            except BaseException:
                for path in renamed:  # the index that is there names none of them
                    with contextlib.suppress(OSError):
                        os.unlink(path)
                self.discard()
                raise
            self._flush()
            self._remove_second_names(num_shards)

    def discard(self) -> None:
        """Remove what was written; what cannot be removed, the next save finds."""
        if self._lock.closed:
            return
        with self._lock, contextlib.suppress(OSError):
            for name, suffix in self._temporary_files():
                if suffix == self.suffix:
                    os.unlink(os.path.join(self._directory, name))

    # --- the previous checkpoint ---------------------------------------------------------------

    def _move_previous_away(self, num_shards: int) -> None:
        """Give the previous checkpoint's shards other names, if theirs are wanted."""
        index = self._prefix + INDEX_SUFFIX
        try:
            file = _core.File(index)
            if _core.Index(file).num_shards != num_shards:
                return
            spare = next(count for count in _SPARE_COUNTS if count != num_shards)
            renumbered = _core.renumber_index(file, spare)
        except (MissingFileError, FormatError, UnsupportedError):
            return  # there is none that could be kept
        for shard in range(num_shards):
            with contextlib.suppress(FileNotFoundError):
                other = shard_path(self._prefix, shard, spare)
                _add_name(shard_path(self._prefix, shard, num_shards), other, self._durable)
        moved = f"{self._temporary_index(self.suffix)}.previous"
        with open(moved, "xb") as out:
            out.write(renumbered)
            out.flush()
            if self._durable:
                os.fsync(out.fileno())
        os.replace(moved, index)
        self._flush()

    def _remove_second_names(self, num_shards: int) -> None:
        for name in self._names(self._base):
            match = _SECOND_NAME.fullmatch(name, len(self._base))
            if match and int(match[1]) != num_shards:
                with contextlib.suppress(OSError):  # the next save finds it again
                    os.unlink(os.path.join(self._directory, name))

    # --- temporary files -----------------------------------------------------------------------

    def _names(self, base: str) -> Iterator[str]:
        """The files in the directory whose names begin with a base name."""
        with os.scandir(self._directory or os.curdir) as entries:
            names = [entry.name for entry in entries]
        return (name for name in names if name.startswith(base + "."))

    def _temporary_files(self) -> list[tuple[str, str]]:
        """Name and suffix of each; the indexes last, since they hold the locks."""
        base = os.path.basename(self.stem)
        found = [(n, m[1]) for n in self._names(base) if (m := _TEMPORARY.fullmatch(n, len(base)))]
        return sorted(found, key=lambda each: each[0].startswith(base + INDEX_SUFFIX))

    def _remove_leftovers(self) -> None:
        found = self._temporary_files()
        for suffix in {suffix for _, suffix in found}:
            with abandoned(self._temporary_index(suffix)) as is_abandoned:
                for name in [name for name, owner in found if owner == suffix and is_abandoned]:
                    with contextlib.suppress(OSError):
                        os.unlink(os.path.join(self._directory, name))

    def _flush(self) -> None:
        if self._durable:
            flush_directory(self._directory)


def _add_name(path: str, other: str, durable: bool) -> None:
    """Make a file available under another name too, whatever was there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(other)
    try:
        os.link(path, other)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        copy_file(path, other, durable=durable)


def refuse_existing(prefix: str, *, overwrite: bool) -> None:
    """Raise TargetExistsError when there is a bundle that is not to be replaced."""
    index = prefix + INDEX_SUFFIX
    if not overwrite and os.path.lexists(index):
        raise TargetExistsError(index)
    refuse_special(index)
