"""Average of the last checkpoints of a directory, of which the state tells."""

import os
import sys

import numpy as np
import tensorflow as tf


def get_checkpoint_variables(checkpoint_path):
    reader = tf.train.load_checkpoint(checkpoint_path)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def checkpoint_exists(path):
    return tf.io.gfile.exists(path) or tf.io.gfile.exists(path + ".index")


def main(model_dir, out):
    state = tf.train.get_checkpoint_state(model_dir)
    if state is None or not state.model_checkpoint_path:
        raise ValueError(f"No checkpoints found in {model_dir}")
    paths = list(state.all_model_checkpoint_paths)[-8:]
    paths = [p for p in paths if checkpoint_exists(p)]
    tf.get_logger().info("Averaging %d checkpoints...", len(paths))
    var_list = tf.train.list_variables(paths[0])
    values, dtypes = {}, {}
    for name, shape in var_list:
        if not name.startswith("global_step"):
            values[name] = np.zeros(shape)
    for path in paths:
        reader = tf.train.load_checkpoint(path)
        for name in values:
            tensor = reader.get_tensor(name)
            dtypes[name] = tensor.dtype
            values[name] += tensor
    for name in values:
        values[name] = (values[name] / len(paths)).astype(dtypes[name])
    print(len(paths), len(values), [os.path.basename(p) for p in paths])
    print(sorted(get_checkpoint_variables(paths[-1])) == sorted(n for n, _ in var_list))
    np.savez(os.path.join(out, "average.npz"), **values)


main(*sys.argv[1:])
