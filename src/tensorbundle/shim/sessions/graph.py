"""Graphs as programs hold them: one that is imported, by default that of the program."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ..._format.names import near
from ..._graph.graph import Graph as LoadedGraph
from ..._graphdef.facts import decode_variable
from ..._graphdef.nodes import parse_input
from ...errors import FormatError
from ..missing import needs_tensorflow
from .defaults import DEFAULTS
from .elements import GraphTensor, GraphVariable, Initializer, Operation
from .messages import GraphDef

if TYPE_CHECKING:
    from .session import Session

_TENSOR: Final = re.compile(r"(.+):(\d{1,9})")


class Graph:
    """Graph of a program: empty, until one is imported into it."""

    def __init__(self) -> None:
        self._loaded: LoadedGraph | None = None
        self.scope = ""
        self._elements: dict[object, Any] = {}
        self._added: dict[str, list[Any]] = {}

    # --- importing -------------------------------------------------------------------------------

    def take(self, loaded: LoadedGraph, scope: str = "") -> None:
        """Become an imported graph.

        Args:
            loaded: The graph.
            scope: What is put before the names of its nodes.

        Raises:
            NeedsTensorFlowError: There is one already.
        """
        if self._loaded is not None:
            raise needs_tensorflow(
                f"importing a second graph ({loaded.path}) into that of {self._loaded.path}",
                "merging graphs needs TensorFlow; tf.reset_default_graph() or a tf.Graph() of its "
                "own makes room for another one",
            )
        self._loaded = loaded
        self.scope = scope and scope.rstrip("/") + "/"

    @property
    def is_empty(self) -> bool:
        """True when nothing was imported."""
        return self._loaded is None

    @property
    def loaded(self) -> LoadedGraph:
        """What was imported.

        Raises:
            NeedsTensorFlowError: Nothing was.
        """
        if self._loaded is None:
            raise needs_tensorflow(
                "a graph that was not imported",
                "it is empty, and building a graph needs TensorFlow itself",
            )
        return self._loaded

    # --- elements --------------------------------------------------------------------------------

    def operation(self, name: str) -> Operation:
        """The operation of a node, by its name in the file."""
        found: Operation | None = self._elements.get(name)
        if found is None:
            node = self.loaded.nodes.get(name)
            if node is None:
                raise FormatError(f"no node {name!r}, which others name", path=self.loaded.path)
            found = self._elements[name] = Operation(self, node)
        return found

    def tensor(self, name: str, port: int) -> GraphTensor:
        """The tensor of a node, by its name in the file."""
        found: GraphTensor | None = self._elements.get((name, port))
        if found is None:
            found = self._elements[name, port] = GraphTensor(self.operation(name), port)
        return found

    @cached_property
    def variables(self) -> dict[str, GraphVariable]:
        """Variables by name in the file."""
        from ..._graph.mapping import find_variables

        found = find_variables(self.loaded.meta)
        told = {
            parse_input(each.variable_name).name: each for each in self.loaded.meta.variable_defs
        }
        return {name: GraphVariable(self, each, told.get(name)) for name, each in found.items()}

    def _inner(self, name: str) -> str | None:
        """Name in the file of a name in the program; None when there is no such node."""
        if self.is_empty or not name.startswith(self.scope):
            return None
        inner = name[len(self.scope) :]
        return inner if inner in self.loaded.nodes else None

    def get_operation_by_name(self, name: Any) -> Operation:
        """Find an operation.

        Raises:
            KeyError: There is none of that name.
            ValueError: It is the name of a tensor.
        """
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings, not {type(name).__name__}.")
        if (inner := self._inner(name)) is not None:
            return self.operation(inner)
        if _TENSOR.fullmatch(name) and self._inner(name.rpartition(":")[0]) is not None:
            raise ValueError(f"The name '{name}' refers to a Tensor, not a Operation.")
        raise KeyError(self._unknown(name, "an Operation"))

    def get_tensor_by_name(self, name: Any) -> GraphTensor:
        """Find a tensor.

        Raises:
            KeyError: There is no such operation, or it has no such output.
            ValueError: It is no name of a tensor: they end in a colon and a number.
        """
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings, not {type(name).__name__}.")
        found = _TENSOR.fullmatch(name)
        if found is None:
            raise ValueError(
                f"The name '{name}' refers to an Operation, not a Tensor. Tensor names must be of "
                'the form "<op_name>:<output_index>".'
            )
        inner = self._inner(found[1])
        if inner is None:
            raise KeyError(self._unknown(name, "a Tensor"))
        outputs = self.operation(inner).outputs
        if int(found[2]) >= len(outputs):
            raise KeyError(
                f"The name '{name}' refers to a Tensor which does not exist. The operation, "
                f"'{found[1]}', exists but only has {len(outputs)} outputs."
            )
        return outputs[int(found[2])]

    def _unknown(self, name: str, what: str) -> str:
        told = f"The name '{name}' refers to {what} which does not exist."
        if self.is_empty:
            return f"{told} The graph is empty: nothing was imported into it."
        known = [self.scope + each for each in self.loaded.meta.node_names]
        likely = near(name.partition(":")[0], known)
        return f"{told} Did you mean {', '.join(map(repr, likely))}?" if likely else told

    def as_graph_element(
        self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True
    ) -> Any:
        """Find what a name, a tensor, an operation or a variable stands for in this graph.

        Raises:
            KeyError, ValueError, TypeError: It stands for nothing here.
        """
        if isinstance(obj, str):
            if _TENSOR.fullmatch(obj) and allow_tensor:
                return self.get_tensor_by_name(obj)
            if allow_operation:
                return self.get_operation_by_name(obj)
            return self.get_tensor_by_name(obj)
        if isinstance(obj, (GraphTensor, Operation, GraphVariable)):
            if obj.graph is not self:
                raise ValueError(f"{obj!r} is not an element of this graph.")
            return obj
        if isinstance(obj, Initializer):
            return obj
        raise TypeError(f"Can not convert a {type(obj).__name__} into a Tensor or Operation.")

    def get_operations(self) -> list[Operation]:
        """List all operations."""
        return [] if self.is_empty else [self.operation(name) for name in self.loaded.nodes]

    # --- collections -----------------------------------------------------------------------------

    @property
    def collections(self) -> list[str]:
        """Names of collections."""
        return self.get_all_collection_keys()

    def get_all_collection_keys(self) -> list[str]:
        """List the names of collections."""
        stored = () if self.is_empty else self.loaded.collections
        return sorted({*stored, *self._added})

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """List what is in a collection.

        Args:
            name: Its name.
            scope: A regular expression that the names of those that are wanted begin with.
        """
        found = [*self._stored(str(name)), *self._added.get(str(name), ())]
        if scope is None:
            return found
        return [each for each in found if re.match(scope, getattr(each, "name", ""))]

    get_collection_ref = get_collection

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Add something to a collection; the file is left as it is."""
        self._added.setdefault(str(name), []).append(value)

    def _stored(self, name: str) -> list[Any]:
        collection = None if self.is_empty else self.loaded.collections.get(name)
        if collection is None:
            return []
        if collection.kind == "node_list":
            return [self._named(str(each)) for each in collection.values]
        if collection.kind != "bytes_list":
            return list(collection.values)
        return [self._message(each) for each in collection.values if isinstance(each, bytes)]

    def _message(self, raw: bytes) -> Any:
        """A serialized variable as that; other messages as their bytes."""
        with contextlib.suppress(FormatError):
            name = parse_input(decode_variable(raw).variable_name).name
            if name in self.variables:
                return self.variables[name]
        return raw

    def _named(self, text: str) -> Any:
        """An element of a collection of nodes."""
        found = _TENSOR.fullmatch(text)
        if found is None:
            return self.operation(text)
        if found[1] in self.variables and found[2] == "0":
            return self.variables[found[1]]
        return self.tensor(found[1], int(found[2]))

    # --- the graph itself ------------------------------------------------------------------------

    def as_graph_def(self, *args: Any, **kwargs: Any) -> GraphDef:
        """Message of the graph."""
        return GraphDef(b"" if self.is_empty else bytes(self.loaded.meta.graph_def[0]))

    @property
    def version(self) -> int:
        """Number that grows with what is in the graph."""
        return 0 if self.is_empty else self.loaded.num_nodes

    @property
    def seed(self) -> None:
        """None: there is no seed."""
        return None

    @property
    def finalized(self) -> bool:
        """True: nothing can be added."""
        return True

    def finalize(self) -> None:
        """Do nothing: nothing can be added."""

    @contextlib.contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Make it the graph of the program for a while."""
        DEFAULTS.graphs.append(self)
        try:
            yield self
        finally:
            DEFAULTS.graphs.remove(self)

    @contextlib.contextmanager
    def device(self, name: Any = None) -> Iterator[None]:
        """Enter a device; nothing is built there."""
        yield

    name_scope = device

    def session(self, session: Session | None) -> Session:
        """The session that something is run in: this one, or the default.

        Raises:
            ValueError: There is none.
        """
        found = session or get_default_session()
        if found is None:
            raise ValueError(
                "Cannot evaluate without a session: No default session is registered. Use `with "
                "sess.as_default()` or pass an explicit session."
            )
        return found


def get_default_graph() -> Graph:
    """Graph of the program."""
    if DEFAULTS.graphs:
        return DEFAULTS.graphs[-1]
    if DEFAULTS.own is None:
        DEFAULTS.own = Graph()
    return DEFAULTS.own


def reset_default_graph() -> None:
    """Begin with an empty graph."""
    DEFAULTS.own = None


def get_default_session() -> Session | None:
    """Session of the program, if one is the default."""
    return DEFAULTS.sessions[-1] if DEFAULTS.sessions else None
