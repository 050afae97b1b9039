"""Tensors as other libraries hold them: torch, JAX, trees of arrays, and a table of pandas'.

What is given is a copy: nothing that these libraries write in place reaches a file or a map of one.
What a library cannot hold is left out, unless it was asked for by name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import ConversionError, UnsupportedError
from ..selection import Filter

if TYPE_CHECKING:
    from ..._format.dtypes import Array
    from ..checkpoint import Checkpoint
    from .lazy import LazyArrays

# Below a byte torch has shells only: their values as integers of a byte.
_WIDER: Final = {"int4": "int8", "int2": "int8", "uint4": "uint8", "uint2": "uint8"}


class Conversions:
    """What a checkpoint gives to other libraries."""

    def to_dask(self, names: Filter = None, *, chunk_bytes: int | str = "128MiB") -> LazyArrays:
        """Give tensors as lazy arrays of Dask, whose chunks are runs of rows.

        Nothing is read, and no array is made, before it is asked for; workers open the checkpoint
        by its path or address, with credentials of their own.

        Args:
            names: Which; see `infos`. What no array holds is left out.
            chunk_bytes: How large chunks are at most: a number, or ``"128MiB"``.

        Raises:
            UnsupportedError: Dask is not installed.

        Example:
            >>> import tensorbundle as tb
            >>> lazy = tb.open(tb.demo()).to_dask()
            >>> lazy["dense/bias"].sum().compute().dtype
            dtype('float32')
        """
        from .lazy import lazy_arrays

        ckpt = _checkpoint(self)
        return lazy_arrays(ckpt, [label for label, _ in ckpt._readable(names)], chunk_bytes)

    def to_torch(self, names: Filter = None) -> dict[str, Any]:
        """Load tensors as ``torch.Tensor``, which own their memory and may be written in place.

        bfloat16 and float8 become torch's; integers below a byte int8 or uint8. What torch has no
        type for (strings) is left out, unless it is named.

        Args:
            names: Which; see `infos`.

        Raises:
            UnsupportedError: torch is not installed.
            ConversionError: torch has no type for a tensor that was named.
        """
        try:
            import torch
        except ImportError:
            raise UnsupportedError("to_torch needs a library: pip install torch") from None

        def converted(array: Array) -> Any:
            if array.dtype.name in _WIDER:
                array = array.astype(_WIDER[array.dtype.name])
            if array.dtype.isbuiltin != 2:
                return torch.from_numpy(array)
            wanted = getattr(torch, array.dtype.name, None)
            if wanted is None:
                raise TypeError
            # torch takes no types of ml_dtypes, but bytes that it is told the type of.
            raw = array.reshape(-1).view(f"i{array.dtype.itemsize}")
            return torch.from_numpy(raw).view(wanted).reshape(array.shape)

        return dict(_converted(_checkpoint(self), names, converted, "torch"))

    def to_jax(self, names: Filter = None) -> dict[str, Any]:
        """Load tensors as ``jax.Array``, of 64 bits too; see `to_torch`.

        Raises:
            UnsupportedError: jax is not installed.
            ConversionError: JAX has no type for a tensor that was named.
        """
        try:
            import jax
        except ImportError:
            raise UnsupportedError("to_jax needs a library: pip install jax") from None
        # Otherwise JAX makes 32 bits of 64.
        with jax.enable_x64(True):
            return dict(_converted(_checkpoint(self), names, jax.numpy.array, "JAX"))

    def to_frame(self, names: Filter = None) -> Any:
        """Make a ``pandas.DataFrame`` with the facts of tensors, one in a row; none is read.

        Args:
            names: Which; see `infos`.

        Returns:
            Indexed by name: ``path`` (where there are objects), ``dtype``, ``shape``, ``size``,
            ``nbytes``, ``shard``, ``offset``, ``crc32c``; what a tensor has none of is missing.

        Raises:
            UnsupportedError: pandas is not installed.

        Example:
            >>> import tensorbundle as tb
            >>> frame = tb.open(tb.demo()).to_frame("dense/*")
            >>> list(frame.index[:2]), frame.loc["dense/bias", "shape"]
            (['dense/bias', 'dense/bias/Adam'], (16,))
        """
        try:
            import pandas as pd
        except ImportError:
            raise UnsupportedError("to_frame needs a library: pip install pandas") from None
        ckpt = _checkpoint(self)
        infos = ckpt.infos(names)
        columns: dict[str, Any] = {
            "dtype": [info.tf_dtype for info in infos],
            "shape": [info.shape for info in infos],
            "size": np.array([info.size for info in infos], np.int64),
            "nbytes": np.array([info.nbytes for info in infos], np.int64),
            "shard": pd.array([info.shard for info in infos], "Int64"),
            "offset": pd.array([info.offset for info in infos], "Int64"),
            "crc32c": pd.array([info.crc32c for info in infos], "Int64"),
        }
        if (objects := ckpt.objects) is not None:
            columns = {"path": [objects.path_of(info.name) for info in infos], **columns}
        return pd.DataFrame(columns, index=pd.Index([info.name for info in infos], name="name"))

    def to_tree(self, names: Filter = None, *, separator: str = "/") -> dict[str, Any]:
        """Load tensors as nested dictionaries, as Flax and Orbax have them.

        Args:
            names: Which; see `infos`.
            separator: What parts names into the levels of the tree.

        Raises:
            ConversionError: A tensor's name is also the scope of another.

        Example:
            >>> import tensorbundle as tb
            >>> tree = tb.open(tb.demo()).to_tree("dense/[bk]*l")
            >>> tree["dense"]["kernel"].shape
            (784, 16)
        """
        tree: dict[str, Any] = {}
        for name, array in _checkpoint(self).load(names).items():
            *scopes, last = name.split(separator)
            branch = tree
            for depth, scope in enumerate(scopes):
                branch = branch.setdefault(scope, {})
                if isinstance(branch, np.ndarray):
                    raise _both(separator.join(scopes[: depth + 1]), name)
            if last in branch:
                inner, within = name, branch[last]
                while isinstance(within, dict):
                    key, within = next(iter(within.items()))
                    inner = f"{inner}{separator}{key}"
                raise _both(name, inner)
            branch[last] = array
        return tree


def _checkpoint(self: Conversions) -> Checkpoint:
    return self  # type: ignore[return-value]  # it is what every checkpoint is one of


def _converted(
    ckpt: Checkpoint, names: Filter, convert: Any, library: str
) -> Iterator[tuple[str, Any]]:
    given = [names] if isinstance(names, (str, bytes)) else names
    literal = {n for n in given if isinstance(n, str)} if isinstance(given, (list, tuple)) else ()
    for name in ckpt.select(names):
        info = ckpt.info(name)
        converted = None
        if info.dtype is not None and not info.dtype.hasobject:
            with contextlib.suppress(TypeError):  # the library has no such type
                converted = convert(ckpt.load([name])[name])
        if converted is not None:
            yield name, converted
        elif name in literal:
            raise ConversionError(f"{library} has no type for {info.tf_dtype}", key=name)


def _both(name: str, inside: str) -> ConversionError:
    return ConversionError(
        f"{name!r} is a tensor, and also a scope, of {inside!r}: a tree has room for one of them; "
        "choose names, or keep the mapping flat",
        key=name,
    )
