"""Inspection of checkpoints: ``tensorflow.python.tools.inspect_checkpoint``."""

from __future__ import annotations

import math
import re

from ...errors import TensorBundleError
from ...train import CheckpointReader, NewCheckpointReader


def print_tensors_in_checkpoint_file(
    file_name: str,
    tensor_name: str | None,
    all_tensors: bool,
    all_tensor_names: bool = False,
    count_exclude_pattern: str = "",
) -> None:
    """Print tensors of a checkpoint: one, all, their names, or a line about each.

    Args:
        file_name: The checkpoint's prefix.
        tensor_name: The tensor to print; for none, the checkpoint's contents.
        all_tensors: Whether to print all tensors instead.
        all_tensor_names: Whether to print all names instead.
        count_exclude_pattern: Tensors that are not counted: a regular expression.
    """
    try:
        reader = NewCheckpointReader(file_name)
    except TensorBundleError as error:  # which TensorFlow prints as well
        print(error)
        return
    if all_tensors or all_tensor_names:
        for name in sorted(reader.get_variable_to_shape_map()):
            _show(reader, name, value=all_tensors)
    elif not tensor_name:
        print(reader.debug_string().decode("utf-8", errors="ignore"))
    elif reader.has_tensor(tensor_name):
        _show(reader, tensor_name, value=True)
    else:
        print(f"Tensor {tensor_name} not found in checkpoint")
        return
    print(f"# Total number of params: {_count(reader, count_exclude_pattern)}")


def _show(reader: CheckpointReader, name: str, *, value: bool) -> None:
    shape = reader.get_variable_to_shape_map()[name]
    print(f"tensor: {name} ({reader.get_variable_to_dtype_map()[name].name}) {shape}")
    if value:
        print(reader.get_tensor(name))


def _count(reader: CheckpointReader, exclude: str) -> int:
    """Numbers in all tensors, those of names that match left out, which is told."""
    sizes = {name: math.prod(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    left_out = [name for name in sizes if exclude and re.search(exclude, name)]
    if exclude:
        count = sum(sizes.pop(name) for name in left_out)
        print(
            f"# Excluding {len(left_out)} tensors ({count} params) that match {exclude} "
            "when counting."
        )
    return sum(sizes.values())
