"""Reading as ``tf.train.load_checkpoint`` does: a face over `tensorbundle.open`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.opening import open
from .._format import dtypes
from .._format.dtypes import Array
from .._format.names import as_bytes, as_name
from .directory import Path, latest_checkpoint

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class DType:
    """What a checkpoint says of a tensor's type; has the names that ``tf.DType`` has.

    Attributes:
        name: TensorFlow's name: ``float32``, ``qint8``, ``string``, …
        as_datatype_enum: TensorFlow's number for it.
    """

    name: str
    as_datatype_enum: int

    @property
    def as_numpy_dtype(self) -> np.dtype[Any] | None:
        """The dtype of the arrays that hold it; None where no array does."""
        return dtypes.numpy_dtype(self.as_datatype_enum)


class CheckpointReader:
    """The reader that `load_checkpoint` returns.

    Example:
        >>> import tensorbundle as tb
        >>> reader = tb.train.load_checkpoint("tests/golden/data/demo")
        >>> reader.get_variable_to_shape_map()["dense/bias"]
        [16]
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def has_tensor(self, tensor_str: str | bytes) -> bool:
        """Whether there is a tensor of that name."""
        return tensor_str in self._checkpoint

    def get_tensor(self, tensor_str: str | bytes) -> Any:
        """Read one tensor, and check its checksum.

        Returns:
            A writable array of its own; for a scalar what numpy has for it: ``numpy.float32``,
            ``bytes``, …

        Raises:
            TensorNotFoundError: No such name; near ones are suggested.
            ChecksumError: Its bytes were changed.
            UnsupportedError: No array holds its type.
        """
        name = self._checkpoint.info(tensor_str).name
        array: Array = self._checkpoint.load([name])[name]
        return array if array.ndim else array[()]

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Shapes by name; a partitioned tensor has its full shape."""
        return {info.name: list(info.shape) for info in self._checkpoint.infos()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Types by name."""
        return {
            info.name: DType(info.tf_dtype, info.data_type) for info in self._checkpoint.infos()
        }

    def debug_string(self) -> bytes:
        """One line a tensor: name, type, shape; for a partitioned tensor the full shape."""
        lines = [
            f"{info.name} (DT_{_enum_name(info.tf_dtype)}) [{','.join(map(str, info.shape))}]\n"
            for info in self._checkpoint.infos()
        ]
        return as_bytes("".join(lines))


def _enum_name(name: str) -> str:
    """What a type is called in the enum of TensorFlow's protocol."""
    return {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}.get(name, name.upper())


def load_checkpoint(ckpt_dir_or_file: Path) -> CheckpointReader:
    """Open a checkpoint, or the newest one of a directory.

    Args:
        ckpt_dir_or_file: A directory, a prefix, or whatever else `tensorbundle.open` takes.

    Raises:
        MissingFileError: There is none; the message says what is there instead.
        FormatError, UnsupportedError: As for `tensorbundle.open`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.load_checkpoint("tests/golden/data/demo").has_tensor("dense/bias")
        True
    """
    path = os.fsdecode(ckpt_dir_or_file)
    newest = latest_checkpoint(path) if os.path.isdir(path) else None
    return CheckpointReader(open(newest or path))


def load_variable(ckpt_dir_or_file: Path, name: str | bytes) -> Any:
    """Read one tensor; ``:0`` at the end of its name is left out.

    Raises:
        TensorNotFoundError: No such name.
        TensorBundleError: As for `load_checkpoint` and `CheckpointReader.get_tensor`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.load_variable("tests/golden/data/demo", "dense/bias:0").shape
        (16,)
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(as_name(name).removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Path) -> list[tuple[str, list[int]]]:
    """List the names and shapes of all tensors, sorted by name.

    Raises:
        TensorBundleError: As for `load_checkpoint`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.list_variables("tests/golden/data/saver")[0]
        ('dense/bias', [4])
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())
