"""Converted checkpoint: the tensors of the other side of rules, made when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from .._checkpoint.checkpoint import DEFAULT_CHUNK_BYTES, Checkpoint
from .._checkpoint.report import Report
from .._format import dtypes
from .._format.dtypes import Array
from .._format.names import as_bytes
from .._format.tensor_info import TensorInfo
from .._write.casting import number_of
from ..errors import ConversionError
from .operations import CastTo, Reshape, Squeeze, apply
from .plan import Plan
from .rules import Rules

# Of these the bytes stay as they are.
_OUTWARD: Final = (Squeeze, Reshape)


class Converted(Checkpoint):
    """What a plan makes of a checkpoint; nothing is kept of what is read.

    Args:
        ckpt: The checkpoint that is converted.
        keys: Its tensors, by the names that the plan calls them.
        plan: The plan, without problems.
        scope: What the names of the other side are to begin with.
    """

    def __init__(
        self, ckpt: Checkpoint, keys: Mapping[str, str], plan: Plan, scope: str = ""
    ) -> None:
        super().__init__(replace(ckpt.location, kind="arrays"), ckpt.mode)
        self._ckpt = ckpt
        self._keys = keys
        self._plan = plan
        self._targets = {scope + name: place for name, place in plan.targets.items()}
        self._constants = {scope + name: each for name, each in plan.constants.items()}

    def _list_names(self) -> list[str]:
        return sorted((*self._targets, *self._constants), key=as_bytes)

    def _source(self, name: str) -> str:
        """The key of what a tensor's values come from, which may be its average."""
        return self._keys[self._plan.averaged.get(name, name)]

    def _find(self, name: str) -> TensorInfo | None:
        if name in self._constants:
            number = self._constants[name].number
            dtype = dtypes.numpy_dtype(number)
            nbytes = dtype.itemsize if dtype is not None else 0
            return TensorInfo(name, dtype, (), nbytes, None, None, None, (), number)
        if name not in self._targets:
            return None
        row, n = self._targets[name]
        source = self._ckpt.info(self._source(row.sources[0]))
        number = source.data_type
        if not self._plan.inverse:
            for operation in row.rule.operations:
                number = number_of(operation.dtype) if isinstance(operation, CastTo) else number
        info = TensorInfo(
            name, dtypes.numpy_dtype(number), row.shapes[n], 0, None, None, None, (), number
        )
        is_text = number == dtypes.STRING or info.dtype is None
        nbytes = source.nbytes if is_text else info.size * info.array_dtype().itemsize
        return replace(info, nbytes=nbytes)

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        return map(self.info, self._names)

    def _read(self, info: TensorInfo) -> Array:
        return self._read_owned(info)

    def _read_owned(self, info: TensorInfo) -> Array:
        if info.name in self._constants:
            return np.array(self._constants[info.name].value, info.array_dtype())
        row, n = self._targets[info.name]
        keys = [self._source(name) for name in row.sources]
        loaded = self._ckpt.load(keys)
        count = max(len(row.sources), len(row.targets))
        try:
            arrays = apply(
                row.rule.operations, [loaded[k] for k in keys], count, inverse=self._plan.inverse
            )
        except ConversionError as error:
            raise error.add_context(key=row.sources[0]) from None
        return np.ascontiguousarray(arrays[n]).reshape(info.shape)

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces; see `Checkpoint.chunks`."""
        info = self.info(name)
        if info.name in self._constants:
            return super().chunks(info.name, nbytes=nbytes)
        row, _ = self._targets[info.name]
        if all(isinstance(each, _OUTWARD) for each in row.rule.operations):
            return self._ckpt.chunks(self._source(row.sources[0]), nbytes=nbytes)
        return super().chunks(info.name, nbytes=nbytes)

    def verify(
        self, *, threads: int = 0, progress: Callable[[int, int], object] | None = None
    ) -> Report:
        """Verify the checkpoint that is converted; see `Checkpoint.verify`."""
        return self._ckpt.verify(threads=threads, progress=progress)

    def check_unread(self) -> None:
        """Raise ConversionError where a second name of a tensor has other values than it.

        Both would become one, and what makes them two would be lost.
        """
        for name, of in self._plan.unread.items():
            one, other = (self._ckpt[self._keys[each]] for each in (name, of))
            if one.dtype != other.dtype or one.shape != other.shape:
                raise _untied(name, of)
            if np.ascontiguousarray(one).tobytes() != np.ascontiguousarray(other).tobytes():
                raise _untied(name, of)


def _untied(name: str, of: str) -> ConversionError:
    return ConversionError(
        f"{name!r} should be {of!r} by another name, and has other values: the other side has room "
        "for one of them",
        key=name,
    )


def without_scope(keys: Mapping[str, str], rules: Rules, scope: str | None) -> dict[str, str]:
    """The keys by their names within the scope of a model, which rules know nothing of.

    Args:
        keys: The keys by name.
        rules: The rules.
        scope: The scope; None: where the first name is that the rules need, if there is one such.
    """
    need = rules.needs[0][0] if rules.needs[0] else None
    if scope is None:
        found = [name for name in keys if need and (name == need or name.endswith("/" + need))]
        scope = found[0].removesuffix(need or "") if len(found) == 1 else ""
    return {name.removeprefix(scope): key for name, key in keys.items()}


def by_path(ckpt: Checkpoint) -> dict[str, str]:
    """The keys of a checkpoint by the names that rules know them by.

    In an object-based checkpoint these are the paths of objects; its bookkeeping has none.
    """
    graph = ckpt.objects
    if graph is None:
        return {name: name for name in ckpt}
    paths = {name: graph.path_of(name) for name in ckpt}
    return {path: name for name, path in paths.items() if path is not None}
