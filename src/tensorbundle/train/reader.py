"""Reading as ``tf.train.load_checkpoint`` does: a face over `tensorbundle.open`."""

from __future__ import annotations

import functools
import os
from typing import Any, TypeAlias

from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.opening import open
from .._format.dtypes import Array
from .._format.names import as_bytes, as_name
from .._format.tensor_info import TensorInfo
from .._locate.checkpoints import locate
from ..errors import FormatError, TensorBundleError, TensorNotFoundError
from .directory import Path, local_path
from .dtypes import DType, interned
from .errors import NoCheckpointError, both, raised_as_both
from .series.newest import latest_checkpoint

# Device, inode, size and time of change of each file that says what a checkpoint holds.
_Identity: TypeAlias = tuple[tuple[int, int, int, int], ...]


class CheckpointReader:
    """Reader that `load_checkpoint` returns.

    Args:
        filename: A checkpoint that is open, or what `NewCheckpointReader` takes.

    Example:
        >>> import tensorbundle as tb
        >>> reader = tb.train.load_checkpoint(tb.demo())
        >>> reader.get_variable_to_shape_map()["dense/bias"]
        [16]
    """

    def __init__(self, filename: Checkpoint | str | bytes) -> None:
        self._checkpoint = filename if isinstance(filename, Checkpoint) else _strictly(filename)

    @functools.cached_property
    def _infos(self) -> tuple[TensorInfo, ...]:
        """Facts of all tensors, made once: programs ask again and again."""
        return tuple(self._checkpoint.infos())

    def has_tensor(self, tensor_str: str | bytes) -> bool:
        """Tell whether there is a tensor of that name.

        Raises:
            TypeError: It is no name.
        """
        return _checked(tensor_str) in self._checkpoint

    def get_tensor(self, tensor_str: str | bytes) -> Any:
        """Read one tensor, and check its checksum.

        Returns:
            A writable array of its own; for a scalar what numpy has for it: ``numpy.float32``,
            ``bytes``, …

        Raises:
            TypeError: It is no name.
            MissingTensorError: No such name; near ones are suggested.
            ChangedError: Its bytes were changed.
            NotSupportedError: No array holds its type.
        """
        try:
            array: Array = self._checkpoint[_checked(tensor_str)]
        except TensorNotFoundError as error:
            asked = as_name(tensor_str)
            is_v1 = self._checkpoint.location.kind == "v1"
            words = f"{asked} not found in checkpoint file"
            raise both(error, words if is_v1 else f"Key {asked} not found in checkpoint") from error
        except TensorBundleError as error:
            raise both(error) from error
        if self._checkpoint.mode != "read":  # in which each access is a copy already
            array = array.copy()
        return array if array.ndim else array[()]

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Shapes by name; a partitioned tensor has its full shape."""
        return {info.name: list(info.shape) for info in self._infos}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Types by name."""
        return {info.name: interned(info.data_type) for info in self._infos}

    def debug_string(self) -> bytes:
        """One line a tensor: name, type, shape; for a partitioned tensor the full shape."""
        is_v1 = self._checkpoint.location.kind == "v1"
        lines = []
        for info in self._infos:
            shape = ",".join(map(str, info.shape))
            slices = f", {len(info.slices)} slices" if is_v1 and len(info.slices) > 1 else ""
            lines.append(f"{info.name} (DT_{_enum_name(info.tf_dtype)}) [{shape}]{slices}\n")
        return as_bytes("".join(lines))

    # Names that programs call though they are TensorFlow's own.

    def _HasTensor(self, tensor_str: str | bytes) -> bool:
        return self.has_tensor(tensor_str)

    def _GetVariableToDataTypeMap(self) -> dict[str, int]:
        return {info.name: info.data_type for info in self._infos}

    def CheckpointReader_GetTensor(self, tensor_str: str | bytes) -> Any:
        """Read one tensor; the name of `get_tensor` in TensorFlow's binding."""
        return self.get_tensor(tensor_str)


