"""Model directory with one .meta and the newest checkpoint, embedded images, as face programs."""

import os
import re
import sys

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()


def get_model_filenames(model_dir):
    files = os.listdir(model_dir)
    meta_files = [s for s in files if s.endswith(".meta")]
    if len(meta_files) != 1:
        raise ValueError("There should be one meta file in the model directory")
    meta_file = meta_files[0]
    ckpt = tf.train.get_checkpoint_state(model_dir)
    if ckpt and ckpt.model_checkpoint_path:
        return meta_file, os.path.basename(ckpt.model_checkpoint_path)
    max_step = -1
    for f in files:
        step_str = re.match(r"(^model-[\w\- ]+.ckpt-(\d+))", f)
        if step_str is not None and int(step_str.groups()[1]) > max_step:
            max_step = int(step_str.groups()[1])
    return meta_file, max_step


def load_model(model, input_map=None):
    model_exp = os.path.expanduser(model)
    meta_file, ckpt_file = get_model_filenames(model_exp)
    print(f"Metagraph file: {meta_file}")
    print(f"Checkpoint file: {ckpt_file}")
    saver = tf.train.import_meta_graph(os.path.join(model_exp, meta_file), input_map=input_map)
    saver.restore(tf.get_default_session(), os.path.join(model_exp, ckpt_file))


def main(model, out):
    with tf.Graph().as_default(), tf.Session() as sess:
        load_model(model)
        images_placeholder = tf.get_default_graph().get_tensor_by_name("image:0")
        embeddings = tf.get_default_graph().get_tensor_by_name("probabilities:0")
        embedding_size = embeddings.get_shape()[1]
        images = np.random.default_rng(2).random((5, 28, 28, 1), np.float32)
        emb_array = np.zeros((len(images), int(embedding_size)))
        for i in range(len(images)):
            feed_dict = {images_placeholder: images[i : i + 1]}
            emb_array[i : i + 1] = sess.run(embeddings, feed_dict=feed_dict)
        print(emb_array.shape, len(tf.get_default_graph().as_graph_def().node) > 10)
        np.savez(os.path.join(out, "computed.npz"), emb=emb_array)


main(*sys.argv[1:])
