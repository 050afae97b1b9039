"""Wording of messages: in Python's words, in those of the command, and never without end.

A message that names an option of a call names another one on the command line. It is made in both
languages at once, so that nobody has to search a message for words and replace them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_LISTED: Final = 10
_LONGEST: Final = 200  # characters of a name that is not the message itself


class Worded(str):
    """A message: as a string in Python's words, and ``command`` in the command line's.

    Args:
        parts: Pieces of it, one after the other; those that are plain are the same in both.

    Example:
        >>> said = Worded("cut there: ", option("inputs", ["a", "b"]))
        >>> str(said), said.command
        ("cut there: inputs=['a', 'b']", 'cut there: --input a --input b')
    """

    __slots__ = ("command",)
    command: str

    def __new__(cls, *parts: str) -> Worded:
        """Join pieces."""
        return cls.of("".join(parts), "".join(map(in_command, parts)))

    @classmethod
    def of(cls, python: str, command: str) -> Worded:
        """Make a message of its two wordings."""
        made = str.__new__(cls, python)
        made.command = command
        return made

    def __str__(self) -> str:
        return "".join(self)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self).of, (str(self), self.command))


def in_command(message: str) -> str:
    """The wording of a message for the command line."""
    return message.command if isinstance(message, Worded) else message


def joined(separator: str, messages: Iterable[str]) -> Worded:
    """Several messages in one."""
    said = list(messages)
    return Worded.of(separator.join(said), separator.join(map(in_command, said)))


_FLAGS: Final[Mapping[str, str]] = {
    "inputs": "--input",
    "outputs": "--output",
    "ckpt": "--checkpoint",
    "training": "--inference",
    "fetches": "--fetch",
    "feeds": "--feed",
}


def flag(name: str) -> str:
    """The option of the command that an argument of a function is."""
    return _FLAGS.get(name, "--" + name.replace("_", "-"))


def option(name: str, value: object = None) -> Worded:
    """An option with a value, as either language writes it; with none it is only named.

    Args:
        name: The argument of the function.
        value: A truth value, which is another than the default; a word; or names of tensors, which
            the command takes one by one.
    """
    if value is None:
        return Worded.of(f"{name}=", flag(name))
    if isinstance(value, bool):
        return Worded.of(f"{name}={value}", flag(name))
    if isinstance(value, str):
        return Worded.of(f"{name}={value!r}", f"{flag(name)} {_in_shell(value)}")
    names = list(value) if isinstance(value, Iterable) else [value]
    python = f"{name}=[{', '.join(map(quoted, names))}]"
    return Worded.of(python, " ".join(f"{flag(name)} {_in_shell(str(each))}" for each in names))


def _in_shell(word: str) -> str:
    """A word as a shell takes it."""
    import shlex

    return shlex.quote(word)


def quoted(name: object) -> str:
    """A name in quotes, without what a terminal would obey; of one without end its two ends."""
    text = str(name)
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 4 :]}"
    return repr(text)


def plain(word: str) -> str:
    """A word that is expected to be harmless, such as an operation's; else as `quoted`."""
    return word if word.isascii() and word.isidentifier() and len(word) < _LONGEST else quoted(word)


def listed(names: Iterable[object], shown: int = _LISTED) -> str:
    """Names in quotes, at most so many, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - shown} more" if len(known) > shown else ""
    return ", ".join(map(quoted, known[:shown])) + more


def undivided(sizes: Iterable[tuple[str, int]], most: int | None) -> tuple[str, ...]:
    """Say which tensors alone are larger than a file of several is to be; nothing of none."""
    larger = [name for name, nbytes in sizes if most is not None and nbytes > most]
    if not larger:
        return ()
    return (f"larger than {most} bytes, each in a file of its own: {listed(larger)}",)


def already_there(path: str) -> Worded:
    """Say that a file is in the way, and how to have it replaced."""
    head = f"{path!r} exists: give another path, or "
    return Worded.of(f"{head}pass overwrite=True", f"{head}add --force")
