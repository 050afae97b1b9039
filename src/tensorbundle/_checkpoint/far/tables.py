"""Far V1 checkpoints: tables whose blocks are fetched when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping

from ... import _core
from ..._locate.location import Location
from ..._source.address import Address
from ..._source.far_file import FarFile
from ..._source.store import unreplaced
from ..checkpoint import Mode
from ..v1 import LegacyCheckpoint
from .shards import reopened


class FarTable:
    """A far table, with what `_core.Table` offers."""

    def __init__(self, file: FarFile) -> None:
        self._file = file
        self._table = file.answered(lambda: _core.Table(file))
        self.block_count = self._table.block_count
        self.find_block = self._table.find_block
        self.block_range = self._table.block_range

    def block(self, block: int) -> list[tuple[bytes, int, bytes]]:
        """Read and check a block; see `_core.Table.block`."""
        with unreplaced(self._file.path):
            return self._file.answered(lambda: self._table.block(block))


class FarLegacyCheckpoint(LegacyCheckpoint):
    """A V1 checkpoint that lies far away: one table, or a set of shards."""

    def __init__(
        self, location: Location, mode: Mode, files: Mapping[str, FarFile], address: Address
    ) -> None:
        self._far_files = files
        self.address = address
        super().__init__(location, mode)

    def __reduce__(self) -> tuple[object, ...]:
        return reopened, (self.address,)

    def _tables_in(self, path: str) -> list[_core.File]:
        return [self._far_files[path]]

    def _table(self, file: _core.File) -> _core.Table:
        assert isinstance(file, FarFile)
        return FarTable(file)  # type: ignore[return-value]
