r"""Tensor names on a terminal: shown without harm, and read back as shown.

A name is any bytes. What cannot be printed (control characters, bytes that are not UTF-8,
characters that the output's encoding lacks) is spelled as its bytes, ``\x1b``; a backslash is
doubled. So a spelled name is one line, moves no cursor, and `unspell` gives the name back.
"""

from __future__ import annotations

import re
from typing import Final

from ..._format.names import as_bytes, as_text

_SHORT: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LONG: Final = {spelled: char for char, spelled in _SHORT.items()}
_SPELLED: Final = re.compile(r"\\(?:[\\nrt]|x([0-9a-fA-F]{2}))")


def spell(name: str, encoding: str = "utf-8") -> str:
    """Spell a name in printable characters of an encoding."""
    if name.endswith(" "):  # which nobody sees
        return spell(name[:-1], encoding) + r"\x20"
    if "\\" not in name and name.isprintable() and _encodes(name, encoding):
        return name
    return "".join(_spell_character(char, encoding) for char in name)


def _spell_character(char: str, encoding: str) -> str:
    if short := _SHORT.get(char):
        return short
    if char.isprintable() and _encodes(char, encoding):
        return char
    return "".join(f"\\x{byte:02x}" for byte in as_bytes(char))


def _encodes(text: str, encoding: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def unspell(text: str) -> str:
    """Read a spelled name; text that `spell` did not write stays as it is."""
    if "\\" not in text:
        return text

    def read(found: re.Match[str]) -> bytes:
        if found[1]:
            return bytes([int(found[1], 16)])
        return _LONG[found[0]].encode()

    # By bytes: one character may be spelled by several escapes.
    parts, end = [], 0
    for found in _SPELLED.finditer(text):
        parts += [as_bytes(text[end : found.start()]), read(found)]
        end = found.end()
    parts.append(as_bytes(text[end:]))
    return as_text(b"".join(parts))
