"""Trainable variables of a language model into HDF5, names mended for the other library."""

import os
import re
import sys

import h5py
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()


def _get_outname(tf_name):
    outname = re.sub(":0$", "", tf_name)
    outname = outname.lstrip("lm/")
    outname = re.sub("/rnn/", "/RNN/", outname)
    outname = re.sub("/multi_rnn_cell/", "/MultiRNNCell/", outname)
    return outname


def dump_weights(tf_save_dir, outfile):
    ckpt_file = tf.train.latest_checkpoint(tf_save_dir)
    config = tf.ConfigProto(allow_soft_placement=True)
    with tf.Graph().as_default(), tf.Session(config=config) as sess:
        loader = tf.train.import_meta_graph(ckpt_file + ".meta")
        loader.restore(sess, ckpt_file)
        with h5py.File(outfile, "w") as fout:
            for v in tf.trainable_variables():
                if v.name.find("softmax") >= 0:
                    continue
                outname = _get_outname(v.name)
                print(f"Saving variable {v.name} with name {outname}")
                shape = v.get_shape().as_list()
                dset = fout.create_dataset(outname, shape, dtype="float32")
                values = sess.run([v])[0]
                dset[...] = values


dump_weights(sys.argv[1], os.path.join(sys.argv[2], "weights.hdf5"))
with h5py.File(os.path.join(sys.argv[2], "weights.hdf5"), "r") as fin:
    fin.visititems(lambda name, each: print(name, getattr(each, "shape", "")))
