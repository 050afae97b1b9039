"""Requests to freeze: the options of one call, checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from ..._format.filenames import as_path
from ..._format.wire import bytes_field
from ..._format.wording import quoted
from ..._graphdef.functions import OpDef
from ..._graphdef.meta_graph import MetaGraph
from ...errors import ConversionError, FormatError
from .places import split_names

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint
    from ..._checkpoint.selection import Filter
    from ..._graph.graph import Graph
    from ..._graph.sources import Override
    from .resolve import Outputs

Functions: TypeAlias = Literal["inline", "keep"]
Missing: TypeAlias = Literal["error", "initial"]
# Tensors, or tensors with the shapes that they are to have; "" for what the graph says.
Cuts: TypeAlias = (
    "str | Sequence[str] | Mapping[str, Sequence[int | None] | Literal[''] | None] | None"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is wanted of a graph, whatever is made of the result.

    Attributes are the arguments of `tensorbundle.freeze`, where each is described.
    """

    outputs: Outputs = None
    signature: str | None = None
    inputs: Cuts = None
    bind: Mapping[str, Any] | None = None
    functions: Functions = "inline"
    training: bool | None = None
    use_stored: bool | Filter = False
    ema: bool = False
    keys: Override = None
    allow: Filter = None
    deny: Filter = None
    missing: Missing = "error"
    tables: bool = True
    follow_links: bool = False
    clear_devices: bool = True
    add_default_attrs: bool = False
    op_list: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        for name, known in (("functions", Functions), ("missing", Missing)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(
                    f"{name} must be one of {get_args(known)}, not {getattr(self, name)!r}"
                )
        if self.training:
            raise ValueError("training must be False or None: what is frozen does not train")

    def op_defs(self, meta: MetaGraph) -> Mapping[str, OpDef]:
        """What the model says of operations, and what the caller's list adds."""
        return meta.op_defs if self.op_list is None else {**meta.op_defs, **read_ops(self.op_list)}


def read_ops(path: str | os.PathLike[str]) -> Mapping[str, OpDef]:
    """Read a list of operations: an ``OpList``, binary or text.

    Raises:
        FormatError: The file holds no such list.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        content = file.read()
    name = as_path(path)
    try:
        # It is a part of a MetaGraph, so it is read as one that has nothing else.
        if content.lstrip()[:2] in (b"op", b"#"):
            from ..._graphdef.text import parse_text

            _, raw = parse_text(b"meta_info_def { stripped_op_list {\n" + content + b"\n} }", name)
        else:
            raw = bytes_field(1, bytes_field(2, content))
        ops = MetaGraph(raw).op_defs
    except FormatError as error:
        raise FormatError(f"not a list of operations: {error.message}", path=name) from None
    if not ops:
        raise FormatError("not a list of operations: there is none in it", path=name)
    return ops


def cut_shapes(graph: Graph, inputs: Cuts) -> dict[str, tuple[int, ...] | str | None]:
    """The tensors to cut at, each with its shape; ``""`` for what the graph says."""
    if inputs is None:
        return {}
    if not isinstance(inputs, Mapping):
        named = [inputs] if isinstance(inputs, str) else list(inputs)
        names = [each for name in named for each in split_names(graph, name)]
        return {name.removesuffix(":0"): "" for name in names}
    shapes: dict[str, tuple[int, ...] | str | None] = {}
    for name, dims in inputs.items():
        if dims is not None and not isinstance(dims, str):
            dims = tuple(-1 if dim is None else int(dim) for dim in dims)
        shapes[name.removesuffix(":0")] = dims
    return shapes


def bound_values(bind: Mapping[str, Any] | None) -> dict[str, Any]:
    """The placeholders that get a value, by node."""
    return {} if bind is None else {name.removesuffix(":0"): each for name, each in bind.items()}


def refuse_own_input(path: str | None, graph: Graph, ckpt: Checkpoint | None) -> None:
    """Raise ConversionError when writing would replace what is read."""
    if path is None or not os.path.exists(path):
        return
    inputs = [graph.path]
    if ckpt is not None:
        inputs += [each for each in (ckpt.location.index, *ckpt.location.files) if each]
    for each in inputs:
        if os.path.exists(each) and os.path.samefile(path, each):
            raise ConversionError(f"the result would replace what it is made of: {quoted(each)}")
