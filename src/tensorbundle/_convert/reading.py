"""Reading rules: TOML files that say what is called what on two sides, checked by themselves.

A file says what its two sides are called; in each rule a template a side stands under these names:

    format = 1
    about = "a sentence: which program wrote the checkpoint, whose names are made of it"
    sides = ["tf", "hf"]
    separators = ["/", "."]              # what parts names; these, if nothing is said
    scope = "bert/"                      # what the first side's names begin with, if not told
    needs.tf = ["bert/embeddings/word_embeddings"]     # or it is not that model

    [[rule]]
    tf = "bert/encoder/layer_{n:int}/{p:path}/kernel"  # placeholders: see `templates`
    hf = "bert.encoder.layer.{n}.{p}.weight"
    do = ["transpose"]                   # operations from the first side to the second
    optional = true                      # not every such model has it
    when.tf = "…{n}…"                    # only where there is a tensor of that name on a side,
    unless.tf = "…{n}…"                  # or none

    [ignore]                             # what has nothing on the other side
    tf = ["global_step", "{p:path}/adam_{x:m|v}"]

    [averages]                           # a tensor that another takes its values from
    tf = "{p:rest}/ExponentialMovingAverage"

    [[tied]]                             # a name that one side has for a tensor of another name
    hf = "cls.predictions.decoder.weight"
    of = "bert.embeddings.word_embeddings.weight"
    when = "cls.predictions.bias"        # only where that is

    [[constant]]                         # what one side has beside a tensor, always the same
    hf = "{p:path}.num_batches_tracked"
    beside = "{p:path}.running_mean"
    value = 0
    dtype = "int64"
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from .._format.names import near
from .._write.casting import number_of
from ..errors import ConversionError, FormatError, MissingFileError
from .operations import Operation, operation_of
from .rules import Condition, FixedTensor, Rule, Rules, Tie
from .templates import Blank, Template, pair

T = TypeVar("T")

_SUFFIX: Final = ".toml"
_BOOKS: Final = os.path.join(os.path.dirname(__file__), "rulebooks")
_KEYS: Final = frozenset(
    (
        *("format", "about", "sides", "separators", "scope", "needs"),
        *("rule", "ignore", "averages", "tied", "constant"),
    )
)


def bundled() -> tuple[str, ...]:
    """The names of the rules that come with the library."""
    files = sorted(os.listdir(_BOOKS))
    return tuple(each.removesuffix(_SUFFIX) for each in files if each.endswith(_SUFFIX))


def load(source: str | os.PathLike[str] | Mapping[str, Any] | Rules) -> Rules:
    """Read rules: those that come with the library by their name, others from their file.

    Args:
        source: A name, the path of a TOML file, or the contents of one.

    Raises:
        MissingFileError: There are no rules of that name, and no such file.
        FormatError: The file is no TOML, or no rules.
        ConversionError: A rule contradicts itself.
    """
    if isinstance(source, Rules):
        return source
    if isinstance(source, Mapping):
        return _Reader("the mapping", source).read()
    name = os.fsdecode(source)
    path = os.path.join(_BOOKS, name + _SUFFIX) if name in bundled() else name
    if not os.path.isfile(path):
        close = near(name, bundled()) or bundled()
        raise MissingFileError(
            f"no rules {name!r}: expected the path of a {_SUFFIX} file, or one of "
            + ", ".join(close)
        )
    with open(path, "rb") as file:
        content = file.read()
    return _Reader(name, _parse(content, path)).read()


def _parse(content: bytes, path: str) -> Mapping[str, Any]:
    try:
        import tomllib
    except ImportError:  # Python 3.10
        import tomli as tomllib  # type: ignore[import-not-found,no-redef,unused-ignore]
    try:
        return tomllib.loads(content.decode())
    except ValueError as error:
        raise FormatError(f"not TOML: {error}", path=path) from None


class _Reader:
    """Reads one file's contents."""

    def __init__(self, name: str, given: Mapping[str, Any]) -> None:
        self._name = name
        self._given = given
        self._separators = ("/", ".")
        self._sides = ("", "")

    def read(self) -> Rules:
        given = self._given
        if given.get("format") != 1:
            raise self._error(f"format = {given.get('format')!r}: expected 1")
        self._known(given, _KEYS, "the file")
        self._sides = self._two("sides", None)
        if self._sides[0] == self._sides[1] or {"do", "of", "when"} & {*self._sides}:
            raise self._error(f"sides = {[*self._sides]!r}: expected two names of their own")
        self._separators = self._two("separators", self._separators)
        rules = tuple(self._rule(n, each) for n, each in self._tables("rule"))
        if not rules:
            raise self._error("no [[rule]]")
        needs = self._per_side("needs", list)
        ignored = self._per_side("ignore", list)
        averages = self._per_side("averages", str)
        ties = [self._tie(n, each) for n, each in self._tables("tied")]
        constants = [self._constant(n, each) for n, each in self._tables("constant")]
        return Rules(
            self._name,
            self._text(given, "about", "the file") or "",
            self._sides,
            self._text(given, "scope", "the file") or "",
            rules,
            (tuple(needs[0] or ()), tuple(needs[1] or ())),
            (self._templates(ignored, 0), self._templates(ignored, 1)),
            (self._average(averages, 0), self._average(averages, 1)),
            _by_side(ties),
            _by_side(constants),
        )

    def _error(self, what: str) -> FormatError:
        return FormatError(f"not rules for converting: {self._name}: {what}")

    def _known(self, given: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
        if unknown := sorted(given.keys() - {*keys}):
            raise self._error(f"unknown in {where}: {', '.join(map(repr, unknown))}")

    def _two(self, key: str, default: tuple[str, str] | None) -> tuple[str, str]:
        value = self._given.get(key, default)
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise self._error(f"{key} = {value!r}: expected two texts")
        if not all(isinstance(each, str) and each for each in value):
            raise self._error(f"{key} = {value!r}: expected two texts")
        return value[0], value[1]

    def _tables(self, key: str) -> list[tuple[int, Mapping[str, Any]]]:
        tables = self._given.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(each, Mapping) for each in tables):
            raise self._error(f"{key}: expected tables, [[{key}]]")
        return [*enumerate(tables, 1)]

    def _text(self, given: Mapping[str, Any], key: str, where: str) -> str | None:
        value = given.get(key)
        if value is not None and not isinstance(value, str):
            raise self._error(f"{key} in {where}: expected a text, not {value!r}")
        return value

    def _per_side(self, key: str, kind: type) -> tuple[Any, Any]:
        given = self._given.get(key, {})
        if not isinstance(given, Mapping):
            raise self._error(f"{key}: expected a table with {' or '.join(self._sides)}")
        self._known(given, self._sides, key)
        for value in given.values():
            texts = value if kind is list else [value]
            if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
                raise self._error(f"{key}: expected {'texts' if kind is list else 'a text'}")
        return given.get(self._sides[0]), given.get(self._sides[1])

    def _templates(self, texts: Sequence[Any], side: int) -> tuple[Template, ...]:
        return tuple(Template(each, self._separators[side]) for each in texts[side] or ())

    def _average(self, texts: Sequence[Any], side: int) -> Template | None:
        if texts[side] is None:
            return None
        template = Template(texts[side], self._separators[side])
        if len(template.fields) != 1:
            raise self._error(f"averages: expected one placeholder in {texts[side]!r}")
        return template

    # --- one rule --------------------------------------------------------------------------------

    def _rule(self, number: int, given: Mapping[str, Any]) -> Rule:
        where = f"rule {number}"
        self._known(given, (*self._sides, "do", "optional", "when", "unless"), where)
        texts = [self._text(given, side, where) for side in self._sides]
        if texts[0] is None or texts[1] is None:
            raise self._error(f"{where}: expected {self._sides[0]} and {self._sides[1]}")
        do = given.get("do", [])
        if not isinstance(do, list) or not isinstance(given.get("optional", False), bool):
            raise self._error(f"{where}: expected do = [operations], optional = true or false")
        try:
            templates = pair((texts[0], texts[1]), self._separators)
            operations = tuple(map(operation_of, do))
            spread, many = _spread(templates, operations)
            conditions = (
                self._conditions(given, 0, templates, where),
                self._conditions(given, 1, templates, where),
            )
        except ConversionError as error:
            raise self._error(f"{where}: {error.message}") from None
        return Rule(templates, operations, conditions, given.get("optional", False), spread, many)

    def _conditions(
        self, given: Mapping[str, Any], side: int, rule: tuple[Template, Template], where: str
    ) -> tuple[Condition, ...]:
        found = []
        for key in ("when", "unless"):
            told = given.get(key, {})
            if not isinstance(told, Mapping):
                raise self._error(f"{key} in {where}: expected a table of sides")
            self._known(told, self._sides, f"{key} in {where}")
            text = self._text(told, self._sides[side], where)
            if text is None:
                continue
            known: Mapping[str, Blank] = rule[side].fields
            name = Template(text, self._separators[side], known)
            if strange := sorted(name.fields.keys() - known.keys()):
                raise self._error(f"{where}: {strange[0]!r} in {text!r} is in no name of the rule")
            found.append(Condition(name, key == "when"))
        return tuple(found)

    def _tie(self, number: int, given: Mapping[str, Any]) -> tuple[int, Tie]:
        where = f"tied {number}"
        self._known(given, (*self._sides, "of", "when"), where)
        side, name, of = self._one_side(given, "of", where)
        return side, Tie(name, of, self._text(given, "when", where))

    def _constant(self, number: int, given: Mapping[str, Any]) -> tuple[int, FixedTensor]:
        where = f"constant {number}"
        self._known(given, (*self._sides, "beside", "value", "dtype"), where)
        side, name, beside = self._one_side(given, "beside", where)
        value, dtype = given.get("value"), self._text(given, "dtype", where)
        if dtype is None or not isinstance(value, (int, float)):
            raise self._error(f"{where}: expected value = a number, and dtype")
        try:
            known = Template(beside, self._separators[side])
            made = Template(name, self._separators[side], known.fields)
            number = number_of(dtype)
        except ConversionError as error:
            raise self._error(f"{where}: {error.message}") from None
        if made.fields.keys() != known.fields.keys():
            raise self._error(f"{where}: expected the same placeholders in both names")
        return side, FixedTensor(made, known, number, value)

    def _one_side(self, given: Mapping[str, Any], other: str, where: str) -> tuple[int, str, str]:
        """The side that a table is about, its name there, and the other name that it needs."""
        sides = [n for n, side in enumerate(self._sides) if side in given]
        name = self._text(given, self._sides[sides[0]], where) if len(sides) == 1 else None
        second = self._text(given, other, where)
        if name is None or second is None:
            raise self._error(f"{where}: expected {' or '.join(self._sides)}, and {other}")
        return sides[0], name, second


def _by_side(found: Iterable[tuple[int, T]]) -> tuple[tuple[T, ...], tuple[T, ...]]:
    known = list(found)
    return tuple(each for side, each in known if side == 0), tuple(
        each for side, each in known if side == 1
    )


def _spread(
    sides: tuple[Template, Template], operations: Sequence[Operation]
) -> tuple[str | None, int | None]:
    """Find the placeholder that only one side has, which the rule's operation goes over."""
    only = [sides[side].fields.keys() - sides[1 - side].fields for side in (0, 1)]
    single = [(name, side) for side in (0, 1) for name in only[side]]
    parting = [each.many for each in operations if each.many is not None]
    if not single and not parting:
        return None, None
    if len(single) != 1 or len(parting) != 1 or single[0][1] != parting[0]:
        names = ", ".join(repr(name) for name, _ in single) or "none"
        raise ConversionError(
            f"a placeholder of one side only ({names}) needs an operation that makes so many "
            "tensors of one: split or unstack on the second side, join or stack on the first"
        )
    name, side = single[0]
    if sides[side].fields[name].kind not in ("choice", "int"):
        raise ConversionError(f"{name!r} has to be a number, or say what it may be: a|b")
    return name, side
