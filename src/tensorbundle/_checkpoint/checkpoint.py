"""Checkpoint: the face of every format, a mapping from names to arrays."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

import numpy as np

from .._format import dtypes
from .._format.dtypes import Array
from .._format.names import as_name
from .._progress import Meter, Progress
from ..errors import ConversionError
from .foreign.libraries import Conversions
from .selection import Aliases, Filter, ReadablePaths, not_found, select, wanted, without_left_out

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._format.tensor_info import TensorInfo
    from .._locate.location import Location
    from .._objects.graph import ObjectGraph
    from .._objects.optimizers import Origin
    from .report import Report

T = TypeVar("T")
Mode: TypeAlias = Literal["r", "c", "read"]

DEFAULT_CHUNK_BYTES = 8 << 20


class Checkpoint(Conversions, Mapping[str, Array], ABC):
    """Checkpoint: ``Mapping[str, numpy.ndarray]``. Made by `tensorbundle.open`.

    Names are ``str`` in key order, with bytes that are not UTF-8 as surrogate escapes; raw
    ``bytes`` are accepted wherever a name is. Strings are arrays of ``bytes`` objects.

    Objects may be shared between threads. There is nothing to close: files are closed and unmapped
    when the last array that borrows from them is gone. Pickled ones are opened again, so they can
    be handed to other processes.

    Example:
        >>> import tensorbundle as tb
        >>> ckpt = tb.open(tb.demo())
        >>> ckpt["dense/bias"].shape == ckpt.info("dense/bias").shape
        True
    """

    def __init__(self, location: Location, mode: Mode) -> None:
        self.location = location
        self.mode = mode

    # --- what each format provides -----------------------------------------------------------

    @abstractmethod
    def _list_names(self) -> list[str]:
        """All names, in key order."""

    @abstractmethod
    def _find(self, name: str) -> TensorInfo | None:
        """One tensor's facts, by whatever way is quickest."""

    @abstractmethod
    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other, in key order, in little memory.

        Example:
            >>> import tensorbundle as tb
            >>> ckpt = tb.open(tb.demo())
            >>> sum(info.nbytes for info in ckpt.iter_infos()) == ckpt.nbytes
            True
        """

    @abstractmethod
    def _read(self, info: TensorInfo) -> Array:
        """The tensor as this checkpoint's mode gives it, checked as its policy says."""

    @abstractmethod
    def _read_owned(self, info: TensorInfo) -> Array:
        """A checked, writable copy of its own."""

    @abstractmethod
    def verify(self, *, threads: int = 0, progress: Progress = None) -> Report:
        """Check every checksum that the format has, and everything that entries claim.

        Args:
            threads: How many to use; 0 means as many as are useful.
            progress: Called with the bytes done and the bytes in all, at most ten times a second,
                from the calling thread. What it raises stops the work.

        Returns:
            A report that names each fault with tensor, shard, byte range, kind and probable cause.
            Damage is not raised.

        Example:
            >>> import tensorbundle as tb
            >>> tb.open(tb.demo()).verify().ok
            True
        """

    # --- the mapping ---------------------------------------------------------------------------

    @functools.cached_property
    def _names(self) -> list[str]:
        return self._list_names()

    @functools.cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._names)

    @functools.cached_property
    def _has_objects(self) -> bool:
        """Whether there is an object graph, which is not read to know that."""
        from .._objects.graph import GRAPH_KEY

        return self._has(GRAPH_KEY)

    @property
    def _aliases(self) -> Aliases | None:
        """Readable paths; None where there is no object graph."""
        return ReadablePaths(self) if self._has_objects else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, (str, bytes)):
            return False
        name = as_name(name)
        return self._has(name) or self._key(name) is not None

    def __getitem__(self, name: str | bytes) -> Array:
        return self._read(self.info(name))

    @overload
    def get(self, name: str | bytes, /) -> Array | None: ...
    @overload
    def get(self, name: str | bytes, /, default: Array | T) -> Array | T: ...
    def get(self, name: str | bytes, /, default: object = None) -> object:
        """Give a tensor, or ``default`` where there is none of that name; no error is made."""
        there = as_name(name) in self
        return self[name] if there else default

    def items(self) -> ItemsView[str, Array]:
        """Pairs of name and array, in key order; many small tensors are checked at once."""
        return _Items(self)

    def values(self) -> ValuesView[Array]:
        """Arrays, in key order; many small tensors are checked at once."""
        return _Values(self)

    def _sweep(self) -> Iterator[tuple[str, Array]]:
        return ((name, self[name]) for name in self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is closed: arrays stay valid."""

    def __eq__(self, other: object) -> bool:
        # Mapping's would compare arrays with ==, which has no truth value.
        return self is other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        from .._look.tensors import line

        return line(self)

    def __str__(self) -> str:
        from .._look.tensors import paragraph

        return paragraph(self)

    def _repr_html_(self) -> str:
        from .._look.tensors import markup

        return markup(self)

    def _ipython_key_completions_(self) -> list[str]:
        aliases = self._aliases
        return [*self, *(aliases.paths() if aliases is not None else ())]

    def __reduce__(self) -> tuple[object, ...]:
        # Where it lies, to be opened again there.
        return type(self), (self.location.absolute(), self.mode)

    # --- facts -----------------------------------------------------------------------------------

    @property
    def num_shards(self) -> int:
        """Number of data shards (V2) or files (V1) that the checkpoint says it has."""
        return len(self.location.files)

    @functools.cached_property
    def objects(self) -> ObjectGraph | None:
        """Object graph of a ``tf.train.Checkpoint``; None where there is none.

        With one, tensors are found by the readable path of their object too, on every way that
        leads to it: ``ckpt["model/layer1/kernel"]``.
        """
        from .._objects.graph import GRAPH_KEY, ObjectGraph

        info = self._find(GRAPH_KEY)
        if info is None or info.data_type != dtypes.STRING or info.shape:
            return None
        return ObjectGraph.decode(self._read_owned(info).item())

    @property
    def origin(self) -> Origin:
        """Origin: ``"tf1"`` (names only), ``"keras2"``, ``"keras3"`` or ``"tf.Module"``.

        Example:
            >>> import tensorbundle as tb
            >>> tb.open(tb.demo("keras")).origin
            'keras3'
        """
        from .._objects.optimizers import origin

        return origin(self.objects)

    def _key(self, name: str) -> str | None:
        """The key that a readable path means, if the checkpoint has objects and that key."""
        aliases = self._aliases
        return aliases.key(name) if aliases is not None else None

    def info(self, name: str | bytes) -> TensorInfo:
        """Describe one tensor; no data shard is touched.

        Raises:
            TensorNotFoundError: No such name; near ones are suggested.
            FormatError: Its entry is malformed.
        """
        name = as_name(name)
        info = self._find(name)
        if info is None and (key := self._key(name)) is not None:
            info = self._find(key)
        if info is None:
            raise not_found(name, self._list_names, self._aliases).add_context(
                path=self.location.prefix
            )
        return info

    def infos(self, names: Filter = None, *, exclude: Filter = None) -> list[TensorInfo]:
        """Describe all tensors, or those that a filter chooses, in key order.

        Args:
            names: A name, a glob such as ``"encoder/*"`` (``*`` matches ``/`` too), a compiled
                regular expression, or several of these.
            exclude: Which not, likewise, whatever ``names`` says.

        Example:
            >>> import tensorbundle as tb
            >>> ckpt = tb.open(tb.demo())
            >>> [info.name for info in ckpt.infos("dense/*s")]
            ['dense/bias']
        """
        if names is None and exclude is None:
            return list(self.iter_infos())
        return [self.info(key) for key in self._chosen(names, exclude).values()]

    def select(self, names: Filter = None, *, exclude: Filter = None) -> list[str]:
        """Choose names by a filter, in key order; see `infos`.

        Returns:
            What was asked for: tensors chosen by readable path are called by it.
        """
        return list(self._chosen(names, exclude))

    def _chosen(self, names: Filter, exclude: Filter = None) -> dict[str, str]:
        """What a filter chooses as it was asked for, and its key."""
        return select(names, lambda: self._names, self._has, self._aliases, exclude=exclude)

    def _wanted(self, names: Filter) -> tuple[dict[str, str] | None, frozenset[str]]:
        """What is chosen as it was asked for, with its key; and the keys that must be answered."""
        return (None, frozenset()) if names is None else wanted(names, self._chosen)

    def _readable(self, names: Filter) -> Iterator[tuple[str, TensorInfo]]:
        """What is chosen, but what arrays cannot hold and was not named in full."""
        labels, needed = self._wanted(names)
        labels = dict(zip(self, self, strict=True)) if labels is None else labels
        kept = set(without_left_out(labels.values(), needed, self.info))
        return ((label, self.info(key)) for label, key in labels.items() if key in kept)

    def _metered(self, names: Filter, progress: Progress) -> Iterator[tuple[str, TensorInfo]]:
        """What is readable, with progress told after each has been dealt with."""
        chosen = list(self._readable(names))
        meter = Meter(progress, sum(info.nbytes for _, info in chosen))
        for label, info in chosen:
            yield label, info
            meter.add(info.nbytes)
        meter.finish()

    def _has(self, name: str) -> bool:
        return self._find(name) is not None

    @functools.cached_property
    def incomplete(self) -> tuple[str, ...]:
        """Names of partitioned tensors of which slices are missing.

        TensorFlow writes some itself. `load`, `views` and `tensorbundle.export` of all tensors
        leave them out and say so; ``ckpt[name]`` raises, and so do ``items()`` and ``values()``.

        Example:
            >>> import tensorbundle as tb
            >>> tb.open(tb.demo("slices")).incomplete
            ('gap', 'orphan')
        """
        return tuple(info.name for info in self.iter_infos() if not info.complete)

    @functools.cached_property
    def nbytes(self) -> int:
        """Bytes of all tensors together."""
        return sum(info.nbytes for info in self.iter_infos())

    # --- values ----------------------------------------------------------------------------------

    def load(
        self,
        names: Filter = None,
        *,
        out: Mapping[str, Array] | None = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> dict[str, Array]:
        """Read many tensors into arrays of their own, in one call.

        Args:
            names: Which; see `infos`. None with ``out`` means the names in ``out``, otherwise all.
            out: Arrays to read into, by name: of the same dtype and shape, C-contiguous and
                writable. They are what is returned.
            threads: How many to use; 0 means as many as are useful.
            progress: As of `verify`.

        Returns:
            Writable arrays by the names that were asked for, in key order; every checksum was
            checked, whatever ``verify`` was at `tensorbundle.open`. Nothing is borrowed from files.
            What no array holds (`TensorInfo.obstacle`: variants, tensors of which slices are
            missing) is left out with a `LeftOutWarning`, unless ``names`` gives it in full.

        Raises:
            ChecksumError: A tensor's bytes were changed.
            TensorNotFoundError: A name is not there, or nothing matches.
            FormatError, MissingFileError, UnsupportedError: As for single tensors.
            ConversionError: An array in ``out`` does not fit.

        Example:
            >>> import tensorbundle as tb
            >>> ckpt = tb.open(tb.demo())
            >>> weights = ckpt.load("dense/*")
            >>> weights["dense/bias"] += 1
        """
        if names is None and out is not None:
            names = list(out)
        loaded: dict[str, Array] = {}
        for label, info in self._metered(names, progress):
            target = None if out is None else fitting(out, label, info)
            loaded[label] = self._read_owned(info)
            if target is not None:
                target[...] = loaded[label]
                loaded[label] = target
        return loaded

    def views(
        self, names: Filter = None, *, threads: int = 0, progress: Progress = None
    ) -> dict[str, Array]:
        """Give many tensors at once as ``ckpt[name]`` does, checked in one call.

        Args:
            names: Which; see `infos`.
            threads: How many to use for the checksums; 0 means as many as are useful.
            progress: As of `verify`.

        Returns:
            Arrays by name, as from `load`: borrowed from the files where ``ckpt[name]`` borrows.
        """
        return {label: self._read(info) for label, info in self._metered(names, progress)}

    def read_slice(self, name: str | bytes, index: Any) -> Array:
        """Read part of a tensor, and of its bytes no more than are needed.

        Args:
            name: The tensor.
            index: What numpy's basic indexing takes: integers, slices, ``...`` and tuples of them;
                ``numpy.s_`` helps to write it.

        Returns:
            A writable array of its own. The checksum of a plain tensor covers all of its bytes, so
            it is **not** checked here; those of the stored slices of a partitioned tensor are.

        Raises:
            IndexError: The index does not fit the shape.

        Example:
            >>> import numpy as np, tensorbundle as tb
            >>> ckpt = tb.open(tb.demo())
            >>> ckpt.read_slice("dense/bias", np.s_[2:5]).shape
            (3,)
        """
        # With the dtype: numpy would make a string of fixed width of a single element.
        array = self._read_owned(self.info(name))
        return np.array(array[index], array.dtype)

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces, for writing them elsewhere in little memory.

        Args:
            name: The tensor; not one of strings.
            nbytes: How large a piece may be.

        Yields:
            C-order, little-endian bytes; each piece is valid until the next is asked for.

        Raises:
            ChecksumError: After the last piece: so write to a temporary name.
            ConversionError: The tensor has no such bytes (strings).
        """
        info = self.info(name)
        array = self._read_owned(info)
        if array.dtype == object:
            raise ConversionError("a string tensor has no bytes of fixed width", key=info.name)
        raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        for start in range(0, len(raw), nbytes):
            yield raw[start : start + nbytes]


def fitting(out: Mapping[str, Array], label: str, info: TensorInfo) -> Array:
    """Return ``out[label]``, having checked that the tensor can be read into it."""
    if not isinstance(out, Mapping):
        raise TypeError(f"`out` is a mapping of arrays by name, not {type(out).__name__}")
    array = out.get(label)
    if not isinstance(array, np.ndarray):
        raise ConversionError("`out` holds no array for this tensor", key=info.name)
    if array.shape != info.shape or array.dtype != info.dtype:
        raise ConversionError(
            f"`out` does not fit: {array.dtype}{list(array.shape)}, "
            f"but the tensor is {info.dtype}{list(info.shape)}",
            key=info.name,
        )
    if not (array.flags.c_contiguous and array.flags.writeable):
        raise ConversionError("`out` must be C-contiguous and writable", key=info.name)
    return array


class _Items(ItemsView[str, Array]):
    """Items whose iteration reads ahead."""

    _mapping: Checkpoint

    def __iter__(self) -> Iterator[tuple[str, Array]]:
        return self._mapping._sweep()


class _Values(ValuesView[Array]):
    """Values whose iteration reads ahead."""

    _mapping: Checkpoint

    def __iter__(self) -> Iterator[Array]:
        return (array for _, array in self._mapping._sweep())
