r"""Documents of ``--json``: records with stable field names, told in each command's help.

Output is ASCII. A name's bytes that are not UTF-8 are lone surrogates, ``\udcff`` for 0xff, as
``json.loads`` of Python gives back to ``open(path)[name]``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ..._format.tensor_info import TensorInfo
    from ..._locate.location import Location


SCHEMA: Final = 1
"""The number of the documents' fields: it grows when one changes its meaning or goes."""


def document(record: Mapping[str, Any]) -> str:
    """Write a document on one line, ``schema`` first."""
    return dumps({"schema": SCHEMA, **record})


def document_head(record: Mapping[str, Any], name: str) -> str:
    """Write the beginning of a document whose last fields are ``name``, a list that follows."""
    return f'{document(record)[:-1]}, "{name}": ['


def dumps(document: Any) -> str:
    """Write JSON on one line; there is no NaN or Infinity in it."""
    return json.dumps(document, allow_nan=False)


def describe_location(location: Location) -> dict[str, Any]:
    """The first fields of documents on checkpoints: location and notes."""
    record = dataclasses.asdict(location)
    notes = record.pop("notes")
    return {"location": record, "notes": list(notes)}


def describe_tensor(info: TensorInfo) -> dict[str, Any]:
    """A tensor without its values."""
    return {
        "name": info.name,
        "dtype": info.tf_dtype,
        "shape": list(info.shape),
        "nbytes": info.nbytes,
        "shard": info.shard,
        "offset": info.offset,
        "crc32c": info.crc32c,
        "slices": info.slices,
        "complete": info.complete,
    }
