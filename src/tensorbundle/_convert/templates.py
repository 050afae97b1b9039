"""Templates of names: text with placeholders, matched on one side and filled in on the other.

What stands in braces, after the placeholder's name and a colon:

    {x}               one part of the name, between separators
    {x:int}           a number; {x:int03} one written with leading zeros
    {x*2-2}           a number reckoned from the other side's
    {x:path}          one part or several; the other side's separators are put between them
    {x:rest}          any text, separators and all, the same on the other side
    {x:beta=bias|gamma=weight}   one of these: what is called so here, and what it is there
    {x:q|k|v}         one of these, the same on the other side

A placeholder is described on one of the two sides, and means the same on the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..errors import ConversionError

# What placeholders stand for, the same for both sides: numbers, texts, the parts of a path.
Meanings: TypeAlias = "dict[str, int | str | tuple[str, ...]]"

_FIELD: Final = re.compile(r"\{([^{}]*)\}")
_HEAD: Final = re.compile(r"([A-Za-z_]\w*)((?:\*\d+)?(?:[+-]\d+)?)(?::(.*))?", re.DOTALL)
_NUMBER: Final = re.compile(r"int(?:0(\d))?")


@dataclass(frozen=True, slots=True)
class Blank:
    """A placeholder as one side writes it.

    Attributes:
        name: Its name.
        kind: "part", "int", "path", "rest" or "choice".
        width: Digits of a number that has leading zeros, or 0.
        factor: What a number is multiplied by here.
        offset: What is added to it then.
        choices: The texts of this side by what both sides mean; of a "choice".
    """

    name: str
    kind: str
    width: int = 0
    factor: int = 1
    offset: int = 0
    choices: tuple[tuple[str, str], ...] = ()


class Template:
    """One side's name of many tensors.

    Args:
        text: As it is written in a file of rules.
        separator: What parts names into scopes on this side.
        described: Placeholders that the other side describes.
    """

    def __init__(
        self, text: str, separator: str, described: Mapping[str, Blank] | None = None
    ) -> None:
        self.text = text
        self._separator = separator
        parts = _FIELD.split(text)
        self._texts = parts[::2]
        if any("{" in each or "}" in each for each in self._texts):
            raise ConversionError(f"a brace without its other in {text!r}")
        self._fields = [_field(each, text, described or {}) for each in parts[1::2]]
        self.fields: Mapping[str, Blank] = {each.name: each for each in self._fields}
        seen: set[str] = set()
        pattern = re.escape(self._texts[0])
        for field, after in zip(self._fields, self._texts[1:], strict=True):
            again = field.name in seen
            seen.add(field.name)
            pattern += f"(?P={field.name})" if again else f"(?P<{field.name}>{self._of(field)})"
            pattern += re.escape(after)
        self._pattern = re.compile(pattern, re.DOTALL)

    def match(self, name: str) -> Meanings | None:
        """Find what placeholders stand for in a name; None if it is not of this form."""
        found = self._pattern.fullmatch(name)
        if found is None:
            return None
        values: Meanings = {}
        for field in self.fields.values():
            value = self._read(field, found[field.name])
            if value is None:
                return None
            values[field.name] = value
        return values

    def exactness(self, name: str) -> int:
        """How many characters of a name that matches are told, and no placeholder's that is open.

        Of two templates for one name the one that says more of it is meant.
        """
        found = self._pattern.fullmatch(name)
        assert found is not None
        open_fields = (f for f in self._fields if f.kind != "choice")
        return len(name) - sum(len(found[each.name]) for each in open_fields)

    def fill(self, values: Meanings) -> str:
        """Write the name in which placeholders stand for these values."""
        text = self._texts[0]
        for field, after in zip(self._fields, self._texts[1:], strict=True):
            text += self._write(field, values[field.name]) + after
        return text

    def _of(self, field: Blank) -> str:
        part = f"[^{re.escape(self._separator)}]+"
        if field.kind == "int":
            return "[0-9]+"
        if field.kind == "path":
            return f"{part}(?:{re.escape(self._separator)}{part})*"
        if field.kind == "choice":
            texts = sorted((here for here, _ in field.choices), key=len, reverse=True)
            return "|".join(map(re.escape, texts))
        return ".+" if field.kind == "rest" else part

    def _read(self, field: Blank, text: str) -> int | str | tuple[str, ...] | None:
        if field.kind == "int":
            if self._digits(field, int(text)) != text:
                return None
            number, rest = divmod(int(text) - field.offset, field.factor)
            return None if rest or number < 0 else number
        if field.kind == "choice":
            return dict(field.choices)[text]
        return tuple(text.split(self._separator)) if field.kind == "path" else text

    def _write(self, field: Blank, value: int | str | tuple[str, ...]) -> str:
        if isinstance(value, int):
            return self._digits(field, value * field.factor + field.offset)
        if isinstance(value, tuple):
            return self._separator.join(value)
        if field.kind == "choice":
            return next(here for here, meant in field.choices if meant == value)
        return value

    @staticmethod
    def _digits(field: Blank, number: int) -> str:
        return f"{number:0{field.width}d}" if field.width else str(number)


def pair(texts: tuple[str, str], separators: tuple[str, str]) -> tuple[Template, Template]:
    """Read the two templates of a rule, either of which may describe placeholders of both.

    Raises:
        ConversionError: What stands in braces is no placeholder, or described twice.
    """
    told: list[dict[str, Blank]] = [{}, {}]
    for side, text in enumerate(texts):
        for inside in _FIELD.findall(text):
            if ":" in inside:
                field = _field(inside, text, {})
                told[side][field.name] = field
    if twice := sorted(told[0].keys() & told[1].keys()):
        raise ConversionError(f"{twice[0]!r} is described on both sides: {texts[0]!r}")
    first, second = (
        Template(text, separator, {name: _mirrored(f) for name, f in told[1 - side].items()})
        for side, (text, separator) in enumerate(zip(texts, separators, strict=True))
    )
    return first, second


def _mirrored(field: Blank) -> Blank:
    """A placeholder as the side writes it that does not describe it."""
    choices = tuple((meant, meant) for _, meant in field.choices)
    return Blank(field.name, field.kind, choices=choices)


def _field(inside: str, text: str, described: Mapping[str, Blank]) -> Blank:
    """Read what stands in braces."""
    head = _HEAD.fullmatch(inside)
    if head is None:
        raise ConversionError(f"no placeholder: {{{inside}}} in {text!r}")
    name, reckoned, kind = head[1], head[2], head[3]
    if reckoned:
        factor, offset = re.fullmatch(r"(?:\*(\d+))?([+-]\d+)?", reckoned).groups()  # type: ignore[union-attr]
        if kind not in (None, "int") or int(factor or 1) < 1:
            raise ConversionError(f"only numbers are reckoned with: {{{inside}}} in {text!r}")
        return Blank(name, "int", factor=int(factor or 1), offset=int(offset or 0))
    if kind is None:
        return described.get(name, Blank(name, "part"))
    if kind in ("path", "rest"):
        return Blank(name, kind)
    if number := _NUMBER.fullmatch(kind):
        return Blank(name, "int", width=int(number[1] or 0))
    pairs = [each.partition("=") for each in kind.split("|")]
    choices = tuple((here, there if equals else here) for here, equals, there in pairs)
    for column in zip(*choices, strict=True):
        if len({*column}) != len(column) or "" in column:
            raise ConversionError(f"not one to one: {{{inside}}} in {text!r}")
    if len(choices) == 1 and "=" not in kind:
        raise ConversionError(
            f"no kind of placeholder: {{{inside}}} in {text!r}: expected int, int03, path, rest, "
            "or a choice a|b, a=b|c=d"
        )
    return Blank(name, "choice", choices=choices)
