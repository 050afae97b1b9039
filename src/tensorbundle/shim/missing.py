"""Missing parts of TensorFlow: errors that name the part, who asked, and what it would need."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Final

from ..errors import UnsupportedError

_ABSENT: Final = "is not in tensorbundle's stand-in for TensorFlow"
_GRAPHS: Final = "building a graph needs TensorFlow itself"
_TRAINING: Final = "training needs TensorFlow itself"
_ARITHMETIC: Final = "computing needs TensorFlow itself, or numpy"
_KERAS: Final = "models of Keras need TensorFlow or Keras itself"
_DATA: Final = "input pipelines and records need TensorFlow itself"
_OTHERS: Final = "without TensorFlow, checkpoints are read and imported graphs run"

# What parts are for, by the first name of theirs that is known.
_WORDS: Final = (
    (
        _GRAPHS,
        "placeholder placeholder_with_default sparse_placeholder layers nn get_variable Variable "
        "get_local_variable AUTO_REUSE rnn seq2seq slim losses initializers add_to_collection "
        "while_loop cond function Operation zeros_initializer ones_initializer "
        "constant_initializer random_normal_initializer random_uniform_initializer "
        "truncated_normal_initializer glorot_uniform_initializer glorot_normal_initializer "
        "variance_scaling_initializer orthogonal_initializer VariableScope control_dependencies "
        "assign assign_add group stop_gradient fixed_size_partitioner make_template sg "
        "init_from_checkpoint",
    ),
    (
        _TRAINING,
        "gradients GradientTape optimizers estimator distribute tpu metrics summary gradient "
        "AdamOptimizer GradientDescentOptimizer MomentumOptimizer RMSPropOptimizer "
        "AdagradOptimizer Optimizer ExponentialMovingAverage MonitoredTrainingSession "
        "MonitoredSession SessionRunHook exponential_decay Coordinator start_queue_runners "
        "Supervisor create_global_step get_or_create_global_step",
    ),
    (
        _ARITHMETIC,
        "math linalg matmul add subtract multiply divide reduce_sum reduce_mean reduce_max "
        "transpose reshape concat stack unstack split gather where argmax argmin equal greater "
        "less zeros ones zeros_like ones_like fill eye range random random_normal random_uniform "
        "exp log sqrt square abs maximum minimum clip_by_value expand_dims squeeze tile one_hot "
        "tensordot einsum image signal strings",
    ),
    (_KERAS, "keras"),
    (
        _DATA,
        "data TFRecordReader parse_single_example Example Features Feature train_data",
    ),
)
_PURPOSES: Final = {name: purpose for purpose, names in _WORDS for name in names.split()}


class MissingPartError(UnsupportedError, AttributeError):
    """Part of TensorFlow that a module of the stand-in lacks."""


class MissingModuleError(UnsupportedError, ModuleNotFoundError):
    """Module of TensorFlow that the stand-in lacks.

    Its `name` is that of what is not installed: TensorFlow.
    """

    def __init__(self, message: str, **place: Any) -> None:
        super().__init__(message, **place)
        self.name = "tensorflow"


class NeedsTensorFlowError(UnsupportedError, RuntimeError):
    """Call that only TensorFlow itself could answer."""


def purpose_of(part: str) -> str:
    """What a part is for, as a reason why it is not there.

    Example:
        >>> purpose_of("tf.layers.dense")
        'building a graph needs TensorFlow itself'
    """
    found = (_PURPOSES[name] for name in part.split(".") if name in _PURPOSES)
    return next(found, _OTHERS)


def missing_part(module: str, name: str) -> MissingPartError:
    """The error for an attribute that a module of the stand-in has not."""
    why = purpose_of(f"{module}.{name}")
    return MissingPartError(f"{_told(module)}.{name} {_ABSENT}{_asked()}: {why}")


def missing_module(module: str) -> MissingModuleError:
    """The error for the import of a module that the stand-in has not."""
    return MissingModuleError(f"{module} {_ABSENT}{_asked()}: {purpose_of(module)}")


def needs_tensorflow(part: str, purpose: str = "") -> NeedsTensorFlowError:
    """The error for a call that only TensorFlow answers."""
    return NeedsTensorFlowError(
        f"{part} does not work here{_asked()}: {purpose or purpose_of(part)}"
    )


def _told(module: str) -> str:
    return "tf" if module in ("tensorflow", "tensorflow.compat.v1") else module


def _asked() -> str:
    """Place in the program that asked: the first that is neither of this package nor importing."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("tensorbundle.", "importlib")) and name != "tensorbundle":
            return f" ({frame.f_code.co_filename}, line {frame.f_lineno})"
        frame = frame.f_back
    return ""
