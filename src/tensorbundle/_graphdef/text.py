"""Graphs as protobuf text (``.pbtxt``), by protobuf itself: the one place that imports it.

Text needs names of fields and enums, and a parser that agrees with TensorFlow's; the wire format
needs neither. What is parsed becomes the bytes of the same message, and goes the way of all others.

The message types come from ``graph_protos.bin`` beside this file (made by
``tests/golden/make_graph_protos.py``), in a descriptor pool of their own. Generated code would be
tied to one version of protobuf, and types of package ``tensorflow`` in the default pool would clash
with TensorFlow's own (freeze.md §7).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from ..errors import FormatError, UnsupportedError

Kind: TypeAlias = Literal["graph", "meta", "saved_model"]

_HINT: Final = "pip install protobuf"
_MESSAGES: Final[Mapping[Kind, str]] = MappingProxyType(
    {"graph": "GraphDef", "meta": "MetaGraphDef", "saved_model": "SavedModel"}
)
# The fields that each of the three has; no two share one (freeze.md §1.5).
_FIELDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "graph": "node|library|versions|version|debug_info",
        "meta": "meta_info_def|graph_def|saver_def|collection_def|signature_def|asset_file_def"
        "|object_graph_def",
        "saved_model": "saved_model_schema_version|meta_graphs",
    }
)
_WORD: Final = re.compile(
    "^[ \t]*(?:" + "|".join(f"(?P<{kind}>{each})" for kind, each in _FIELDS.items()) + r")\b",
    re.MULTILINE,
)
_PLACE: Final = re.compile(r"(?P<line>\d+):(?P<column>\d+) : (?P<what>.*)", re.DOTALL)


def kind_of_text(text: str) -> Kind | None:
    """Tell which of the three messages a text tells, by its first known field."""
    found = _WORD.search(text)
    return found.lastgroup if found else None  # type: ignore[return-value]


def parse_text(data: bytes | memoryview, path: str) -> tuple[Kind, bytes]:
    """Turn a graph's text into the bytes of its message.

    Args:
        data: The text, in UTF-8.
        path: Where it was read, for errors.

    Returns:
        Which message it is, and its bytes. Fields that are not known are left out.

    Raises:
        FormatError: It is no such text; the message says where.
        UnsupportedError: protobuf is not installed; the message says how to.
    """
    try:
        text = bytes(data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"not a graph as text: {path!r} is not UTF-8", path=path, offset=error.start
        ) from None
    kind = kind_of_text(text)
    if kind is None:
        raise FormatError(
            f"not a graph as text: {path!r} has no field of a GraphDef, MetaGraphDef or SavedModel",
            path=path,
        )
    types = _types(path)
    try:
        message = types.text_format.Parse(
            text,
            types.classes[kind](),
            allow_unknown_field=True,
            descriptor_pool=types.pool,
        )
        return kind, message.SerializeToString(deterministic=True)
    except types.text_format.ParseError as error:
        raise _malformed(str(error), kind, path) from None
    except RecursionError:
        raise _malformed("nested too deep", kind, path) from None
    except (types.message.Error, ValueError, OverflowError) as error:
        raise _malformed(str(error), kind, path) from None


def format_text(message: bytes | memoryview, kind: Kind = "graph", path: str = "") -> str:
    """Tell a message as text.

    Args:
        message: Its bytes.
        kind: Which message it is.
        path: Where it was read, for errors.

    Returns:
        What `parse_text` makes the same message of. Fields that are not known are left out.

    Raises:
        FormatError: The bytes are no such message.
        UnsupportedError: protobuf is not installed; the message says how to.
    """
    types = _types(path)
    try:
        parsed = types.classes[kind].FromString(bytes(message))
        text: str = types.text_format.MessageToString(parsed, descriptor_pool=types.pool)
    except (types.message.Error, RecursionError) as error:
        raise FormatError(
            f"not a {_MESSAGES[kind]}: {_one_line(error)}", path=path or None
        ) from None
    return text


def _malformed(said: str, kind: Kind, path: str) -> FormatError:
    place = _PLACE.fullmatch(said)
    where = f"line {place['line']}, column {place['column']}: {place['what']}" if place else said
    message = f"not a {_MESSAGES[kind]} as text: {path!r}, {_one_line(where)}"
    return FormatError(message, path=path)


def _one_line(said: object) -> str:
    """Shorten what protobuf says, which may quote the line, which may be the whole file."""
    line = " ".join(str(said).split())
    return line if len(line) <= 300 else f"{line[:100]} … {line[-190:]}"


class _Types:
    """protobuf, and the message types in a pool of their own."""

    def __init__(self) -> None:
        from google.protobuf import (
            descriptor_pb2,
            descriptor_pool,
            message,
            message_factory,
            text_format,
        )

        self.text_format: Any = text_format
        self.message: Any = message
        self.pool = descriptor_pool.DescriptorPool()
        stored = Path(__file__).with_name("graph_protos.bin").read_bytes()
        for file in descriptor_pb2.FileDescriptorSet.FromString(stored).file:
            self.pool.AddSerializedFile(file.SerializeToString())
        self.classes: dict[Kind, Any] = {
            kind: message_factory.GetMessageClass(
                self.pool.FindMessageTypeByName(f"tensorflow.{name}")
            )
            for kind, name in _MESSAGES.items()
        }


@functools.cache
def _loaded() -> _Types:
    return _Types()


def _types(path: str) -> _Types:
    try:
        return _loaded()
    except ImportError as error:
        raise UnsupportedError(
            f"a graph as text needs protobuf ({error}): {_HINT}", path=path or None
        ) from None
