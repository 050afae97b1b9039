"""What a frozen graph still needs and does: its inputs, and what its user should know of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .. import _dtypes
from .._graphdef import TensorMessage, parse_input
from .._graphdef._op_facts import is_known
from ._stream import LARGE_BYTES
from ._tensors import dtype_of, shape_of

if TYPE_CHECKING:
    from .._graphdef import Function, MetaGraph, Node, Nodes

_PLACEHOLDERS: Final = frozenset(["Placeholder", "PlaceholderV2", "PlaceholderWithDefault"])
_RANDOM: Final = frozenset(
    [
        "RandomUniform",
        "RandomUniformInt",
        "RandomStandardNormal",
        "RandomGamma",
        "RandomPoisson",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomCrop",
        "ParameterizedTruncatedNormal",
        "TruncatedNormal",
        "Multinomial",
        "StatelessRandomGetKeyCounter",
    ]
)
_PIPELINE: Final = re.compile(
    r"(OneShot|Make|Anonymous|MultiDevice)?Iterator\w*|.*Dataset(V\d)?$"
    r"|(?!.*Tensor).*Queue(V2)?$|Queue(Dequeue|Enqueue).*|.*Reader(V2)?$|ReaderRead.*"
)
_SOURCE: Final = re.compile(r"IteratorGetNext.*|QueueDequeue.*|ReaderRead.*")
_SWITCH: Final = re.compile(
    r"(keep_?prob|drop_?out|drop_?rate|is_?train(ing)?|train(ing)?(_phase|_mode)?|phase(_train)?"
    r"|learning_phase|is_?test|mode)(_?\d+)?",
    re.IGNORECASE,
)
_NAMED: Final = 5  # of each kind in a warning


@dataclass(frozen=True, slots=True)
class FrozenInput:
    """A tensor that is to be fed when the frozen graph is run.

    Attributes:
        name: Its name, as sessions are fed: ``"x:0"``.
        dtype: TensorFlow's name of its type.
        shape: Its shape, -1 for unknown dimensions; None where not even the rank is known.
        default: Its value when it is not fed; None where it must be.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    default: Any = None

    def __str__(self) -> str:
        given = "" if self.default is None else f" = {self.default}"
        return f"{self.name} {self.dtype}{shown_shape(self.shape)}{given}"


def inputs_of(nodes: Nodes, meta: MetaGraph) -> tuple[FrozenInput, ...]:
    """The placeholders of a graph, in its order."""
    return tuple(
        FrozenInput(
            f"{name}:0",
            _dtypes.name_of(dtype_of(node, 0, {}) or 0),
            shape_of(meta, nodes, node, 0),
            _default(nodes, node),
        )
        for name, node in nodes.items()
        if node.op in _PLACEHOLDERS
    )


def _default(nodes: Nodes, node: Node) -> Any:
    if node.op != "PlaceholderWithDefault" or not node.inputs:
        return None
    source = nodes.get(parse_input(node.inputs[0]).name)
    value = source.attr("value") if source is not None and source.op == "Const" else None
    return value.array() if isinstance(value, TensorMessage) else None


def notes(
    nodes: Nodes, functions: Mapping[str, Function], meta: MetaGraph, nbytes: int
) -> Iterator[str]:
    """What the user of a frozen graph should know, a sentence each."""
    ops = [(node.name, node.op) for node in nodes.values()]
    for function in functions.values():
        ops += [(f"{function.name}/{node.name}", node.op) for node in function.nodes.values()]
    random = [name for name, op in ops if op in _RANDOM]
    switches = list(_switches(nodes, meta))
    if random:
        hint = ""
        if switches:
            hint = f"; bind={{{switches[0]!r}: …}} may switch them off"
        yield f"random ops are reachable: {_some(random)}: results differ from run to run{hint}"
    if switches:
        yield (
            f"switches are left as placeholders: {_some(switches)}: feed them, or give them a "
            "value with bind="
        )
    if any(_PIPELINE.fullmatch(op) for _, op in ops):
        yield _about_pipelines(nodes, meta)
    unknown = sorted({op for _, op in ops if not is_known(op) and op not in functions})
    if unknown:
        yield f"ops of no plain TensorFlow are needed at run time: {_some(unknown)}"
    if nbytes >= LARGE_BYTES:
        yield (
            f"the graph has {nbytes} bytes: TensorFlow takes many times that to load it; "
            "export_saved_model leaves the weights in the checkpoint"
        )


def _switches(nodes: Nodes, meta: MetaGraph) -> Iterator[str]:
    """Placeholders that turn training on and off, by their type and name."""
    for name, node in nodes.items():
        if node.op in _PLACEHOLDERS:
            is_bool = dtype_of(node, 0, {}) == _dtypes.BOOL
            named = _SWITCH.fullmatch(name.rpartition("/")[2])
            if (is_bool or named) and not shape_of(meta, nodes, node, 0):
                yield name


def _about_pipelines(nodes: Nodes, meta: MetaGraph) -> str:
    """The ports of input pipelines that are in use: where a graph is best cut."""
    ports: dict[str, None] = {}
    for node in nodes.values():
        for text in node.inputs:
            source = parse_input(text)
            before = nodes.get(source.name)
            if source.port >= 0 and before is not None and _SOURCE.fullmatch(before.op):
                ports[f"{source.name}:{source.port}"] = None
    cut = f"; cut there: inputs=[{', '.join(map(repr, list(ports)[:_NAMED]))}]" if ports else ""
    kept = [name for name, node in nodes.items() if _PIPELINE.fullmatch(node.op)]
    return f"an input pipeline is kept, the graph waits for its data when run: {_some(kept)}{cut}"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(map(repr, listed[:_NAMED])) + more


def shown_shape(shape: tuple[int, ...] | None) -> str:
    """A shape as users read it."""
    if shape is None:
        return " of unknown shape"
    return "[" + ", ".join("?" if dim < 0 else str(dim) for dim in shape) + "]"
