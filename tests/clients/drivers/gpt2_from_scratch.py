"""LLMs-from-scratch: the parameters of GPT-2 that its loader reads, as an archive of numpy's."""

import json
import sys
from pathlib import Path

import numpy as np
from llms_from_scratch.ch05 import load_gpt2_params_from_tf_ckpt


def flat(tree, path=""):
    for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(inner, (dict, list)):
            yield from flat(inner, f"{path}{key}/")
        else:
            yield f"{path}{key}", inner


def main(checkpoints, out):
    settings = json.loads(Path(checkpoints, "gpt2", "hparams.json").read_text())
    params = load_gpt2_params_from_tf_ckpt(f"{checkpoints}/gpt2/model.ckpt", settings)
    np.savez(Path(out, "gpt2.npz"), **dict(flat(params)))


if __name__ == "__main__":
    main(*sys.argv[1:])
