"""From a checkpoint into the variables of a program, which here are numpy arrays."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._checkpoint.checkpoint import Checkpoint
from .._format.dtypes import Array
from .._format.tensor_info import TensorInfo
from ..errors import ConversionError

if TYPE_CHECKING:
    from typing_extensions import Self

_NAMED: Final = 10


class Restored(dict[str, Array]):
    """Variables that were restored, by name or path, with the assertions of TensorFlow's status.

    Args:
        variables: The arrays.
        unused: The keys that the checkpoint holds beyond them.
    """

    def __init__(self, variables: Mapping[str, Array], unused: Sequence[str] = ()) -> None:
        super().__init__(variables)
        self._unused = tuple(unused)

    def assert_consumed(self) -> Self:
        """Check that nothing of the checkpoint was left over.

        Raises:
            AssertionError: Something was; up to ten keys are named.
        """
        if self._unused:
            names = ", ".join(map(repr, self._unused[:_NAMED]))
            raise AssertionError(
                f"unresolved values in the checkpoint, {len(self._unused)} of them: {names}"
            )
        return self

    def assert_existing_objects_matched(self) -> Self:
        """Check that every variable was restored, which is so: others are an error at once."""
        return self

    def assert_nontrivial_match(self) -> Self:
        """Check that something was restored.

        Raises:
            AssertionError: Nothing was.
        """
        if not self:
            raise AssertionError("nothing except the root object matched a checkpointed value")
        return self

    def expect_partial(self) -> Self:
        """Do nothing: nobody is warned of values that are left over."""
        return self

    def initialize_or_restore(self, session: object = None) -> None:
        """Do nothing: the variables are restored already."""

    def run_restore_ops(self, session: object = None) -> None:
        """Do nothing: the variables are restored already."""


def read_variables(
    checkpoint: Checkpoint,
    keys: Mapping[str, str],
    variables: Mapping[str, object],
    *,
    reshape: bool = False,
) -> dict[str, Array]:
    """Read tensors, into the arrays that there are for them.

    Args:
        checkpoint: Where to read from.
        keys: The tensor of each variable: its name or, of an object, its readable path.
        variables: What the program has now. Arrays are filled, once it is known that all of them
            fit; for anything else a new array is made.
        reshape: Whether an array of another shape but the same size fits.

    Returns:
        Arrays by variable, every checksum checked.

    Raises:
        TensorNotFoundError: A tensor is not there.
        ConversionError: An array does not fit.
        ChecksumError: A tensor's bytes were changed; other arrays may have been filled.
    """
    infos = {name: checkpoint.info(key) for name, key in keys.items()}
    arrays = {name: array for name in infos if isinstance(array := variables.get(name), np.ndarray)}
    for name, array in arrays.items():
        _check(name, array, infos[name], reshape)
    # Those that the core can fill itself; for the others tensors are read first and copied.
    out: dict[str, Array] = {}
    for name, array in arrays.items():
        if array.flags.c_contiguous and array.dtype == infos[name].dtype:
            out.setdefault(infos[name].name, array.reshape(infos[name].shape))
    loaded = checkpoint.load(list(out), out=out)
    loaded |= checkpoint.load([info.name for info in infos.values() if info.name not in out])
    for name, array in arrays.items():
        value = loaded[infos[name].name]
        if not np.may_share_memory(array, value):
            array[...] = value.reshape(array.shape)
    return {name: arrays.get(name, loaded[info.name]) for name, info in infos.items()}


def _check(name: str, array: Array, info: TensorInfo, reshape: bool) -> None:
    same_type = info.dtype is not None and array.dtype.newbyteorder("=") == info.dtype
    fits = array.size == info.size if reshape else array.shape == info.shape
    if not (same_type and fits):
        raise ConversionError(
            f"variable {name!r} does not fit: it is {array.dtype}{list(array.shape)}, "
            f"but the tensor is {info.tf_dtype}{list(info.shape)}",
            key=info.name,
        )
    if not array.flags.writeable:
        raise ConversionError(f"variable {name!r} cannot be restored: its array is read-only")


def as_mutable(variables: Mapping[str, Any] | None) -> MutableMapping[str, Any]:
    """Give the mapping that new arrays are put into. Raises TypeError when it takes none."""
    if not isinstance(variables, MutableMapping):
        raise TypeError(
            f"variables that are no arrays cannot be restored into a {type(variables).__name__}"
        )
    return variables
