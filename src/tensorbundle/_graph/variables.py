"""Variables of a graph, and the parts of stored tensors that some of them are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .._format import dtypes
from .._format.dtypes import Array
from .._format.parts import part_spec, shape_of_part
from .._graphdef.nodes import parse_input
from .._graphdef.roles import VARIABLES, VariableKind
from .._graphdef.shapes import ShapeValue
from ..errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._checkpoint.checkpoint import Checkpoint
    from .._core import SliceSpec
    from .._graphdef.meta_graph import MetaGraph
    from .._graphdef.nodes import Node

# Where a variable's key comes from, best first (freeze.md §3.1).
How: TypeAlias = Literal[
    "given",
    "restore op",
    "other restore op",
    "save op",
    "slice info",
    "node name",
    "shared name",
    "full name",
    "initial value",
]


@dataclass(frozen=True, slots=True)
class Variable:
    """Variable of a graph, and where a checkpoint holds its value.

    Attributes:
        name: The name of its node.
        kind: ``"ref"`` (``Variable``, ``VariableV2``) or ``"resource"`` (``VarHandleOp``).
        op: The op of its node.
        dtype: TensorFlow's DataType number; 0 where the graph does not say.
        shape: Its dimensions, -1 for those that are not known; None where not even their number
            is. Once it is found in a checkpoint, the shape is known.
        key: The key of its value, the best candidate where no checkpoint was asked.
        slice: Which part of the stored tensor it is, as savers write it: the full shape, then of
            each dimension start and length, as in ``10 4 4,3:0,4``. Empty for the whole tensor.
        how: How the key was found.
        trainable: Whether the graph says that training changes it.
        in_checkpoint: Whether the checkpoint has the key; None without a checkpoint.
        averaged: Whether its moving average was taken in place of its value.
        problem: Why the stored tensor is not this variable's value; empty if nothing is wrong.
        initial: With ``how="initial value"``, the value.

    Example:
        >>> import tensorbundle as tb
        >>> graph = tb.load_graph(tb.demo("saver"))
        >>> kernel = graph.variables["dense/kernel"]
        >>> kernel.tf_dtype, kernel.shape, kernel.key, kernel.how
        ('float32', (6, 4), 'dense/kernel', 'restore op')
    """

    name: str
    kind: VariableKind
    op: str
    dtype: int
    shape: tuple[int, ...] | None
    key: str | None = None
    slice: str = ""
    how: How | None = None
    trainable: bool = True
    in_checkpoint: bool | None = None
    averaged: bool = False
    problem: str = ""
    initial: Array | None = field(default=None, compare=False, repr=False)

    @property
    def tf_dtype(self) -> str:
        """TensorFlow's name of the dtype."""
        return dtypes.name_of(self.dtype)

    @property
    def is_static(self) -> bool:
        """True when all dimensions are known."""
        return self.shape is not None and all(size >= 0 for size in self.shape)

    @property
    def found(self) -> bool:
        """True when it has a value that fits: stored, or initial."""
        return not self.problem and (bool(self.in_checkpoint) or self.initial is not None)


def variable_nodes(meta: MetaGraph) -> Iterator[tuple[Node, Variable]]:
    """Variables of a graph in the order of its nodes, without their keys."""
    trainable: set[str] = set()
    known: set[str] = set()
    for definition in meta.variable_defs:
        name = parse_input(definition.variable_name).name
        known.add(name)
        if definition.trainable:
            trainable.add(name)
    values: dict[bytes, Any] = {}  # of attributes: variables have few types and shapes

    def value(node: Node, key: str) -> Any:
        raw = bytes(node.attrs.get(key, b""))
        if raw not in values:
            values[raw] = node.attr(key)
        return values[raw]

    for name, node in meta.nodes.items():
        if node.op not in VARIABLES:
            continue
        number, shape = value(node, "dtype"), value(node, "shape")
        dtype = dtypes.without_reference(number) if isinstance(number, int) else 0
        dims = shape.dims if isinstance(shape, ShapeValue) else None
        if node.op == "Variable" and dims == ():
            dims = None  # before TensorFlow 1.0, a variable of unknown shape was written so
        # A graph without collections does not say what is trainable.
        is_trainable = name in trainable or not known
        kind = VARIABLES[node.op]
        yield node, Variable(name, kind, node.op, dtype, dims, trainable=is_trainable)


# --- parts ------------------------------------------------------------------------------------


def parse_slice(text: str) -> tuple[tuple[int, ...], SliceSpec]:
    """Read where a part lies: the full shape, and start and length of each dimension.

    Raises:
        FormatError: It is written otherwise, or does not lie within the shape.

    Example:
        >>> parse_slice("10 4 4,3:-")
        ((10, 4), ((4, 3), (0, -1)))
    """
    *sizes, extents = text.split(" ")
    try:
        if not all(size.isascii() and size.isdecimal() for size in sizes):
            raise ValueError("a size is not a number")
        full_shape = tuple(map(int, sizes))
        return full_shape, part_spec(extents, full_shape)
    except ValueError as error:
        raise FormatError(
            f"the part of a partitioned variable is not understood: {text[:200]!r} ({error}), "
            "expected as in '10 4 4,3:0,4'"
        ) from None


def slice_text(full_shape: Sequence[int], offset: Sequence[int], shape: Sequence[int]) -> str:
    """Write where a part lies, as `parse_slice` reads it.

    Example:
        >>> slice_text((10, 4), (4, 0), (3, 4))
        '10 4 4,3:0,4'
    """
    sizes = " ".join(map(str, full_shape))
    extents = ":".join(f"{start},{length}" for start, length in zip(offset, shape, strict=False))
    return f"{sizes} {extents}"


def part_shape(text: str) -> tuple[int, ...]:
    """Shape of a part. Raises FormatError."""
    full_shape, extents = parse_slice(text)
    return shape_of_part(extents, full_shape)


def read_variable(ckpt: Checkpoint, variable: Variable) -> Array:
    """Read the value of a variable: its part of the stored tensor, in its own dtype and shape.

    Raises:
        TensorNotFoundError: The checkpoint does not have its key.
        FormatError: As for any tensor.
    """
    if variable.initial is not None:
        return variable.initial
    key = variable.key or variable.name
    if variable.slice:
        _, extents = parse_slice(variable.slice)
        index = tuple(
            slice(None) if length < 0 else slice(start, start + length) for start, length in extents
        )
        array = ckpt.read_slice(key, index)
    else:
        array = ckpt.load([key])[key]
    dtype = dtypes.numpy_dtype(variable.dtype)
    if dtype is not None and dtype != array.dtype:
        array = array.astype(dtype)  # the graph casts what it restores
    if variable.shape is not None and variable.is_static and variable.shape != array.shape:
        array = array.reshape(variable.shape)  # likewise
    return array


def fits(shape: tuple[int, ...], static: tuple[int, ...] | None) -> bool:
    """Tell whether a tensor of this shape may be the value of a variable of that static shape."""
    return (
        static is None
        or shape == static
        or (
            len(shape) == len(static)
            and all(b in (a, -1) for a, b in zip(shape, static, strict=True))
        )
    )


def reshapes(shape: tuple[int, ...], static: tuple[int, ...] | None) -> bool:
    """Tell whether it may be once a restore op has reshaped it."""
    if static is None or -1 in static:
        return True
    return math.prod(shape) == math.prod(static)
