"""Indexes of far bundles: fetched, kept on disk, and compared with what is there now."""

from __future__ import annotations

import threading
from typing import Final

from ..._source.address import Address
from ..._source.cache import IndexCache
from ..._source.client import Client
from ..._source.far_file import FarFile
from ..._source.store import Meta, OtherObjectError, SameObjectError, unreplaced
from ...errors import MissingFileError

# The first request: all of most indexes, and where the tables of the others end.
_TAIL_BYTES: Final = 1 << 20
# What is left of an index that is no larger is fetched as well; of larger ones, blocks.
_WHOLE_BYTES: Final = 4 << 20


class FarIndex:
    """The index of one far bundle, as it was when it was fetched.

    Attributes:
        file: The file for the core; what of it is not held, it is asked for.
    """

    def __init__(self, client: Client, address: Address) -> None:
        self._client = client
        self._address = address
        self._cache = IndexCache(address)
        self._looking: threading.Thread | None = None
        self._error: BaseException | None = None
        self._is_whole = False
        found = self._cache.find()
        if found is None:
            self.file = self._fetched(None)
        else:
            data, etag = found
            self.file = self._held(data, Meta(len(data), etag), len(data))
            # Compared while the first tensors are fetched, so that it costs no time of its own.
            self._looking = threading.Thread(target=self._look, daemon=True)
            self._kept = self.file
            self._looking.start()

    def _fetched(self, known: str | None) -> FarFile:
        try:
            return self._fetched_once(known)
        except OtherObjectError:  # between two requests
            with unreplaced(self._client.url(self._address.key)):
                return self._fetched_once(None)

    def _fetched_once(self, known: str | None) -> FarFile:
        data, meta = self._client.get_tail(self._address.key, _TAIL_BYTES, not_etag=known)
        file = self._held(data, meta, len(data))
        if len(data) < meta.size <= _WHOLE_BYTES:
            self._hold_rest(file, len(data))
        if self._is_whole:
            self._cache.keep(file.read(0, file.size), meta.etag)
        return file

    def _held(self, data: bytes, meta: Meta, size: int) -> FarFile:
        file = FarFile(self._client, self._address.key, meta)
        file.hold(meta.size - size, data)
        self._is_whole = size == meta.size
        return file

    def _hold_rest(self, file: FarFile, size: int) -> None:
        for begin, data in file.stream(0, file.size - size):
            file.hold(begin, data)
        self._is_whole = True

    def need_all(self) -> None:
        """Fetch what is not held, for those who go through all entries."""
        if self._is_whole:
            return
        self._hold_rest(self.file, min(_TAIL_BYTES, self.file.size))
        self._cache.keep(self.file.read(0, self.file.size), self.file.etag)

    def settle(self) -> bool:
        """Wait for the comparison of what was kept on disk; false: another index has been fetched.

        Raises:
            MissingFileError, OSError: There is none any more, or the store does not tell.
        """
        if self._looking is None:
            return True
        self._looking.join()
        if self._error is not None:
            raise self._error
        self._looking = None
        return self.file is self._kept

    def _look(self) -> None:
        try:
            self.file = self._fetched(self.file.etag)
        except SameObjectError:
            pass
        except BaseException as error:
            self._error = error

    def refresh(self) -> bool:
        """Look whether another index lies there; true: it has been fetched."""
        try:
            meta = self._client.head(self._address.key)
        except MissingFileError:
            return False
        if meta == Meta(self.file.size, self.file.etag):
            return False
        self.file = self._fetched(None)
        return True
