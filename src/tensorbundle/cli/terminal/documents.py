r"""Documents of ``--json``: records with stable field names, told in each command's help.

Output is ASCII. A name's bytes that are not UTF-8 are lone surrogates, ``\udcff`` for 0xff, as
``json.loads`` of Python gives back to ``open(path)[name]``.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..._format.tensor_info import TensorInfo
    from ..._locate.location import Location


def dumps(document: Any) -> str:
    """Write one line of JSON; there is no NaN or Infinity in it."""
    return json.dumps(document, allow_nan=False)


def describe_location(location: Location) -> dict[str, Any]:
    """The first two fields of every document: location and notes."""
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
