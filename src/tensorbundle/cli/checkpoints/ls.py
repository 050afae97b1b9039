"""``tensorbundle ls``: what a checkpoint holds, from its index alone."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from ..grammar.help import DocumentedCommand
from ..grammar.opening import open_checkpoint
from ..grammar.options import global_options, json_option, path_argument
from ..grammar.selection import Selection, namer, paths_option, selects_tensors
from ..terminal.console import Console
from ..terminal.documents import describe_location, describe_tensor, document_head, dumps
from ..terminal.listing import checkpoint_prefixes, write_checkpoints
from ..terminal.sizes import format_count, format_size
from ..terminal.tables import Column, table_lines
from ..terminal.trees import Branch, Group, Tree, grow

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._format.tensor_info import TensorInfo

# Largest first; everything else ascending. Equal ones stay in key order.
_ORDERS: Final[dict[str, Callable[[TensorInfo], Any]]] = {
    "size": lambda info: -info.nbytes,
    "dtype": lambda info: info.tf_dtype,
    "shape": lambda info: (len(info.shape), info.shape),
}
_SCOPE_ORDERS: Final[dict[str, Callable[[Group[TensorInfo]], Any]]] = {
    "size": lambda scope: -scope.nbytes,
    "dtype": lambda scope: scope.leaf.tf_dtype if scope.leaf else "",
    "shape": lambda scope: (len(scope.leaf.shape), scope.leaf.shape) if scope.leaf else (),
}


@click.command(cls=DocumentedCommand, short_help="List tensors.")
@path_argument
@selects_tensors
@click.option("--tree", is_flag=True, help="Show names as a tree of scopes, with sums.")
@click.option("-l", "--long", is_flag=True, help="Show shard, offset and CRC-32C too.")
@click.option(
    "--sort",
    type=click.Choice(["name", "size", "dtype", "shape"]),
    default="name",
    help="Order of the lines; size: largest first.",
)
@click.option("-r", "--reverse", is_flag=True, help="Turn the order round.")
@click.option("-b", "--bytes", "exact", is_flag=True, help="Show sizes in bytes.")
@click.option("--checkpoints", is_flag=True, help="List the checkpoints of the directory PATH.")
@click.option("--names", "only_names", is_flag=True, help="Show names alone, one a line.")
@click.option("-0", "--null", is_flag=True, help="Show names alone, as they are, NUL after each.")
@paths_option
@json_option
@global_options
@click.pass_obj
def ls(
    console: Console,
    /,
    path: str,
    selection: Selection,
    checkpoints: bool,
    **options: Any,
) -> None:
    r"""List the tensors of a checkpoint: name, dtype, shape and size.

    PATTERNs choose tensors by name: globs, in which * also matches slashes. Only
    the index is read, no data shard. Names that cannot be printed are escaped, as
    in a\xff, and may be given back like that; -0 gives them as they are. Of a
    partitioned tensor of which slices are missing the size tells how much there
    is: 48 B of 96 B.

    Examples:
      tensorbundle ls model.ckpt-2000
      tensorbundle ls run/ 'dense*' '*/bias' --sort size
      tensorbundle ls run/ --tree
      tensorbundle ls run/ --exclude '*/Adam*' --names
      tensorbundle ls --checkpoints run/
      tensorbundle ls run/ --json | jq '.tensors[] | select(.nbytes > 1e6)'

    JSON: location {requested, kind, prefix, index, files, meta, state,
    saved_model}, notes, tensors [{name, dtype, shape, nbytes, shard, offset,
    crc32c, slices, complete}], one a line, totals {tensors, nbytes, elements,
    shards, incomplete};
    with --checkpoints: checkpoints [{prefix, kind, step, saved_at, nbytes,
    newest, missing}].
    """
    view = _View(**options)
    view.check()
    if checkpoints:
        _write_checkpoints(console, path, view)
        return
    from ..._locate.listing import checkpoints_among, is_spread_glob

    meant = [path]
    if is_spread_glob(path, selection.patterns):
        meant = checkpoints_among([path, *selection.patterns])
        selection = selection._replace(patterns=())
    for each in meant:
        if len(meant) > 1 and not (view.as_json or view.is_bare):
            console.line(console.style(f"{each}:", bold=True))
        checkpoint = open_checkpoint(console, each)
        chosen = checkpoint.infos(selection.of(checkpoint)) if selection else None
        _write(console, checkpoint, chosen, view)


class _View(NamedTuple):
    """How tensors are listed."""

    tree: bool
    long: bool
    sort: str
    reverse: bool
    exact: bool
    only_names: bool
    null: bool
    paths: bool
    as_json: bool

    @property
    def is_bare(self) -> bool:
        """Whether names alone are shown, for programs that read them."""
        return self.only_names or self.null

    def check(self) -> None:
        """Raise click.UsageError for views that exclude each other."""
        views = {
            "--tree": self.tree,
            "--names": self.only_names and not self.null,
            "--null": self.null,
            "--json": self.as_json,
            "--long": self.long,
        }
        wanted = [name for name, is_wanted in views.items() if is_wanted]
        if len(wanted) > 1 and wanted != ["--json", "--long"]:  # of which one says all
            raise click.UsageError(f"{wanted[0]} and {wanted[1]} exclude each other")


def _write_checkpoints(console: Console, path: str, view: _View) -> None:
    if view.is_bare:
        for prefix in checkpoint_prefixes(path):
            console.name(prefix, null=view.null)
    else:
        write_checkpoints(console, path, exact=view.exact, as_json=view.as_json)


def _write(
    console: Console, checkpoint: Checkpoint, chosen: list[TensorInfo] | None, view: _View
) -> None:
    infos: Collection[TensorInfo] = _Listing(checkpoint) if chosen is None else chosen
    if view.paths and checkpoint.objects is not None:
        shown = namer(True, checkpoint)
        infos = [dataclasses.replace(info, name=shown(info.name)) for info in infos]
    if not view.tree and view.sort in _ORDERS:
        infos = sorted(infos, key=_ORDERS[view.sort])
    if not view.tree and view.reverse:
        infos = list(infos)[::-1]
    if view.as_json:
        _write_json(console, checkpoint, infos)
        return
    if view.is_bare:
        for info in infos:
            console.name(info.name, null=view.null)
        return
    if view.tree:
        _write_tree(console, checkpoint, infos, view.sort, view.reverse, view.exact)
    else:
        _write_table(console, infos, view.long, view.exact)
    console.line(console.style(_describe_totals(checkpoint, infos), bold=True))


class _Listing(Collection["TensorInfo"]):
    """All tensors, described anew each time they are gone through: a million are never held."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def __iter__(self) -> Iterator[TensorInfo]:
        return self._checkpoint.iter_infos()

    def __len__(self) -> int:
        return len(self._checkpoint)

    def __contains__(self, info: object) -> bool:
        return any(each == info for each in self)


