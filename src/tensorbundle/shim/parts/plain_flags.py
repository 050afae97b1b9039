"""Flags of a program where absl is not installed: the part of ``absl.flags`` that scripts use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NoReturn

_TRUE: Final = frozenset(("true", "t", "1", "yes"))
_FALSE: Final = frozenset(("false", "f", "0", "no"))


class Error(Exception):
    """Base of errors of flags."""


class IllegalFlagValueError(Error):
    """Value that a flag does not take."""


class UnrecognizedFlagError(Error):
    """Flag that nobody defined."""


class UnparsedFlagAccessError(Error):
    """Flag that is asked before the command line was parsed."""


class DuplicateFlagError(Error):
    """Flag that was defined already."""


class Flag:
    """Flag: its name, how its text is read, and its value."""

    def __init__(
        self, name: str, default: Any, help: str | None, parse: Callable[[str], Any], kind: str
    ) -> None:
        self.name, self.help, self.kind = name, help or "", kind
        self.default = self.value = default
        self.parse = parse
        self.required = False
        self.present = 0
        if isinstance(default, str) and kind != "text":
            self.default = self.value = self.read(default)

    @property
    def boolean(self) -> bool:
        """True when it may be given as ``--name`` and ``--noname``."""
        return self.kind == "boolean"

    def read(self, text: str) -> Any:
        """The value that a text means. Raises IllegalFlagValueError."""
        try:
            return self.parse(text)
        except ValueError as error:
            raise IllegalFlagValueError(f"flag --{self.name}={text}: {error}") from None

    def give(self, text: str) -> None:
        """Take a value of the command line."""
        value = self.read(text)
        if self.kind == "multi" and self.present:
            value = [*self.value, *value]
        self.value = value
        self.present += 1


class FlagValues:
    """Flags of a program, as attributes."""

    def __init__(self) -> None:
        self.__dict__.update(_flags={}, _parsed=False)

    def is_parsed(self) -> bool:
        """Tell whether the command line was parsed."""
        return bool(self.__dict__["_parsed"])

    def mark_as_parsed(self) -> None:
        """Take flags as they are."""
        self.__dict__["_parsed"] = True

    def flag_values_dict(self) -> dict[str, Any]:
        """Values by name."""
        return {name: flag.value for name, flag in self._all.items()}

    def define(self, flag: Flag) -> None:
        """Add a flag. Raises DuplicateFlagError."""
        if flag.name in self._all:
            raise DuplicateFlagError(f"the flag {flag.name!r} is defined twice")
        self._all[flag.name] = flag

    @property
    def _all(self) -> dict[str, Flag]:
        flags: dict[str, Flag] = self.__dict__["_flags"]
        return flags

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Parse a command line.

        Returns:
            What is left: the program, arguments, and unknown flags with ``known_only``.
        """
        left = [argv[0]]
        given = iter(argv[1:])
        for text in given:
            if text == "--":
                left += given
            elif not text.startswith("-") or text == "-":
                left.append(text)
            elif not self._take(text.lstrip("-"), given):
                if not known_only:
                    name = text.lstrip("-").partition("=")[0]
                    raise UnrecognizedFlagError(f"Unknown command line flag '{name}'")
                left.append(text)
        missing = [flag.name for flag in self._all.values() if flag.required and flag.value is None]
        if missing:
            raise IllegalFlagValueError(
                f"flag --{missing[0]}=None: Flag --{missing[0]} must have a value other than None."
            )
        self.mark_as_parsed()
        return left

    def _take(self, text: str, following: Iterator[str]) -> bool:
        name, equals, value = text.partition("=")
        flag = self._all.get(name)
        if flag is None:
            flag = self._all.get(name[2:]) if name.startswith("no") and not equals else None
            if flag is None or not flag.boolean:
                return False
            flag.give("false")
        elif equals:
            flag.give(value)
        elif flag.boolean:
            flag.give("true")
        else:
            for each in following:
                flag.give(each)
                return True
            raise IllegalFlagValueError(f"Missing value for flag --{name}")
        return True

    def __getattr__(self, name: str) -> Any:
        if name not in self._all:
            raise AttributeError(name)
        if not self.is_parsed():
            raise UnparsedFlagAccessError(f"flag --{name} is asked before flags are parsed")
        return self._all[name].value

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._all:
            raise AttributeError(f"there is no flag {name!r}")
        self._all[name].value = value

    def __getitem__(self, name: str) -> Flag:
        return self._all[name]

    def __contains__(self, name: object) -> bool:
        return name in self._all

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __dir__(self) -> list[str]:
        return sorted(self._all)

    def main_module_help(self) -> str:
        """Help on all flags."""
        lines = []
        for flag in sorted(self._all.values(), key=lambda each: each.name):
            lines.append(f"  --{'[no]' if flag.boolean else ''}{flag.name}: {flag.help}")
            if flag.default is not None:
                lines.append(f"    (default: {flag.default!r})")
        return "\n".join(lines)


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError("Non-boolean argument to boolean flag")


