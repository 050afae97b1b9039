"""Graph frozen by a script, training nodes removed, written as binary and as text."""

import argparse
import os

import tensorflow as tf

tf.compat.v1.disable_eager_execution()


def freeze_graph(model_dir, output_node_names, out):
    checkpoint = tf.compat.v1.train.get_checkpoint_state(model_dir)
    input_checkpoint = checkpoint.model_checkpoint_path
    with tf.compat.v1.Session(graph=tf.Graph()) as sess:
        saver = tf.compat.v1.train.import_meta_graph(input_checkpoint + ".meta", clear_devices=True)
        saver.restore(sess, input_checkpoint)
        input_graph_def = sess.graph.as_graph_def()
        output_graph_def = tf.compat.v1.graph_util.convert_variables_to_constants(
            sess, input_graph_def, output_node_names.split(",")
        )
        with tf.io.gfile.GFile(os.path.join(out, "frozen_model.pb"), "wb") as f:
            f.write(output_graph_def.SerializeToString())
        print(f"{len(output_graph_def.node)} ops in the final graph.")
        print(sorted({n.op for n in output_graph_def.node}))
        sub = tf.compat.v1.graph_util.extract_sub_graph(output_graph_def, [output_node_names])
        print(len(sub.node), sub.node[-1].name)
    return output_graph_def


parser = argparse.ArgumentParser()
parser.add_argument("--model_dir", type=str, default="")
parser.add_argument("--output_node_names", type=str, default="")
parser.add_argument("--out", type=str)
args = parser.parse_args()
freeze_graph(args.model_dir, args.output_node_names, args.out)
