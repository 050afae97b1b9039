"""The graphs of TensorFlow's tutorials on saving, freezing and restoring."""

from typing import Any

import numpy as np
import tensorflow as tf

from tests.freeze.programs.building import GraphProgram, numbers
from tests.freeze.programs.sessions import v1
from tests.freeze.programs.variable_programs import input_of, variable


def restored_sum() -> GraphProgram:
    """(w1 + w2) times a restored bias."""
    w1, w2 = v1.placeholder(tf.float32, name="w1"), v1.placeholder(tf.float32, name="w2")
    bias = v1.Variable(0.0, name="bias", use_resource=False)
    out = tf.multiply(tf.add(w1, w2), bias, name="op_to_restore")
    feeds = {w1: np.float32(4), w2: np.float32(8)}
    return GraphProgram(feeds, [out], values={bias: np.float32(2)})


def linear_fit() -> GraphProgram:
    """A line, and what fitted it."""
    x, y = v1.placeholder(tf.float32, name="X"), v1.placeholder(tf.float32, name="Y")
    weight = v1.Variable(0.0, name="weight", use_resource=False)
    bias = v1.Variable(0.0, name="bias", use_resource=False)
    fitted = tf.add(tf.multiply(x, weight), bias, name="pred")
    cost = tf.reduce_sum(tf.pow(fitted - y, 2)) / 34
    v1.train.GradientDescentOptimizer(0.01).minimize(cost)
    feeds = {x: np.array([3.3, 4.4, 5.5, 6.71], np.float32)}
    values = {weight: np.float32(0.2496), bias: np.float32(0.8015)}
    return GraphProgram(feeds, [fitted], values=values)


def dense(x: Any, width: int, name: str) -> Any:
    with v1.variable_scope(name):
        weights = variable("weights", [x.shape[-1], width], resource=False)
        return tf.nn.bias_add(tf.matmul(x, weights), variable("biases", [width], resource=False))


def convolution(x: Any, width: int, name: str, stride: int = 1) -> Any:
    with v1.variable_scope(name):
        kernel = variable("weights", [3, 3, x.shape[-1], width], resource=False)
        product = tf.nn.conv2d(x, kernel, stride, "SAME", name="convolution")
        return tf.nn.relu(product + variable("biases", [width], resource=False))


def flat(x: Any) -> Any:
    return tf.reshape(x, [-1, np.prod(x.shape[1:])])


def trained(logits: Any, classes: int) -> None:
    """The labels, the loss and the optimizer of a classifier."""
    labels = v1.placeholder(tf.float32, [None, classes], "labels")
    with v1.name_scope("loss"):
        each = tf.nn.softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(each)
    v1.train.AdamOptimizer(1e-3).minimize(loss)
    right = tf.equal(tf.argmax(logits, 1), tf.argmax(labels, 1))
    tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")


def digits() -> GraphProgram:
    """The network of the digits, its prediction in a collection, dropout before the last layer."""
    x, keep = input_of(None, 784), v1.placeholder(tf.float32, [], "keep_prob")
    y = convolution(tf.reshape(x, [-1, 28, 28, 1]), 4, "conv1", stride=2)
    y = tf.nn.max_pool2d(y, 2, 2, "SAME")
    hidden = tf.nn.relu(dense(flat(y), 16, "fc1"))
    logits = dense(v1.nn.dropout(hidden, keep), 10, "fc2")
    predicted = tf.nn.softmax(logits)
    v1.add_to_collection("predict", predicted)
    trained(logits, 10)
    return GraphProgram({x: numbers(2, 784), keep: np.float32(1)}, [predicted])


def two_variables() -> GraphProgram:
    first = v1.Variable([0.0, 0.0], name="v1", use_resource=False)
    second = v1.Variable([0.0, 0.0], name="v2", use_resource=False)
    return GraphProgram({}, [tf.add(first, second, name="add")])


def vgg() -> GraphProgram:
    """A classifier whose last but one layer is wanted for fine-tuning."""
    images = input_of(None, 16, 16, 3, name="images")
    y = tf.nn.max_pool2d(convolution(images, 4, "conv1"), 2, 2, "SAME")
    y = flat(convolution(y, 4, "conv2", stride=2))
    y = tf.nn.relu(dense(y, 12, "fc6_layer"), name="fc6")
    seventh = tf.nn.relu(dense(y, 12, "fc7_layer"), name="fc7")
    logits = dense(seventh, 5, "fc8")
    tf.nn.softmax(logits, name="prob")
    trained(logits, 5)
    return GraphProgram({images: numbers(2, 16, 16, 3)}, [seventh])


def inception() -> GraphProgram:
    """A deep network under the scopes of InceptionV3, with its auxiliary head and its training."""
    images = v1.placeholder(tf.float32, [None, 24, 24, 3], "images")
    training = v1.placeholder_with_default(False, [], "is_training")
    with v1.variable_scope("InceptionV3"):
        y = convolution(images, 4, "Conv2d_1a_3x3", stride=2)
        with v1.variable_scope("Mixed_5b"):
            parts = [convolution(y, 3, f"Branch_{i}/Conv2d_0a_1x1") for i in range(3)]
            y = tf.concat(parts, 3)
        with v1.variable_scope("Logits"):
            y = tf.nn.avg_pool2d(y, 12, 1, "VALID", name="AvgPool_1a_8x8")
            kept = v1.cond(training, lambda: v1.nn.dropout(y, 0.8), lambda: tf.identity(y))
            logits = convolution(kept, 6, "Conv2d_1c_1x1")
            logits = tf.squeeze(logits, [1, 2], name="SpatialSqueeze")
        with v1.variable_scope("Predictions"):
            out = tf.reshape(tf.nn.softmax(tf.reshape(logits, [-1, 6])), [-1, 6], name="Reshape_1")
    trained(logits, 6)
    return GraphProgram({images: numbers(2, 24, 24, 3)}, [out])
