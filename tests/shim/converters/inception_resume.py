"""Restore of what both a graph and a checkpoint have, as optimistic restorers do."""

import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()


def optimistic_restore(session, save_file, exclude=()):
    saved_shapes = tf.train.NewCheckpointReader(save_file).get_variable_to_shape_map()
    restore_vars = []
    for var in sorted(tf.global_variables(), key=lambda v: v.name):
        saved_var_name = var.name.split(":")[0]
        if saved_var_name not in saved_shapes or var.op.name in exclude:
            continue
        if var.get_shape().as_list() == saved_shapes[saved_var_name]:
            restore_vars.append(var)
    saver = tf.train.Saver(restore_vars)
    saver.restore(session, save_file)
    return restore_vars


path, out = sys.argv[1:]
with tf.Session() as sess:
    tf.train.import_meta_graph(path + ".meta")
    restored = optimistic_restore(sess, path, exclude=("dense/bias", "global_step"))
    names = [v.op.name for v in restored]
    print(len(names), names[:3])
    arrays = {v.op.name.replace("/", "."): sess.run(v) for v in restored}
    np.savez(os.path.join(out, "inception.npz"), **arrays)
    for v in tf.global_variables():
        if v.op.name not in names:
            try:
                sess.run(v)
            except tf.errors.FailedPreconditionError:
                print("uninitialized", v.name)
