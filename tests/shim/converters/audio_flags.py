"""Command with flags, verbosity and a main function, as audio models' tools are made."""

import os

import numpy as np
import tensorflow.compat.v1 as tf

flags = tf.app.flags
FLAGS = flags.FLAGS
flags.DEFINE_string("checkpoint_file", None, "Path to the checkpoint file.")
flags.DEFINE_string("output_dir", "/tmp", "Where to write.")
flags.DEFINE_integer("num_outputs", 5, "How many tensors to write.")
flags.DEFINE_float("temperature", 0.5, "Noise.")
flags.DEFINE_enum("mode", "sample", ["sample", "interpolate"], "Mode.")
flags.DEFINE_bool("use_ema", False, "Averages.")
flags.DEFINE_list("keep", ["a", "b"], "Names.")
flags.DEFINE_string("log", "INFO", "Threshold: DEBUG, INFO, WARN, ERROR, or FATAL.")


def run(config):
    if FLAGS.checkpoint_file is None:
        raise ValueError("`--checkpoint_file` must be specified.")
    if not tf.gfile.Exists(FLAGS.output_dir):
        tf.gfile.MakeDirs(FLAGS.output_dir)
    reader = tf.train.load_checkpoint(os.path.expanduser(FLAGS.checkpoint_file))
    names = sorted(reader.get_variable_to_shape_map())[: FLAGS.num_outputs]
    tf.logging.info("Writing %d tensors.", len(names))
    for i, name in enumerate(names):
        path = os.path.join(FLAGS.output_dir, f"{FLAGS.mode}_{i:03}.npy")
        with tf.gfile.Open(path, "wb") as f:
            np.save(f, reader.get_tensor(name) * config["scale"])
        print(os.path.basename(path), name)
    with tf.gfile.Open(os.path.join(FLAGS.output_dir, "names.txt"), "w") as f:
        f.write("\n".join(names) + "\n")
    with tf.gfile.GFile(os.path.join(FLAGS.output_dir, "names.txt")) as f:
        print([line.strip() for line in f], FLAGS.keep, FLAGS.use_ema, FLAGS["mode"].value)


def main(unused_argv):
    tf.logging.set_verbosity(FLAGS.log)
    print(unused_argv[1:], FLAGS.flag_values_dict()["temperature"], tf.logging.get_verbosity())
    run({"scale": FLAGS.temperature})


def console_entry_point():
    tf.disable_v2_behavior()
    tf.app.run(main)


if __name__ == "__main__":
    console_entry_point()
