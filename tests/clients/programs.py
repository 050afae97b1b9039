"""Variables of the programs whose checkpoints are converted: names and shapes as they save them.

Small sizes, all different, so that no transposition goes unnoticed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Shapes = dict[str, tuple[int, ...]]


def dense(scope: str, here: int, there: int) -> Shapes:
    return {f"{scope}/kernel": (here, there), f"{scope}/bias": (there,)}


def norm(scope: str, size: int) -> Shapes:
    return {f"{scope}/gamma": (size,), f"{scope}/beta": (size,)}


def embeddings(scope: str, size: int) -> Shapes:
    tables = {"word_embeddings": 23, "position_embeddings": 12, "token_type_embeddings": 2}
    return {f"{scope}/{name}": (rows, size) for name, rows in tables.items()} | norm(
        f"{scope}/LayerNorm", size
    )


def encoder(scope: str, size: int, inner: int, layers: int) -> Shapes:
    found: Shapes = {}
    for n in range(layers):
        layer = f"{scope}/layer_{n}"
        for part in ("query", "key", "value"):
            found |= dense(f"{layer}/attention/self/{part}", size, size)
        found |= dense(f"{layer}/attention/output/dense", size, size)
        found |= norm(f"{layer}/attention/output/LayerNorm", size)
        found |= dense(f"{layer}/intermediate/dense", size, inner)
        found |= dense(f"{layer}/output/dense", inner, size)
        found |= norm(f"{layer}/output/LayerNorm", size)
    return found


def head(size: int, table: int) -> Shapes:
    """The heads that BERT and ALBERT are trained with."""
    return {
        **dense("cls/predictions/transform/dense", size, table),
        **norm("cls/predictions/transform/LayerNorm", table),
        "cls/predictions/output_bias": (23,),
        "cls/seq_relationship/output_weights": (2, size),
        "cls/seq_relationship/output_bias": (2,),
    }


def adam(shapes: Shapes) -> Shapes:
    slots = {f"{name}/adam_{kind}": shape for name, shape in shapes.items() for kind in "mv"}
    return shapes | slots | {"global_step": ()}


def bert() -> Shapes:
    return adam(
        embeddings("bert/embeddings", 8)
        | encoder("bert/encoder", 8, 14, 12)
        | dense("bert/pooler/dense", 8, 8)
        | head(8, 8)
    )


def albert() -> Shapes:
    group = "bert/encoder/transformer/group_0/inner_group_0"
    found = embeddings("bert/embeddings", 6)
    found |= dense("bert/encoder/embedding_hidden_mapping_in", 6, 8)
    for part in ("query", "key", "value"):
        found |= dense(f"{group}/attention_1/self/{part}", 8, 8)
    found |= dense(f"{group}/attention_1/output/dense", 8, 8)
    found |= norm(f"{group}/LayerNorm", 8) | norm(f"{group}/LayerNorm_1", 8)
    found |= dense(f"{group}/ffn_1/intermediate/dense", 8, 14)
    found |= dense(f"{group}/ffn_1/intermediate/output/dense", 14, 8)
    return adam(found | dense("bert/pooler/dense", 8, 8) | head(8, 6))


def electra() -> Shapes:
    return adam(
        embeddings("electra/embeddings", 6)
        | dense("electra/embeddings_project", 6, 8)
        | encoder("electra/encoder", 8, 14, 2)
        | dense("discriminator_predictions/dense", 8, 8)
        | dense("discriminator_predictions/dense_1", 8, 1)
        | dense("generator/embeddings_project", 6, 4)
        | encoder("generator/encoder", 4, 10, 2)
        | dense("generator_predictions/dense", 4, 6)
        | norm("generator_predictions/LayerNorm", 6)
        | {"generator_predictions/output_bias": (23,)}
    )


def gpt2() -> Shapes:
    found: Shapes = {"model/wte": (23, 8), "model/wpe": (12, 8)}
    for n in range(11):
        block = f"model/h{n}"
        for name in ("ln_1", "ln_2"):
            found |= {f"{block}/{name}/g": (8,), f"{block}/{name}/b": (8,)}
        sizes = {"attn/c_attn": (8, 24), "attn/c_proj": (8, 8)}
        sizes |= {"mlp/c_fc": (8, 32), "mlp/c_proj": (32, 8)}
        for name, (here, there) in sizes.items():
            found |= {f"{block}/{name}/w": (1, here, there), f"{block}/{name}/b": (there,)}
    return found | {"model/ln_f/g": (8,), "model/ln_f/b": (8,)}


def t5() -> Shapes:
    found: Shapes = {"shared/embedding": (23, 8), "global_step": ()}
    for side in ("encoder", "decoder"):
        attentions = ["SelfAttention"] + ["EncDecAttention"] * (side == "decoder")
        for n in range(2):
            block = f"{side}/block_{n:03}"
            for m, attention in enumerate(attentions):
                layer = f"{block}/layer_{m:03}"
                for part in "qkv":
                    found[f"{layer}/{attention}/{part}"] = (8, 6)
                found[f"{layer}/{attention}/o"] = (6, 8)
                found[f"{layer}/layer_norm/scale"] = (8,)
            if n == 0:
                found[f"{block}/layer_000/SelfAttention/relative_attention_bias"] = (2, 32)
            layer = f"{block}/layer_{len(attentions):03}"
            found[f"{layer}/DenseReluDense/wi/kernel"] = (8, 14)
            found[f"{layer}/DenseReluDense/wo/kernel"] = (14, 8)
            found[f"{layer}/layer_norm/scale"] = (8,)
        found[f"{side}/final_layer_norm/scale"] = (8,)
    return found | {f"{name}_slot_vr": shape[:1] for name, shape in found.items() if shape}


def t5_v1_1() -> Shapes:
    found: Shapes = {"decoder/logits/kernel": (8, 23)}
    for name, shape in t5().items():
        new = name.replace("final_layer_norm", "rms_norm").replace("layer_norm", "rms_norm")
        if new.endswith("/wi/kernel"):
            found[new.replace("wi", "wi_0")] = found[new.replace("wi", "wi_1")] = shape
        elif "wi" not in new:
            found[new] = shape
    return found


def batch_norm(scope: str, size: int) -> Shapes:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return {f"{scope}/BatchNorm/{name}": (size,) for name in names}


def trained(shapes: Shapes) -> Shapes:
    """Add what slim's training keeps beside the variables."""
    averaged = {n: s for n, s in shapes.items() if "moving" not in n}
    beside = ("RMSProp", "RMSProp_1", "Momentum", "ExponentialMovingAverage")
    more = {f"{name}/{slot}": shape for name, shape in averaged.items() for slot in beside}
    return shapes | more | {"global_step": ()}


