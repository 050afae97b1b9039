"""Tensors of a checkpoint as a short text and as a table; no data shard is touched for it.

Whatever cannot be told of a damaged checkpoint is left out: what is shown never fails.
"""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from .._printable import printable
from .amounts import format_count, format_size
from .markup import block, heading, part, table
from .scopes import first_scopes

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._format.tensor_info import TensorInfo

_KINDS: Final = {
    "v2": "V2 checkpoint",
    "v1": "V1 checkpoint",
    "graph": "frozen graph",
    "arrays": "arrays in memory",
}
_LINES: Final = 20
_LARGEST: Final = 10
COLUMNS: Final = ("name", "dtype", "shape", "bytes", "shard", "offset", "crc32c")


def facts(ckpt: Checkpoint) -> list[str]:
    """Say of a checkpoint its format, how much it holds, and who wrote it."""
    found = [_KINDS.get(ckpt.location.kind, f"{ckpt.location.kind} file")]
    try:
        found.append(format_count(len(ckpt), "tensor"))
        found.append(format_size(ckpt.nbytes))
        found.append(ckpt.origin)
    except Exception:  # a damaged file: the call that needs the fact says what is wrong
        found.append("?")
    return found


def line(ckpt: Checkpoint) -> str:
    """Describe a checkpoint in one line."""
    return f"<Checkpoint {ckpt.location.prefix!r}: {', '.join(facts(ckpt))}>"


def paragraph(ckpt: Checkpoint) -> str:
    """Describe a checkpoint, and its first tensors, a line each."""
    lines = [line(ckpt)]
    try:
        infos = list(islice(ckpt.iter_infos(), _LINES))
    except Exception as error:
        return "\n".join([*lines, f"  {printable(str(error))}"])
    names = [printable(info.name, 200) for info in infos]
    width = min(max(map(len, names), default=0), 60)
    lines += [
        f"  {name:{width}}  {form(info)}  {format_size(info.nbytes)}"
        for name, info in zip(names, infos, strict=True)
    ]
    if len(ckpt) > len(infos):
        lines.append(f"  and {len(ckpt) - len(infos):,} more")
    return "\n".join(lines)


def markup(ckpt: Checkpoint) -> str:
    """Describe a checkpoint for a notebook: its scopes, folded, and its largest tensors."""
    head = heading(ckpt.location.prefix, *facts(ckpt))
    try:
        infos = list(ckpt.iter_infos())
    except Exception as error:
        return block(head, "<br>", heading("cannot be listed", str(error)))
    dtypes = Counter(info.tf_dtype for info in infos).most_common()
    elements = sum(info.size for info in infos)
    line = f"{elements:,} elements: " + ", ".join(f"{n:,} × {dtype}" for dtype, n in dtypes)
    scopes = first_scopes((info.name, info.nbytes) for info in infos)
    shown = [(name, n, format_size(nbytes)) for name, n, nbytes in scopes[:_LINES]]
    largest = heapq.nlargest(_LARGEST, infos, key=attrgetter("nbytes"))
    return block(
        head,
        f"<br>{heading('', line)}" if infos else "",
        part(
            format_count(len(scopes), "scope"),
            table(("scope", "tensors", "bytes"), shown, more=len(scopes) - len(shown)),
            is_open=True,
        ),
        part(f"largest {len(largest)}", table(COLUMNS, map(row, largest))),
    )


def form(info: TensorInfo) -> str:
    """Dtype and shape of a tensor: ``float32[3, 4]``."""
    return f"{info.tf_dtype}[{', '.join(map(str, info.shape))}]"


def row(info: TensorInfo) -> tuple[object, ...]:
    """The facts of a tensor in the order of `COLUMNS`."""
    place = ("", "") if info.shard is None else (info.shard, info.offset)
    checksum = "" if info.crc32c is None else f"{info.crc32c:#010x}"
    shape = str(list(info.shape))
    return (info.name, info.tf_dtype, shape, format_size(info.nbytes), *place, checksum)
