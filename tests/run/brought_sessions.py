"""SavedModels and checkpoints of TensorFlow 1 as people bring them, and what TensorFlow computes.

Each case is a folder's name, the signature that is asked (None where nobody has to say one), what
is fed by key and what comes out by key.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.file_programs import signature
from tests.freeze.programs.sessions import tf, v1

RANDOM = np.random.default_rng(21)
Case = tuple[str, str | None, dict[str, Any], dict[str, Any]]


def numbers(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def weights(name: str, *shape: int) -> Any:
    return v1.get_variable(name, initializer=numbers(*shape))


class Bringer:
    """One graph with its session, saved as SavedModels are, asked by signature."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path, self.name = folder / name, name
        self.cases: list[Case] = []

    def save(self, signatures: dict[str, Any], feeds: dict[str, Any], *, tags: Any = ("serve",)):
        """Save, and ask every signature; `None` asks for the one that is the default."""
        with v1.Session() as session:
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            builder = v1.saved_model.Builder(str(self.path))
            built = {key: signature(*each) for key, each in signatures.items() if key}
            builder.add_meta_graph_and_variables(
                session, list(tags), built, main_op=v1.tables_initializer()
            )
            builder.save()
            for key, (inputs, outputs) in signatures.items():
                fed = {inputs[each]: feeds[each] for each in inputs if each in feeds}
                found = session.run(dict(outputs), fed)
                given = {each: feeds[each] for each in inputs if each in feeds}
                self.cases.append((self.name, key, given, found))
        return self.cases


def estimator_heads(at: Bringer) -> list[Case]:
    """A canned head's three signatures over the same features, fed raw."""
    x = v1.placeholder(tf.float32, [None, 4], "features/age")
    y = v1.placeholder(tf.int64, [None, 1], "features/code")
    logits = tf.matmul(tf.concat([x, tf.cast(y, tf.float32)], 1), weights("head/kernel", 5, 3))
    probabilities = tf.nn.softmax(logits, name="head/predictions/probabilities")
    inputs = {"age": x, "code": y}
    classes = tf.argmax(logits, 1, name="head/predictions/class_ids")
    predict = {"logits": logits, "probabilities": probabilities, "class_ids": classes}
    return at.save(
        {
            "predict": (inputs, predict),
            "classification": (inputs, {"scores": probabilities}),
            "serving_default": (inputs, {"scores": probabilities}),
        },
        {"age": numbers(3, 4), "code": np.array([[3], [1], [2]])},
    )


def crossed_inputs(at: Bringer) -> list[Case]:
    """Keys that are the names of each other's placeholders."""
    a = v1.placeholder(tf.float32, [None, 2], "left")
    b = v1.placeholder(tf.float32, [None, 2], "right")
    out = tf.subtract(tf.matmul(a, weights("w", 2, 2)), b, name="difference")
    inputs = {"right": a, "left": b}
    return at.save(
        {"serving_default": (inputs, {"out": out})}, {"left": numbers(3, 2), "right": numbers(3, 2)}
    )


def crossed_outputs(at: Bringer) -> list[Case]:
    """Keys of outputs that are the names of other nodes."""
    x = v1.placeholder(tf.float32, [None, 3], "x")
    logits = tf.matmul(x, weights("w", 3, 3), name="logits")
    prob = tf.nn.softmax(logits, name="prob")
    return at.save(
        {"serving_default": ({"x": x}, {"logits": prob, "prob": logits})}, {"x": numbers(2, 3)}
    )


def input_called_as_layer(at: Bringer) -> list[Case]:
    """A key that is the name of a node that is no placeholder."""
    x = v1.placeholder(tf.float32, [None, 3], "Placeholder")
    hidden = tf.nn.relu(tf.matmul(x, weights("w", 3, 3)), name="hidden")
    out = tf.tanh(hidden, name="out")
    return at.save({"serving_default": ({"hidden": x}, {"out": out})}, {"hidden": numbers(2, 3)})


