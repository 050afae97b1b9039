"""TensorFlow's side of a crosscheck: a process of its own that reads tensors when asked.

Run by its path, by any Python that has TensorFlow; it needs nothing else of this package. Each
request is a line of JSON on stdin. Each answer is a line of JSON on stdout, followed by as many
bytes as its "nbytes" says. The first answer, unasked, says which TensorFlow this is. An answer with
"error" tells why TensorFlow cannot; when TensorFlow aborts, the process ends without an answer.
Names are text with surrogate escapes, as `os.fsdecode` makes it.

A tensor's bytes are those of its elements in C order; of a string tensor, each element's length as
8 little-endian bytes and the element.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO


def main() -> None:
    """Answer requests until stdin ends."""
    # What TensorFlow prints must not end up between the answers.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        # A script's folder comes first in the path: here, modules named as others are elsewhere.
        here = os.path.dirname(os.path.abspath(__file__))
        sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]
        try:
            import tensorflow as tf

            version = tf.__version__
        except Exception as error:  # an installation can be broken in any way
            _answer(answers, {"error": _describe(error)})
            return
        _answer(answers, {"tensorflow": version, "python": platform.python_version()})
        oracle: Oracle | GraphOracle
        if sys.argv[2:] == ["graph"]:
            oracle = GraphOracle(tf, sys.argv[1])
        else:
            oracle = Oracle(tf, os.fsencode(sys.argv[1]))
        for line in sys.stdin.buffer:
            try:
                answer, parts = oracle.do(json.loads(line))
            except Exception as error:  # whatever TensorFlow says is the answer
                answer, parts = {"error": _describe(error)}, ()
            _answer(answers, answer, parts)
            del answer, parts  # not two tensors at a time


class Oracle:
    """TensorFlow's ways to read one checkpoint."""

    def __init__(self, tensorflow: Any, prefix: bytes) -> None:
        self._tf = tensorflow
        self._prefix = prefix
        self._reader: Any = None

    def do(self, request: dict[str, Any]) -> tuple[dict[str, Any], Iterable[Any]]:
        """Do what a request asks for; return the answer and the bytes that follow it."""
        if request["do"] == "list":
            return {"tensors": self._list()}, ()
        name = request["name"].encode("utf-8", "surrogateescape")
        if request["do"] == "get_tensor":
            return _pack(self._open().get_tensor(name))
        dtype = self._tf.as_dtype(request["dtype"])
        (tensor,) = self._tf.raw_ops.RestoreV2(
            prefix=self._prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[dtype]
        )
        return _pack(tensor.numpy())

    def _open(self) -> Any:
        if self._reader is None:
            self._reader = self._tf.train.load_checkpoint(self._prefix)
        return self._reader

    def _list(self) -> list[tuple[str, int, list[int]]]:
        reader = self._open()
        dtypes = reader.get_variable_to_dtype_map()
        shapes = reader.get_variable_to_shape_map()
        return [(name, dtypes[name].as_datatype_enum, shape) for name, shape in shapes.items()]


class GraphOracle:
    """TensorFlow's ways to read the constants of a frozen graph."""

    def __init__(self, tensorflow: Any, path: str) -> None:
        self._tf = tensorflow
        self._path = path
        self._graph: Any = None
        self._session: Any = None
        self._nodes: dict[str, Any] = {}

    def do(self, request: dict[str, Any]) -> tuple[dict[str, Any], Iterable[Any]]:
        """Do what a request asks for; return the answer and the bytes that follow it."""
        self._open()
        if request["do"] == "list":
            listed = []
            for name, node in self._nodes.items():
                tensor = node.attr["value"].tensor
                shape = [dim.size for dim in tensor.tensor_shape.dim]
                listed.append((name, tensor.dtype, shape))
            return {"tensors": listed}, ()
        if request["do"] == "make_ndarray":
            tensor = self._nodes[request["name"]].attr["value"].tensor
            return _pack(self._tf.make_ndarray(tensor))
        return _pack(self._run(request["name"]))

    def _open(self) -> None:
        if self._graph is not None:
            return
        from google.protobuf import message, text_format

        graph = self._tf.compat.v1.GraphDef()
        with open(self._path, "rb") as file:
            data = file.read()
        try:
            graph.ParseFromString(data)
        except message.DecodeError:
            graph = text_format.Parse(data, self._tf.compat.v1.GraphDef())
        functions = [(f"{each.signature.name}/", each.node_def) for each in graph.library.function]
        for start, nodes in [("", graph.node), *functions]:
            for node in nodes:
                if node.op in ("Const", "HostConst"):
                    self._nodes.setdefault(start + node.name, node)
        self._graph = graph

    def _run(self, name: str) -> Any:
        """Value of a constant in a session; nothing of the graph is rewritten before."""
        v1 = self._tf.compat.v1
        if self._session is None:
            from tensorflow.core.protobuf import rewriter_config_pb2

            config = v1.ConfigProto()
            config.graph_options.optimizer_options.opt_level = -1
            config.graph_options.rewrite_options.disable_meta_optimizer = True
            off = rewriter_config_pb2.RewriterConfig.OFF
            config.graph_options.rewrite_options.constant_folding = off
            graph = self._tf.Graph()
            with graph.as_default():
                self._tf.import_graph_def(self._graph, name="")
            self._session = v1.Session(graph=graph, config=config)
        return self._session.run(f"{name}:0")


def _pack(value: Any) -> tuple[dict[str, Any], Iterable[Any]]:
    """Answer and the bytes of what TensorFlow read: an array, a scalar, or one string."""
    import numpy as np

    if isinstance(value, bytes):  # np.asarray would drop zero bytes at its end
        return _pack_strings((), [value])
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return _pack_strings(array.shape, array.reshape(-1).tolist())
    answer = {"shape": array.shape, "nbytes": array.nbytes}
    return answer, [np.ascontiguousarray(array).reshape(-1).view(np.uint8)] if array.size else ()


def _pack_strings(shape: tuple[int, ...], elements: list[bytes]) -> tuple[dict[str, Any], Any]:
    nbytes = sum(8 + len(element) for element in elements)
    parts = (len(each).to_bytes(8, "little") + each for each in elements)
    return {"shape": shape, "nbytes": nbytes}, parts


def _answer(channel: BinaryIO, answer: dict[str, Any], parts: Iterable[Any] = ()) -> None:
    channel.write(json.dumps(answer).encode() + b"\n")
    for part in parts:
        channel.write(part)
    channel.flush()


def _describe(error: Exception) -> str:
    """One line: the type and the message, without TensorFlow's marks of the calling node."""
    message = re.sub(r"\{\{.*?\}\} ?| ?\[Op:.*", "", str(error), flags=re.DOTALL)
    return " ".join(f"{type(error).__name__}: {message}".split())[:1000]


if __name__ == "__main__":
    main()
