"""Head of a program: flags, its log, switches; and its main function."""

import sys

import tensorflow.compat.v1 as tf
from tensorflow.python.platform import tf_logging

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)
flags = tf.flags
FLAGS = tf.app.flags.FLAGS
flags.DEFINE_string("checkpoint", None, "The checkpoint.")
flags.DEFINE_integer("steps", 3, "Steps.")
tf.app.flags.DEFINE_float("rate", "0.5", "The rate.")
flags.DEFINE_boolean("verbose", False, "Whether to say more.")
flags.DEFINE_bool("fast", True, "Whether to hurry.")
flags.DEFINE_enum("kind", "a", ["a", "b"], "Which.")
flags.DEFINE_list("names", "x,y", "Names.")
flags.DEFINE_multi_string("also", None, "More.")
flags.DEFINE_multi_integer("number", [7], "Numbers.")


def main(argv):
    print(argv[1:], FLAGS.checkpoint, FLAGS.steps, FLAGS.rate, FLAGS.verbose, FLAGS.fast)
    print(FLAGS.kind, FLAGS.names, FLAGS.also, FLAGS.number, "steps" in FLAGS, FLAGS["steps"].value)
    FLAGS.steps = 9
    print(FLAGS.steps, FLAGS.flag_values_dict()["rate"], tf.logging.get_verbosity())
    tf_logging.info("not to be seen")
    tf.logging.error("seen %d", 1)
    config = tf.ConfigProto(allow_soft_placement=True, gpu_options=tf.GPUOptions(allow_growth=True))
    config.gpu_options.per_process_gpu_memory_fraction = 0.5
    print(round(config.gpu_options.per_process_gpu_memory_fraction, 2), config.allow_soft_placement)
    tf.set_random_seed(1)
    with tf.device("/cpu:0"):
        print(tf.config.list_physical_devices("GPU"), tf.test.is_gpu_available())
    return 3


if __name__ == "__main__":
    assert sys.argv[0].endswith("switches.py")
    tf.app.run()
