"""Parts of tensors on the command line: ``NAME[0:3,-1]``, as numpy has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...errors import ConversionError
from .selection import Selection

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint

_NUMBER: Final = r"-?(?:0|[1-9]\d*)"
_AXIS: Final = rf"\s*(?:{_NUMBER}|(?:{_NUMBER})?:(?:{_NUMBER})?(?::(?:{_NUMBER})?)?|\.\.\.)\s*"
_INDEXED: Final = re.compile(rf"(?P<name>.*)\[(?P<index>{_AXIS}(?:,{_AXIS})*)\]", re.DOTALL)


class Part(NamedTuple):
    """A tensor that was asked for, or a part of it.

    Attributes:
        key: Its key.
        text: The part as it was written, ``0:3``; empty for the whole tensor.
        index: The same for numpy.
        is_named: Whether it was named in full: then it is an error if it has no values.
    """

    key: str
    text: str = ""
    index: Any = None
    is_named: bool = False


def parts_of(checkpoint: Checkpoint, selection: Selection) -> list[Part]:
    """What was asked for, in the order of asking, and each once.

    ``w[0]`` is a part where there is a tensor ``w``, else a glob.

    Raises:
        TensorNotFoundError: A pattern matches nothing.
        click.UsageError: A pattern is no regular expression.
    """
    found: dict[tuple[str, str], Part] = {}
    for pattern, name in zip(selection.patterns, selection.names or (), strict=True):
        parts = _parts(checkpoint, name)
        if not parts:
            raise selection.nothing_matches(pattern)
        for part in parts:
            found.setdefault((part.key, part.text), part)
    left = {checkpoint.info(each).name for each in selection.remaining(checkpoint)}
    return [part for part in found.values() if part.key in left]


def _parts(checkpoint: Checkpoint, name: str | re.Pattern[str]) -> list[Part]:
    if isinstance(name, re.Pattern):
        return [Part(info.name) for info in checkpoint.infos(name)]
    if name in checkpoint:
        return [Part(checkpoint.info(name).name, is_named=True)]
    indexed = _INDEXED.fullmatch(name)
    if indexed is not None and indexed["name"] in checkpoint:
        key, text = checkpoint.info(indexed["name"]).name, indexed["index"].replace(" ", "")
        return [Part(key, text, _index(text), is_named=True)]
    return [Part(info.name) for info in checkpoint.infos(name)]


def _index(text: str) -> tuple[Any, ...]:
    return tuple(_axis(each) for each in text.split(","))


def _axis(text: str) -> Any:
    if text == "...":
        return ...
    if ":" not in text:
        return int(text)
    return slice(*(int(each) if each else None for each in text.split(":")))


def read_part(checkpoint: Checkpoint, part: Part) -> Any:
    """The elements of a part.

    Raises:
        ConversionError: It is not within the shape.
        TensorBundleError: As for the whole tensor.
    """
    try:
        return checkpoint.read_slice(part.key, part.index)
    except (IndexError, ValueError) as error:
        raise ConversionError(f"no part [{part.text}]: {error}", key=part.key) from error