def scalars(at: Bringer) -> list[Case]:
    a = v1.placeholder(tf.float32, [], "a")
    b = v1.placeholder(tf.int32, [], "b")
    out = tf.multiply(a, tf.cast(b, tf.float32) * weights("w"), name="out")
    return at.save(
        {"serving_default": ({"value": a, "times": b}, {"out": out})},
        {"value": np.float32(1.5), "times": np.int32(3)},
    )


def whole_numbers(at: Bringer) -> list[Case]:
    ids = v1.placeholder(tf.int64, [None, None], "ids")
    found = tf.nn.embedding_lookup(weights("table", 9, 4), ids)
    return at.save(
        {
            "serving_default": (
                {"token_ids": ids},
                {
                    "mean": tf.reduce_mean(found, 1),
                    "lengths": tf.reduce_sum(tf.cast(ids > 0, tf.int64), 1),
                },
            )
        },
        {"token_ids": np.array([[1, 2, 0], [8, 7, 6]])},
    )


def truth_and_bytes(at: Bringer) -> list[Case]:
    mask = v1.placeholder(tf.bool, [None], "mask")
    pixels = v1.placeholder(tf.uint8, [None, 3], "pixels")
    real = tf.cast(pixels, tf.float32) / 255.0
    out = tf.where(mask, tf.reduce_sum(real * weights("w", 3), 1), tf.zeros_like(real[:, 0]))
    return at.save(
        {"serving_default": ({"keep": mask, "image": pixels}, {"sum": out, "any": out > 0})},
        {"keep": np.array([True, False]), "image": np.array([[1, 2, 255], [4, 5, 6]], np.uint8)},
    )


def unknown_rank(at: Bringer) -> list[Case]:
    x = v1.placeholder(tf.float32, None, "x")
    return at.save(
        {"serving_default": ({"any": x}, {"out": tf.tanh(x * weights("w"))})},
        {"any": numbers(2, 3)},
    )


def later_ports(at: Bringer) -> list[Case]:
    x = v1.placeholder(tf.float32, [None, 4], "x")
    left, right = tf.split(tf.matmul(x, weights("w", 4, 4)), 2, 1)
    best = tf.nn.top_k(right, 1, name="best")
    outputs = {"left": left, "right": right, "values": best.values, "indices": best.indices}
    return at.save({"serving_default": ({"x": x}, outputs)}, {"x": numbers(2, 4)})


def one_tensor_twice(at: Bringer) -> list[Case]:
    x = v1.placeholder(tf.float32, [None, 2], "x")
    out = tf.sigmoid(tf.matmul(x, weights("w", 2, 2)))
    return at.save(
        {"serving_default": ({"x": x}, {"score": out, "output": out, "echo": x})},
        {"x": numbers(2, 2)},
    )


def nothing_fed(at: Bringer) -> list[Case]:
    w = weights("w", 3, 2)
    return at.save(
        {"serving_default": ({}, {"weights": tf.identity(w), "norm": tf.reduce_sum(w * w)})}, {}
    )


def two_without_default(at: Bringer) -> list[Case]:
    """Two signatures with the same keys, neither of which is the default's."""
    x = v1.placeholder(tf.float32, [None, 3], "x")
    z = v1.placeholder(tf.float32, [None, 3], "z")
    code = tf.tanh(tf.matmul(x, weights("down", 3, 2)))
    back = tf.matmul(z, weights("up", 3, 2))
    encode, decode = ({"input": x}, {"output": code}), ({"input": z}, {"output": back})
    return at.save({"encode": encode, "decode": decode}, {"input": numbers(2, 3)})


def switches(at: Bringer) -> list[Case]:
    """A default that is in the signature, and a placeholder that is fed beside the data."""
    x = v1.placeholder(tf.float32, [None, 3], "x")
    scale = v1.placeholder_with_default(np.float32(2), [], "scale")
    out = tf.matmul(x, weights("w", 3, 2)) * scale
    inputs = {"x": x, "scale": scale}
    return at.save({"serving_default": (inputs, {"out": out})}, {"x": numbers(2, 3)})