def _size_formatter(exact: bool) -> Callable[[float], str]:
    return str if exact else format_size


@functools.lru_cache(maxsize=4096)
def format_shape(shape: tuple[int, ...]) -> str:
    """Write a shape without spaces, so that it stays one word: [5,5,64]."""
    return f"[{','.join(map(str, shape))}]"


def _write_table(console: Console, infos: Collection[TensorInfo], long: bool, exact: bool) -> None:
    size = _size_formatter(exact)
    columns: list[Column[TensorInfo]] = [
        Column("name", lambda info: console.spell(info.name)),
        Column("dtype", lambda info: info.tf_dtype, style={"fg": "green"}),
        Column("shape", lambda info: format_shape(info.shape), style={"fg": "cyan"}),
        Column("size", lambda info: _sized(info, size), right=True),
    ]
    if long:
        columns += [
            Column("shard", lambda info: _or_dash(info.shard), right=True),
            Column("offset", lambda info: _or_dash(info.offset), right=True),
            Column("crc32c", _describe_checksum),
        ]
    if infos:
        for line in table_lines(console, columns, infos):
            console.line(line)


def _sized(info: TensorInfo, size: Callable[[float], str]) -> str:
    """The size of what is stored; where that is not all, of how much."""
    if info.complete:
        return size(info.nbytes)
    whole = info.size * info.dtype.itemsize if info.dtype is not None else 0
    return f"{size(info.nbytes)} of {size(whole)}"


