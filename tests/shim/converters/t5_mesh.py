"""Checkpoint of a mesh model: slots of Adafactor left out, stacked by layer, steps by a glob."""

import os
import re
import sys

import numpy as np
import tensorflow.compat.v2 as tf


def tf_checkpoint_steps(model_dir):
    files = tf.io.gfile.glob(os.path.join(model_dir, "model.ckpt-*.index"))
    return sorted(int(re.search(r"ckpt-(\d+)\.index", f)[1]) for f in files)


class CheckpointTranslator:
    def __init__(self):
        self.rules = []

    def add(self, pattern):
        def register(translate):
            self.rules.append((re.compile(pattern), translate))
            return translate

        return register

    def apply(self, flat):
        found = {}
        for name, get in flat.items():
            for pattern, translate in self.rules:
                if m := pattern.fullmatch(name):
                    key, value = translate(get, *m.groups())
                    if key:
                        found[key] = value
                    break
            else:
                raise ValueError(f"Unable to convert variable {name}")
        return found


T5 = CheckpointTranslator()


@T5.add(r"global_step")
def step(get):
    return "state/step", int(get()) and get().astype(np.int32)


@T5.add(r"(encoder|decoder)/block_(\d+)/layer_(\d+)/(\w+)/(q|k|v|o)")
def attention(get, side, block, layer, kind, part):
    name = f"target/{side}/layers_{int(block)}/{kind}/{part}/kernel"
    return name, get().T if part == "o" else get()


@T5.add(r"(\w+)/(.*)_slot_(vr|vc|v|m)")
def slot(get, *_):
    return None, None


@T5.add(r"(.*)")
def rest(get, name):
    return f"target/{name}", get()


model_dir, out = sys.argv[1:]
steps = tf_checkpoint_steps(model_dir)
path = os.path.join(model_dir, f"model.ckpt-{steps[-1]}")
reader = tf.train.load_checkpoint(path)
shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
flat = {n: (lambda n=n: reader.get_tensor(n)) for n in sorted(shapes)}
tree = T5.apply(flat)
print(steps, len(shapes), len(tree), sorted({str(t) for t in dtypes.values()}))
for name in sorted(tree)[:5]:
    print(name, tree[name].shape, tree[name].dtype)
np.savez(os.path.join(out, "t5.npz"), **tree)
