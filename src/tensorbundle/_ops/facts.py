"""Facts of operations: their outputs, whether they have state, defaults of their attributes.

A model's own list of operations (``stripped_op_list``) is asked first: it knows custom and old
ones. It seldom covers what functions use (freeze.md §1.4), so the operations of one TensorFlow are
listed in ``op_facts.json`` beside this file, which ``tests/golden/make_op_facts.py`` writes.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from .._format import dtypes
from .._graphdef.functions import Arg
from ..errors import FormatError

if TYPE_CHECKING:
    from .._graphdef.attributes import AttrValue
    from .._graphdef.functions import OpDef
    from .._graphdef.nodes import Node

# In the words of TensorFlow's registration: "ref: Ref(T)", "output: N * T", "values: list(Tout)".
_OUTPUT: Final = re.compile(
    r"(?P<name>\w+): (?:(?P<number>\w+) \* )?(?P<wrap>list\(|Ref\()?(?P<kind>\w+)\)?"
)
_MAX_OUTPUTS: Final = 1 << 24  # of one output list; each would be a tensor of its own


def output_args(op: str, op_defs: Mapping[str, OpDef]) -> tuple[Arg, ...] | None:
    """Outputs of an operation, in order.

    Args:
        op: Its name.
        op_defs: What the model itself says of operations.

    Returns:
        None for an operation that neither the model nor the table knows.

    Example:
        >>> [arg.name for arg in output_args("Unique", {})]
        ['y', 'idx']
    """
    if (op_def := op_defs.get(op)) is not None:
        return tuple(op_def.outputs)
    return _table_outputs(op) if is_known(op) else None


def output_ports(
    node: Node, op_defs: Mapping[str, OpDef] = MappingProxyType({})
) -> list[tuple[str, int, int]] | None:
    """Tell where a node's named outputs lie among its numbered ones.

    Function bodies write ``node:name:index``, everything else ``node:number`` (freeze.md §1.1).

    Args:
        node: The node.
        op_defs: What the model itself says of operations.

    Returns:
        For each output its name, the number of its first tensor, and how many it has; None for an
        operation that nothing is known of.

    Raises:
        FormatError: The attribute that says how many is missing or no such number.
    """
    args = output_args(node.op, op_defs)
    if args is None:
        return None
    ports, first = [], 0
    for arg in args:
        count = _count(node, arg, op_defs)
        ports.append((arg.name, first, count))
        first += count
    return ports


def is_stateful(op: str, op_defs: Mapping[str, OpDef]) -> bool | None:
    """Tell whether an operation has state, so that two equal nodes of it are not the same.

    Example:
        >>> is_stateful("RandomUniform", {}), is_stateful("Add", {}), is_stateful("MyOwn", {})
        (True, False, None)
    """
    if (op_def := op_defs.get(op)) is not None:
        return bool(op_def.is_stateful)
    facts = _table().get(op)
    return None if facts is None else bool(facts.get("stateful", False))


def default_attrs(op: str, op_defs: Mapping[str, OpDef]) -> Mapping[str, bytes]:
    """Attributes of an operation that have a default, as bytes of AttrValue messages.

    Of an operation that nothing is known of there are none.

    Example:
        >>> sorted(default_attrs("MatMul", {}))
        ['grad_a', 'grad_b', 'transpose_a', 'transpose_b']
    """
    if (op_def := op_defs.get(op)) is not None:
        return {
            name: bytes(default) for name, default in op_def.attrs.items() if default is not None
        }
    return _table_defaults(op) if is_known(op) else MappingProxyType({})


def is_known(op: str) -> bool:
    """Tell whether the TensorFlow that the table was made with has this operation."""
    return op in _table()


def _count(node: Node, arg: Arg, op_defs: Mapping[str, OpDef]) -> int:
    """Count the tensors of one output of a node."""
    key = arg.number_attr or arg.type_list_attr
    if not key:
        return 1
    value: AttrValue = node.attr(key)
    if value is None and (default := default_attrs(node.op, op_defs).get(key)) is not None:
        from .._graphdef.attributes import decode_attr

        value = decode_attr(default)
    if arg.type_list_attr and isinstance(value, (list, tuple)):
        return len(value)
    if arg.number_attr and isinstance(value, int) and 0 <= value <= _MAX_OUTPUTS:
        return value
    raise FormatError(
        f"node {node.name!r} of op {node.op!r} does not say how many outputs {arg.name!r} has: "
        f"attribute {key!r} is {value!r:.80}"
    )


@functools.cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    text = Path(__file__).with_name("op_facts.json").read_text("utf-8")
    ops: dict[str, dict[str, Any]] = json.loads(text)["ops"]
    return MappingProxyType(ops)


@functools.cache  # asked for operations in the table only, so that it cannot grow without end
def _table_outputs(op: str) -> tuple[Arg, ...]:
    return tuple(map(_parse_output, _table()[op].get("outputs", ())))


@functools.cache
def _table_defaults(op: str) -> Mapping[str, bytes]:
    defaults = _table()[op].get("defaults", {})
    return MappingProxyType({name: bytes.fromhex(value) for name, value in defaults.items()})


@functools.cache
def _type_numbers() -> Mapping[str, int]:
    names = {dtypes.name_of(number): number for number in range(1, 64)}
    return MappingProxyType(names)


def _parse_output(text: str) -> Arg:
    found = _OUTPUT.fullmatch(text)
    assert found is not None, text  # the maker and this room agree, and a test looks at all of them
    kind, wrap = found["kind"], found["wrap"]
    number, is_list = _type_numbers().get(kind, 0), wrap == "list("
    return Arg(
        name=found["name"],
        type=number,
        type_attr="" if number or is_list else kind,
        number_attr=found["number"] or "",
        type_list_attr=kind if is_list else "",
        is_ref=wrap == "Ref(",
    )
