"""Messages of protobuf that programs read: graphs, nodes, attributes, signatures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from ..._graphdef.facts import Signature, TensorFact
from ..._graphdef.meta_graph import MetaGraph
from ..._graphdef.nodes import Node
from ..._graphdef.shapes import ShapeValue
from ..._graphdef.tensors import TensorMessage
from ..._locate.kinds import tell_kind
from ...errors import FormatError
from ...train import errors

# Which member of an attribute's message a value is.
_MEMBERS = (
    (TensorMessage, "tensor"),
    (ShapeValue, "shape"),
    (bytes, "s"),
    (bool, "b"),
    (float, "f"),
    (list, "list"),
)


class GraphDef:
    """Message of a graph; its nodes can be read, and the bytes be written as they are."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    def ParseFromString(self, serialized: bytes) -> int:
        """Take a message.

        Raises:
            DamagedError: It is none.
        """
        kind = tell_kind(memoryview(serialized))
        if serialized and kind != "graph":
            raise errors.DamagedError(f"the bytes are no GraphDef, but another message: {kind}")
        self._data = bytes(serialized)
        self.__dict__.pop("meta", None)
        with errors.raised_as_both():
            _ = self.meta.node_names
        return len(serialized)

    @staticmethod
    def FromString(serialized: bytes) -> GraphDef:
        """Make a graph of its message."""
        made = GraphDef()
        made.ParseFromString(serialized)
        return made

    def SerializeToString(self, deterministic: bool = True) -> bytes:
        """The message."""
        return self._data

    def ByteSize(self) -> int:
        """Number of its bytes."""
        return len(self._data)

    def CopyFrom(self, other: GraphDef) -> None:
        """Become as another one."""
        self.ParseFromString(other.SerializeToString())

    @cached_property
    def meta(self) -> MetaGraph:
        """The graph."""
        return MetaGraph(memoryview(self._data), bare=True)

    @property
    def node(self) -> list[NodeView]:
        """Nodes in stored order."""
        return [NodeView(each) for each in self.meta.nodes.values()] if self._data else []

    @property
    def versions(self) -> Any:
        """Versions that it is for."""
        return self.meta.versions


class NodeView:
    """Message of a node.

    Args:
        node: The node.
        scope: What is put before its name and those of its inputs.
    """

    def __init__(self, node: Node, scope: str = "") -> None:
        self._node = node
        self._scope = scope

    @property
    def name(self) -> str:
        """Name."""
        return self._scope + self._node.name

    @property
    def op(self) -> str:
        """Kind of the operation."""
        return self._node.op

    @property
    def device(self) -> str:
        """Device it asks for."""
        return self._node.device

    @property
    def input(self) -> list[str]:
        """Inputs; control inputs last."""
        return [
            f"^{self._scope}{each[1:]}" if each.startswith("^") else self._scope + each
            for each in self._node.inputs
        ]

    @property
    def attr(self) -> Mapping[str, AttrView]:
        """Attributes by key."""
        return _Attributes({key: AttrView(self._node.attr(key)) for key in self._node.attrs})

    def HasField(self, name: str) -> bool:
        """Tell whether a message in it is there: of its members these alone can be absent.

        Raises:
            ValueError: It is no such member.
        """
        if name not in ("experimental_debug_info", "experimental_type"):
            raise ValueError(
                f"NodeDef has no member {name!r} of which it is known whether it is there"
            )
        return False

    def __repr__(self) -> str:
        return repr(self._node)


class _Attributes(dict[str, "AttrView"]):
    """Attributes by key; one that is not there is empty."""

    def __missing__(self, key: str) -> AttrView:
        return AttrView(None)


class AttrView:
    """Message of an attribute: one member holds its value, the others nothing.

    Attributes:
        value: The value; None of none.
    """

    def __init__(self, value: Any) -> None:
        kind = next((name for each, name in _MEMBERS if isinstance(value, each)), "")
        if not kind and isinstance(value, int):
            kind = "type" if hasattr(value, "name") else "i"
        self._kind = kind
        self.value = value

    def HasField(self, name: str) -> bool:
        """Tell whether this member holds the value."""
        return name == self._kind

    def WhichOneof(self, name: str) -> str | None:
        """Tell which member holds the value."""
        return self._kind or None

    def _member(self, name: str, otherwise: Any) -> Any:
        return self.value if self._kind == name else otherwise

    @property
    def tensor(self) -> Any:
        """Tensor."""
        return self._member("tensor", None)

    @property
    def type(self) -> int:
        """Number of a type."""
        return int(self._member("type", 0))

    @property
    def shape(self) -> Any:
        """Shape."""
        stored = self._member("shape", None)
        dims = (stored.dims if stored is not None else None) or ()
        return SimpleNamespace(
            dim=[SimpleNamespace(size=size, name="") for size in dims],
            unknown_rank=stored is not None and stored.dims is None,
        )

    @property
    def s(self) -> bytes:
        """Bytes."""
        return bytes(self._member("s", b""))

    @property
    def i(self) -> int:
        """Whole number."""
        return int(self._member("i", 0))

    @property
    def f(self) -> float:
        """Number."""
        return float(self._member("f", 0.0))

    @property
    def b(self) -> bool:
        """Truth."""
        return bool(self._member("b", False))

    @property
    def list(self) -> Any:
        """Several values, under the names of each kind."""
        values = self._member("list", [])
        return SimpleNamespace(**dict.fromkeys(("s", "i", "f", "b", "type", "shape"), values))


def make_ndarray(tensor: Any) -> Any:
    """Array of a tensor's message.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(tensor, TensorMessage):
        raise TypeError(f"expected the message of a tensor, got {type(tensor).__name__}")
    try:
        return tensor.array()
    except FormatError as error:
        raise errors.both(error) from error


def tensor_info(fact: TensorFact) -> Any:
    """Message of a signature's tensor."""
    dims = [SimpleNamespace(size=size, name="") for size in fact.shape or ()]
    shape = SimpleNamespace(dim=dims, unknown_rank=fact.shape is None)
    return SimpleNamespace(name=fact.name or "", dtype=fact.dtype, tensor_shape=shape)


def signature_def(signature: Signature) -> Any:
    """Message of a signature."""
    return SimpleNamespace(
        inputs={key: tensor_info(each) for key, each in signature.inputs.items()},
        outputs={key: tensor_info(each) for key, each in signature.outputs.items()},
        method_name=signature.method,
    )


def meta_graph_def(meta: MetaGraph) -> Any:
    """Message of a graph with what is said of it."""
    return SimpleNamespace(
        graph_def=GraphDef(bytes(meta.graph_def[0])),
        signature_def={key: signature_def(each) for key, each in meta.signatures.items()},
        collection_def=dict(meta.collections),
        meta_info_def=SimpleNamespace(
            tags=sorted(meta.tags), tensorflow_version=meta.tensorflow_version
        ),
    )
