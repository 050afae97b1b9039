"""Sessions of the stand-in: what they refuse, and what differs from TensorFlow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle
from tensorbundle import shim
from tensorbundle._core import crc32c, crc32c_mask
from tests.golden.cases import DATA

DEMO = str(DATA / "demo" / "model.ckpt-2000")
MODEL = str(DATA / "saved_model")


@pytest.fixture
def tf() -> Iterator[Any]:
    """The stand-in, with an empty graph."""
    with shim.active(even_if_installed=True):
        import tensorflow as tf

        with tf.Graph().as_default():
            yield tf


def restored(tf: Any) -> Any:
    sess = tf.Session()
    tf.train.import_meta_graph(DEMO + ".meta").restore(sess, DEMO)
    return sess


def test_building_and_training_say_that_tensorflow_is_needed(tf: Any) -> None:
    sess = restored(tf)
    graph = tf.get_default_graph()
    logits = graph.get_tensor_by_name("probabilities:0")
    train = tf.get_collection("train_op")[0]
    needed = pytest.raises(shim.NeedsTensorFlowError, match="needs TensorFlow")
    with needed:
        logits + 1
    with needed:
        logits[0]
    with needed:
        tf.global_variables()[0] * logits
    with needed:
        tf.global_variables()[0].assign(3)
    with pytest.raises(shim.NeedsTensorFlowError, match=f"running the operation '{train.name}'"):
        sess.run([train, logits])
    with pytest.raises(shim.MissingPartError, match="building a graph needs TensorFlow itself"):
        tf.placeholder(tf.float32)
    with pytest.raises(shim.NeedsTensorFlowError, match="operations that change anything"):
        sess.run("Adam")


def test_two_graphs_are_not_merged(tf: Any) -> None:
    restored(tf)
    with pytest.raises(shim.NeedsTensorFlowError, match="reset_default_graph"):
        tf.train.import_meta_graph(DEMO + ".meta")
    with pytest.raises(shim.NeedsTensorFlowError, match="input_map"):
        tf.train.import_meta_graph(DEMO + ".meta", input_map={"image:0": None})


def test_initialisers_give_constants_and_tell_of_what_is_computed(tf: Any) -> None:
    with tf.Session() as sess:
        saver = tf.train.import_meta_graph(DEMO + ".meta")
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value conv1"):
            sess.run(tf.get_default_graph().get_tensor_by_name("Relu:0"), {"image:0": image()})
        sess.run(tf.global_variables_initializer())
        values = {each.op.name: each for each in tf.global_variables()}
        assert sess.run(values["conv1/bias/Adam"]).tolist() == [0] * 8
        saver.restore(sess, DEMO)
        assert np.any(sess.run(values["conv1/bias/Adam"]))


def image() -> Any:
    return np.zeros((1, 28, 28, 1), np.float32)


def test_a_variable_by_name_is_its_value(tf: Any) -> None:
    sess = restored(tf)
    stored = tensorbundle.open(DEMO)["dense/bias"]
    assert np.array_equal(sess.run("dense/bias:0"), stored)
    assert np.array_equal(sess.run("dense/bias/Read/ReadVariableOp:0"), stored)


def test_the_graphs_own_restore_operation_restores(tf: Any) -> None:
    with tf.Session() as sess:
        tf.train.import_meta_graph(DEMO + ".meta")
        sess.run("save/restore_all", {"save/Const:0": DEMO})
        assert sess.run("global_step:0") == tensorbundle.open(DEMO)["global_step"]


def test_values_of_several_places_are_computed_with(tf: Any) -> None:
    sess = restored(tf)
    before = sess.run("probabilities:0", {"image:0": image()})
    bias = next(each for each in tf.global_variables() if each.op.name == "logits/bias")
    bias.load(np.arange(10) * 3, sess)
    after = sess.run("probabilities:0", {"image:0": image()})
    assert after.argmax() == 9
    assert not np.allclose(before, after)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not"):
        bias.load(np.zeros(3), sess)


def test_a_saved_model_is_an_object(tf: Any) -> None:
    model = tf.saved_model.load(MODEL)
    stored = tensorbundle.open(MODEL)
    assert {each.name: each.shape.as_list() for each in model.variables} == {
        "offset:0": [2],
        "weights:0": [3, 2],
    }
    for each in model.variables:
        key = f"{each.name.removesuffix(':0')}/.ATTRIBUTES/VARIABLE_VALUE"
        assert np.array_equal(each.numpy(), stored[key])
        assert isinstance(each, tf.Variable)
    x = np.ones((4, 3), np.float32)
    found = model.signatures["serving_default"](x=x)["output_0"]
    assert found.shape == (4, 2)
    with pytest.raises(shim.MissingPartError, match="'call' is not there"):
        model.call(x)


def test_only_what_a_savers_variables_are_is_restored(tf: Any) -> None:
    with tf.Session() as sess:
        tf.train.import_meta_graph(DEMO + ".meta")
        first, second = tf.global_variables()[:2]
        tf.train.Saver({"conv1/kernel": first}).restore(sess, DEMO)
        assert sess.run(first).shape == (3, 3, 1, 8)
        with pytest.raises(tf.errors.FailedPreconditionError, match="conv1/bias"):
            sess.run(second)
        with pytest.raises(tf.errors.NotFoundError, match="Key nowhere not found in checkpoint"):
            tf.train.Saver({"nowhere": first}).restore(sess, DEMO)
        with pytest.raises(tf.errors.InvalidArgumentError, match="does not fit"):
            tf.train.Saver({"conv1/bias": first}).restore(sess, DEMO)


def test_the_tool_that_freezes_files_is_there(tf: Any, tmp_path: Path) -> None:
    from tensorflow.python.tools import freeze_graph

    path = str(tmp_path / "frozen.pb")
    names = ("probabilities", "save/restore_all", "save/Const:0")
    made = freeze_graph.freeze_graph(
        "", "", True, DEMO, *names, path, True, "", input_meta_graph=DEMO + ".meta"
    )
    assert not [node.name for node in made.node if "Variable" in node.op]
    tf.import_graph_def(made, name="")
    with tf.Session() as sess:
        found = sess.run("probabilities:0", {"image:0": image()})
    wanted = tensorbundle.run(DEMO + ".meta", {"image": image()}, "probabilities", ckpt=DEMO)
    assert np.array_equal(found, wanted)


def test_records_are_read(tf: Any, tmp_path: Path) -> None:
    def record(data: bytes) -> bytes:
        head = len(data).to_bytes(8, "little")
        return head + masked(head) + data + masked(data)

    def masked(data: bytes) -> bytes:
        return crc32c_mask(crc32c(data)).to_bytes(4, "little")

    path = tmp_path / "records"
    path.write_bytes(record(b"one") + record(b"") + record(b"x" * 100))
    read = tf.compat.v1.io.tf_record_iterator
    assert list(read(str(path))) == [b"one", b"", b"x" * 100]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(tf.errors.DataLossError, match="truncated record"):
        list(tf.python_io.tf_record_iterator(path))
    path.write_bytes(record(b"one").replace(b"one", b"two"))
    with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
        list(read(path))
