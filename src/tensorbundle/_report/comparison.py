"""Comparison of two checkpoints, tensor by tensor, for the page.

The table has a row for each tensor of the first, then those that only the second has. What `diff`
found is put beside the rows, and for what changed a histogram of both over the same range.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .._printable import printable
from .distribution import describe, histogram, is_number, levels
from .tensors import array_of, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._checkpoint.checkpoint import Checkpoint
    from .._edit.diff import Diff
    from .._edit.shared.comparison import TensorDifference
    from .._format.dtypes import Array
    from .._format.tensor_info import TensorInfo


def compared(
    ckpt: Checkpoint, other: Checkpoint, found: Diff, infos: Sequence[TensorInfo], count: int
) -> dict[str, Any]:
    """Put down what differs, by row.

    Args:
        ckpt: The first.
        other: The second.
        found: What differs.
        infos: All rows.
        count: How many of them are the first's.
    """
    rows = {info.name: number for number, info in enumerate(infos[:count])}
    renamed_to = set(found.renamed.values())
    changes: dict[int, dict[str, Any]] = {}
    for name in found.only_a:
        changes[rows[name]] = {"kind": "removed"}
    for old, new in found.renamed.items():
        changes[rows[old]] = {"kind": "renamed", "to": printable(new)}
    for number in range(count, len(infos)):
        is_renamed = infos[number].name in renamed_to
        changes[number] = {"kind": "renamed here" if is_renamed else "added"}
    for name in found.incomplete:
        changes[rows[name]] = {"kind": "incomplete"}
    for each in found.changed:
        number = rows[each.name]
        unread: dict[int, str] = {}
        pair = [array_of(side, side.info(each.name), unread, number) for side in (ckpt, other)]
        changes[number] = {"kind": each.kind, "a": each.a, "b": each.b} | _distance(each)
        if pair[0] is not None and pair[1] is not None:
            changes[number] |= _over_each_other(pair[0], pair[1])
    counts = {
        "added": len(found.only_b),
        "removed": len(found.only_a),
        "renamed": len(found.renamed),
        "changed": len(found.changed),
        "incomplete": len(found.incomplete),
        "equal": found.equal,
        "by_checksum": found.by_checksum,
    }
    return {"same": found.same, "counts": counts, "changes": changes}


def _distance(each: TensorDifference) -> dict[str, Any]:
    """How far two tensors are apart: the largest, the mean square, the angle, and in proportion."""
    values = each.values
    if values is None:
        return {}
    told: dict[str, Any] = {"count": values.count, "size": values.size}
    a, b, gap = values.norm_a, values.norm_b, values.norm_difference
    if a is None or b is None or gap is None or values.max_abs is None:
        return told
    told["max"] = short(values.max_abs)
    told["rms"] = short(gap / math.sqrt(values.size)) if values.size else None
    told["relative"] = short(gap / a) if a else None
    if a and b and math.isfinite(a) and math.isfinite(b):
        # In proportion to the norms, whose squares may be more than a float.
        cosine = (a / b + b / a - (gap / a) * (gap / b)) / 2
        told["cosine"] = round(max(-1.0, min(1.0, cosine)), 6) if math.isfinite(cosine) else None
    return told


def _over_each_other(a: Array, b: Array) -> dict[str, Any]:
    if not (a.size and b.size and is_number(a) and is_number(b)):
        return {}
    flats = a.reshape(-1), b.reshape(-1)
    found = [describe(flat).statistics for flat in flats]
    ends = [end for each in found for end in (each.min, each.max) if end is not None]
    if not ends:
        return {}
    least, greatest = float(min(ends)), float(max(ends))
    second = found[1]
    return {
        "range": [short(least), short(greatest)],
        "bins": [levels(histogram(flat, least, greatest)) for flat in flats],
        "second": {
            "min": short(second.min),
            "max": short(second.max),
            "mean": short(second.mean),
            "std": short(second.std),
            "zeros": second.zeros,
            "nan": second.nan,
            "inf": second.inf,
        },
    }
