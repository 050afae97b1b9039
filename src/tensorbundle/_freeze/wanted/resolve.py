"""Outputs as tensors: what a user calls them, found in the graph.

A name is an output's key in the signature that is used, or that of a node (its first output is
meant), of a tensor (``node:1``), or of a signature (all its outputs). Nodes inside functions are
named by the calls that lead to them, as they are called once these are inlined: ``call/inner``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from ..._format.wording import Worded, joined, listed, option, plain, quoted
from ..._graphdef.nodes import join_input, parse_input
from ..._ops.facts import output_ports
from ...errors import ConversionError, TensorNotFoundError
from .places import find_node, split_names
from .signatures import models_of, signature_or_none, tensor_parts
from .unknown import unknown_name

if TYPE_CHECKING:
    from ..._graph.graph import Graph
    from ..._graphdef.facts import Signature, TensorFact
    from ..._graphdef.functions import Function, OpDef
    from ..._graphdef.nodes import Node, Nodes

Outputs: TypeAlias = "str | Sequence[str] | Mapping[str, str] | None"

_SHOWN: Final = 10  # things in a message


class Target(NamedTuple):
    """A tensor that is wanted.

    Attributes:
        key: What it is called in the result.
        tensor: Its name, ``node`` or ``node:1``; inside a call ``call/inner``.
        root: The node of the main graph that leads to it: itself, or the call.
        named: Whether the result is to have a node of the name ``key``.
        dtype: Its DataType number as the signature says it; 0 where none does.
    """

    key: str
    tensor: str
    root: str
    named: bool
    dtype: int = 0


def resolve(graph: Graph, outputs: Outputs, signature: str | None) -> tuple[Target, ...]:
    """Find the tensors that are wanted.

    Args:
        graph: Where.
        outputs: What the caller asks for; None: the outputs of the signature.
        signature: Its key; None: the one to serve, or the only one.

    Raises:
        TensorNotFoundError: There is no such output, or no such signature.
        ConversionError: What is named gives no tensor, or nothing is named and there is no
            signature that would say it.
    """
    if outputs is None:
        return _of_signature(graph, signature)
    if isinstance(outputs, Mapping):
        wanted = [(key, name) for key, name in outputs.items()]
    else:
        wanted = [("", each) for each in ([outputs] if isinstance(outputs, str) else outputs)]
    if not wanted:
        raise ConversionError("no outputs are named: expected at least one")
    chosen = signature_or_none(graph, signature)
    wanted = [(key, each) for key, name in wanted for each in _divided(graph, key, name, chosen)]
    targets: list[Target] = []
    problems: list[TensorNotFoundError | ConversionError] = []
    for key, name in wanted:
        try:
            targets += _targets(graph, key, name, chosen)
        except (TensorNotFoundError, ConversionError) as error:
            problems.append(error)
    if problems:
        shown = [error.message for error in problems[:_SHOWN]]
        shown += [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise type(problems[0])(joined("; ", shown), path=graph.path)
    _refuse_twins(targets)
    return tuple(targets)


def _divided(graph: Graph, key: str, name: str, signature: Signature | None) -> list[str]:
    """The names in one text: several with commas between them, where nothing has it as its name."""
    if key or "," not in str(name) or name.startswith("^"):
        return [name]
    if signature is not None and name in signature.outputs:
        return [name]
    return split_names(graph, name) if name not in graph.signatures else [name]


def _targets(graph: Graph, key: str, name: str, signature: Signature | None) -> list[Target]:
    """The tensors of one name that a user gave."""
    if not isinstance(name, str):
        raise TypeError(f"an output is named by a str, not by {name!r:.80}")
    name = name.strip()
    if name.startswith("^"):
        raise ConversionError(f"{quoted(name)} is a control edge: name the tensor that is wanted")
    if signature is not None and name in signature.outputs:
        return _expanded(graph, key or name, signature.outputs[name])
    root = find_node(graph, name)
    if root is not None:
        text = _checked(graph, name, root)
        return [Target(key or name, text, root, bool(key) and key != name)]
    if name in graph.signatures and not key:
        found = graph.signatures[name]
        return [each for k, fact in found.outputs.items() for each in _expanded(graph, k, fact)]
    raise unknown_name(graph, name, "output")


def _expanded(graph: Graph, key: str, fact: TensorFact) -> list[Target]:
    """A tensor of a signature: one, or those that a sparse or composite one is made of."""
    if fact.name is None:
        return [
            Target(name, _checked(graph, tensor, root), root, named=True)
            for name, tensor in tensor_parts(key, fact)
            if (root := find_node(graph, tensor)) is not None
        ]
    root = find_node(graph, fact.name)
    if root is None:
        raise unknown_name(graph, fact.name, f"output {key!r} of the signature")
    return [Target(key, _checked(graph, fact.name, root), root, named=True, dtype=fact.dtype)]


def _checked(graph: Graph, text: str, root: str) -> str:
    """A tensor's name as inputs are written; refused when its node has no such output."""
    wanted = parse_input(text)
    if wanted.name != root:  # inside of calls: looked at once these are inlined
        return text.removesuffix(":0") if wanted.name not in graph.nodes else text
    check_port(graph.nodes, text, graph.meta.op_defs, graph.functions)
    return join_input(root, wanted.port)


def check_port(
    nodes: Nodes, text: str, op_defs: Mapping[str, OpDef], functions: Mapping[str, Function]
) -> None:
    """Raise ConversionError for a tensor that its node does not give."""
    wanted = parse_input(text)
    node = nodes[wanted.name]
    ports = output_ports(node, op_defs) if node.op not in functions else None
    count = None if ports is None else sum(number for _, _, number in ports)
    if count == 0:
        raise ConversionError(
            f"{quoted(wanted.name)} is a {plain(node.op)}, which gives no tensor: "
            "training and initialising ops are no outputs of a model; name what it computes with"
            f"{_upstream(nodes, node)}"
        )
    if count is not None and wanted.port >= count:
        raise ConversionError(
            f"there is no output {quoted(text)}: {quoted(wanted.name)} is a {plain(node.op)} with "
            f"{count} output{'s' if count != 1 else ''}"
        )


def _upstream(nodes: Nodes, node: Node) -> str:
    """Some tensors that a node without outputs waits for."""
    before = [parse_input(text) for text in node.inputs[:50]]
    named = [each.name for each in before if each.name in nodes]
    useful = [name for name in named if nodes[name].op not in ("NoOp", "Assert")][:3]
    return f", such as {listed(useful)}" if useful else ""


def _of_signature(graph: Graph, key: str | None) -> tuple[Target, ...]:
    chosen = signature_or_none(graph, key)
    if chosen is None:
        raise ConversionError(
            Worded(
                "there are several signatures: give ",
                option("signature"),
                f" one of {listed(models_of(graph))}, or ",
                option("outputs"),
            ),
            path=graph.path,
        )
    if not chosen.outputs:
        raise ConversionError(f"signature {quoted(key)} has no outputs: nothing to freeze")
    targets = [each for k, fact in chosen.outputs.items() for each in _expanded(graph, k, fact)]
    return tuple(targets)


def _refuse_twins(targets: Iterable[Target]) -> None:
    found: dict[str, str] = {}
    for each in targets:
        if found.setdefault(each.key, each.tensor) != each.tensor:
            clash = (
                f"two outputs would be called {quoted(each.key)}: {quoted(found[each.key])} and "
                f"{quoted(each.tensor)}; "
            )
            raise ConversionError(
                Worded.of(
                    clash + "give a dict of names and tensors", clash + "give --output NAME=TENSOR"
                )
            )
