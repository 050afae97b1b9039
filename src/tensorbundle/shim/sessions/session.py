"""Sessions: variables are read from checkpoints bit for bit, all else is computed by OpenVINO."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._format.dtypes import numpy_dtype
from ..._graphdef.nodes import parse_input
from ..._graphdef.roles import ASSIGNS, TABLE_IMPORTS, TABLE_INITIALIZERS, VARIABLES
from ..._ops.edges import control_inputs, data_inputs
from ...train.errors import InvalidArgumentError, raised_as_both
from ..missing import needs_tensorflow
from .defaults import DEFAULTS
from .elements import GraphTensor, GraphVariable, Initializer, Operation, is_handle, is_variable
from .graph import Graph, get_default_graph
from .values import Values

if TYPE_CHECKING:
    from ..._runner.runner import Runner

_log = logging.getLogger(__name__)


class Session:
    """Session of an imported graph.

    Args:
        target, config: Not looked at.
        graph: The graph; the default one when None.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        self.graph = get_default_graph() if graph is None else graph
        self.sess_str = target
        self.values = Values(self.graph)
        self._runners: dict[int, Runner] = {}
        self._needed: dict[tuple[tuple[str, ...], frozenset[str]], list[str]] = {}
        self._closed = False
        self._contexts: list[Any] = []

    # --- running ---------------------------------------------------------------------------------

    def run(
        self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Read variables and compute tensors.

        Args:
            fetches: A tensor, a variable, an initialiser, the name of one; lists, tuples and dicts
                of these, nested.
            feed_dict: Values by tensor or name of one.
            options: Not looked at.
            run_metadata: Not looked at.

        Returns:
            Arrays and scalars of numpy, as ``fetches`` is built; None for what is an operation.

        Raises:
            RuntimeError: The session is closed, or its graph empty.
            FailedPreconditionError: A variable was neither restored nor initialised.
            NeedsTensorFlowError: An operation is to be run that changes variables.
            KeyError, ValueError, TypeError: There is no such tensor.
            TensorBundleError: As for `tensorbundle.run`; InvalidArgumentError too.
        """
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if self.graph.is_empty and not isinstance(fetches, Initializer):
            raise RuntimeError(
                "The Session graph is empty: import a graph before calling run(); building one "
                "needs TensorFlow itself."
            )
        leaves: list[Any] = []
        rebuild = _taken_apart(fetches, lambda each: leaves.append(self._element(each)))
        feeds = {self._fed(key): value for key, value in (feed_dict or {}).items()}
        return rebuild(iter(self._results(leaves, feeds)))

    def _element(self, fetch: Any) -> Any:
        try:
            return self.graph.as_graph_element(fetch)
        except TypeError as error:
            kind = type(fetch).__name__
            raise TypeError(
                f"Fetch argument {fetch!r} has invalid type {kind}, must be a string or Tensor. "
                f"({error})"
            ) from None
        except (KeyError, ValueError) as error:
            told = error.args[0] if error.args else error
            raise ValueError(
                f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({told})"
            ) from None

    def _fed(self, key: Any) -> str:
        try:
            found = self.graph.as_graph_element(key, allow_operation=False)
        except (KeyError, ValueError, TypeError) as error:
            told = error.args[0] if error.args else error
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {told}") from None
        if isinstance(found, GraphVariable):
            return f"{found.stored.name}:0"
        if not isinstance(found, GraphTensor):
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {found!r} is none")
        return found.key

    def _results(self, leaves: list[Any], feeds: dict[str, Any]) -> list[Any]:
        """What is fetched, one by one; what must be computed, all in one run."""
        read: dict[int, Any] = {}
        computed: dict[int, GraphTensor] = {}
        for place, leaf in enumerate(leaves):
            if isinstance(leaf, (Operation, Initializer)):
                self._run_operation(leaf, feeds)
                read[place] = None
            elif (name := _variable_of(leaf)) is not None and f"{name}:0" not in feeds:
                read[place] = self.values.read(name)
            elif isinstance(leaf, GraphVariable):
                read[place] = np.asarray(feeds[f"{leaf.stored.name}:0"])
            else:
                computed[place] = leaf
        if computed:
            arrays = self._compute([each.key for each in computed.values()], feeds)
            pairs = zip(computed.items(), arrays, strict=True)
            read |= {place: _as_declared(array, tensor) for (place, tensor), array in pairs}
        return [None if read[i] is None else read[i][()] for i in range(len(leaves))]

    def _compute(self, keys: list[str], feeds: dict[str, Any]) -> list[Any]:
        from ..._runner.runner import Runner

        self.values.check(self.variables_before(keys, feeds))
        with raised_as_both():
            runner = self._runners.get(self.values.version)
            if runner is None:
                runner = Runner(self.graph.loaded, ckpt=self.values.checkpoint())
                self._runners = {self.values.version: runner}
            found: list[Any] = runner.run(feeds, list(keys))
        return found

    def variables_before(self, keys: Iterable[str], fed: Iterable[str] = ()) -> list[str]:
        """Variables that tensors are computed from, by their names in the file."""
        asked = (tuple(keys), frozenset(fed))
        if asked not in self._needed:
            nodes = self.graph.loaded.nodes
            seen: dict[str, None] = {}
            waiting = [parse_input(each) for each in asked[0]]
            while waiting:
                name, port = waiting.pop()
                if name in seen or name not in nodes or f"{name}:{port}" in asked[1]:
                    continue
                seen[name] = None
                waiting += map(parse_input, data_inputs(nodes[name]))
            self._needed[asked] = [name for name in seen if nodes[name].op in VARIABLES]
        return self._needed[asked]

    def _run_operation(self, operation: Operation | Initializer, feeds: dict[str, Any]) -> None:
        """Initialise variables, which is the only thing that an operation may do here."""
        if isinstance(operation, Initializer):
            if operation.variables:
                self.values.initialise(operation.variables)
            return
        graph = operation.graph
        saver = None if graph.is_empty else graph.loaded.saver
        if saver is not None and operation.node.name == saver.restore_op:
            self._restore(feeds.get(saver.filename_tensor))
            return
        names, others = _initialised(graph, operation)
        if others:
            raise needs_tensorflow(
                f"running the operation {operation.name!r} ({others[0]})",
                "operations that change anything, as training does, need TensorFlow itself",
            )
        self.values.initialise(names)

    def _restore(self, path: Any) -> None:
        """Run the graph's own restore operation, as programs do that have no saver."""
        from .saver import Saver

        if path is None:
            raise InvalidArgumentError(None, None, "the name of the checkpoint is not fed")
        text = np.asarray(path).item()
        Saver.of_graph(self.graph).restore(self, text.decode() if isinstance(text, bytes) else text)

    def partial_run(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: runs are whole."""
        raise needs_tensorflow("Session.partial_run", "runs are whole here")

    partial_run_setup = partial_run

    def make_callable(self, fetches: Any, feed_list: Any = None, **options: Any) -> Any:
        """A function that runs what is fetched, fed its arguments."""

        def call(*values: Any) -> Any:
            return self.run(fetches, dict(zip(feed_list or (), values, strict=True)))

        return call

    # --- its life --------------------------------------------------------------------------------

    def list_devices(self) -> list[Any]:
        """List nothing: there is only this processor."""
        return []

    def close(self) -> None:
        """End the session."""
        self._closed = True
        self._runners.clear()

    @property
    def graph_def(self) -> Any:
        """Message of the graph."""
        return self.graph.as_graph_def()

    def as_default(self) -> _AsDefault:
        """Make it the session of the program for a while."""
        return _AsDefault(self)

    def __enter__(self) -> Session:
        context, graph = _AsDefault(self), self.graph.as_default()
        context.__enter__()
        graph.__enter__()
        self._contexts += [context, graph]
        return self

    def __exit__(self, *error: Any) -> None:
        self._contexts.pop().__exit__(None, None, None)
        self._contexts.pop().__exit__(None, None, None)
        self.close()


class InteractiveSession(Session):
    """Session that is the default from the beginning on."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        DEFAULTS.sessions.append(self)
        if graph is not None:
            DEFAULTS.graphs.append(graph)

    def close(self) -> None:
        """End the session."""
        super().close()
        for listed, each in ((DEFAULTS.sessions, self), (DEFAULTS.graphs, self.graph)):
            if each in listed:
                listed.remove(each)  # type: ignore[arg-type]


class _AsDefault:
    """Session that is the default for a while."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Session:
        DEFAULTS.sessions.append(self._session)
        return self._session

    def __exit__(self, *error: Any) -> None:
        DEFAULTS.sessions.remove(self._session)


def _variable_of(leaf: Any) -> str | None:
    """The variable that is read when something is fetched: that of a handle, too."""
    if isinstance(leaf, GraphVariable):
        return leaf.stored.name
    if isinstance(leaf, GraphTensor) and not leaf.value_index and is_variable(leaf.op.node):
        return leaf.op.node.name
    return None


def _as_declared(array: Any, tensor: GraphTensor) -> Any:
    """A result in the type that the graph says, which the engine may not have."""
    if is_handle(tensor):
        raise needs_tensorflow(f"the value of {tensor.name}", "it is a handle, which has none")
    dtype = numpy_dtype(tensor.dtype.base_dtype.as_datatype_enum)
    if dtype is None or dtype.kind == "O" or array.dtype == dtype:
        return array
    if dtype == np.float64:
        _note_float64()
    return array.astype(dtype)


@functools.cache
def _note_float64() -> None:
    _log.warning("what is float64 in a graph is computed as float32 without TensorFlow")


def _initialised(graph: Graph, operation: Operation) -> tuple[list[str], list[str]]:
    """Variables that an operation gives their initial values, and what else it would do.

    Nodes that it waits for are followed; those that fill tables do nothing here.
    """
    nodes = graph.loaded.nodes
    initial = {
        each.told.initializer_name for each in graph.variables.values() if each.told is not None
    }
    seen: set[str] = set()
    names: list[str] = []
    others: list[str] = []
    waiting = [operation.node.name]
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        node = nodes[name]
        if node.op in ("NoOp", "Identity", "Group"):
            waiting += [each[1:] for each in control_inputs(node)]
        elif node.op in ASSIGNS and (name in initial or not initial):
            names.append(parse_input(data_inputs(node)[0]).name)
        elif node.op not in TABLE_INITIALIZERS | TABLE_IMPORTS:
            others.append(node.op)
    if not names and not others and operation.node.op != "NoOp":
        others.append(operation.node.op)
    return names, others


def _taken_apart(fetches: Any, take: Callable[[Any], object]) -> Callable[[Iterator[Any]], Any]:
    """Give each leaf of nested fetches to a function; return what builds results likewise."""
    if isinstance(fetches, Mapping):
        inner = [(key, _taken_apart(each, take)) for key, each in fetches.items()]
        kind = type(fetches) if isinstance(fetches, dict) else dict
        return lambda results: _made(kind, {key: build(results) for key, build in inner})
    if isinstance(fetches, Sequence) and not isinstance(fetches, (str, bytes)):
        builds = [_taken_apart(each, take) for each in fetches]
        if hasattr(fetches, "_fields"):
            return lambda results: type(fetches)(*(build(results) for build in builds))
        as_kind: Callable[[list[Any]], Any] = tuple if isinstance(fetches, tuple) else list
        return lambda results: as_kind([build(results) for build in builds])
    take(fetches)
    return next


def _made(kind: type[Any], results: dict[Any, Any]) -> Any:
    try:
        return kind(results)
    except TypeError:  # a defaultdict, say
        return results
