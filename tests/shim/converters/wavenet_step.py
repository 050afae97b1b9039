"""Checkpoint of a directory with its step, or none, as training scripts load at their start."""

import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf


def load(logdir, take):
    print(f"Trying to restore saved checkpoints from {os.path.basename(logdir)} ...", end="")
    ckpt = tf.train.get_checkpoint_state(logdir)
    if ckpt:
        print(f"  Checkpoint found: {os.path.basename(ckpt.model_checkpoint_path)}")
        global_step = int(ckpt.model_checkpoint_path.split("/")[-1].split("-")[-1])
        print(f"  Global step was: {global_step}")
        take(ckpt.model_checkpoint_path)
        print(" Done.")
        return global_step
    print(" No checkpoint found.")
    return None


def take(path):
    reader = tf.train.NewCheckpointReader(path)
    var_to_shape_map = reader.get_variable_to_shape_map()
    for key in sorted(var_to_shape_map):
        value = reader.get_tensor(key)
        print("tensor_name:", key, var_to_shape_map[key], np.size(value))


logdir, out = sys.argv[1:]
print(load(logdir, take), load(out, take))
print(
    tf.train.latest_checkpoint(out), tf.train.checkpoint_exists(tf.train.latest_checkpoint(logdir))
)
print(
    [os.path.basename(p) for p in tf.train.get_checkpoint_state(logdir).all_model_checkpoint_paths]
)
print(len(tf.train.get_checkpoint_mtimes([tf.train.latest_checkpoint(logdir)])))
