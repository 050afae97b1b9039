"""Restores some variables, under other names, and from two checkpoints; saves again; freezes."""

import sys

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()


def value(sess, name):
    try:
        return np.round(np.asarray(sess.run(name), np.float64).ravel()[:3], 6).tolist()
    except tf.errors.FailedPreconditionError:
        return "not there"


def some(first, second):
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as sess:
        tf.train.import_meta_graph(first + ".meta", clear_devices=True)
        found = {each.op.name: each for each in tf.get_collection(tf.GraphKeys.VARIABLES)}
        kernel, bias = found["dense/kernel"], found["dense/bias"]
        reads = [kernel.value().name, bias.value().name]
        tf.train.Saver([kernel]).restore(sess, first)
        print([value(sess, each) for each in (kernel, bias, *reads)])
        tf.train.Saver({"dense/bias": bias}).restore(sess, second)
        print([value(sess, each) for each in (kernel, bias, *reads)])
        bias.load(np.arange(4, dtype=np.float32), sess)
        print([value(sess, each) for each in (kernel, bias, *reads)])


def scoped(first):
    with tf.Graph().as_default() as graph:
        saver = tf.train.import_meta_graph(first + ".meta", True, "old")
        with tf.Session() as sess:
            saver.restore(sess, first)
            print(
                [each.name for each in tf.trainable_variables()],
                value(sess, tf.trainable_variables()[1]),
            )
            print(graph.get_operation_by_name("old/dense/bias").node_def.name)


def saved_again(first, folder):
    with tf.Graph().as_default(), tf.Session() as sess:
        saver = tf.train.import_meta_graph(first + ".meta", clear_devices=True)
        saver.restore(sess, first)
        path = saver.save(sess, folder + "/again.ckpt", global_step=7)
        print(path.rpartition("/")[2], tf.train.latest_checkpoint(folder) == path)
        for name, shape in tf.train.list_variables(path):
            print(name, shape, tf.train.load_variable(path, name).tolist())
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.train.import_meta_graph(path + ".meta", clear_devices=True).restore(sess, path)
        print(value(sess, tf.trainable_variables()[1]))


def main(first, second, folder):
    some(first, second)
    scoped(first)
    saved_again(first, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
