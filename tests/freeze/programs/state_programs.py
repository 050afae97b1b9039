"""Programs with a state that every call reads and writes, loops and pipelines, and what they give.

`python -m tests.freeze.programs.state_programs FOLDER`: of each program `NAME/model.ckpt` with its
graph, and `NAME/feeds.npz` and `NAME/expected.npz` of every step.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.freeze.programs.arrays import write_arrays
from tests.freeze.programs.sessions import new_session, tf, v1

RANDOM = np.random.default_rng(4)


def numbers(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def save(session: Any, folder: Path) -> None:
    session.run(v1.global_variables_initializer())
    v1.train.Saver(allow_empty=True).save(session, str(folder / "model.ckpt"))


def cell(folder: Path, resource: bool, wanted: str) -> None:
    """A recurrent cell that keeps its state in a variable between calls."""
    x = v1.placeholder(tf.float32, [1, 2], "x")
    h = v1.get_variable("state", [1, 2], initializer=v1.zeros_initializer(), use_resource=resource)
    w = v1.get_variable("w", [2, 2], use_resource=resource)
    new = tf.tanh(tf.matmul(x, w) + h)
    if wanted == "beside":
        with tf.control_dependencies([h.assign(new)]):
            tf.identity(new, name="out")
    elif wanted == "written":
        tf.identity(h.assign(new), name="out")
    else:
        tf.multiply(h.assign_add(new), 2.0, name="out")
    with new_session() as session:
        save(session, folder)
        feeds, expected = {}, {}
        for step in range(3):
            feeds[f"state{step}"] = session.run(h)
            feeds[f"x{step}"] = numbers(1, 2)
            expected[f"out{step}"] = session.run("out:0", {x: feeds[f"x{step}"]})
    write_arrays(folder / "feeds.npz", feeds)
    write_arrays(folder / "expected.npz", expected)


def mapped(folder: Path) -> None:
    """Examples one by one in a loop of TensorFlow 1, another loop in it."""
    v1.disable_control_flow_v2()
    x = v1.placeholder(tf.float32, [None, 3], "x")
    w = v1.get_variable("w", [3, 3])

    def task(row: Any) -> Any:
        def body(i: Any, y: Any) -> Any:
            return i + 1, tf.tanh(tf.reshape(tf.matmul(tf.reshape(y, [1, 3]), w), [3], "inner"))

        _, y = v1.while_loop(lambda i, _: i < 2, body, [0, row], name="steps")
        return tf.nn.relu(y, name="each")

    tf.reduce_mean(tf.map_fn(task, x, name="map"), name="loss")
    with new_session() as session:
        save(session, folder)
        feeds = {"x": numbers(4, 3)}
        gathered = "map/TensorArrayStack/TensorArrayGatherV3:0"
        expected = {"out": session.run(gathered, {x: feeds["x"]})}
    write_arrays(folder / "feeds.npz", feeds)
    write_arrays(folder / "expected.npz", expected)


def loop_v2(folder: Path) -> None:
    """A loop of TensorFlow 2, whose body is a function."""
    v1.enable_control_flow_v2()
    x = v1.placeholder(tf.float32, [3], "x")
    body = lambda i, y: (i + 1, tf.tanh(y, name="rounded"))  # noqa: E731
    v1.while_loop(lambda i, _: i < 3, body, [0, x], name="rounds")[1].op._set_attr_with_buf  # noqa: B018
    with new_session() as session:
        save(session, folder)
    v1.disable_control_flow_v2()


def queue(folder: Path) -> None:
    """What a queue gives, with two outputs."""
    q = tf.queue.FIFOQueue(4, [tf.float32, tf.float32], shapes=[[2, 3], [2]])
    image, label = q.dequeue(name="deq")
    w = v1.get_variable("w", [3, 3])
    tf.add(tf.matmul(image, w), tf.expand_dims(label, 1), name="out")
    with new_session() as session:
        save(session, folder)
        feeds = {"deq:0": numbers(2, 3), "deq:1": numbers(2)}
        expected = {"out": session.run("out:0", feeds)}
    write_arrays(folder / "feeds.npz", feeds)
    write_arrays(folder / "expected.npz", expected)


def main(folder: Path) -> None:
    programs = {
        f"{wanted}_{'resource' if resource else 'ref'}": (cell, resource, wanted)
        for resource in (False, True)
        for wanted in ("beside", "written", "added")
    }
    for name, (program, *arguments) in {
        **programs, "mapped": (mapped,), "loop_v2": (loop_v2,), "queue": (queue,),
    }.items():  # fmt: skip
        place = folder / name
        place.mkdir()
        with tf.Graph().as_default():
            v1.set_random_seed(7)
            program(place, *arguments)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
