"""Readers under all the names that TensorFlow 2 has for them; of each what it says."""

import hashlib
import sys

import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as tf1
from tensorflow import errors
from tensorflow.python.training import checkpoint_management, checkpoint_utils
from tensorflow.python.training import py_checkpoint_reader as readers


def told(value):
    if isinstance(value, (np.ndarray, np.generic)):
        plain = repr(value.tolist()).encode() if value.dtype == object else value.tobytes()
        writable = getattr(value.flags, "writeable", None)
        return type(value).__name__, value.dtype.name, value.shape, writable, digest(plain)
    return type(value).__name__, value


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def show(path):
    reader = tf.train.load_checkpoint(path)
    for module in (tf.train, tf1.train, tf.compat.v2.train, checkpoint_utils):
        assert module.list_variables(path) == tf.train.list_variables(path)
    for name, shape in tf.train.list_variables(path):
        dtype = reader.get_variable_to_dtype_map()[name]
        print(name, shape, dtype, repr(dtype), dtype.name, dtype == tf.float32, dtype.is_floating)
        if dtype.name == "variant":
            continue
        print("  ", told(reader.get_tensor(name)), told(checkpoint_utils.load_variable(path, name)))
        print("  ", reader.has_tensor(name), reader.has_tensor(name + "!"))
    try:
        tf.train.load_variable(path, "nowhere/kernel")
    except errors.NotFoundError as error:
        print(isinstance(error, tf.errors.OpError), "nowhere/kernel" in str(error))


def main(arguments):
    for path in arguments:
        print("#", path)
        show(path)
    folder = arguments[0].rpartition("/")[0]
    print(tf.train.latest_checkpoint(folder), checkpoint_management.latest_checkpoint(folder))
    state = tf.train.get_checkpoint_state(folder)
    print(bool(state), state and state.model_checkpoint_path)
    print(readers.NewCheckpointReader(arguments[0]).debug_string().decode().count("\n") > 0)
    for missing in ("no/such", "."):
        try:
            tf.train.load_checkpoint(missing)
        except (TypeError, ValueError, tf.errors.NotFoundError) as error:
            print(isinstance(error, tf.errors.NotFoundError), isinstance(error, ValueError))
    array = tf.train.load_variable(arguments[0], tf.train.list_variables(arguments[0])[0][0])
    print(told(tf.dtypes.cast(array, tf.float64).numpy()), told(tf.cast(array, "int32").numpy()))
    print(tf.__version__.split(".")[0], tf.as_dtype(np.int32), tf.dtypes.as_dtype("half").size)
    print(
        tf.compat.as_str(b"x"),
        tf.compat.as_bytes("y"),
        tf.compat.as_str_any(3),
        tf.executing_eagerly(),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
