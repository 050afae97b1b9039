"""Real optimizers, of TensorFlow 1 and of both Keras, in a process of its own.

``make FOLDER`` saves a small model beside each; ``restore FOLDER`` restores what was made of these
checkpoints into models without an optimizer, and writes what TensorFlow found.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
import tf_keras

v1 = tf.compat.v1

# --- TensorFlow 1 ---------------------------------------------------------------------------------

NAMED: dict[str, Any] = {
    "Adadelta": lambda: v1.train.AdadeltaOptimizer(0.1),
    "Adagrad": lambda: v1.train.AdagradOptimizer(0.1),
    "AdagradDA": lambda: v1.train.AdagradDAOptimizer(0.1, v1.train.get_or_create_global_step()),
    "Adam": lambda: v1.train.AdamOptimizer(0.1),
    "Ftrl": lambda: v1.train.FtrlOptimizer(0.1),
    "Momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    "ProximalAdagrad": lambda: v1.train.ProximalAdagradOptimizer(0.1),
    "RMSProp": lambda: v1.train.RMSPropOptimizer(0.1, centered=True, momentum=0.9),
    "SGD": lambda: v1.train.GradientDescentOptimizer(0.1),
    "Scaled": lambda: v1.train.experimental.MixedPrecisionLossScaleOptimizer(
        v1.train.AdamOptimizer(0.1), "dynamic"
    ),
}
# Scope of the optimizer, scope of the model, and into how many parts variables are cut.
SETTINGS = {
    "plain": ("", "net", 1),
    "scoped": ("training", "net", 1),
    "long": ("a_scope/that_is_longer_than_the_names", "net", 2),
    "parts": ("", "net", 2),
    "dnn": ("dnn", "dnn", 2),
    "Adam": ("Adam", "training", 1),
    "momentum": ("ExponentialMovingAverage", "Adam/optimizer/momentum", 1),
}


def named_model(scope: str, parts: int) -> Any:
    partitioner = v1.fixed_size_partitioner(parts) if parts > 1 else None
    with v1.variable_scope(scope, partitioner=partitioner):
        w = v1.get_variable("w", [4, 2])
        b = v1.get_variable("Adam", [2])
    step = v1.train.get_or_create_global_step()
    return tf.convert_to_tensor(w), tf.convert_to_tensor(b), step


def make_named(folder: Path) -> None:
    for setting, (training, scope, parts) in SETTINGS.items():
        for name, optimizer in NAMED.items():
            with tf.Graph().as_default(), v1.Session() as session:
                w, b, step = named_model(scope, parts)
                loss = v1.reduce_sum(w**2) + v1.reduce_sum(b**2)
                if training:
                    with v1.variable_scope(training):
                        train = optimizer().minimize(loss, global_step=step)
                else:
                    train = optimizer().minimize(loss, global_step=step)
                session.run(v1.global_variables_initializer())
                session.run(train)
                v1.train.Saver().save(session, f"{folder}/{name}-{setting}")


def restore_named(path: str, setting: str) -> list[Any]:
    _, scope, parts = SETTINGS[setting]
    with tf.Graph().as_default(), v1.Session() as session:
        model = named_model(scope, parts)
        v1.train.Saver().restore(session, path)
        return [each.tolist() for each in session.run(model)]


# --- Keras ----------------------------------------------------------------------------------------


class Blocks(keras.Model):
    """A model of Keras 3 whose layers stand in a list, which TensorFlow does not look into."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [keras.layers.Dense(4) for _ in range(2)]
        self.head = keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def keras_model(kind: str) -> Any:
    if kind.startswith("blocks"):
        model = Blocks()
        model(np.ones((1, 3), np.float32))
        return model
    library = keras if kind.startswith("keras3") else tf_keras
    model = library.Sequential([library.layers.Dense(2), library.layers.Dense(1)])
    model.build((None, 3))
    return model


def classes(library: Any) -> list[str]:
    odd = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
    found = ((name, getattr(library, name)) for name in dir(library))
    return [name for name, each in found if isinstance(each, type) and name not in odd]


