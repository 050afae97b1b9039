"""Fingerprint of a SavedModel: the checksum that ``fingerprint.pb`` keeps of its graph.

It is the Fingerprint64 of the message as C++ writes it, with the entries of maps in the order of
their keys. The file was written by Python, which has orders of its own. So the entries are put in
order here, in all messages that have maps; all else is as it is in the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from .. import _core
from .._format.wire import BYTES, VARINT, Field, encode_varint, fields

# By field: the message in it, or of its values ("" for one without maps); and whether it is a map.
_Fields: TypeAlias = Mapping[int, tuple[str, bool]]


def _message(**members: str) -> _Fields:
    return {int(key[1:]): (name, key.startswith("m")) for key, name in members.items()}


# What has maps, of all that a SavedModel may hold: "f" and the number of a field, "m" of a map.
_MESSAGES: Final[Mapping[str, _Fields]] = MappingProxyType(
    {
        "SavedModel": _message(f2="MetaGraph"),
        "MetaGraph": _message(
            f1="MetaInfo", f2="Graph", m4="", m5="Signature", f6="Asset", f7="Objects"
        ),
        "MetaInfo": _message(f2="OpList", m8=""),
        "OpList": _message(f1="OpDef"),
        "OpDef": _message(f4="AttrDef"),
        "AttrDef": _message(f3="AttrValue", f7="AttrValue"),
        "AttrValue": _message(f1="AttrList", f10="Called"),
        "AttrList": _message(f9="Called"),
        "Called": _message(m2="AttrValue"),
        "Graph": _message(f1="Node", f2="Library", f5="DebugInfo"),
        "Node": _message(m5="AttrValue"),
        "Library": _message(f1="Function"),
        "Function": _message(
            f1="OpDef", f3="Node", m4="", m5="AttrValue", m6="", m7="ArgAttrs", m8=""
        ),
        "ArgAttrs": _message(m1="AttrValue"),
        "DebugInfo": _message(m2="", m4="", m5="", m6=""),
        "Signature": _message(m1="TensorInfo", m2="TensorInfo", m4=""),
        "TensorInfo": _message(f5="Composite"),
        "Composite": _message(f1="TypeSpec", f2="TensorInfo"),
        "TypeSpec": _message(f2="Structured"),
        "Structured": _message(f34="TypeSpec", f51="Items", f52="Items", f53="Dict", f54="Named"),
        "Items": _message(f1="Structured"),
        "Dict": _message(m1="Structured"),
        "Named": _message(f2="Pair"),
        "Pair": _message(f2="Structured"),
        "Asset": _message(f1="TensorInfo"),
        "Objects": _message(f1="Object", m2="Concrete"),
        "Object": _message(f6="SavedFunction", f8="Bare", m11=""),
        "SavedFunction": _message(f2="FunctionSpec"),
        "Bare": _message(f4="FunctionSpec"),
        "FunctionSpec": _message(f1="Structured", f5="Structured"),
        "Concrete": _message(f3="Structured", f4="Structured"),
    }
)
_VALUE: Final = 2  # of a map's entry
_MAX_DEPTH: Final = 100


def checksum_of(data: memoryview) -> int:
    """The checksum of a SavedModel's message. Raises FormatError."""
    ordered = bytearray(data)
    _order(ordered, memoryview(bytes(data)), 0, "SavedModel", 0)
    return _core.fingerprint64(ordered)


def _order(ordered: bytearray, message: memoryview, base: int, name: str, depth: int) -> None:
    """Put the maps of a message in order, the innermost first: no length changes by it."""
    members = _MESSAGES[name]
    maps: dict[int, list[Field]] = {}
    for each in fields(message, base):
        if each.number not in members or each.wire != BYTES or depth > _MAX_DEPTH:
            continue
        inner, is_map = members[each.number]
        if is_map:
            maps.setdefault(each.number, []).append(each)
        if inner and is_map:
            for part in each.message():
                if part.number == _VALUE and part.wire == BYTES:
                    _order(ordered, part.data, part.offset, inner, depth + 1)
        elif inner:
            _order(ordered, each.data, each.offset, inner, depth + 1)
    for entries in maps.values():
        if len(entries) > 1:
            _sort(ordered, entries)


def _sort(ordered: bytearray, entries: list[Field]) -> None:
    """Put the entries of one map, which lie one after the other, in the order of their keys."""
    spans = []
    for entry in entries:
        head = len(encode_varint(entry.number << 3 | BYTES)) + len(encode_varint(len(entry.data)))
        spans.append((_key(entry), entry.offset - head, entry.offset + len(entry.data)))
    begin, end = spans[0][1], spans[-1][2]
    pieces = [bytes(ordered[start:stop]) for _, start, stop in sorted(spans)]
    if sum(map(len, pieces)) == end - begin:
        ordered[begin:end] = b"".join(pieces)


def _key(entry: Field) -> tuple[int, bytes]:
    """The key of a map's entry, for comparison with those of its like."""
    for part in entry.message():
        if part.number == 1:
            if part.wire == BYTES:
                return 0, bytes(part.data)
            value = part.value if part.wire == VARINT else int.from_bytes(part.data, "little")
            return value, b""
    return 0, b""
