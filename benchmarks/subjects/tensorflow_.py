import sys

import tensorflow as tf


def read_all(prefix, order=iter):
    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name in order(reader.get_variable_to_shape_map())}


def loop(data):
    return lambda: read_all(data.prefix)


def sorted_loop(data):
    # The map's own order is that of a hash table; TensorFlow seeks less in the file's.
    return lambda: read_all(data.prefix, sorted)


def restore(data):
    # Its best case: what to read is known beforehand, in the file's order, and stays in TensorFlow.
    dtypes = tf.train.load_checkpoint(data.prefix).get_variable_to_dtype_map()
    names = sorted(dtypes, key=str.encode)
    arguments = {
        "prefix": data.prefix,
        "tensor_names": tf.constant(names),
        "shape_and_slices": tf.constant([""] * len(names)),
        "dtypes": [dtypes[name] for name in names],
    }
    return lambda: dict(zip(names, tf.raw_ops.RestoreV2(**arguments), strict=True))


def one(data):
    return lambda: tf.train.load_checkpoint(data.prefix).get_tensor(data.one_name)


def load_variable(data):
    return lambda: tf.train.load_variable(data.prefix, data.one_name)


def two_maps(data):
    def run():
        reader = tf.train.load_checkpoint(data.prefix)
        return reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()

    return run


def names_of(maps):
    return sorted(maps[0], key=str.encode)


def facts_of(maps):
    shapes, dtypes = maps
    return {name: (dtypes[name].name, shape) for name, shape in shapes.items()}


if __name__ == "__main__" and len(sys.argv) == 3:
    tf.train.load_checkpoint(sys.argv[1]).get_tensor(sys.argv[2])
