"""Far V2 checkpoints: arrays of their own, fetched by parts and checked as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import numpy as np

from ... import _core
from ..._format import dtypes as _dtypes
from ..._format.dtypes import Array
from ..._format.tensor_info import TensorInfo
from ..._locate.damage import identify_head
from ..._locate.location import Location
from ..._progress import Progress
from ..._source.address import Address
from ..._source.client import Client
from ..._source.far_file import FarFile
from ..._source.fetch import part_bytes, parts
from ..._source.pool import in_order
from ..._source.store import Buffer, OtherObjectError, unreplaced
from ...errors import ChecksumError, FormatError, MissingFileError, TensorBundleError
from ..bundle import Bundle
from ..checkpoint import DEFAULT_CHUNK_BYTES, Mode
from ..shards import checksum_error, explain
from .groups import FetchGroup, copied, fetched_into, groups_of
from .index import FarIndex
from .shards import FarShards, reopened

if TYPE_CHECKING:
    from ..report import Report
    from ..selection import Filter

_T = TypeVar("_T")
# By which is told what lies in place of an index.
_HEAD_BYTES: Final = 4096
# Facts that were worked out from an index that has been replaced.
_FACTS: Final = ("_names", "_known", "_has_objects", "objects", "incomplete", "nbytes")


class FarBundle(Bundle):
    """A V2 checkpoint in an object store, on a server, or on a file system of fsspec.

    Every array is memory of its own, and its checksum is compared whenever it is fetched. All
    objects are those that were there when the index was read; where a save replaces them meanwhile,
    the checkpoint is opened anew, once a call, and never is one mixed with the other.
    """

    is_near: ClassVar[bool] = False

    def __init__(self, location: Location, address: Address, client: Client, index: FarIndex):
        self.address = address
        self.client = client
        self._far = index
        self._changing = threading.RLock()
        self._is_settled = False  # whether the index is known to be what lies there
        super().__init__(location, "read", True, index.file)
        self._shards = FarShards(client, address, self._core)

    def __reduce__(self) -> tuple[object, ...]:
        return reopened, (self.address,)

    def _open(
        self, location: Location, mode: Mode, verify: bool, index: _core.File
    ) -> _core.Bundle:
        file = self._far.file

        def opened() -> _core.Bundle:
            return _core.Bundle(file, location.prefix, mode, verify, _dtypes.array_type, TensorInfo)

        try:
            return file.answered(opened, keep=True)
        except FormatError as error:
            found = identify_head(file.read(0, min(_HEAD_BYTES, file.size)), file.size)
            if found is not None:
                error.message = f"not a checkpoint index: {file.path!r} is {found.phrase}"
                error.offset = None
            raise

    def _reopen(self) -> None:
        """Take the index that has been fetched since for the one that this checkpoint is of."""
        with self._changing:
            self._take_anew()

    def _take_anew(self) -> None:
        for fact in _FACTS:
            self.__dict__.pop(fact, None)
        self._core = self._open(self.location, "read", True, self._far.file)
        self._index = self._core.index
        self._shards = FarShards(self.client, self.address, self._core)

    def _settle(self) -> None:
        if self._is_settled:
            return
        with self._changing:
            if not self._far.settle():
                self._reopen()
            self._is_settled = True

    def _consistent(self, call: Callable[[], _T]) -> _T:
        """Do what reads; again, if it fails and the checkpoint was replaced meanwhile."""
        self._settle()
        try:
            return call()
        except (OtherObjectError, MissingFileError, FormatError) as error:
            if not self._far.refresh():
                if isinstance(error, OtherObjectError):
                    raise FormatError(
                        "a data shard was replaced after the checkpoint had been opened, its index "
                        "was not: open it again when it is whole",
                        path=self.location.prefix,
                    ) from None
                raise
        self._reopen()
        try:
            return call()
        except (OtherObjectError, MissingFileError, FormatError) as error:
            if not isinstance(error, OtherObjectError) and not self._far.refresh():
                raise
            raise FormatError(
                "the checkpoint was replaced meanwhile, and then again: open it when its writer "
                "rests",
                path=self.location.prefix,
            ) from None

    # --- facts -----------------------------------------------------------------------------------

    def _list_names(self) -> list[str]:
        self._know_all()
        return super()._list_names()

    def _by_index(self, call: Callable[[], _T]) -> _T:
        """Do what reads the index alone; of another one, if it was replaced meanwhile."""
        self._settle()
        try:
            return self._far.file.answered(call, keep=True)
        except OtherObjectError:
            self._far.refresh()
            self._reopen()
        with unreplaced(self.location.index or ""):
            return self._far.file.answered(call, keep=True)

    def _know_all(self) -> None:
        self._by_index(self._far.need_all)

    def _find(self, name: str) -> TensorInfo | None:
        return self._by_index(lambda: super(FarBundle, self)._find(name))

    def _has(self, name: str) -> bool:
        return self._by_index(lambda: super(FarBundle, self)._has(name))

    def infos(self, names: Filter = None, *, exclude: Filter = None) -> list[TensorInfo]:
        """Describe tensors; see `Checkpoint.infos`."""
        self._know_all()
        return super().infos(names, exclude=exclude)

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        self._know_all()
        return super().iter_infos()

    def __len__(self) -> int:
        self._know_all()
        return super().__len__()

    # --- shards ----------------------------------------------------------------------------------

    def shard_file(self, shard: int, first: tuple[int, int] | None = None) -> FarFile:
        """A data shard; see `FarShards.file`."""
        return self._shards.file(shard, first)

    def know_shards(self, wanted: Iterable[int]) -> list[int]:
        """Look up the sizes of shards; those that are not there."""
        return self._shards.know(wanted)

    def sizes_of(self, shards: Iterable[int]) -> dict[int, int | None]:
        """The bytes of data shards; None of those that are not there."""
        wanted = list(shards)
        missing = self._consistent(lambda: self.know_shards(wanted))
        return {n: None if n in missing else self.shard_file(n).size for n in wanted}

    def file_of(self, info: TensorInfo) -> _core.File:
        """Open the shard of a stored range; see `Bundle.file_of`."""
        first = (info.offset or 0, info.nbytes)
        try:
            file = self.shard_file(info.shard or 0, first)
        except TensorBundleError as error:
            raise explain(error.add_context(key=info.name)) from None
        super().file_of(info)  # which compares the entry with the size
        return file

    # --- single tensors --------------------------------------------------------------------------

    def __getitem__(self, name: str | bytes) -> Array:
        self._fetch_early(name)
        return self._consistent(lambda: self._read(self.info(name)))

    def _fetch_early(self, name: str | bytes) -> None:
        """Ask for a tensor's bytes by the index that was kept, while that is compared."""
        if self._is_settled:
            return
        try:
            info = self._core.find(name)
            if info is not None and info.shard is not None:
                self.shard_file(info.shard, (info.offset or 0, info.nbytes))
        except (TensorBundleError, OSError):
            return  # said when it is read

    def _read(self, info: TensorInfo) -> Array:
        return self._read_owned(info)

    def _read_owned(self, info: TensorInfo, out: Array | None = None) -> Array:
        if info.shard is None or info.data_type == _dtypes.STRING:
            return super()._read_owned(info, out)
        dtype = info.array_dtype()
        file = self._far_file_of(info)  # before memory is taken for what an entry claims
        array = _core.empty(info.shape, dtype) if out is None else out
        self._fill(file, info, array.reshape(-1).view(np.uint8))
        return self._native(array, info)

    def _far_file_of(self, info: TensorInfo) -> FarFile:
        file = self.file_of(info)
        assert isinstance(file, FarFile)
        return file

    def _fill(self, file: FarFile, info: TensorInfo, into: Array | None) -> None:
        """Fetch a stored range and compare its checksum; again, once, where it differs."""
        computed = fetched_into(file, info, into)
        if computed != info.crc32c:
            computed = fetched_into(file, info, into)
        if computed != info.crc32c:
            raise explain(checksum_error(info, computed, file.path))

    def read_range(self, info: TensorInfo, into: Array | None = None) -> None:
        """Check a stored range; see `Bundle.read_range`."""
        file = self._far_file_of(info)
        if info.data_type in (_dtypes.STRING, _dtypes.VARIANT):
            read = super().read_range
            self._answered(info, lambda: read(info, into))
        else:
            self._fill(file, info, into)

    def _read_strings(self, info: TensorInfo) -> Array:
        read = super()._read_strings
        return self._answered(info, lambda: read(info))

    def _answered(self, info: TensorInfo, call: Callable[[], _T]) -> _T:
        """Have the core read a stored range; again, once, where it does not like what it reads."""
        file = self._far_file_of(info)
        start = info.offset or 0
        stop = max(start, min(start + info.nbytes, file.size))
        try:
            with file.holding(file.stream(start, stop)):
                return file.answered(call)
        except FormatError:
            with file.holding(file.stream(start, stop)):
                return file.answered(call)

    # --- many tensors ----------------------------------------------------------------------------

    def load(
        self,
        names: Filter = None,
        *,
        out: Mapping[str, Array] | None = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> dict[str, Array]:
        """Read many tensors into arrays of their own; see `Checkpoint.load`."""

        def load() -> dict[str, Array]:
            self._know_all()
            return super(FarBundle, self).load(names, out=out, threads=threads, progress=progress)

        return self._consistent(load)

    def _load_plain(
        self,
        names: Sequence[str] | None,
        out: Mapping[str, Array] | None,
        threads: int,
        tick: Callable[[int], object] | None,
    ) -> tuple[dict[str, Array], list[str]]:
        """Read plain tensors by groups, each of what the core copies in one call."""
        infos = self.infos() if names is None else [self._core.find(name) for name in names]
        chosen = [info for info in infos if info is not None]
        arrays: dict[str, Any] = dict.fromkeys((info.name for info in chosen), None)
        others = [info.name for info in chosen if not self._is_plain(info)]
        plain = sorted(
            (info for info in chosen if self._is_plain(info)),
            key=lambda info: (info.shard, info.offset),
        )
        missing = self.know_shards(info.shard for info in plain if info.shard is not None)
        for info in plain:
            if info.shard in missing:
                error = MissingFileError("no such object", path=self._url_of(info), key=info.name)
                raise explain(error)
        done = 0
        for group, pieces in self._fetched_groups(list(groups_of(plain))):
            try:
                found = self._take(group, pieces, out, threads)
            except ChecksumError:  # fetched once more before it is believed
                file = self.shard_file(group.shard)
                found = self._take(group, file.stream(group.begin, group.end), out, threads)
            arrays.update(found)
            done += sum(info.nbytes for info in group.infos)
            if tick is not None:
                tick(done)
        return arrays, others

    def _fetched_groups(
        self, groups: list[FetchGroup]
    ) -> Iterator[tuple[FetchGroup, Iterator[tuple[int, Buffer]]]]:
        """Each group with its bytes: where each piece begins, and it. All are to be taken."""
        size = part_bytes(sum(group.end - group.begin for group in groups))
        cut = [list(parts(group.begin, group.end, size)) for group in groups]
        flat = [(group.shard, *part) for group, of in zip(groups, cut, strict=True) for part in of]
        fetched = in_order(lambda part: self.shard_file(part[0]).fetch(*part[1:]), flat)
        for group, of in zip(groups, cut, strict=True):
            yield group, ((begin, next(fetched)) for begin, _ in of)

    def _take(
        self,
        group: FetchGroup,
        pieces: Iterable[tuple[int, Buffer]],
        out: Mapping[str, Array] | None,
        threads: int,
    ) -> dict[str, Array]:
        """The arrays of a group, checked."""
        file = self.shard_file(group.shard)
        into = None if out is None else {info.name: out[info.name] for info in group.infos}
        if len(group.infos) > 1 or group.end == group.begin:
            with file.holding(pieces):
                return self._core.load([info.name for info in group.infos], into, threads, None)[0]
        # One that may be large: its bytes go where they belong as they come.
        info = group.infos[0]
        super().file_of(info)
        array = _core.empty(info.shape, info.array_dtype()) if into is None else into[info.name]
        computed = copied(pieces, group.begin, array.reshape(-1).view(np.uint8))
        if computed != info.crc32c:
            raise explain(checksum_error(info, computed, file.path))
        return {info.name: array}

    def _url_of(self, info: TensorInfo) -> str:
        return self._shards.url(info.shard or 0)

    def _is_plain(self, info: TensorInfo) -> bool:
        return (
            info.shard is not None
            and info.obstacle is None
            and info.data_type != _dtypes.STRING
            and not _dtypes.is_exotic(info.data_type)
            and not self._is_swapped(info.array_dtype())
        )

    # --- parts and verification ------------------------------------------------------------------

    def _slice_info(
        self, whole: TensorInfo, key: bytes, position: int, shape: tuple[int, ...]
    ) -> TensorInfo:
        find = super()._slice_info
        return self._far.file.answered(lambda: find(whole, key, position, shape), keep=True)

    def read_slice(self, name: str | bytes, index: Any) -> Array:
        """Read part of a tensor; see `Checkpoint.read_slice`."""
        read = super().read_slice

        def read_slice() -> Array:
            shard = self.info(name).shard
            if shard is not None:
                self.know_shards([shard])  # by its size, so that no more is fetched than is needed
            return read(name, index)

        return self._consistent(read_slice)

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces; see `Checkpoint.chunks`."""
        self._settle()
        with unreplaced(self.location.prefix):
            yield from super().chunks(name, nbytes=nbytes)

    def verify(self, *, threads: int = 0, progress: Progress = None) -> Report:
        """Check everything; see `Checkpoint.verify`."""
        from .audit import audit_far

        return self._consistent(lambda: audit_far(self, progress))

    @property
    def index_etag(self) -> str | None:
        """The ETag of the index."""
        return self._far.file.etag

    def need_all(self) -> None:
        """Fetch the whole index."""
        self._know_all()
