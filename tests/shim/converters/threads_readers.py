"""Reader used from a pool of threads, types handed on, numbers of parameters by scope."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

path, out = sys.argv[1:]
init_vars = tf.train.list_variables(path)
reader = tf.train.load_checkpoint(path)
dtypes = reader.get_variable_to_dtype_map()


def read(item):
    name, shape = item
    value = reader.get_tensor(name)
    assert list(value.shape) == shape, (name, value.shape, shape)
    return name, np.asarray(value, dtype=dtypes[name].as_numpy_dtype)


with ThreadPoolExecutor(4) as pool, tf.device("/cpu:0"):
    arrays = dict(pool.map(read, init_vars))
sizes = {}
for name, shape in init_vars:
    scope = name.split("/")[0]
    sizes[scope] = sizes.get(scope, 0) + int(np.prod(shape, dtype=np.int64)) * dtypes[name].size
for scope, size in sorted(sizes.items()):
    print(f"{scope:40} {size:12,}")
kinds = {d.name for d in dtypes.values() if d.is_floating and d in (tf.float32, tf.bfloat16)}
print(
    sorted(kinds),
    {d.as_datatype_enum for d in dtypes.values()},
    tf.float32.is_compatible_with("float32"),
)
print(tf.TensorShape(init_vars[1][1]).num_elements(), tf.TensorShape([None, 3]).as_list())
np.savez(os.path.join(out, "all.npz"), **arrays)
