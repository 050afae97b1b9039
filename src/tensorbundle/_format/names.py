"""Names: of tensors, nodes and files, between their bytes and text."""

from __future__ import annotations


def as_bytes(text: str) -> bytes:
    """Bytes of a name; the twin of `as_text`."""
    return text.encode("utf-8", "surrogateescape")


def as_text(content: bytes | memoryview) -> str:
    """Text of a name's bytes; those that are not UTF-8 become surrogate escapes."""
    return str(content, "utf-8", "surrogateescape")


def as_name(name: str | bytes) -> str:
    """Text of a name that was given as either."""
    return as_text(name) if isinstance(name, bytes) else name
