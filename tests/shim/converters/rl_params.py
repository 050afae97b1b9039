"""Parameters of an agent as a dictionary and a joblib-like pickle, scopes filtered."""

import os
import pickle
import sys
from collections import OrderedDict

import numpy as np
import tensorflow.compat.v1 as tf

tf.logging.set_verbosity(tf.logging.ERROR)
tf.compat.v1.disable_v2_behavior()


def get_parameters(sess, scope):
    variables = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope=scope)
    values = sess.run(variables)
    return OrderedDict((var.name, val) for var, val in zip(variables, values, strict=True))


def get_session():
    return tf.get_default_session()


path, out = sys.argv[1:]
tf.reset_default_graph()
config = tf.ConfigProto(inter_op_parallelism_threads=1, intra_op_parallelism_threads=1)
sess = tf.InteractiveSession(config=config)
saver = tf.train.import_meta_graph(path + ".meta")
saver.restore(get_session(), path)
everything = get_parameters(sess, None)
some = get_parameters(sess, next(iter(everything)).split("/")[0])
print(len(everything), len(some), list(some)[:2])
with open(os.path.join(out, "agent.pkl"), "wb") as f:
    pickle.dump({k: np.asarray(v) for k, v in everything.items()}, f)
steps = [v for v in tf.global_variables() if "global_step" in v.name]
print([(v.name, v.eval(session=sess).dtype.name) for v in steps])
print(tf.get_default_graph().get_all_collection_keys() != [])
sess.close()