def _checked(name: object) -> str | bytes:
    if not isinstance(name, (str, bytes)):
        raise TypeError(f"Expected binary or unicode string, got {name!r}")
    return name


def _enum_name(name: str) -> str:
    """What a type is called in the enum of TensorFlow's protocol."""
    return {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}.get(name, name.upper())


def NewCheckpointReader(filepattern: str | bytes) -> CheckpointReader:
    """Open a checkpoint by its prefix, as ``tf.compat.v1.train.NewCheckpointReader`` does.

    Args:
        filepattern: A prefix; of V1 checkpoints the file, or the glob of the shards. Nothing else
            is taken for it: `load_checkpoint` and `tensorbundle.open` are kinder.

    Raises:
        MissingCheckpointError: There is none; the message says what is there instead.
        DamagedError: It is something else.

    Example:
        >>> import tensorbundle as tb
        >>> path = tb.demo() + "/model.ckpt-2000"
        >>> tb.train.NewCheckpointReader(path).has_tensor("dense/bias")
        True
    """
    return CheckpointReader(filepattern)


def _strictly(filepattern: str | bytes) -> Checkpoint:
    path = local_path(_checked(filepattern))
    with raised_as_both(words=_no_files(path)):
        try:
            checkpoint = open(path, mode="read")
        except FormatError as error:
            error.message = f"Unable to open table file {path}: Data loss: {error.message}"
            raise
        location = checkpoint.location
        if location.kind == "graph" or (location.kind == "v2" and location.prefix != path):
            raise FormatError(
                f"Unable to open table file {path}: Data loss: it is no prefix of a checkpoint, "
                f"expected {location.prefix!r}",
                path=path,
            )
    return checkpoint


def _no_files(path: str) -> str:
    return (
        f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {path}"
    )


def load_checkpoint(ckpt_dir_or_file: Path) -> CheckpointReader:
    """Open a checkpoint, or the newest one of a directory.

    Args:
        ckpt_dir_or_file: A directory, a prefix, or whatever else `tensorbundle.open` takes.

    Returns:
        A reader. While nothing changed on the disk, it is shared with earlier calls.

    Raises:
        NoCheckpointError: A directory has none; it is a ValueError, as in TensorFlow.
        MissingCheckpointError: There is none; the message says what is there instead.
        DamagedError, NotSupportedError: As for `tensorbundle.open`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.load_checkpoint(tb.demo()).has_tensor("dense/bias")
        True
    """
    path = local_path(ckpt_dir_or_file)
    if not os.path.isdir(path):
        with raised_as_both(words=_no_files(path)):
            return _shared(path)
    words = f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}"
    with raised_as_both(NoCheckpointError, words):
        return _shared(latest_checkpoint(path) or path)


def _shared(path: str) -> CheckpointReader:
    """The reader of a checkpoint, opened once while its files stay the same."""
    location = locate(path)
    files = location.files or (location.index or "",)
    identity = tuple(
        (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        for found in map(os.stat, files)
    )
    return _opened(path, os.getcwd(), identity)


# Programs load the variables of one checkpoint by one call each, or go to and fro between two.
@functools.lru_cache(maxsize=2)
def _opened(path: str, directory: str, identity: _Identity) -> CheckpointReader:
    return CheckpointReader(open(path, mode="read"))


def load_variable(ckpt_dir_or_file: Path, name: str | bytes) -> Any:
    """Read one tensor; ``:0`` at the end of its name is left out.

    Raises:
        MissingTensorError: No such name.
        TensorBundleError: As for `load_checkpoint` and `CheckpointReader.get_tensor`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.load_variable(tb.demo(), "dense/bias:0").shape
        (16,)
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(as_name(_checked(name)).removesuffix(":0"))


def list_variables(ckpt_dir_or_file: Path) -> list[tuple[str, list[int]]]:
    """List the names and shapes of all tensors, sorted by name.

    Raises:
        TensorBundleError: As for `load_checkpoint`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.list_variables(tb.demo("saver"))[0]
        ('dense/bias', [4])
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())
