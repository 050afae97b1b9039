"""Printable text: what is shown of names and paths that come from outside.

A file may hold any name: one with escape sequences would move a terminal's cursor, one with marks
of writing direction show another text than it is, one of a megabyte hide all else. So what is
shown has neither.
"""

from __future__ import annotations

from typing import Final

LIMIT: Final = 4000
"""Characters of one message; a longer one is cut in its middle."""


def printable(text: str, limit: int = LIMIT) -> str:
    r"""Make text safe to be shown on one line.

    Control characters, marks of writing direction and other characters that cannot be seen become
    escapes, bytes that are no UTF-8 likewise; too long a text loses its middle.

    Example:
        >>> printable("\x1b[2J\u202egnp.exe\udcff")
        '\\x1b[2J\\u202egnp.exe\\xff'
    """
    if len(text) > limit:
        head, tail = limit * 3 // 4, limit // 4
        cut = len(text) - head - tail
        text = f"{text[:head]} … {cut} characters … {text[-tail:]}"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if short is not None:
        return short
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
