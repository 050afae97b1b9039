"""Names of tensors, nodes and files: bytes and text, and which ones are near."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ..errors import ConversionError

# difflib is quadratic in the length of names, and reads every one of them.
_COMPARED: Final = 2_000
_LONGEST: Final = 500


def as_bytes(text: str) -> bytes:
    """Bytes of a name; the twin of `as_text`."""
    return text.encode("utf-8", "surrogateescape")


def as_text(content: bytes | memoryview) -> str:
    """Text of a name's bytes; those that are not UTF-8 become surrogate escapes."""
    return str(content, "utf-8", "surrogateescape")


def as_name(name: object) -> str:
    """Text of a name that was given as either.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(name, bytes):
        return as_text(name)
    if not isinstance(name, str):
        hint = ""
        if isinstance(name, (int, slice)):
            hint = "; for a place in the order of keys: list(ckpt)[…]"
        elif isinstance(name, (list, tuple, set, frozenset)):
            hint = "; for several: ckpt.load([…])"
        raise TypeError(f"names are str or bytes, not {type(name).__name__}: {name!r:.80}{hint}")
    return name


def as_new_name(name: object) -> str:
    """Text of a name that is to be written.

    Raises:
        TypeError: It is neither str nor bytes.
        ConversionError: It is text that no bytes stand for.
    """
    text = as_name(name)
    if not text.isascii():
        try:
            as_bytes(text)
        except UnicodeEncodeError:
            raise no_bytes(text) from None
    return text


def no_bytes(name: str) -> ConversionError:
    """Error for text that no bytes of UTF-8 stand for: half of a surrogate pair."""
    return ConversionError(
        f"a lone surrogate has no bytes in UTF-8, which names are in: {name!r:.80}"
    )


def near(name: str, names: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """Find names that may be meant by one that is not there: "did you mean …?".

    Those that end or begin as it does come first, then those that are like it letter by letter,
    then those of the same last component. At most some thousands are compared.

    Args:
        name: The name that is not there.
        names: All names there are.
        count: How many to give at most.
    """
    # As operations and scopes are written, and by those who do not know in which case.
    plain = name.strip("/").partition(":")[0].casefold()
    last = plain.rpartition("/")[2]
    folded = [(each, each.casefold()) for each in names] if plain else []
    found = [
        each
        for each, there in folded
        if there == plain
        or there.endswith("/" + plain)
        or plain.endswith("/" + there)
        or there.startswith(plain + "/")
    ]
    if not found:
        found = closest(name, names, count)
    if not found:
        found = [each for each, there in folded if there.rpartition("/")[2].strip("_") == last]
    return tuple(found[:count])


def closest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Up to ``count`` names that are like another letter by letter; endless ones never are."""
    import difflib

    if len(name) > _LONGEST:
        return []
    # Of others no six tenths can be alike, which is what is asked for below.
    length = len(name)
    alike = [each for each in names if 3 * length <= 7 * len(each) and 3 * len(each) <= 7 * length]
    if len(alike) > _COMPARED:
        # Those of the same last component first: a wrong scope is the commonest slip.
        last = name.rpartition("/")[2]
        alike.sort(key=lambda each: each.rpartition("/")[2] != last)
    return difflib.get_close_matches(name, alike[:_COMPARED], n=count)