def keras_optimizers() -> dict[str, Any]:
    three, two, legacy = keras.optimizers, tf_keras.optimizers, tf_keras.optimizers.legacy
    made = {f"keras3-{name}": getattr(three, name)() for name in classes(three)}
    made |= {f"keras2-{name}": getattr(two, name)() for name in classes(two)}
    made |= {f"legacy-{name}": getattr(legacy, name)() for name in classes(legacy)}
    precision = tf_keras.mixed_precision.LossScaleOptimizer
    rate3 = three.schedules.ExponentialDecay(0.1, 10, 0.9)
    rate2 = two.schedules.ExponentialDecay(0.1, 10, 0.9)
    return made | {
        "keras3-scheduled": three.SGD(rate3),
        "keras3-scaled": three.LossScaleOptimizer(three.Adam()),
        "keras3-averaged": three.Adam(use_ema=True),
        "keras2-scheduled": two.Adam(rate2),
        "keras2-scaled": precision(two.Adam()),
        "keras2-averaged": two.SGD(use_ema=True),
        "legacy-scheduled": legacy.SGD(rate2),
        "legacy-scaled": precision(legacy.Adam()),
        "legacy-scaled-plain": precision(legacy.SGD()),
        "v1-Adam": v1.train.AdamOptimizer(0.1),
        "v1-Momentum": v1.train.MomentumOptimizer(0.1, 0.9),
        "blocks-Adam": three.Adam(),
        "blocks-scaled": three.LossScaleOptimizer(three.SGD(momentum=0.9)),
    }


def step_of(optimizer: Any, variables: list[Any]) -> None:
    grads = [tf.ones_like(each) for each in variables]
    if hasattr(optimizer, "build"):
        optimizer.build(variables)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        optimizer.apply(grads, variables)
    else:
        optimizer.apply_gradients(list(zip(grads, variables, strict=True)))


def make_keras(folder: Path) -> None:
    for name, optimizer in keras_optimizers().items():
        model = keras_model(name)
        step_of(optimizer, model.trainable_variables)
        if name.startswith("blocks"):
            model.compile(optimizer, "mse")
            tf.train.Checkpoint(model=model).write(f"{folder}/{name}")
        else:
            tf.train.Checkpoint(model=model, optimizer=optimizer).write(f"{folder}/{name}")
        np.savez(f"{folder}/{name}.npz", *model.get_weights())


def restore_keras(path: str, name: str) -> list[Any]:
    model = keras_model(name)
    if name.startswith("blocks"):
        # What is only below the optimizer is restored into what has an optimizer.
        weights = tf.train.Checkpoint()
        weights._trainable_variables = [
            each.value for block in model.blocks for each in block.trainable_variables
        ]
        found = tf.train.Checkpoint(
            model=tf.train.Checkpoint(head=model.head, optimizer=weights)
        ).read(path)
        found.assert_existing_objects_matched()
        program = keras_model(name)
        optimizer = keras_optimizers()[name]
        step_of(optimizer, program.trainable_variables)
        program.compile(optimizer, "mse")
        tf.train.Checkpoint(model=program).read(path).expect_partial()
        for one, other in zip(program.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    else:
        status = tf.train.Checkpoint(model=model).read(path)
        status.assert_existing_objects_matched().assert_consumed()
    return [each.tolist() for each in model.get_weights()]


def main(command: str, folder: Path) -> None:
    if command == "make":
        for name in ("named", "keras"):
            (folder / name).mkdir()
        make_named(folder / "named")
        make_keras(folder / "keras")
        return
    found: dict[str, Any] = {}
    for kind, restore in (("named", restore_named), ("keras", restore_keras)):
        for index in sorted((folder / f"{kind}-stripped").glob("*.index")):
            name = index.stem
            try:
                argument = name.partition("-")[2] if kind == "named" else name
                found[name] = restore(str(index.with_suffix("")), argument)
            except Exception as error:
                found[name] = f"{type(error).__name__}: {error}"
    (folder / "restored.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
