"""Loaders of transformers: what each makes of its checkpoint, as an archive of numpy's."""

import sys
from pathlib import Path

import numpy as np
import torch
import transformers as t
from transformers.models.albert.modeling_albert import load_tf_weights_in_albert
from transformers.models.bert.modeling_bert import load_tf_weights_in_bert
from transformers.models.electra.modeling_electra import load_tf_weights_in_electra
from transformers.models.gpt2.modeling_gpt2 import load_tf_weights_in_gpt2
from transformers.models.gpt_neo.modeling_gpt_neo import load_tf_weights_in_gpt_neo
from transformers.models.mobilenet_v1.modeling_mobilenet_v1 import load_tf_weights_in_mobilenet_v1
from transformers.models.t5.modeling_t5 import load_tf_weights_in_t5

SIZES = {
    "vocab_size": 23,
    "hidden_size": 8,
    "num_hidden_layers": 12,
    "num_attention_heads": 2,
    "intermediate_size": 14,
    "max_position_embeddings": 12,
}
T5 = {"vocab_size": 23, "d_model": 8, "d_kv": 3, "num_heads": 2, "d_ff": 14, "num_layers": 2}
GPT2 = {"vocab_size": 23, "n_embd": 8, "n_layer": 11, "n_head": 2, "n_positions": 12}
NEO = {"vocab_size": 23, "hidden_size": 8, "num_layers": 2, "num_heads": 2}


def models():
    """Models with their loaders, by the name of the checkpoint."""
    electra = SIZES | {"embedding_size": 6, "num_hidden_layers": 2}
    mobilenet = t.MobileNetV1Config(num_labels=5, depth_multiplier=0.25, min_depth=8)
    neo = t.GPTNeoConfig(
        **NEO,
        attention_types=[[["global", "local"], 1]],
        max_position_embeddings=12,
        intermediate_size=32,
    )
    return {
        "albert": (
            t.AlbertForPreTraining(t.AlbertConfig(**SIZES | {"embedding_size": 6})),
            load_tf_weights_in_albert,
        ),
        "bert": (t.BertForPreTraining(t.BertConfig(**SIZES)), load_tf_weights_in_bert),
        "electra": (
            t.ElectraForPreTraining(t.ElectraConfig(**electra)),
            load_tf_weights_in_electra,
        ),
        "gpt2": (t.GPT2Model(t.GPT2Config(**GPT2)), load_tf_weights_in_gpt2),
        "gpt_neo": (t.GPTNeoForCausalLM(neo), load_tf_weights_in_gpt_neo),
        "mobilenet_v1": (
            t.MobileNetV1ForImageClassification(mobilenet),
            load_tf_weights_in_mobilenet_v1,
        ),
        "t5": (t.T5ForConditionalGeneration(t.T5Config(**T5)), load_tf_weights_in_t5),
    }


def main(checkpoints, out):
    torch.manual_seed(1)
    for name, (model, load) in models().items():
        load(model, model.config, f"{checkpoints}/{name}/model.ckpt")
        state = {key: tensor.detach().numpy() for key, tensor in model.state_dict().items()}
        np.savez(Path(out, f"{name}.npz"), **state)
    print("is TensorFlow there:", (t.utils.is_tf_available() and "yes") or "no", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