def inner_input(at: Bringer) -> list[Case]:
    """The signature's input stands behind the placeholder that the program decodes."""
    raw = v1.placeholder(tf.string, [None], "raw")
    x = tf.identity(tf.io.decode_raw(raw, tf.float32), name="decoded")
    x = tf.reshape(x, [-1, 3], name="decoded_rows")
    out = tf.matmul(x, weights("w", 3, 2), name="out")
    return at.save({"serving_default": ({"rows": x}, {"out": out})}, {"rows": numbers(2, 3)})


def odd_keys(at: Bringer) -> list[Case]:
    x = v1.placeholder(tf.float32, [None, 2], "x")
    y = v1.placeholder(tf.float32, [None, 2], "y")
    out = tf.matmul(x, weights("w", 2, 2)) + y
    keys = {"net/input data": x, "2nd:0": y}
    return at.save(
        {"serving_default": (keys, {"net/out put": out, "größe": tf.shape(out)[0]})},
        {"net/input data": numbers(2, 2), "2nd:0": numbers(2, 2)},
    )


def tensor_names_as_keys(at: Bringer) -> list[Case]:
    """Keys that are tensors' names, as some converters write them."""
    x = v1.placeholder(tf.float32, [None, 2], "net/x")
    out = tf.matmul(x, weights("w", 2, 2), name="net/out")
    return at.save({"serving_default": ({x.name: x}, {out.name: out})}, {x.name: numbers(2, 2)})


def looked_up(at: Bringer) -> list[Case]:
    """Classes that come out as text."""
    x = v1.placeholder(tf.float32, [None, 3], "x")
    logits = tf.matmul(x, weights("w", 3, 3))
    names = tf.gather(tf.constant(["cat", "dog", "elk"]), tf.argmax(logits, 1))
    return at.save(
        {"serving_default": ({"x": x}, {"scores": logits, "classes": names})}, {"x": numbers(2, 3)}
    )


def text_in(at: Bringer) -> list[Case]:
    x = v1.placeholder(tf.string, [None], "x")
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(["a", "b", "c"]), tf.constant([0, 1, 2], tf.int64)
        ),
        1,
    )
    out = tf.nn.embedding_lookup(weights("w", 4, 2), table.lookup(x))
    return at.save(
        {"serving_default": ({"words": x}, {"vectors": out})},
        {"words": np.array([b"b", b"zz"], object)},
    )


def recurrent(at: Bringer) -> list[Case]:
    """A loop of TensorFlow 1, states fed and given back."""
    v1.disable_control_flow_v2()
    x = v1.placeholder(tf.float32, [None, 5, 2], "x")
    state = v1.placeholder(tf.float32, [None, 2], "state")
    w = weights("w", 2, 2)
    steps = lambda i, h: (i + 1, tf.tanh(tf.matmul(h, w) + x[:, i]))  # noqa: E731
    _, last = v1.while_loop(lambda i, h: i < 5, steps, (0, state))
    inputs = {"sequence": x, "state": state}
    return at.save(
        {"serving_default": (inputs, {"state": last})},
        {"sequence": numbers(2, 5, 2), "state": numbers(2, 2)},
    )


MAKERS = (
    estimator_heads, crossed_inputs, crossed_outputs, input_called_as_layer, scalars,
    whole_numbers, truth_and_bytes, unknown_rank, later_ports, one_tensor_twice, nothing_fed,
    two_without_default, switches, inner_input, odd_keys, tensor_names_as_keys, looked_up,
    text_in, recurrent,
)  # fmt: skip


def write_all(folder: Path) -> list[Case]:
    cases = []
    for make in MAKERS:
        with tf.Graph().as_default():
            cases += make(Bringer(folder, make.__name__))
    return cases
