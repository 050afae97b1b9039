"""Checkpoints of the models that clients convert, written by real TensorFlow.

Runs in a process of its own: `python -m tests.clients.checkpoints FOLDER`. In FOLDER there are then
for each model a checkpoint with its state file; beside that of GPT-2 what its converters read.
"""

import json
import sys
from pathlib import Path

from tests.clients import programs

GPT2 = {"n_vocab": 23, "n_ctx": 12, "n_embd": 8, "n_head": 2, "n_layer": 11}


def gpt_neo() -> programs.Shapes:
    found: programs.Shapes = {"gpt2/wte": (25, 8), "gpt2/wpe": (12, 8), "global_step": ()}
    for n in range(2):
        block = f"gpt2/h{n}"
        for name in ("norm_1", "norm_2"):
            found |= {f"{block}/{name}/g": (8,), f"{block}/{name}/b": (8,)}
        found |= {f"{block}/attn/{name}": (8, 8) for name in "qkvo"}
        found[f"{block}/attn/compute_output_bias/o_b"] = (8,)
        for name, (here, there) in {"c_fc": (8, 32), "c_proj": (32, 8)}.items():
            found |= programs.dense(f"{block}/mlp/conv1d_main/{name}", here, there)
    found |= {"gpt2/ln_f/g": (8,), "gpt2/ln_f/b": (8,)}
    return found | {f"{name}/adam_m": shape for name, shape in found.items() if shape}


MODELS = {
    "albert": programs.albert,
    "bert": programs.bert,
    "electra": programs.electra,
    "gpt2": programs.gpt2,
    "gpt_neo": gpt_neo,
    "mobilenet_v1": programs.mobilenet_v1,
    "t5": programs.t5,
}


def main(folder: Path) -> None:
    import tensorflow as tf

    for name, shapes in MODELS.items():
        (folder / name).mkdir()
        path = str(folder / name / "model.ckpt")
        tensors = programs.values(shapes())
        tf.raw_ops.SaveV2(
            prefix=path,
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=[tf.constant(value) for value in tensors.values()],
        )
        tf.compat.v1.train.update_checkpoint_state(str(folder / name), path)
    words = {chr(ord("a") + n): n for n in range(GPT2["n_vocab"])}
    (folder / "gpt2" / "encoder.json").write_text(json.dumps(words))
    (folder / "gpt2" / "hparams.json").write_text(json.dumps(GPT2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
