"""``tf.errors``: TensorFlow's classes, and errors that are both TensorFlow's and this library's.

    try:
        reader = tb.train.load_checkpoint("run")
    except (ValueError, tb.train.errors.NotFoundError):     # as for tf.train
        reader = None

What `train` raises is of one of the last classes here: it is caught by TensorFlow's name and by
that of `tensorbundle.errors`, and says in TensorFlow's words what programs look for in them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final

from ..errors import (
    ChecksumError,
    ConversionError,
    FormatError,
    MissingFileError,
    TensorBundleError,
    TensorNotFoundError,
    UnsupportedError,
)

OK: Final = 0
CANCELLED: Final = 1
UNKNOWN: Final = 2
INVALID_ARGUMENT: Final = 3
DEADLINE_EXCEEDED: Final = 4
NOT_FOUND: Final = 5
ALREADY_EXISTS: Final = 6
PERMISSION_DENIED: Final = 7
RESOURCE_EXHAUSTED: Final = 8
FAILED_PRECONDITION: Final = 9
ABORTED: Final = 10
OUT_OF_RANGE: Final = 11
UNIMPLEMENTED: Final = 12
INTERNAL: Final = 13
UNAVAILABLE: Final = 14
DATA_LOSS: Final = 15
UNAUTHENTICATED: Final = 16


class OpError(Exception):
    """The base of TensorFlow's errors.

    Attributes:
        message: What went wrong.
        error_code: The number of its kind.
        node_def, op: None: no operation of a graph was run.
        experimental_payloads: What else is known.
    """

    message: str
    error_code: int = UNKNOWN
    node_def: Any = None
    op: Any = None

    def __init__(
        self, node_def: Any, op: Any, message: str, error_code: int = UNKNOWN, *args: Any
    ) -> None:
        super().__init__(node_def, op, message, error_code, *args)
        self.node_def, self.op, self.message, self.error_code = node_def, op, message, error_code

    @property
    def experimental_payloads(self) -> dict[Any, Any]:
        """What else is known of the error."""
        return self.args[4] if len(self.args) > 4 else {}

    def __str__(self) -> str:
        return self.message


class _Coded(OpError):
    """An error whose class says its code."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, type(self).error_code, *args)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (*self.args[:3], *self.args[4:])


class CancelledError(_Coded):
    """Something was cancelled."""

    error_code = CANCELLED


class UnknownError(_Coded):
    """Something else went wrong."""

    error_code = UNKNOWN


class InvalidArgumentError(_Coded):
    """An argument does not fit."""

    error_code = INVALID_ARGUMENT


class DeadlineExceededError(_Coded):
    """The time was up."""

    error_code = DEADLINE_EXCEEDED


class NotFoundError(_Coded):
    """A file or a tensor is not there."""

    error_code = NOT_FOUND


class AlreadyExistsError(_Coded):
    """Something is there already."""

    error_code = ALREADY_EXISTS


class PermissionDeniedError(_Coded):
    """It is not allowed."""

    error_code = PERMISSION_DENIED


class ResourceExhaustedError(_Coded):
    """Memory or something else is used up."""

    error_code = RESOURCE_EXHAUSTED


class FailedPreconditionError(_Coded):
    """Something has to be done before."""

    error_code = FAILED_PRECONDITION


class AbortedError(_Coded):
    """Something was given up."""

    error_code = ABORTED


class OutOfRangeError(_Coded):
    """The end was passed."""

    error_code = OUT_OF_RANGE


class UnimplementedError(_Coded):
    """Nobody can do that."""

    error_code = UNIMPLEMENTED


class InternalError(_Coded):
    """Something that cannot be."""

    error_code = INTERNAL


class UnavailableError(_Coded):
    """It is not there at the moment."""

    error_code = UNAVAILABLE


class DataLossError(_Coded):
    """Data is damaged."""

    error_code = DATA_LOSS


class UnauthenticatedError(_Coded):
    """Nobody knows who asks."""

    error_code = UNAUTHENTICATED


# --- what is raised: both -------------------------------------------------------------------------


class MissingTensorError(TensorNotFoundError, NotFoundError):
    """The checkpoint holds no tensor of that name."""


class MissingCheckpointError(MissingFileError, NotFoundError):
    """There is no checkpoint at the prefix, or one of its shards is absent."""


class NoCheckpointError(MissingFileError, ValueError):
    """There is no checkpoint in a directory, where TensorFlow raises ValueError."""


class DamagedError(FormatError, DataLossError):
    """The bytes are not a well-formed checkpoint."""


class ChangedError(ChecksumError, DataLossError):
    """The bytes are not those that were written."""


class CutOffError(FormatError, OutOfRangeError, IndexError):
    """A file ends before what is stored in it; TensorFlow raises the builtin IndexError."""


class NotSupportedError(UnsupportedError, UnimplementedError):
    """The file is sound, but of a version or type that is not supported."""


class MisfitError(ConversionError, InvalidArgumentError):
    """A variable does not fit the tensor."""


_BOTH: Final[tuple[tuple[type[TensorBundleError], type[TensorBundleError]], ...]] = (
    (TensorNotFoundError, MissingTensorError),
    (MissingFileError, MissingCheckpointError),
    (ChecksumError, ChangedError),
    (FormatError, DamagedError),
    (UnsupportedError, NotSupportedError),
    (ConversionError, MisfitError),
)


def both(
    error: TensorBundleError, words: str = "", kind: type[TensorBundleError] | None = None
) -> TensorBundleError:
    """Make an error of this library one of TensorFlow's as well.

    Args:
        error: The error.
        words: What TensorFlow says, to come before what we say.
        kind: The class; that of the same meaning when None.
    """
    if kind is None:
        kind = next((both for ours, both in _BOTH if isinstance(error, ours)), None)
    if kind is DamagedError and _is_cut_off(error):
        kind = CutOffError
    if kind is None or isinstance(error, kind):
        return error
    made = kind(error.message)
    made.__dict__.update(error.__dict__)
    if words:
        made.message = f"{words}: {error.message}"
    return made


def _is_cut_off(error: TensorBundleError) -> bool:
    """Whether the bytes that are wrong lie beyond the end of their file."""
    if error.path is None or error.offset is None or not error.nbytes:
        return False
    with contextlib.suppress(OSError):
        return os.stat(error.path).st_size < error.offset + error.nbytes
    return False


@contextlib.contextmanager
def raised_as_both(
    missing: type[TensorBundleError] = MissingCheckpointError, words: str = ""
) -> Iterator[None]:
    """Raise this library's errors as TensorFlow's too.

    Args:
        missing: The class for a checkpoint that is not there.
        words: What TensorFlow says of that.
    """
    try:
        yield
    except MissingFileError as error:
        raise both(error, words, missing) from error
    except TensorBundleError as error:
        raise both(error) from error
