"""Facts of a MetaGraph beside its graph: signatures, collections, savers (freeze.md §1.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from .._core import flat_fields
from .._format.names import as_text
from .._format.wire import (
    FIXED32,
    MAX_DEPTH,
    Field,
    Raw,
    fields,
    map_entry,
    repeated_numbers,
    text_of,
)
from ..errors import FormatError
from .shapes import decode_shape

CollectionKind: TypeAlias = Literal[
    "node_list", "bytes_list", "int64_list", "float_list", "any_list", "empty"
]
_KINDS: Final[tuple[CollectionKind, ...]] = (
    "empty", "node_list", "bytes_list", "int64_list", "float_list", "any_list",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of TensorFlow that a graph is for."""

    producer: int = 0
    min_consumer: int = 0
    bad_consumers: tuple[int, ...] = ()
    raw: Raw = b""


@dataclass(frozen=True, slots=True)
class Collection:
    """Collection: names of nodes and tensors, serialized messages, numbers."""

    kind: CollectionKind
    values: tuple[str | bytes | int | float, ...]


@dataclass(frozen=True, slots=True)
class TensorFact:
    """Tensor of a signature.

    Attributes:
        name: The tensor (``node:0``); None for one made of several.
        dtype: Its DataType number.
        shape: Its shape, -1 for unknown dimensions; None for an unknown rank.
        parts: The tensors that it is made of: values, indices and shape of a sparse one, or the
            components of a composite one.
    """

    name: str | None
    dtype: int = 0
    shape: tuple[int, ...] | None = ()
    parts: tuple[TensorFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """Signature of a SavedModel: inputs and outputs by their own keys, sorted.

    Attributes:
        inputs: The tensors to feed.
        outputs: The tensors to fetch.
        method: What it is for: ``tensorflow/serving/predict``.
        defaults: Values of inputs that need not be fed, as raw ``TensorProto`` messages.
    """

    inputs: dict[str, TensorFact]
    outputs: dict[str, TensorFact]
    method: str = ""
    defaults: dict[str, Raw] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SaverDef:
    """Saver of a graph: where it saves and restores itself."""

    filename_tensor: str = ""
    save_tensor: str = ""
    restore_op: str = ""
    max_to_keep: int = 0
    sharded: bool = False
    keep_every_n_hours: float = 0.0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Asset:
    """File that a model needs: the tensor that is fed its path, and its name in ``assets/``."""

    tensor: str
    filename: str


@dataclass(frozen=True, slots=True)
class SliceInfo:
    """Part of a partitioned variable that a variable is."""

    full_name: str
    full_shape: tuple[int, ...]
    var_offset: tuple[int, ...]
    var_shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VariableDef:
    """Variable as collections describe it; ``collections`` are those that it is in."""

    variable_name: str
    initializer_name: str
    snapshot_name: str
    initial_value_name: str
    is_resource: bool
    trainable: bool
    slice: SliceInfo | None
    collections: tuple[str, ...]


def _plain(part: Field) -> int:
    return part.int64()


def decode_versions(raw: Raw, base: int = 0) -> Versions:
    """Read a ``VersionDef``."""
    producer = min_consumer = 0
    bad: list[int] = []
    for part in fields(raw, base):
        if part.number == 1:
            producer = part.int32()
        elif part.number == 2:
            min_consumer = part.int32()
        elif part.number == 3:
            bad += repeated_numbers(part, _plain)
    return Versions(producer, min_consumer, tuple(bad), raw)


def decode_collection(raw: Raw, base: int = 0) -> Collection:
    """Read a ``CollectionDef``."""
    kind = 0
    values: list[str | bytes | int | float] = []
    for part in fields(raw, base):
        if not 1 <= part.number <= 5:
            continue
        if part.number != kind:
            kind, values = part.number, []
        for item in part.message():
            if item.number == 1:
                values += _collected(kind, item)
    return Collection(_KINDS[kind], tuple(values))


def _collected(kind: int, item: Field) -> list[str | bytes | int | float]:
    if kind == 1:
        return [text_of(item)]
    if kind == 3:
        return [*repeated_numbers(item, _plain)]
    if kind == 4:
        if item.wire != FIXED32:
            item.content()
        if len(item.data) % 4:
            raise FormatError("a packed field is cut off", offset=item.offset)
        return [*struct.unpack(f"<{len(item.data) // 4}f", item.data)]
    return [bytes(item.content())]


def decode_signature(raw: Raw, base: int = 0) -> Signature:
    """Read a ``SignatureDef``."""
    facts: tuple[dict[str, TensorFact], dict[str, TensorFact]] = ({}, {})
    method = ""
    defaults: dict[str, Raw] = {}
    for part in fields(raw, base):
        if part.number in (1, 2):
            key, value, offset = map_entry(part)
            facts[part.number - 1][key] = decode_tensor_fact(value, offset)
        elif part.number == 3:
            method = text_of(part)
        elif part.number == 4:
            key, value, _ = map_entry(part)
            defaults[key] = value
    inputs, outputs = (dict(sorted(each.items())) for each in facts)
    return Signature(inputs, outputs, method, dict(sorted(defaults.items())))


def decode_tensor_fact(raw: Raw, base: int = 0, depth: int = 0) -> TensorFact:
    """Read a ``TensorInfo``."""
    if depth * 2 >= MAX_DEPTH:
        raise FormatError("composite tensors are nested too deep", offset=base)
    name: str | None = None
    dtype = 0
    shape: tuple[int, ...] | None = ()
    parts: tuple[TensorFact, ...] = ()
    for part in fields(raw, base):
        if part.number == 1:
            name, parts = text_of(part), ()
        elif part.number == 2:
            dtype = part.int32()
        elif part.number == 3:
            shape = decode_shape(part.content(), part.offset).dims
        elif part.number == 4:
            # values, indices, dense_shape: the last two are int64 tensors
            names = {each.number: text_of(each) for each in part.message() if each.number <= 3}
            name, parts = None, tuple(TensorFact(names.get(number, ""), 9 * (number > 1), None)
                                      for number in (1, 2, 3))  # fmt: skip
        elif part.number == 5:
            name, parts = None, tuple(
                decode_tensor_fact(each.content(), each.offset, depth + 1)
                for each in part.message()
                if each.number == 2
            )  # fmt: skip
    return TensorFact(name, dtype, shape, parts)


def decode_saver(raw: Raw, base: int = 0) -> SaverDef:
    """Read a ``SaverDef``."""
    texts = {1: "", 2: "", 3: ""}
    numbers = {4: 0, 5: 0, 7: 0}
    hours = 0.0
    for part in fields(raw, base):
        if part.number in texts:
            texts[part.number] = text_of(part)
        elif part.number in numbers:
            numbers[part.number] = part.int32()
        elif part.number == 6:
            part.expect(FIXED32)
            hours = struct.unpack("<f", part.data)[0]
    return SaverDef(texts[1], texts[2], texts[3], numbers[4], bool(numbers[5]), hours, numbers[7])


def decode_asset(raw: Raw, base: int = 0) -> Asset:
    """Read an ``AssetFileDef``."""
    tensor = filename = ""
    for part in fields(raw, base):
        if part.number == 1:
            tensor = decode_tensor_fact(part.content(), part.offset).name or ""
        elif part.number == 2:
            filename = text_of(part)
    return Asset(tensor, filename)


def decode_variable(raw: Raw, collections: tuple[str, ...] = (), base: int = 0) -> VariableDef:
    """Read a ``VariableDef``."""
    parts = flat_fields(raw, base)
    texts = [parts.get(number, b"") for number in (1, 2, 3, 6, 4)]
    *names, part = [text for text in texts if isinstance(text, bytes)]
    if len(names) < 4:
        raise FormatError("a variable has a number in the place of a name: expected bytes")
    variable, initializer, snapshot, value = (as_text(n) for n in names)
    # Files of before the field do not say; TensorFlow then goes by the collection alone.
    trainable = "trainable_variables" in collections or bool(parts.get(7))
    return VariableDef(
        variable,
        initializer,
        snapshot,
        value,
        bool(parts.get(5)),
        trainable,
        _decode_slice_info(part) if 4 in parts else None,
        collections,
    )


def _decode_slice_info(message: Raw) -> SliceInfo:
    name = ""
    lists: dict[int, list[int]] = {2: [], 3: [], 4: []}
    for part in fields(message):
        if part.number == 1:
            name = text_of(part)
        elif part.number in lists:
            lists[part.number] += repeated_numbers(part, _plain)
    return SliceInfo(name, tuple(lists[2]), tuple(lists[3]), tuple(lists[4]))
