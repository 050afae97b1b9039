"""Run graphs without TensorFlow, on OpenVINO (freeze.md §8): restore and predict."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from .._format.wording import Worded, listed, option, quoted
from .._freeze.assemble import prepare
from .._freeze.freeze import Frozen, FrozenInput, checkpoint_of
from .._freeze.result import inputs_of
from .._freeze.variables.constants import Constant, freeze_variables
from .._freeze.wanted.choice import choose
from .._freeze.wanted.request import Request
from .._graph.graph import Graph, load_graph
from .._graphdef.facts import Signature, TensorFact
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import parse_input
from .._graphdef.roles import FED
from .._locate.kinds import tell_kind
from .._ops.types import Shape, shape_of
from ..errors import ConversionError, FormatError
from .feeds import feed_array, shape_fed
from .keys import signature_of, tensor_fed
from .plan import Plan, make_plan, node_name

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.dtypes import Array
    from .._freeze.wanted.resolve import Target

__all__ = ["Runner", "run"]

Model: TypeAlias = "str | os.PathLike[str] | bytes | memoryview | Graph | Frozen"
Feeds: TypeAlias = "Mapping[str, Any] | None"
Fetches: TypeAlias = "str | Sequence[str] | Mapping[str, str] | None"

_AUTO: Final = "auto"


def run(
    model: Model,
    feeds: Feeds = None,
    fetches: Fetches = None,
    *,
    ckpt: str | os.PathLike[str] | Checkpoint | None = None,
    signature: str | None = None,
) -> Any:
    """Compute tensors of a graph, without TensorFlow. For repeated calls use `Runner`.

    Args:
        model: A frozen graph: its file, its bytes, or what `tensorbundle.freeze` gave. Also any
            graph with its checkpoint, which is frozen to what is fetched first.
        feeds: Values by input: ``{"x:0": array}`` or ``{"x": array}``.
        fetches: What to compute; see `Runner.run`.
        ckpt: The checkpoint with the values; by default the one that belongs to the graph.
        signature: The key of the signature whose keys are meant; by default the one that the
            fetches are of.

    Returns:
        An array, a list or a dict, as ``fetches`` is one.

    Raises:
        TensorNotFoundError, ConversionError, UnsupportedError: As `Runner.run`.

    Example:
        >>> import tensorbundle as tb
        >>> tb.run(tb.demo("saver"), fetches="dense/kernel/Read/ReadVariableOp:0").shape
        (6, 4)
    """
    return Runner(model, ckpt=ckpt, signature=signature).run(feeds, fetches)


class Runner:
    """Graph that is run again and again, on OpenVINO in full float32 precision.

    What is fetched together is cut out of the graph and compiled when it is first asked for, and
    kept. So anything can be fetched that the engine can compute, whatever else the graph holds.
    Inputs may come in any shape that the graph allows. Objects may be shared between threads.

    The engine computes float64 as float32 and 64-bit integers in 32 bits; bfloat16 comes back as
    float32. Complex numbers cannot be fed.

    Example:
        >>> import tensorbundle as tb
        >>> runner = tb.Runner(tb.demo("saver"), "dense/kernel/Read/ReadVariableOp:0")
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
        signature: str | None = None,
    ) -> None:
        """Read the graph.

        Args:
            model: As for `run`.
            fetches: What `run` computes when it is not told.
            inputs: The only tensors that are ever fed, and always. By default whatever `run` gets.
            ckpt: As for `run`.
            signature: As for `run`.

        Raises:
            TensorNotFoundError: An input is not in the graph; near names are suggested.
            MissingFileError, FormatError: There is no such graph, or it is damaged.
        """
        self._graph = _graph_of(model)
        self._ckpt = checkpoint_of(self._graph, ckpt)
        self._fetches = fetches
        self._signature = signature
        named = [inputs] if isinstance(inputs, str) else inputs
        self._inputs: dict[str, str] | None = None
        if named is not None:
            key = self._key(fetches, named)
            self._inputs = {tensor_fed(self._graph, each, key): each for each in named}
        self._plans: dict[object, Plan] = {}
        self._lock = threading.Lock()

    @property
    def inputs(self) -> dict[str, FrozenInput]:
        """Inputs of what is computed by default: by key of the signature, or by name.

        Raises:
            ConversionError: Nothing says what is computed.
        """
        return {each.key or node_name(each): each for each in self._needed()[1]}

    @property
    def outputs(self) -> dict[str, str]:
        """Tensors that are computed by default, by key.

        Raises:
            ConversionError: Nothing says what they are.
        """
        return {each.key: each.tensor for each in self._needed()[0]}

    def _needed(self) -> tuple[tuple[Target, ...], tuple[FrozenInput, ...]]:
        graph, key = self._graph, self._key(self._fetches, ())
        targets, _ = choose(graph, self._ckpt, self._fetches, key)
        prepared = prepare(graph, targets, Request(signature=key))
        constants = {
            name: Constant(each.dtype, each.shape) for name, each in graph.variables.items()
        }
        needed = freeze_variables(prepared.nodes, graph.functions, constants, prepared.roots)
        return targets, inputs_of(needed.nodes, graph.meta, prepared.keys)

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
        key = self._key(fetches, feeds or ())
        given = self._values(feeds, key)
        names = self._names(fetches, key)
        if fetches is None:
            self._refuse_fed(names, given)
        results = self._compute(list(names.values()), given, key)
        if isinstance(fetches, str) and (fetches != _AUTO or _AUTO in names):
            return results[0]
        if fetches is None or fetches == _AUTO or isinstance(fetches, Mapping):
            return dict(zip(names, results, strict=True))
        return results

    __call__ = run

    def _key(self, fetches: Fetches, feeds: Iterable[str]) -> str | None:
        """The signature whose keys are meant."""
        named: list[str] | None = [fetches] if isinstance(fetches, str) else None
        if fetches is not None and named is None:
            named = list(fetches.values() if isinstance(fetches, Mapping) else fetches)
        return signature_of(self._graph, named, feeds, self._signature)

    def _names(self, fetches: Fetches, key: str | None) -> dict[Any, str]:
        """What to compute, by key."""
        if fetches is None or (fetches == _AUTO and _AUTO not in self._graph.nodes):
            targets, _ = choose(self._graph, self._ckpt, fetches, key)
            return {each.key: _as_tensor(each.tensor) for each in targets}
        if isinstance(fetches, str):
            return {0: fetches}
        if isinstance(fetches, Mapping):
            return dict(fetches)
        return dict(enumerate(fetches))

    # --- feeds -----------------------------------------------------------------------------------

    def _values(self, feeds: Feeds, key: str | None) -> dict[str, tuple[str, Any]]:
        """By tensor, what the user calls it and its value."""
        given = {
            tensor_fed(self._graph, name, key): (name, value)
            for name, value in (feeds or {}).items()
        }
        if self._inputs is not None and given.keys() != self._inputs.keys():
            wrong = [each for tensor, (each, _) in given.items() if tensor not in self._inputs]
            lacking = [each for tensor, each in self._inputs.items() if tensor not in given]
            what = f"fed beside inputs=: {wrong}" if wrong else f"not fed: {lacking}"
            raise ConversionError(f"every call feeds exactly the inputs that were named: {what}")
        return given

    def _refuse_fed(self, names: dict[Any, str], given: dict[str, tuple[str, Any]]) -> None:
        """Raise ConversionError where what is to be computed is given: an output for an input."""
        for tensor in map(_as_tensor, names.values()):
            fed = given.get(tensor.removesuffix(":0"))
            node = self._graph.nodes.get(parse_input(tensor).name)
            if fed is not None and node is not None and node.op not in FED:
                inputs = inputs_of(self._graph.nodes, self._graph.meta)
                raise ConversionError(
                    f"{quoted(fed[0])} is fed, and is what is computed: the inputs are "
                    f"{listed(each.name.removesuffix(':0') for each in inputs)}",
                    path=self._graph.path,
                )

    # --- computing -------------------------------------------------------------------------------

    def _compute(
        self, names: list[str], given: dict[str, tuple[str, Any]], key: str | None
    ) -> list[Array]:
        cuts = {
            tensor: shape_fed(value)
            for tensor, (_, value) in given.items()
            if not self._has_rank(tensor)
        }
        plan = self._plan(tuple(names), cuts, key)
        pairs = zip(plan.inputs, plan.feeds, strict=True)
        return plan.run([self._array(fact, tensor, given) for fact, tensor in pairs])

    def _plan(self, names: tuple[str, ...], cuts: dict[str, Shape], key: str | None) -> Plan:
        """The graph cut to these fetches and feeds: made once, then found again."""
        wanted = (names, tuple(sorted(cuts.items())), key)
        with self._lock:
            if wanted not in self._plans:
                self._plans[wanted] = make_plan(self._graph, self._ckpt, names, cuts, key)
            return self._plans[wanted]

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
            called = "" if fact.key is None else f"{quoted(fact.key)}, "
            raise ConversionError(
                Worded(
                    f"input {called}{fact} is not fed: what is fetched needs it; give it by ",
                    option("feeds"),
                ),
                path=self._graph.path,
            )
        name, value = given[tensor]
        return feed_array(name, value, fact)


def _as_tensor(name: str) -> str:
    """A tensor's name that cannot be a key."""
    return name if ":" in name else f"{name}:0"


def _graph_of(model: Model) -> Graph:
    if isinstance(model, Frozen):
        graph = _graph_of(model.data) if model.data is not None else load_graph(model.path or "")
        return graph.with_signatures({"frozen": _signature_of(model)})
    if not isinstance(model, (bytes, memoryview)):
        return load_graph(model)
    data = memoryview(model)
    kind = tell_kind(data)
    if kind != "graph":
        raise FormatError(f"the bytes are no GraphDef, but another message: {kind}")
    return Graph("<bytes>", "graph", MetaGraph(data, bare=True))


def _signature_of(frozen: Frozen) -> Signature:
    """What a frozen graph was asked for, by key; a file of it does not hold that."""
    inputs = {each.key: TensorFact(each.name) for each in frozen.inputs if each.key is not None}
    return Signature(inputs, {key: TensorFact(name) for key, name in frozen.outputs.items()})
