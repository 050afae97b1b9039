"""What `freeze` gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._account import FrozenInput

if TYPE_CHECKING:
    from .._variables import Variable


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen graph, and what to know for using it.

    Attributes:
        path: The file, or None when it was not written to one.
        data: The serialized ``GraphDef`` when it was not written to a file, else None.
        nbytes: Its size.
        num_nodes: How many nodes its main graph has.
        outputs: By the name it was asked for, or the key in the signature, each output's tensor.
        inputs: What is to be fed.
        variables: The variables that became constants, with the key of each in the checkpoint and
            how it was found.
        init_op: The op to run once before anything else, which fills lookup tables; None when
            there are none to fill.
        warnings: What is worth knowing: updates that were dropped, random ops, switches.
    """

    path: str | None
    data: bytes | None = field(repr=False)
    nbytes: int
    num_nodes: int
    outputs: Mapping[str, str]
    inputs: tuple[FrozenInput, ...]
    variables: tuple[Variable, ...] = field(repr=False)
    init_op: str | None
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        where = "in memory" if self.path is None else self.path
        lines = [
            f"frozen graph {where}: {self.num_nodes} nodes, {self.nbytes:,} bytes, "
            f"{len(self.variables)} variables made constants"
        ]
        for each in self.inputs:
            lines.append(f"  input   {each}")
        for key, tensor in self.outputs.items():
            named = "" if key in (tensor, tensor[:-2]) else f"{key}: "
            lines.append(f"  output  {named}{tensor}")
        if self.init_op is not None:
            lines.append(f"  run once before: {self.init_op}")
        lines += [f"  note: {each}" for each in self.warnings]
        return "\n".join(lines)
