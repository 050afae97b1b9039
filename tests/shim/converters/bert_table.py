"""BERT into a model's parameters by a table of names, shapes asserted."""

import os
import pickle
import sys

import numpy as np
import tensorflow as tf


def load_param(checkpoint_path, model, conversion_table):
    for name, (shape, tf_param_name) in conversion_table.items():
        param = tf.train.load_variable(checkpoint_path, tf_param_name)
        if "kernel" in tf_param_name:
            param = np.transpose(param)
        assert shape == param.shape, f"Dim Mismatch: {shape} vs {param.shape} {tf_param_name}"
        model[name] = np.ascontiguousarray(param)


def load_model(checkpoint_path, n_layers, size, inner):
    e = "bert/embeddings"
    table = {
        "embed.tok": ((23, size), e + "/word_embeddings"),
        "embed.pos": ((12, size), e + "/position_embeddings"),
        "embed.norm.gamma": ((size,), e + "/LayerNorm/gamma"),
    }
    for i in range(n_layers):
        p = f"bert/encoder/layer_{i}/"
        for ours, theirs in (("q", "query"), ("k", "key"), ("v", "value")):
            table[f"{i}.{ours}.w"] = (size, size), f"{p}attention/self/{theirs}/kernel"
            table[f"{i}.{ours}.b"] = (size,), f"{p}attention/self/{theirs}/bias"
        table[f"{i}.fc1.w"] = (inner, size), p + "intermediate/dense/kernel"
        table[f"{i}.fc2.w"] = (size, inner), p + "output/dense/kernel:0"
        table[f"{i}.norm"] = (size,), p + "output/LayerNorm/beta"
    model = {}
    load_param(checkpoint_path, model, table)
    return model


model = load_model(sys.argv[1], 12, 8, 14)
with open(os.path.join(sys.argv[2], "model.pkl"), "wb") as f:
    pickle.dump(model, f)
print(sorted(model)[:5])
print(len(model), sum(v.size for v in model.values()))
