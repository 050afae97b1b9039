"""State file `checkpoint`: which checkpoint of a directory is the newest.

The file is the text form of TensorFlow's ``CheckpointState`` message (format.md §1.4). Reader and
writer are twins in this one room, and so is where what it names may lie: `named_places`. Nothing
here looks at the file system.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

from ..errors import FormatError
from .filenames import spelled_prefix
from .names import as_bytes, as_text

_TAILS: Final = 8  # of a path, that are tried below the state file's directory


@dataclass(frozen=True, slots=True)
class CheckpointState:
    """State of a directory: what its state file says.

    Attributes:
        model_checkpoint_path: The newest checkpoint as written: relative to the state file's
            directory, or absolute. Empty when the file names none.
        all_model_checkpoint_paths: All checkpoints kept, oldest first.
        all_model_checkpoint_timestamps: Seconds since the epoch, one a path; often none.
        last_preserved_timestamp: When a checkpoint was last kept for good; 0.0 when never.
    """

    model_checkpoint_path: str = ""
    all_model_checkpoint_paths: tuple[str, ...] = ()
    all_model_checkpoint_timestamps: tuple[float, ...] = ()
    last_preserved_timestamp: float = 0.0

    def __str__(self) -> str:
        """The text of the file, as TensorFlow's message prints itself."""
        return as_text(encode_state(self))


_STRING_FIELDS: Final = ("model_checkpoint_path", "all_model_checkpoint_paths")
_DOUBLE_FIELDS: Final = ("all_model_checkpoint_timestamps", "last_preserved_timestamp")
_REPEATED: Final = ("all_model_checkpoint_paths", "all_model_checkpoint_timestamps")

