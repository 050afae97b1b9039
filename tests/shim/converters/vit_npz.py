"""Archives read and written through TensorFlow's files, as image models have them."""

import collections
import io
import os
import sys

import numpy as np
from tensorflow.io import gfile


def load(path):
    with gfile.GFile(path, "rb") as f:
        ckpt_dict = np.load(f, allow_pickle=False)
        keys, values = zip(*list(ckpt_dict.items()), strict=True)
    return keys, values


def load_buffered(path):
    with gfile.GFile(path, "rb") as f:
        data = f.read()
    return dict(np.load(io.BytesIO(data), allow_pickle=False))


def recover_tree(keys, values):
    tree = {}
    sub_trees = collections.defaultdict(list)
    for k, v in zip(keys, values, strict=True):
        if "/" not in k:
            tree[k] = v
        else:
            k_left, k_right = k.split("/", 1)
            sub_trees[k_left].append((k_right, v))
    for k, pairs in sub_trees.items():
        tree[k] = recover_tree(*zip(*pairs, strict=True))
    return tree


def save(data, path):
    gfile.makedirs(os.path.dirname(path))
    with gfile.GFile(path + ".tmp", "wb") as f:
        io_buffer = io.BytesIO()
        np.savez(io_buffer, **data)
        f.write(io_buffer.getvalue())
    gfile.rename(path + ".tmp", path, overwrite=True)


out = sys.argv[1]
random = np.random.default_rng(5)
arrays = {f"Transformer/encoderblock_{n}/{part}/kernel": random.random((3, n + 1))
          for n in range(4) for part in ("MlpBlock_3", "LayerNorm_0")}  # fmt: skip
save({**arrays, "cls": np.zeros(3, np.float32)}, os.path.join(out, "deep", "vit.npz"))
keys, values = load(os.path.join(out, "deep", "vit.npz"))
tree = recover_tree(keys, values)
print(sorted(tree["Transformer"]), tree["cls"])
print(sorted(load_buffered(os.path.join(out, "deep", "vit.npz"))) == sorted(keys))
print(gfile.glob(os.path.join(out, "deep", "*.npz")) != [], gfile.exists(out + "/deep/vit.npz.tmp"))
with gfile.GFile(os.path.join(out, "deep", "vit.npz"), "rb") as f:
    print(f.size(), f.tell(), len(f.read(10)), f.tell(), f.seek(0), f.read(2))