def _integer(text: str) -> int:
    return int(text, 0)


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")] if text else []


def _multi(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: [parse(text)]


def _one_of(values: Iterable[str], case_sensitive: bool = True) -> Callable[[str], str]:
    known = list(values)

    def parse(text: str) -> str:
        for each in known:
            if text == each or (not case_sensitive and text.lower() == each.lower()):
                return each
        raise ValueError(f"value should be one of <{'|'.join(known)}>")

    return parse


def _defining(parse: Callable[[str], Any], kind: str = "") -> Callable[..., None]:
    def define(name: str, default: Any, help: str | None = None, *args: Any, **more: Any) -> None:
        if kind == "multi" and default is not None and not isinstance(default, str):
            default = list(default) if isinstance(default, (list, tuple)) else [default]
        FLAGS.define(Flag(name, default, help, parse, kind))
        if more.get("required"):
            FLAGS[name].required = True

    return define


FLAGS: Final = FlagValues()
DEFINE_string = _defining(str, "text")
DEFINE_integer = _defining(_integer)
DEFINE_float = _defining(float)
DEFINE_boolean = DEFINE_bool = _defining(_boolean, "boolean")
DEFINE_list = _defining(_listed)
DEFINE_spaceseplist = _defining(str.split)
DEFINE_multi_string = _defining(_multi(str), "multi")
DEFINE_multi_integer = _defining(_multi(_integer), "multi")
DEFINE_multi_float = _defining(_multi(float), "multi")


def DEFINE_enum(
    name: str,
    default: str | None,
    enum_values: Iterable[str],
    help: str | None = None,
    *args: Any,
    case_sensitive: bool = True,
    **more: Any,
) -> None:
    """Define a flag that is one of some words."""
    _defining(_one_of(enum_values, case_sensitive))(name, default, help, **more)


def mark_flag_as_required(flag_name: str, *args: Any) -> None:
    """Have parsing fail without a value for a flag."""
    FLAGS[flag_name].required = True


def mark_flags_as_required(flag_names: Iterable[str], *args: Any) -> None:
    """Have parsing fail without a value for any of these flags."""
    for name in flag_names:
        mark_flag_as_required(name)


def run(
    main: Callable[[list[str]], Any],
    argv: Sequence[str] | None = None,
    flags_parser: Callable[[Sequence[str]], list[str]] = FLAGS,
) -> NoReturn:
    """Run a program: parse its flags, and end the process as ``main`` says."""
    given = sys.argv if argv is None else argv
    if any(each in ("--help", "-h", "-help", "--helpfull", "--helpshort") for each in given[1:]):
        doc = sys.modules["__main__"].__doc__ or f"USAGE: {given[0]} [flags]"
        sys.stdout.write(f"{doc}\nflags:\n\n{FLAGS.main_module_help()}\n")
        sys.exit(1)
    try:
        left = flags_parser(given)
    except Error as error:
        where = os.path.basename(given[0])
        sys.stderr.write(
            f"FATAL Flags parsing error: {error}\nPass --help to see help ({where}).\n"
        )
        sys.exit(1)
    sys.exit(main(left))
