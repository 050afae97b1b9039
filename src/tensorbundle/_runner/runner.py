"""Run graphs without TensorFlow, on OpenVINO (freeze.md §8): restore and predict."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from .._freeze.freeze import Frozen, FrozenInput, checkpoint_of, freeze
from .._freeze.wanted.choice import choose
from .._freeze.wanted.resolve import find_node, unknown_name
from .._graph.graph import Graph, load_graph
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import Node, Nodes, join_input, parse_input
from .._locate.kinds import tell_kind
from .._ops.roles import FED
from .._ops.types import Shape, shape_of
from ..errors import ConversionError, FormatError
from .engine import Program
from .feeds import feed_array, shape_fed

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.dtypes import Array

__all__ = ["Runner", "run"]

Model: TypeAlias = "str | os.PathLike[str] | bytes | memoryview | Graph | Frozen"
Feeds: TypeAlias = "Mapping[str, Any] | None"
Fetches: TypeAlias = "str | Sequence[str] | Mapping[str, str] | None"

# What tensors that are fetched, and some that are fed, are called in the graph that is run.
_FETCH: Final = "tensorbundle_fetch"
_FED: Final = "tensorbundle_fed"


def run(
    model: Model,
    feeds: Feeds = None,
    fetches: Fetches = None,
    *,
    ckpt: str | os.PathLike[str] | Checkpoint | None = None,
) -> Any:
    """Compute tensors of a graph, without TensorFlow. For repeated calls use `Runner`.

    Args:
        model: A frozen graph: its file, its bytes, or what `tensorbundle.freeze` gave. Also any
            graph with its checkpoint, which is frozen to what is fetched first.
        feeds: Values by input: ``{"x:0": array}`` or ``{"x": array}``.
        fetches: What to compute; see `Runner.run`.
        ckpt: The checkpoint with the values; by default the one that belongs to the graph.

    Returns:
        An array, a list or a dict, as ``fetches`` is one.

    Raises:
        TensorNotFoundError, ConversionError, UnsupportedError: As `Runner.run`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.run("tests/golden/data/saver", fetches="dense/kernel/Read/ReadVariableOp:0").shape
        (6, 4)
    """
    return Runner(model, ckpt=ckpt).run(feeds, fetches)


class Runner:
    """Graph that is run again and again, on OpenVINO in full float32 precision.

    What is fetched together is cut out of the graph and compiled when it is first asked for, and
    kept. So anything can be fetched that the engine can compute, whatever else the graph holds.
    Inputs may come in any shape that the graph allows. Objects may be shared between threads.

    The engine computes float64 as float32 and 64-bit integers in 32 bits; bfloat16 comes back as
    float32. Complex numbers cannot be fed.

    Example:
        >>> import tensorbundle as tb
        >>> runner = tb.Runner("tests/golden/data/saver", "dense/kernel/Read/ReadVariableOp:0")
        >>> runner().dtype, runner({"dense/bias/Read/ReadVariableOp": [1, 2]}, "dense/bias").shape
        (dtype('float32'), (4,))
    """

    def __init__(
        self,
        model: Model,
        fetches: Fetches = None,
        inputs: str | Sequence[str] | None = None,
        *,
        ckpt: str | os.PathLike[str] | Checkpoint | None = None,
    ) -> None:
        """Read the graph.

        Args:
            model: As for `run`.
            fetches: What `run` computes when it is not told.
            inputs: The only tensors that are ever fed, and always. By default whatever `run` gets.
            ckpt: As for `run`.

        Raises:
            TensorNotFoundError: An input is not in the graph; near names are suggested.
            MissingFileError, FormatError: There is no such graph, or it is damaged.
        """
        self._graph = _graph_of(model)
        self._ckpt = checkpoint_of(self._graph, ckpt)
        self._fetches = fetches
        named = [inputs] if isinstance(inputs, str) else inputs
        self._inputs = None if named is None else {self._fed(each): each for each in named}
        self._plans: dict[object, _Plan] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Runner {self._graph.path!r}>"

    def run(self, feeds: Feeds = None, fetches: Fetches = None) -> Any:
        """Compute tensors.

        Args:
            feeds: Values by input: a placeholder, an input of the signature, or any other tensor,
                of which then nothing is computed. Inputs that what is fetched does not need are
                passed over.
            fetches: A tensor (``"y:0"``, or ``"y"`` for the first output of a node) or an output of
                the signature; a list or a dict of these. By default those given to `Runner`; if
                none were, all outputs of the signature or, of a frozen graph, its ends, as a dict.

        Returns:
            An array of its own; a list or a dict of them if ``fetches`` is one.

        Raises:
            TensorNotFoundError: There is no such tensor; near names are suggested.
            ConversionError: A value does not fit its input, an input is not fed, what is fetched is
                no tensor, or nothing says what to fetch.
            UnsupportedError: OpenVINO is not installed, or cannot run this; operations that it does
                not have are named.
            ChecksumError, FormatError, MissingFileError: The values cannot be read.
        """
        fetches = self._fetches if fetches is None else fetches
        given = self._values(feeds)
        names = self._names(fetches)
        results = self._compute(list(names.values()), given)
        if isinstance(fetches, str):
            return results[0]
        if fetches is None or isinstance(fetches, Mapping):
            return dict(zip(names, results, strict=True))
        return results

    __call__ = run

    def _names(self, fetches: Fetches) -> dict[Any, str]:
        """What to compute, by key."""
        if fetches is None:
            targets, _ = choose(self._graph, self._ckpt, None, None)
            return {target.key: target.tensor for target in targets}
        if isinstance(fetches, str):
            return {0: fetches}
        if isinstance(fetches, Mapping):
            return dict(fetches)
        return dict(enumerate(fetches))

    # --- feeds -----------------------------------------------------------------------------------

    def _values(self, feeds: Feeds) -> dict[str, tuple[str, Any]]:
        """By tensor, what the user calls it and its value."""
        given = {self._fed(name): (name, value) for name, value in (feeds or {}).items()}
        if self._inputs is not None and given.keys() != self._inputs.keys():
            wrong = [each for tensor, (each, _) in given.items() if tensor not in self._inputs]
            lacking = [each for tensor, each in self._inputs.items() if tensor not in given]
            what = f"fed beside inputs=: {wrong}" if wrong else f"not fed: {lacking}"
            raise ConversionError(f"every call feeds exactly the inputs that were named: {what}")
        return given

    def _fed(self, name: str) -> str:
        """The tensor that a user calls so: of the graph, or an input of a signature."""
        graph = self._graph
        if find_node(graph, name) is not None:
            return join_input(*parse_input(name))
        for signature in graph.signatures.values():
            fact = signature.inputs.get(name)
            if fact is not None and fact.name is not None:
                return fact.name.removesuffix(":0")
        raise unknown_name(graph, name, "input").add_context(path=graph.path)

    # --- computing -------------------------------------------------------------------------------

    def _compute(self, names: list[str], given: dict[str, tuple[str, Any]]) -> list[Array]:
        cuts = {
            tensor: shape_fed(value)
            for tensor, (_, value) in given.items()
            if not self._has_rank(tensor)
        }
        plan = self._plan(tuple(names), cuts)
        pairs = zip(plan.inputs, plan.feeds, strict=True)
        return plan.run([self._array(fact, tensor, given) for fact, tensor in pairs])

    def _plan(self, names: tuple[str, ...], cuts: dict[str, Shape]) -> _Plan:
        """The graph cut to these fetches and feeds: made once, then found again."""
        key = (names, tuple(sorted(cuts.items())))
        with self._lock:
            if key not in self._plans:
                self._plans[key] = _plan(self._graph, self._ckpt, names, cuts)
            return self._plans[key]

    def _has_rank(self, tensor: str) -> bool:
        """Whether a tensor is a placeholder that says of what rank it is: others are made one."""
        graph = self._graph
        node = graph.nodes.get(tensor)
        if node is None or node.op not in FED:
            return False
        return shape_of(graph.meta, graph.nodes, node, 0) is not None

    def _array(self, fact: FrozenInput, tensor: str, given: dict[str, tuple[str, Any]]) -> Array:
        """What was fed for an input of the cut graph, which stands for a tensor of the graph."""
        if tensor not in given:
            raise ConversionError(
                f"input {fact} is not fed: what is fetched needs it", path=self._graph.path
            )
        name, value = given[tensor]
        return feed_array(name, value, fact)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A graph cut to what is fetched.

    Attributes:
        inputs: What must be fed.
        feeds: The tensor of the graph that each of them stands for.
        program: What computes; None when nothing needs to be computed.
        results: Where each thing that is fetched comes from: a number among the results of the
            program, the input that it is (a negative number), or its value.
    """

    inputs: tuple[FrozenInput, ...]
    feeds: tuple[str, ...]
    program: Program | None
    results: tuple[int | Array, ...]

    def run(self, arrays: list[Array]) -> list[Array]:
        """Compute what is fetched, in arrays of their own."""
        computed = [] if self.program is None else self.program.run(arrays)
        found: list[Array] = []
        for each in self.results:
            if not isinstance(each, int):
                found.append(np.array(each))
            else:
                found.append(computed[each] if each >= 0 else np.array(arrays[~each]))
        return found


