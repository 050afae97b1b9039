"""EfficientNet of Keras under TensorFlow, saved under the names that the TPU program gives it.

Runs in a process of TensorFlow; see `tests.oracle`. The names are those of that program: numbers
count convolutions and norms of a block as they come.
"""

import re
from typing import Any

import numpy as np

BATCH_NORM = {"gamma", "beta", "moving_mean", "moving_variance"}


def name_of(keras_name: str, blocks: list[str]) -> str | None:
    layer, weight = keras_name.removesuffix(":0").split("/")
    norm = "tpu_batch_normalization"
    plain = {
        "stem_conv": "stem/conv2d",
        "stem_bn": f"stem/{norm}",
        "top_conv": "head/conv2d",
        "top_bn": f"head/{norm}",
        "predictions": "head/dense",
    }
    if layer in plain:
        return f"{plain[layer]}/{weight}"
    found = re.fullmatch(r"block(\d\w)_(\w+)", layer)
    if found is None:
        return None
    block, part = found.groups()
    expanded = f"block{block}_expand_conv" in blocks
    parts = {
        "expand_conv": "conv2d",
        "expand_bn": norm,
        "dwconv": "depthwise_conv2d",
        "bn": f"{norm}_1" if expanded else norm,
        "se_reduce": "se/conv2d",
        "se_expand": "se/conv2d_1",
        "project_conv": "conv2d_1" if expanded else "conv2d",
        "project_bn": f"{norm}_2" if expanded else f"{norm}_1",
    }
    order = sorted({each[5:7] for each in blocks if each.startswith("block")})
    return f"blocks_{order.index(block)}/{parts[part]}/{weight}"


def save(path: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Save a model of random weights; an image, and what the model says of it."""
    import tensorflow as tf
    import tf_keras

    model = tf_keras.applications.EfficientNetB0(
        weights=None, input_shape=(64, 64, 3), classes=5, classifier_activation=None
    )
    random = np.random.default_rng(11)
    tensors = {"global_step": np.int64(3)}
    layers = [layer.name for layer in model.layers]
    for weight in model.weights:
        name = name_of(weight.name, layers)
        if name is None:  # the normalization of images, which the program does elsewhere
            continue
        fan = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 1.0
        value = random.standard_normal(weight.shape).astype(np.float32) / np.sqrt(fan)
        if "moving_variance" in name or "gamma" in name:
            value = np.abs(value) + np.float32(0.5)
        weight.assign(value)
        # Training keeps averages beside the values, and these are what is used.
        tensors[f"efficientnet-b0/{name}"] = value * np.float32(0)
        tensors[f"efficientnet-b0/{name}/ExponentialMovingAverage"] = value
    tf.raw_ops.SaveV2(
        prefix=path,
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )
    image = random.uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    return image, np.asarray(model(image, training=False))
