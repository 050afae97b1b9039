"""Variables of a session, in the order of the graph, to an archive of another library."""

import argparse
import os

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_eager_execution()
parser = argparse.ArgumentParser()
parser.add_argument("--tf_checkpoint_path", required=True)
parser.add_argument("--npz_dump_path", required=True)
args = parser.parse_args()

graph = tf.Graph()
with graph.as_default():
    saver = tf.train.import_meta_graph(args.tf_checkpoint_path + ".meta", clear_devices=True)
    config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False)
    config.gpu_options.per_process_gpu_memory_fraction = 0.3
    with tf.Session(graph=graph, config=config).as_default() as sess:
        saver.restore(sess, args.tf_checkpoint_path)
        total = np.sum([np.prod(v.get_shape().as_list()) for v in tf.trainable_variables()])
        print("parameters", int(total), len(tf.trainable_variables()))
        params = {}
        for v in tf.global_variables():
            value = v.eval()
            name = "/".join(v.op.name.split("/")[-2:])
            if v.name.endswith("kernel:0") and value.ndim == 2:
                value = value.T
            print(v.name, v.shape, v.dtype.base_dtype.name, "->", name, value.shape)
            params[name] = value
        by_name = dict(zip([v.name[:-2] for v in tf.global_variables()],
                           sess.run(tf.global_variables()), strict=True))  # fmt: skip
        print(len(by_name), sorted(by_name)[:3])
np.savez(os.path.join(args.npz_dump_path, "bert.npz"), **params)
