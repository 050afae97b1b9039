"""Object-based checkpoint: keys cut at their attribute, slots apart, a tree of scopes."""

import os
import sys

import numpy as np
import tensorflow as tf

SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
path, out = sys.argv[1:]
reader = tf.train.load_checkpoint(path)
shapes = reader.get_variable_to_shape_map()
weights, slots = {}, {}
for key in sorted(shapes):
    if not key.endswith(SUFFIX):
        print("left:", key)
        continue
    name = key[: -len(SUFFIX)]
    target = slots if ".OPTIMIZER_SLOT" in name or name.startswith("optimizer") else weights
    value = reader.get_tensor(key)
    if isinstance(value, bytes) or value.dtype == object:
        print("bytes:", name)
        continue
    target[name.replace("/", ".")] = np.asarray(value)
print(len(weights), len(slots), {str(v.dtype) for v in weights.values()})
graph = reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
print(type(graph).__name__, len(graph))
counter = [int(v) for k, v in weights.items() if k.startswith("save_counter")]
print(counter, [type(reader.get_tensor(k)).__name__ for k in sorted(shapes) if "save_counter" in k])
np.savez(os.path.join(out, "objects.npz"), **weights, **slots)
