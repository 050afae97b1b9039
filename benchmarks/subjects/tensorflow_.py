import os
import random
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


def shuffled(data):
    names = sorted(tf.train.load_checkpoint(data.prefix).get_variable_to_shape_map())
    random.Random(1).shuffle(names)
    return names


def shuffled_names(data):
    names = shuffled(data)

    def run():
        reader = tf.train.load_checkpoint(data.prefix)
        return {name: reader.get_tensor(name) for name in names}

    return run


def missing(data):
    reader = tf.train.load_checkpoint(data.prefix)
    names = [name + "x" for name in shuffled(data)]
    return lambda: [reader.has_tensor(name) for name in names]


def load_variables(data):
    names = shuffled(data)[:100]
    return lambda: {name: tf.train.load_variable(data.prefix, name) for name in names}


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


def save(data):
    # Its best case: names and values are tensors already.
    values = read_all(data.prefix)
    names = sorted(values, key=str.encode)
    prefix = str(data.scratch / "saved")
    arguments = {
        "prefix": tf.constant(prefix),
        "tensor_names": tf.constant(names),
        "shape_and_slices": tf.constant([""] * len(names)),
        "tensors": [tf.constant(values[name]) for name in names],
    }

    def run():
        tf.raw_ops.SaveV2(**arguments)
        return prefix

    return run


def save_synced(data):
    write = save(data)

    def run():
        prefix = write()
        for path in (f"{prefix}.data-00000-of-00001", f"{prefix}.index", data.scratch):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return prefix

    return run


def read_back(prefix):
    return read_all(prefix)


def export_safetensors(data):
    from safetensors.numpy import save_file

    return _export(data, ".safetensors", save_file)


def export_npz(data):
    import numpy as np

    return _export(data, ".npz", lambda arrays, path: np.savez(path, **arrays))


def _export(data, suffix, write):
    target = data.scratch / f"by_tensorflow{suffix}"

    def run():
        write(read_all(data.prefix), target)
        for path in (target, data.scratch):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        return target

    return run


def exported(path):
    import numpy as np
    from safetensors.numpy import load_file

    return dict(np.load(path)) if path.suffix == ".npz" else load_file(path)


if __name__ == "__main__" and len(sys.argv) == 3:
    tf.train.load_checkpoint(sys.argv[1]).get_tensor(sys.argv[2])