def mobilenet_v1() -> Shapes:
    found: Shapes = {"MobilenetV1/Conv2d_0/weights": (3, 3, 3, 8)}
    found |= batch_norm("MobilenetV1/Conv2d_0", 8)
    size = 8
    for n, wide in enumerate((16, 32, 32, 64, 64, *[128] * 6, 256, 256), 1):
        scope = f"MobilenetV1/Conv2d_{n}"
        found[f"{scope}_depthwise/depthwise_weights"] = (3, 3, size, 1)
        found |= batch_norm(f"{scope}_depthwise", size)
        found[f"{scope}_pointwise/weights"] = (1, 1, size, wide)
        found |= batch_norm(f"{scope}_pointwise", wide)
        size = wide
    logits = "MobilenetV1/Logits/Conv2d_1c_1x1"
    return trained(found | {f"{logits}/weights": (1, 1, size, 5), f"{logits}/biases": (5,)})


def mobilenet_v2(sizes: Mapping[str, Any]) -> Shapes:
    """MobileNet 2 of the sizes that the other library's model has."""

    def convolution(scope: str, module: str, depthwise: bool = False) -> Shapes:
        torch_shape = sizes[f"{module}.convolution.weight"]
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        name = "depthwise_weights" if depthwise else "weights"
        shape = tuple(torch_shape[n] for n in order)
        return {f"{scope}/{name}": shape} | batch_norm(scope, torch_shape[0])

    scope, module = "MobilenetV2", "mobilenet_v2"
    found = convolution(f"{scope}/Conv", f"{module}.conv_stem.first_conv")
    found |= convolution(f"{scope}/expanded_conv/depthwise", f"{module}.conv_stem.conv_3x3", True)
    found |= convolution(f"{scope}/expanded_conv/project", f"{module}.conv_stem.reduce_1x1")
    for n in range(16):
        here, there = f"{scope}/expanded_conv_{n + 1}", f"{module}.layer.{n}"
        found |= convolution(f"{here}/expand", f"{there}.expand_1x1")
        found |= convolution(f"{here}/depthwise", f"{there}.conv_3x3", True)
        found |= convolution(f"{here}/project", f"{there}.reduce_1x1")
    found |= convolution(f"{scope}/Conv_1", f"{module}.conv_1x1")
    classes, size = sizes["classifier.weight"]
    logits = f"{scope}/Logits/Conv2d_1c_1x1"
    return trained(
        found | {f"{logits}/weights": (1, 1, size, classes), f"{logits}/biases": (classes,)}
    )


def values(shapes: Shapes, seed: int = 7) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    return {
        name: np.int64(5) * np.ones((), np.int64)
        if name == "global_step"
        else random.standard_normal(shape).astype(np.float32)
        for name, shape in shapes.items()
    }
