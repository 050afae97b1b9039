"""Torch's `.pt` and `.bin`: tensors of a state dict, read by torch, weights only.

A file may hold more than weights: these are then below ``state_dict``, as many programs have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from ..._format import dtypes
from ..._format.dtypes import Array
from ..._format.foreign.torch import array_of
from ...errors import FormatError, UnsupportedError
from .content import Held
from .files import regular_file

_WITHIN: Final = ("state_dict", "model_state_dict", "model")


class TorchFile:
    """The tensors of a state dict."""

    checksums = False

    def __init__(self, path: str) -> None:
        """Map the file.

        Raises:
            FormatError: It is damaged, or holds more than tensors and plain containers of them.
            UnsupportedError: torch is not installed.
        """
        try:
            import torch
        except ImportError:
            raise UnsupportedError(
                "reading files of torch needs a library: pip install torch", path=path
            ) from None
        self.files: tuple[str, ...] = (path,)
        regular_file(path)
        try:
            given = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # pickle's and torch's own, of whatever kind
            said = str(error).strip().partition("\n")[0]
            raise FormatError(f"torch reads no weights here: {said:.300}", path=path) from None
        self._tensors = _tensors(given, torch.Tensor)
        if not self._tensors:
            raise FormatError("no state dict: there are no tensors by name in it", path=path)

    def names(self) -> list[str]:
        """Give the names; see `Format`."""
        return list(self._tensors)

    def file_of(self, name: str) -> str:
        """Give the file; see `Format`."""
        return self.files[0]

    def find(self, name: str) -> Held:
        """Describe a tensor; see `Format`."""
        tensor = self._tensors[name]
        word, shape = str(tensor.dtype), tuple(tensor.shape)
        number = dtypes.number_named(word.removeprefix("torch.")) or 0
        dtype = dtypes.numpy_dtype(number) if number else None
        nbytes = tensor.numel() * tensor.element_size()
        return Held(word, dtype, number, shape, TorchTensor(tensor, nbytes))


class TorchTensor:
    """The bytes of a tensor."""

    def __init__(self, tensor: Any, nbytes: int) -> None:
        self.nbytes = nbytes
        self._tensor = tensor

    def _bytes(self) -> Array:
        return np.ascontiguousarray(array_of(self._tensor)).reshape(-1).view(np.uint8)

    def fill(self, buffer: memoryview) -> None:
        """Copy them; see `Content`."""
        if self.nbytes:
            buffer[:] = self._bytes().data

    def pieces(self, nbytes: int) -> Iterator[memoryview]:
        """Give them; see `Content`."""
        whole = self._bytes() if self.nbytes else np.empty(0, np.uint8)
        for start in range(0, self.nbytes, nbytes):
            yield whole[start : start + nbytes].data


def _tensors(given: Any, kind: type) -> dict[str, Any]:
    """The tensors of a state dict, or of the one that lies within."""
    if not isinstance(given, Mapping):
        return {}
    found = {str(name): value for name, value in given.items() if isinstance(value, kind)}
    for name in _WITHIN:
        found = found or (_tensors(given[name], kind) if name in given else {})
    return found
