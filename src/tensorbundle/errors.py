"""Errors that tensorbundle raises.

    TensorBundleError(Exception)            .path .key .offset .nbytes  (may be None)
    ├── MissingFileError      (FileNotFoundError)    no checkpoint there, or a shard is absent
    ├── TensorNotFoundError   (KeyError)             no such name; up to three near ones are listed
    ├── FormatError           (ValueError)           the bytes are not a well-formed checkpoint
    │   └── ChecksumError                            well-formed, but changed
    ├── UnsupportedError      (NotImplementedError)  sound, but of a version or type not supported
    └── ConversionError       (ValueError)           the target cannot hold this

Trouble with the operating system stays ``OSError``. What is written although TensorFlow will not
read it back is told by a ``CompatibilityWarning``; what a call for all tensors left out, by a
``LeftOutWarning``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

__all__ = [
    "ChecksumError",
    "CompatibilityWarning",
    "ConversionError",
    "FormatError",
    "LeftOutWarning",
    "MissingFileError",
    "TensorBundleError",
    "TensorNotFoundError",
    "UnsupportedError",
]


class TensorBundleError(Exception):
    """Base of every error of this library.

    Attributes:
        path: The file concerned, or None.
        key: The tensor concerned, or None.
        offset: The byte offset in ``path`` where the trouble was seen, or None.
        nbytes: How many bytes from ``offset`` on are concerned; 0 when that is not known.

    Example:
        >>> import tensorbundle as tb
        >>> try:
        ...     tb.open("no/such/model.ckpt")
        ... except tb.TensorBundleError as error:
        ...     print(type(error).__name__, error.path)
        MissingFileError no/such/model.ckpt
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        key: str | None = None,
        offset: int | None = None,
        nbytes: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.key = key
        self.offset = offset
        self.nbytes = nbytes
        self._explained = False

    def __str__(self) -> str:
        # KeyError would quote the message, FileNotFoundError would format its arguments.
        what, colon, found = self.message.partition(": ")
        return printable(f"{what}{self._where()}{colon}{found}")

    def __repr__(self) -> str:
        # What the arguments were is not all: the place and the cause are found out later.
        return f"{type(self).__name__}({str(self)!r})"

    def _where(self) -> str:
        """The place, between what went wrong and what was expected; not said twice."""
        parts = []
        if self.path is not None and self.path not in self.message:
            parts.append(self.path)
        if self.offset is not None and self.nbytes:
            parts.append(f"bytes {self.offset}-{self.offset + self.nbytes}")
        elif self.offset is not None:
            parts.append(f"byte {self.offset}")
        tensor = ""
        if self.key is not None and repr(self.key) not in self.message:
            tensor = f" in tensor {self.key!r}"
        return f"{tensor} ({', '.join(parts)})" if parts else tensor

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in ("path", "key", "offset", "nbytes")}
        return (type(self), (self.message,), state)

    def add_context(self, *, path: str | None = None, key: str | None = None) -> Self:
        """Fill in what the thrower could not know; what is known already stays.

        Args:
            path: The file that was being read.
            key: The tensor that was being read.

        Returns:
            The same error, for ``raise error.add_context(...)``.
        """
        self.path = path if self.path is None else self.path
        self.key = key if self.key is None else self.key
        return self

    def add_cause(self, cause: str) -> Self:
        """Add to the message what explains it, the first time that somebody knows it."""
        if not self._explained:
            self.message += f"; {cause}"
            self._explained = True
        return self


class MissingFileError(TensorBundleError, FileNotFoundError):
    """There is no checkpoint at the path, or a shard that the index names is absent."""


class TensorNotFoundError(TensorBundleError, KeyError):
    """Missing tensor: the checkpoint holds none of that name.

    Attributes:
        near: Up to three names that may be meant. They are sought when they are first asked for,
            or the message is: a program that probes for names never pays for it.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        key: str | None = None,
        offset: int | None = None,
        nbytes: int = 0,
        near: tuple[str, ...] | Callable[[], tuple[str, ...]] = (),
    ) -> None:
        super().__init__(message, path=path, key=key, offset=offset, nbytes=nbytes)
        self._near = near

    @property
    def near(self) -> tuple[str, ...]:
        """Names that may be meant, up to three."""
        if callable(self._near):
            self._near = self._near()
        return self._near

    def __str__(self) -> str:
        hint = f": did you mean {', '.join(map(repr, self.near))}?" if self.near else ""
        return printable(super().__str__() + hint)

    def __reduce__(self) -> tuple[Any, ...]:
        what, arguments, state = super().__reduce__()
        return (what, arguments, {**state, "_near": self.near})


class FormatError(TensorBundleError, ValueError):
    """Malformed bytes: not those of a well-formed checkpoint or graph."""


class ChecksumError(FormatError):
    """Changed bytes: well-formed, but not those that were written."""


class UnsupportedError(TensorBundleError, NotImplementedError):
    """Unsupported version or type of a file that is sound."""


class ConversionError(TensorBundleError, ValueError):
    """Impossible conversion: the target format or memory cannot hold this tensor."""


class CompatibilityWarning(UserWarning):
    """Warning: what is written is sound, but TensorFlow will not be able to read it back."""


class LeftOutWarning(UserWarning):
    """Warning: tensors are not among the results, because no array can hold the whole of them."""