def _or_dash(number: int | None) -> str:
    return "-" if number is None else str(number)


def _describe_checksum(info: TensorInfo) -> str:
    if info.slices:
        return format_count(len(info.slices), "slice")
    return "-" if info.crc32c is None else f"0x{info.crc32c:08x}"


def _write_tree(
    console: Console,
    checkpoint: Checkpoint,
    infos: Collection[TensorInfo],
    sort: str,
    reverse: bool,
    exact: bool,
) -> None:
    size = _size_formatter(exact)

    def label(branch: Branch[TensorInfo]) -> str:
        slash = "/" if branch.guide and branch.scope.leaf is None else ""
        return branch.guide + console.spell(branch.name) + slash

    def detail(branch: Branch[TensorInfo]) -> str:
        tensor, below = branch.scope.leaf, branch.scope.count - 1
        if tensor is None:
            return format_count(branch.scope.count, "tensor")
        more = f" +{format_count(below, 'tensor')}" if below else ""
        return f"{tensor.tf_dtype} {format_shape(tensor.shape)}{more}"

    root = grow(infos, checkpoint.location.prefix.rpartition("/")[2] or ".")
    tree = Tree(root, _SCOPE_ORDERS.get(sort), reverse, console.draws_lines)
    columns: list[Column[Branch[TensorInfo]]] = [
        Column("", label),
        Column("", detail, style={"fg": "green"}),
        Column("", lambda branch: _branch_size(branch, size), right=True),
    ]
    for line in table_lines(console, columns, tree, titles=False):
        console.line(line)


def _branch_size(branch: Branch[TensorInfo], size: Callable[[float], str]) -> str:
    leaf = branch.scope.leaf
    return size(branch.scope.nbytes) if leaf is None else _sized(leaf, size)


def _totals(checkpoint: Checkpoint, infos: Iterable[TensorInfo]) -> dict[str, int]:
    tensors = nbytes = elements = incomplete = 0
    for info in infos:
        tensors, nbytes, elements = tensors + 1, nbytes + info.nbytes, elements + info.stored_size
        incomplete += not info.complete
    return {
        "tensors": tensors,
        "nbytes": nbytes,
        "elements": elements,
        "shards": checkpoint.num_shards,
        "incomplete": incomplete,
    }


def _describe_totals(checkpoint: Checkpoint, infos: Collection[TensorInfo]) -> str:
    totals = _totals(checkpoint, infos)
    chosen = format_count(totals["tensors"], "tensor")
    if totals["tensors"] < len(checkpoint):
        chosen = f"{totals['tensors']:,} of {format_count(len(checkpoint), 'tensor')}"
    size, elements = format_size(totals["nbytes"]), format_count(totals["elements"], "element")
    gaps = f"; {totals['incomplete']:,} incomplete" if totals["incomplete"] else ""
    return f"{chosen}, {size}, {elements}; {format_count(totals['shards'], 'shard')}{gaps}"


def _write_json(console: Console, checkpoint: Checkpoint, infos: Collection[TensorInfo]) -> None:
    # By hand around the tensors: a million of them are written one by one.
    console.line(document_head(describe_location(checkpoint.location), "tensors"))
    for number, info in enumerate(infos, 1):
        console.line(dumps(describe_tensor(info)) + ("," if number < len(infos) else ""))
    console.line(f'], "totals": {dumps(_totals(checkpoint, infos))}}}')