def _plan(
    graph: Graph, ckpt: Checkpoint | None, names: Sequence[str], cuts: Mapping[str, Shape]
) -> _Plan:
    with tempfile.TemporaryDirectory(prefix="tensorbundle-") as folder:
        path = os.path.join(folder, "graph.pb")
        outputs = {f"{_FETCH}_{i}": name for i, name in enumerate(names)}
        # Of a cut at a node's first output the placeholder is called as the node. What others are
        # called is seen when they are fetched too.
        others = [tensor for tensor in cuts if parse_input(tensor).port > 0]
        fed = {f"{_FED}_{i}": tensor for i, tensor in enumerate(others)}
        frozen = freeze(graph, ckpt, outputs=outputs | fed, inputs=dict(cuts), path=path)
        nodes = load_graph(path).nodes
        inputs = tuple(each for each in frozen.inputs if nodes[_node(each)].op in FED)
        places = {_node(each): i for i, each in enumerate(inputs)}
        stand_ins = {_origin(nodes, frozen.outputs[key]).name: fed[key] for key in fed}
        feeds = tuple(stand_ins.get(_node(each), _node(each)) for each in inputs)
        results: list[int | Array] = []
        computed: list[str] = []
        for key in outputs:
            tensor = frozen.outputs[key]
            source = _origin(nodes, tensor)
            if source.op == "Const":
                results.append(source.attr("value").array())
            elif source.name in places:
                results.append(~places[source.name])
            else:
                results.append(len(computed))
                computed.append(tensor)
        program = Program(path, [each.name for each in inputs], computed) if computed else None
        return _Plan(inputs, feeds, program, tuple(results))


def _origin(nodes: Nodes, tensor: str) -> Node:
    """The node that a tensor is made by, identities passed over."""
    node = nodes[parse_input(tensor).name]
    for _ in nodes:
        if node.op != "Identity" or len(node.inputs) != 1:
            break
        node = nodes[parse_input(node.inputs[0]).name]
    return node


def _node(fact: FrozenInput) -> str:
    return fact.name.removesuffix(":0")


def _graph_of(model: Model) -> Graph:
    if isinstance(model, Frozen):
        if model.data is None:
            return load_graph(model.path or "")
        model = model.data
    if not isinstance(model, (bytes, memoryview)):
        return load_graph(model)
    data = memoryview(model)
    kind = tell_kind(data)
    if kind != "graph":
        raise FormatError(f"the bytes are no GraphDef, but another message: {kind}")
    return Graph("<bytes>", "graph", MetaGraph(data, bare=True))
