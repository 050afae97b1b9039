"""Elements of a graph as programs hold them: operations, tensors, variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..._format.dtypes import HANDLES
from ..._graphdef.attributes import DataType
from ..._graphdef.nodes import Node, parse_input
from ..._graphdef.roles import REF_VARIABLES, RESOURCE_VARIABLES
from ..._graphdef.shapes import ShapeValue
from ..._ops.edges import control_inputs, data_inputs
from ..._ops.facts import default_attrs, output_ports
from ..._ops.types import definitions, dtype_of, shape_of
from ...train import DType
from ...train.dtypes import interned
from ..missing import needs_tensorflow
from ..parts.tensors import Tensor, TensorShape, Variable
from .messages import NodeView

if TYPE_CHECKING:
    from ..._graph.variables import Variable as StoredVariable
    from ..._graphdef.facts import VariableDef
    from .graph import Graph
    from .session import Session

_REF: Final = 100  # what the number of a type has more when it is a reference


class Operation:
    """Operation of an imported graph.

    Attributes:
        graph: The graph.
        node: What is stored of it.
        name: Its name, in the scope that the graph was imported under.
    """

    def __init__(self, graph: Graph, node: Node) -> None:
        self.graph = graph
        self.node = node
        self.name = graph.scope + node.name

    @property
    def type(self) -> str:
        """Kind of the operation."""
        return self.node.op

    @property
    def device(self) -> str:
        """Device it asks for."""
        return self.node.device

    @property
    def node_def(self) -> NodeView:
        """Its message, with the attributes that files leave out since they have their default."""
        attrs = self.node.attrs
        known = definitions(self.graph.loaded.meta, self.node)
        absent = {k: v for k, v in default_attrs(self.type, known).items() if k not in attrs}
        full = self.node.replace(attrs={**attrs, **absent}) if absent else self.node
        return NodeView(full, self.graph.scope)

    @property
    def outputs(self) -> list[GraphTensor]:
        """Tensors that it gives."""
        meta = self.graph.loaded.meta
        ports = output_ports(self.node, definitions(meta, self.node))
        count = 1 if ports is None else sum(each for _, _, each in ports)
        return [self.graph.tensor(self.node.name, port) for port in range(count)]

    @property
    def inputs(self) -> tuple[GraphTensor, ...]:
        """Tensors that it takes."""
        sources = map(parse_input, data_inputs(self.node))
        return tuple(self.graph.tensor(each.name, each.port) for each in sources)

    @property
    def control_inputs(self) -> list[Operation]:
        """Operations that it waits for."""
        return [self.graph.operation(each[1:]) for each in control_inputs(self.node)]

    def values(self) -> tuple[GraphTensor, ...]:
        """Tensors that it gives."""
        return tuple(self.outputs)

    def get_attr(self, name: str) -> Any:
        """Value of an attribute.

        Raises:
            ValueError: It has none of that name.
        """
        value = self.node_def.attr[name].value
        if value is None:
            raise ValueError(f"Operation '{self.name}' has no attr named '{name}'.")
        if isinstance(value, DataType):
            return interned(int(value))
        return TensorShape(value.dims) if isinstance(value, ShapeValue) else value

    def run(self, feed_dict: Any = None, session: Session | None = None) -> None:
        """Run it in the default session."""
        self.graph.session(session).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"


class Initializer:
    """Operation that programs make to initialise variables: all of them, or those of a list."""

    def __init__(self, graph: Graph, name: str, variables: tuple[str, ...] = ()) -> None:
        self.graph = graph
        self.name = name
        self.variables = variables

    def run(self, feed_dict: Any = None, session: Session | None = None) -> None:
        """Run it in the default session."""
        self.graph.session(session).run(self, feed_dict)


class GraphTensor(Tensor):
    """Tensor of an imported graph.

    Attributes:
        op: The operation that gives it.
        value_index: Which of its outputs it is.
    """

    def __init__(self, op: Operation, value_index: int) -> None:
        self.op = op
        self.value_index = value_index

    @property
    def graph(self) -> Graph:
        """Graph it is of."""
        return self.op.graph

    @property
    def name(self) -> str:
        """Name with the number of the output."""
        return f"{self.op.name}:{self.value_index}"

    @property
    def key(self) -> str:
        """Name in the file that the graph came from, with the number: no key of a signature."""
        return f"{self.op.node.name}:{self.value_index}"

    @property
    def device(self) -> str:
        """Device of its operation."""
        return self.op.device

    @property
    def dtype(self) -> DType:
        """Type; that of a variable of old is a reference."""
        meta, node = self.graph.loaded.meta, self.op.node
        number = dtype_of(node, self.value_index, definitions(meta, node)) or 0
        return interned(number + (_REF if node.op in REF_VARIABLES else 0))

    @property
    def shape(self) -> TensorShape:
        """Shape, as far as the graph says it."""
        loaded = self.graph.loaded
        return TensorShape(shape_of(loaded.meta, loaded.nodes, self.op.node, self.value_index))

    def get_shape(self) -> TensorShape:
        """Shape, as far as the graph says it."""
        return self.shape

    def consumers(self) -> list[Operation]:
        """Operations that take it."""
        mine = parse_input(self.key)
        return [
            self.graph.operation(name)
            for name, node in self.graph.loaded.nodes.items()
            if any(parse_input(each) == mine for each in data_inputs(node))
        ]

    def eval(self, feed_dict: Any = None, session: Session | None = None) -> Any:
        """Compute it in the default session."""
        return self.graph.session(session).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self.dtype.name}>"

    def __bool__(self) -> bool:
        raise TypeError("Using a `tf.Tensor` as a Python `bool` is not allowed: it has no value")

    def __iter__(self) -> Any:
        raise TypeError("Tensor objects are not iterable: they have no values")


def _refused(operator: str) -> Any:
    def refuse(self: Any, *args: Any) -> Any:
        raise needs_tensorflow(f"{operator!r} of {self.name}", "building a graph needs TensorFlow")

    return refuse


_OPERATORS: Final = (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul "
    "rmatmul neg abs invert and or xor lt le gt ge getitem"
)


class GraphVariable(Variable):
    """Variable of an imported graph.

    Args:
        graph: The graph.
        stored: The variable as its node is.
        told: What a collection of the graph says of it, if one does.
    """

    def __init__(self, graph: Graph, stored: StoredVariable, told: VariableDef | None) -> None:
        self.graph = graph
        self.stored = stored
        self.told = told
        self.op = graph.operation(stored.name)

    @property
    def name(self) -> str:
        """Name with ``:0``."""
        return f"{self.op.name}:0"

    @property
    def trainable(self) -> bool:
        """True when training changes it."""
        return self.stored.trainable

    @property
    def device(self) -> str:
        """Device of its operation."""
        return self.op.device

    @property
    def dtype(self) -> DType:
        """Type; that of a variable of old is a reference."""
        return interned(self.stored.dtype + (_REF if self.stored.kind == "ref" else 0))

    @property
    def shape(self) -> TensorShape:
        """Shape, as far as the graph says it."""
        return TensorShape(self.stored.shape)

    def get_shape(self) -> TensorShape:
        """Shape, as far as the graph says it."""
        return self.shape

    @property
    def initializer(self) -> Operation | Initializer:
        """Operation that initialises it."""
        if self.told is not None and self.told.initializer_name in self.graph.loaded.nodes:
            return self.graph.operation(self.told.initializer_name)
        return Initializer(self.graph, f"{self.op.name}/Assign", (self.stored.name,))

    @property
    def initial_value(self) -> GraphTensor | None:
        """Tensor that it is initialised with, if the graph says it."""
        return self._tensor(self.told.initial_value_name if self.told is not None else "")

    def value(self) -> GraphTensor | GraphVariable:
        """Tensor that reads it."""
        found = self._tensor(self.told.snapshot_name if self.told is not None else "")
        return self if found is None else found

    def read_value(self) -> GraphTensor | GraphVariable:
        """Tensor that reads it."""
        return self.value()

    initialized_value = read_value

    def _tensor(self, name: str) -> GraphTensor | None:
        source = parse_input(name)
        if source.name not in self.graph.loaded.nodes:
            return None
        return self.graph.tensor(source.name, source.port)

    def eval(self, session: Session | None = None) -> Any:
        """Read its value in the default session."""
        return self.graph.session(session).run(self)

    def load(self, value: Any, session: Session | None = None) -> None:
        """Set its value in a session."""
        self.graph.session(session).values.put(self.stored, value)

    def assign(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Refuse: an assignment is an operation, which would have to be added to the graph."""
        raise needs_tensorflow(f"assign() of {self.name}", "building a graph needs TensorFlow")

    assign_add = assign_sub = scatter_update = assign

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}>"


for _operator in _OPERATORS.split():
    for _class in (GraphTensor, GraphVariable):
        setattr(_class, f"__{_operator}__", _refused(_operator))


def is_variable(node: Node) -> bool:
    """Tell whether a node's first output is a variable, or the handle of one."""
    return node.op in REF_VARIABLES | RESOURCE_VARIABLES


def is_handle(tensor: GraphTensor) -> bool:
    """Tell whether a tensor stands for something that no array can hold."""
    return tensor.dtype.base_dtype.as_datatype_enum in HANDLES