_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
# A word, a number, a quoted string closed on its line, or one mark: protobuf's own token shapes.
_TOKEN = re.compile(
    r"""[A-Za-z_][0-9A-Za-z_+-]*
      | (?:[0-9+-]|\.[0-9])[0-9A-Za-z_.+-]*
      | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
      | .""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:([0-7]{1,3})|[xX]([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))"
)
_SIMPLE_ESCAPES: Final = {
    "a": b"\a",
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "v": b"\v",
    "\\": b"\\",
    "'": b"'",
    '"': b'"',
    "?": b"?",
}
# A path of its own on a line, however it is quoted; and one of Windows, not escaped.
_PATH_LINE = re.compile(rf"\s*({'|'.join(_STRING_FIELDS)})\s*[:=]\s*(\S.*?)[\s,;]*")
_DRIVE = re.compile(r"[\"']?[A-Za-z]:\\[^\\]")
_QUOTES: Final = "\"'`\u2018\u2019\u201c\u201d\u201e\xab\xbb "
_OCTAL_NUMBER = re.compile(r"-?0[0-9]")


def parse_state(text: bytes | str) -> CheckpointState:
    r"""Parse the text of a state file.

    The whole text-proto grammar is understood: both quotes, every escape, adjacent literals,
    ``#`` comments, ``,`` and ``;`` after a field, lists, CRLF line ends; of a repeated singular
    field the last one holds. Names that are not UTF-8 come back as ``os.fsdecode`` gives them.

    Args:
        text: The content of the file.

    Returns:
        The state; ``model_checkpoint_path`` is empty when the text names none.

    Raises:
        FormatError: The text is not a state file, or holds a field that TensorFlow does not know;
            the message names line and column.

    Example:
        >>> parse_state('model_checkpoint_path: "ckpt-5"\n').model_checkpoint_path
        'ckpt-5'
    """
    if isinstance(text, bytes):
        text = as_text(text)
    return _Parser(text).parse()


def parse_edited_state(content: bytes) -> tuple[CheckpointState, str | None]:
    r"""Parse a state file that hands, editors and other systems may have been at.

    Beyond `parse_state`: UTF-16, a byte order mark, and paths that lack their quotes, have
    typographic ones, or single backslashes, which are then taken as they stand.

    Args:
        content: The content of the file.

    Returns:
        The state, and why TensorFlow does not read it so; None when it does.

    Raises:
        FormatError: It cannot be understood in this way either.

    Example:
        >>> parse_edited_state(rb'model_checkpoint_path: "C:\Users\me\ckpt-5"')[0]
        CheckpointState(model_checkpoint_path='C:\\Users\\me\\ckpt-5', ...)
    """
    text, reason = _decoded(content)
    lines = text.splitlines(keepends=True)
    mended = [_mended(line) for line in lines]
    changed = [number for number, line in enumerate(lines, 1) if mended[number - 1] != line]
    if changed:
        try:
            state = parse_state("".join(mended))
        except FormatError:
            pass  # a literal over several lines, say: as it stands, or not at all
        else:
            return state, reason or f"the path of line {changed[0]} is not quoted as it must be"
    return parse_state(text), reason


def _decoded(content: bytes) -> tuple[str, str | None]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), "it is in UTF-16"
        except UnicodeDecodeError as error:
            raise FormatError(f"malformed checkpoint state file: not UTF-16: {error}") from None
    if content.startswith(b"\xef\xbb\xbf"):
        return as_text(content[3:]), "it begins with a byte order mark"
    return as_text(content), None


def _mended(line: str) -> str:
    """A line whose path can be taken, which is the line itself unless that gives none."""
    match = _PATH_LINE.fullmatch(line)
    if match is None:
        return line
    with contextlib.suppress(FormatError):
        state = parse_state(line)
        paths = (state.model_checkpoint_path, *state.all_model_checkpoint_paths)
        # A tab or bell in a path is a Windows path whose backslashes were taken for escapes.
        is_plain = "\\" not in line or all(each.isprintable() for each in paths)
        if is_plain and not _DRIVE.match(match[2]):
            return line
    path = match[2].strip(_QUOTES)
    if not path or (match[2][0] in _QUOTES and match[2][0] in path):
        return line  # more follows after the closing quote
    return f"{match[1]}: {_quote(path)}\n"


def mentions_state(head: bytes) -> bool:
    """Whether bytes are of a state file, in UTF-16 too."""
    return b"model_checkpoint_path" in head.replace(b"\0", b"").lower()


def named_places(directory: str, name: str) -> Iterator[tuple[str, str | None]]:
    """Where a checkpoint may lie that a state file names.

    Args:
        directory: The state file's.
        name: The path as it is written there.

    Yields:
        Prefixes, the likeliest first, each with what is to be told if the checkpoint is taken
        there. They may lie outside the directory, and may come twice.
    """
    if not name:
        return
    spelled = spelled_prefix(name)
    for each in [name] if spelled is None else [spelled, name]:
        is_file = f"the state file names {name!r}, a file of the checkpoint" if each != name else ""
        yield os.path.join(directory, each), is_file or None
        parts = each.replace("\\", "/").split("/")
        if "\\" in each and os.sep == "/":
            note = is_file or f"the state file names {name!r}, written on Windows"
            yield os.path.join(directory, *parts), note
        note = is_file or f"the state file names {name!r}, which is not there"
        here = repr(directory or os.curdir)
        yield os.path.join(directory, parts[-1]), f"{note}: found by its base name in {here}"
        for count in range(2, min(len(parts), _TAILS)):
            tail = os.path.join(*parts[-count:])
            if os.pardir not in parts[-count:]:
                yield os.path.join(directory, tail), f"{note}: found as {tail!r} in {here}"


def encode_state(state: CheckpointState) -> bytes:
    r"""Encode a state as the bytes that TensorFlow writes for it.

    Args:
        state: The state to write.

    Returns:
        The content of the file: one field a line, empty fields left out.

    Example:
        >>> encode_state(CheckpointState("ckpt-5", ("ckpt-5",)))
        b'model_checkpoint_path: "ckpt-5"\nall_model_checkpoint_paths: "ckpt-5"\n'
    """
    lines = []
    if state.model_checkpoint_path:
        lines.append(f"model_checkpoint_path: {_quote(state.model_checkpoint_path)}\n")
    for path in state.all_model_checkpoint_paths:
        lines.append(f"all_model_checkpoint_paths: {_quote(path)}\n")
    for timestamp in state.all_model_checkpoint_timestamps:
        lines.append(f"all_model_checkpoint_timestamps: {float(timestamp)!r}\n")
    preserved = repr(float(state.last_preserved_timestamp))
    if preserved != "0.0":  # as text: protobuf writes -0.0, which equals the default
        lines.append(f"last_preserved_timestamp: {preserved}\n")
    return as_bytes("".join(lines))


class _Parser:
    """One pass over the text, one token of look-ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self._advance()

    def parse(self) -> CheckpointState:
        values: dict[str, list[str | float]] = {}
        while self._token:
            name = self._token
            if name not in _STRING_FIELDS and name not in _DOUBLE_FIELDS:
                known = ", ".join(_STRING_FIELDS + _DOUBLE_FIELDS)
                self._fail(f"unknown field {self._shown()}, expected one of {known}")
            self._advance()
            self._expect(":")
            values.setdefault(name, []).extend(self._values(name))
            if self._token in (",", ";"):
                self._advance()
        merged = {
            name: tuple(found) if name in _REPEATED else found[-1] for name, found in values.items()
        }
        return CheckpointState(**merged)  # type: ignore[arg-type]

    def _values(self, name: str) -> list[str | float]:
        if name not in _REPEATED or self._token != "[":
            return [self._value(name)]
        self._advance()
        found: list[str | float] = []
        if self._token != "]":
            found.append(self._value(name))
            while self._token == ",":
                self._advance()
                found.append(self._value(name))
        self._expect("]")
        return found

    def _value(self, name: str) -> str | float:
        return self._string() if name in _STRING_FIELDS else self._double()

    def _string(self) -> str:
        if self._token[:1] not in ("'", '"'):
            self._fail(f"expected a quoted string, found {self._shown()}")
        content = b""
        while self._token[:1] in ("'", '"') and self._token:
            if len(self._token) < 2:
                self._fail("expected the closing quote of the string on the same line")
            content += self._unescape(self._token[1:-1])
            self._advance()
        return as_text(content)

    def _unescape(self, literal: str) -> bytes:
        # Bytes, not text: an escape may give half of a character.
        parts = []
        end = 0
        for match in _ESCAPE.finditer(literal):
            parts.append(as_bytes(literal[end : match.start()]))
            parts.append(self._escaped(match))
            end = match.end()
        parts.append(as_bytes(literal[end:]))
        return b"".join(parts)

    def _escaped(self, match: re.Match[str]) -> bytes:
        octal, hexadecimal, short, long, simple = match.groups()
        try:
            if octal or hexadecimal:
                return bytes([int(octal, 8) if octal else int(hexadecimal, 16)])
            if short or long:
                return chr(int(short or long, 16)).encode()
        except ValueError:
            simple = "U"  # above \377 or beyond Unicode: as bad as an escape without digits
        if simple in ("x", "X", "u", "U"):
            self._fail(f"bad escape {match.group()!r} in a string")
        # TensorFlow keeps the backslash of an escape that it does not know.
        return _SIMPLE_ESCAPES.get(simple) or as_bytes(match.group())

    def _double(self) -> float:
        try:
            if _OCTAL_NUMBER.match(self._token):
                raise ValueError
            try:
                value = float(self._token)
            except ValueError:
                value = float(self._token.rstrip("fF"))  # C's spelling: 1.5f
        except ValueError:
            self._fail(f"expected a number, found {self._shown()}")
        self._advance()
        return value

    def _expect(self, mark: str) -> None:
        if self._token != mark:
            self._fail(f"expected {mark!r}, found {self._shown()}")
        self._advance()

    def _advance(self) -> None:
        space = _SPACE.match(self._text, self._end)
        self._start = space.end() if space else self._end
        token = _TOKEN.match(self._text, self._start)
        self._token = token.group() if token else ""
        self._end = self._start + len(self._token)

    def _shown(self) -> str:
        return repr(self._token[:60]) if self._token else "the end of the text"

    def _fail(self, expected: str) -> NoReturn:
        line = self._text.count("\n", 0, self._start) + 1
        column = self._start - self._text.rfind("\n", 0, self._start)
        raise FormatError(
            f"malformed checkpoint state file, line {line}, column {column}: {expected}"
        )


def _quote(value: str) -> str:
    return '"' + value.translate(_QUOTED) + '"'


_QUOTED: Final = {code: f"\\{code:03o}" for code in (*range(32), 127)} | {
    ord("\t"): "\\t",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord('"'): '\\"',
    ord("'"): "\\'",
    ord("\\"): "\\\\",
}
