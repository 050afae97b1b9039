"""GPT-2 as nested dictionaries, blocks found by a regular expression, of the newest checkpoint."""

import json
import os
import re
import sys

import numpy as np
import tensorflow as tf


def set_in_nested_dict(d, keys, value):
    if not keys:
        return value
    d[keys[0]] = set_in_nested_dict(d.get(keys[0], {}), keys[1:], value)
    return d


def load_params(path, hparams):
    params = {"blocks": [{} for _ in range(hparams["n_layer"])]}
    for name, _ in tf.train.list_variables(path):
        array = np.squeeze(tf.train.load_variable(path, name))
        name = name[len("model/") :]
        if name.startswith("h"):
            m = re.match(r"h([0-9]+)/(.*)", name)
            set_in_nested_dict(params["blocks"][int(m[1])], m[2].split("/"), array)
        else:
            set_in_nested_dict(params, name.split("/"), array)
    return params


model_dir, out = sys.argv[1:]
with open(os.path.join(model_dir, "hparams.json")) as f:
    hparams = json.load(f)
params = load_params(tf.train.latest_checkpoint(model_dir), hparams)
params["wte"][0] += 1  # programs own what they read
print(tf.nest.map_structure(np.ndim, params["blocks"][0]))
leaves = tf.nest.flatten(params)
print(len(leaves), sorted(params), sorted(params["blocks"][3]["attn"]), params["wte"][0, :3])
np.savez(os.path.join(out, "gpt.npz"), *leaves)
