"""Loaders of transformers, run under real TensorFlow: what they make of a checkpoint.

Runs in a process of its own: `python -m tests.clients.loaders FOLDER`, for all models at once. In
FOLDER there are then for each model a checkpoint, and the state dict of what its loader made of it.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.clients import programs

BERT = {
    "vocab_size": 23,
    "hidden_size": 8,
    "num_hidden_layers": 12,
    "num_attention_heads": 2,
    "intermediate_size": 14,
    "max_position_embeddings": 12,
}
GENERATOR = {"hidden_size": 4, "intermediate_size": 10, "num_attention_heads": 1}
T5 = {"vocab_size": 23, "d_model": 8, "d_kv": 3, "num_heads": 2, "d_ff": 14, "num_layers": 2}


Case = tuple[Any, Callable[[Any, str], Any], programs.Shapes]


def loader(load: Any, **options: Any) -> Callable[[Any, str], Any]:
    # GPT-2's names its model's body.
    return lambda model, path: load(
        getattr(model, "transformer", model), model.config, path, **options
    )


def encoders() -> dict[str, Case]:
    import transformers as t
    from transformers.models.albert.modeling_albert import load_tf_weights_in_albert
    from transformers.models.bert.modeling_bert import load_tf_weights_in_bert
    from transformers.models.electra.modeling_electra import load_tf_weights_in_electra

    electra = BERT | {"embedding_size": 6, "num_hidden_layers": 2}
    albert = t.AlbertForPreTraining(t.AlbertConfig(**BERT | {"embedding_size": 6}))
    generator = loader(load_tf_weights_in_electra, discriminator_or_generator="generator")
    return {
        "bert": (
            t.BertForPreTraining(t.BertConfig(**BERT)),
            loader(load_tf_weights_in_bert),
            programs.bert(),
        ),
        "albert": (albert, loader(load_tf_weights_in_albert), programs.albert()),
        "electra": (
            t.ElectraForPreTraining(t.ElectraConfig(**electra)),
            loader(load_tf_weights_in_electra),
            programs.electra(),
        ),
        "electra_generator": (
            t.ElectraForMaskedLM(t.ElectraConfig(**electra | GENERATOR)),
            generator,
            programs.electra(),
        ),
    }


def decoders() -> dict[str, Case]:
    import transformers as t
    from transformers.models.gpt2.modeling_gpt2 import load_tf_weights_in_gpt2
    from transformers.models.t5.modeling_t5 import load_tf_weights_in_t5

    gpt2 = t.GPT2Config(vocab_size=23, n_embd=8, n_layer=11, n_head=2, n_positions=12)
    gated = t.T5Config(**T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    t5 = loader(load_tf_weights_in_t5)
    return {
        "gpt2": (t.GPT2LMHeadModel(gpt2), loader(load_tf_weights_in_gpt2), programs.gpt2()),
        "t5": (t.T5ForConditionalGeneration(t.T5Config(**T5)), t5, programs.t5()),
        "t5_v1_1": (t.T5ForConditionalGeneration(gated), t5, programs.t5_v1_1()),
    }


def images() -> dict[str, Case]:
    import transformers as t
    from transformers.models.mobilenet_v1.modeling_mobilenet_v1 import (
        load_tf_weights_in_mobilenet_v1,
    )
    from transformers.models.mobilenet_v2.modeling_mobilenet_v2 import (
        load_tf_weights_in_mobilenet_v2,
    )

    v1 = t.MobileNetV1Config(num_labels=5, depth_multiplier=0.25, min_depth=8)
    v2 = t.MobileNetV2ForImageClassification(t.MobileNetV2Config(num_labels=5))
    sizes = {name: tuple(tensor.shape) for name, tensor in v2.state_dict().items()}
    return {
        "mobilenet_v1": (
            t.MobileNetV1ForImageClassification(v1),
            loader(load_tf_weights_in_mobilenet_v1),
            programs.mobilenet_v1(),
        ),
        "mobilenet_v2": (
            v2,
            loader(load_tf_weights_in_mobilenet_v2),
            programs.mobilenet_v2(sizes),
        ),
    }


def main(folder: Path) -> None:
    import tensorflow as tf

    for name, (model, load, shapes) in (encoders() | decoders() | images()).items():
        path = str(folder / name / "model.ckpt-1")
        (folder / name).mkdir()
        tensors = programs.values(shapes)
        tf.raw_ops.SaveV2(
            prefix=path,
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=[tf.constant(value) for value in tensors.values()],
        )
        load(model, path)
        if hasattr(model, "tie_weights"):
            model.tie_weights()
        state = {key: tensor.detach().numpy() for key, tensor in model.state_dict().items()}
        np.savez(folder / name / "expected.npz", **state)
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
