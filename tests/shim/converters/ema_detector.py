"""Averages of a detector instead of its weights, order by numbers in names."""

import argparse
import os
from collections import OrderedDict

import numpy as np
import tensorflow as tf


def natural(name):
    parts = name.split("/")
    return [int(p.rsplit("_", 1)[1]) if p.rsplit("_", 1)[-1].isdigit() else 0 for p in parts], name


def convert_key(name):
    return (name.replace("/depthwise_weights", ".conv_dw.weight").replace("/weights", ".weight")
            .replace("BatchNorm/gamma", "bn.weight").replace("BatchNorm/beta", "bn.bias")
            .replace("BatchNorm/moving_mean", "bn.running_mean").replace("/", "."))  # fmt: skip


parser = argparse.ArgumentParser()
parser.add_argument("model_path")
parser.add_argument("out")
args = parser.parse_args()
reader = tf.compat.v1.train.NewCheckpointReader(args.model_path)
shapes = reader.get_variable_to_shape_map()
ema = OrderedDict()
for key in sorted(shapes, key=natural):
    if "Momentum" in key or "RMSProp" in key or key == "global_step":
        continue
    if key.endswith("/ExponentialMovingAverage"):
        ema[key.rsplit("/", 1)[0]] = reader.get_tensor(key)
    elif not reader.has_tensor(key + "/ExponentialMovingAverage"):
        ema[key] = reader.get_tensor(key)
state = OrderedDict()
for key, value in ema.items():
    if key.endswith("depthwise_weights"):
        value = value.transpose(2, 3, 0, 1)
    elif value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    state[convert_key(key)] = value
print(sorted(state)[:5])
print(len(shapes), len(state), next(iter(state)), reader.get_variable_to_dtype_map()["global_step"])
np.savez(os.path.join(args.out, "detector.npz"), **state)
