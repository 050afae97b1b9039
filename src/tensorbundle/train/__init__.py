"""Face of ``tf.train`` for variables that are numpy arrays: save, keep the newest, resume.

Names, files and state files are TensorFlow's, so that either side continues the other's directory.
What differs is said where it does: variables are mappings of arrays, errors this library's own.

    saver = tb.train.Saver(max_to_keep=4)
    saver.save(variables, "run/model.ckpt", step)               # a flat mapping, saved by name
    saver.restore(variables, tb.train.latest_checkpoint("run"))

    manager = tb.train.CheckpointManager(tree, "run", max_to_keep=4)    # a tree, saved as objects
    manager.restore_or_initialize()
    manager.save()
"""

from .._format.state import CheckpointState
from . import errors
from .checkpoint_manager import CheckpointManager
from .directory import (
    checkpoint_exists,
    generate_checkpoint_state_proto,
    get_checkpoint_mtimes,
    get_checkpoint_state,
    remove_checkpoint,
    update_checkpoint_state,
)
from .dtypes import DType, as_dtype
from .reader import (
    CheckpointReader,
    NewCheckpointReader,
    list_variables,
    load_checkpoint,
    load_variable,
)
from .retention import SaverDef
from .saver import Saver
from .series.newest import latest_checkpoint
from .tree_checkpoint import Checkpoint
from .view import CheckpointView
from .waiting import checkpoints_iterator, wait_for_new_checkpoint

__all__ = [
    "Checkpoint",
    "CheckpointManager",
    "CheckpointReader",
    "CheckpointState",
    "CheckpointView",
    "DType",
    "NewCheckpointReader",
    "Saver",
    "SaverDef",
    "as_dtype",
    "checkpoint_exists",
    "checkpoints_iterator",
    "errors",
    "generate_checkpoint_state_proto",
    "get_checkpoint_mtimes",
    "get_checkpoint_state",
    "latest_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "remove_checkpoint",
    "update_checkpoint_state",
    "wait_for_new_checkpoint",
]
