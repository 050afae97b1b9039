"""Control edges that wait for nothing, once functions are inlined and variables are constants.

In a function, what returns waits for every read of a variable and every call, lest effects be lost.
Of constants nothing is lost, but the edges would keep nodes that no output needs, and with them
weights: whatever a graph is cut at (freeze.md §2.3).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Final

from ..._graphdef.nodes import Nodes, parse_input
from ..._ops.facts import is_stateful

if TYPE_CHECKING:
    from ..._graphdef.functions import OpDef

# In loops and conditionals of TensorFlow 1, control edges say to which branch a node belongs.
_BRANCHES: Final = frozenset(["Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch"])


def drop_idle_controls(nodes: Nodes, before: Container[str], op_defs: Mapping[str, OpDef]) -> Nodes:
    """Drop control edges from nodes without effects, where they come of inlining.

    Args:
        nodes: A graph.
        before: The names of nodes that it had before calls were inlined; edges between these stay.
        op_defs: What the model says of operations.
    """
    effective = _with_effects(nodes, op_defs)

    def waits(name: str, text: str) -> bool:
        source = text[1:]
        return source in effective or source not in nodes or (name in before and source in before)

    result: Nodes = {}
    for name, node in nodes.items():
        inputs = tuple(
            text for text in node.inputs if not text.startswith("^") or waits(name, text)
        )
        result[name] = node if len(inputs) == len(node.inputs) else node.replace(inputs=inputs)
    return result


def _with_effects(nodes: Nodes, op_defs: Mapping[str, OpDef]) -> set[str]:
    """The nodes that do something beyond their results, or come after one that does."""
    consumers: dict[str, list[str]] = {}
    for name, node in nodes.items():
        for text in node.inputs:
            consumers.setdefault(parse_input(text).name, []).append(name)
    found = {
        name
        for name, node in nodes.items()
        if node.op in _BRANCHES or is_stateful(node.op, op_defs) is not False
    }
    waiting = list(found)
    for name in waiting:  # grows while it is walked
        for each in consumers.get(name, ()):
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found
