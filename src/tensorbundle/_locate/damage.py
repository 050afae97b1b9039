"""Damaged and mistaken files: what a file really is, when it is not what its name says.

Repositories and downloads leave other things in place of checkpoints: git-LFS pointers, symbolic
links stored as text, error pages, archives, the weights of another library. `identify_head` knows
them by their first bytes, `identify_file` by path. What is done about a file is decided by its
`FileKind`; the phrase beside it is for an error message, and may be worded anew at any time.
"""

from __future__ import annotations

import enum
import os
from typing import Final, NamedTuple

from .. import _core
from .._format.containers import bundle_in, is_records
from ..errors import FormatError

_HEAD_BYTES: Final = 4096  # a path is no longer than this, a tar header and a pointer are shorter
_TABLE_MAGIC: Final = bytes.fromhex("57fb808b247547db")
_TABLE_FOOTER_BYTES: Final = 48
_LAST_BYTES: Final = 4096
# Tags of the fields that a Magenta bundle may begin with.
_BUNDLE_STARTS: Final = (b"\x0a", b"\x12", b"\x1a", b"\x22")


class FileKind(enum.Enum):
    """Kinds of files that are met in place of checkpoints and graphs."""

    NOTHING = "empty, zero-filled or white space"
    STATE = "a state file"
    GRAPH = "a GraphDef"
    META_GRAPH = "a MetaGraphDef"
    SAVED_MODEL = "a SavedModel"
    GRAPH_TEXT = "a GraphDef as text"
    META_GRAPH_TEXT = "a MetaGraphDef as text"
    SAVED_MODEL_TEXT = "a SavedModel as text"
    POINTER = "a pointer to the file that is meant: of git-LFS, git-annex, DVC, or a link"
    BUNDLE = "a Magenta bundle, of a V1 checkpoint and its graph"
    RECORDS = "records: of TensorBoard, which may hold a graph, or of examples"
    ARCHIVE = "an archive"
    TEXT = "some other text"
    FOREIGN = "a file of another program"


class Found(NamedTuple):
    """What a file was recognised as.

    Attributes:
        kind: What decisions hang on.
        phrase: What a user is told, such as ``"a git-LFS pointer …"``.
    """

    kind: FileKind
    phrase: str


# (offset, magic, kind, phrase): files with an unmistakable signature.
_SIGNATURES: Final = (
    (
        0,
        b"\x89HDF\r\n\x1a\n",
        FileKind.FOREIGN,
        "an HDF5 file (Keras .h5 weights are of this kind)",
    ),
    (0, b"\x1f\x8b", FileKind.ARCHIVE, "a gzip archive: unpack it first"),
    (0, b"BZh", FileKind.ARCHIVE, "a bzip2 archive: unpack it first"),
    (0, b"\xfd7zXZ\x00", FileKind.ARCHIVE, "an xz archive: unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", FileKind.ARCHIVE, "a zstandard archive: unpack it first"),
    (0, b"\x04\x22\x4d\x18", FileKind.ARCHIVE, "an lz4 archive: unpack it first"),
    (0, b"7z\xbc\xaf\x27\x1c", FileKind.ARCHIVE, "a 7-zip archive: unpack it first"),
    (0, b"Rar!\x1a\x07", FileKind.ARCHIVE, "a rar archive: unpack it first"),
    (257, b"ustar", FileKind.ARCHIVE, "a tar archive: unpack it first"),
    (0, b"\x93NUMPY", FileKind.FOREIGN, "a numpy .npy array"),
    (4, b"TFL3", FileKind.FOREIGN, "a TensorFlow Lite model"),
    (0, b"GGUF", FileKind.FOREIGN, "a GGUF model"),
    (
        0,
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
        FileKind.FOREIGN,
        "a PyTorch file (old pickle format)",
    ),
    (0, b"\x89PNG\r\n\x1a\n", FileKind.FOREIGN, "a PNG image"),
    (0, b"\xff\xd8\xff", FileKind.FOREIGN, "a JPEG image"),
    (0, b"GIF8", FileKind.FOREIGN, "a GIF image"),
    (0, b"%PDF-", FileKind.FOREIGN, "a PDF document"),
    (0, b"SQLite format 3\x00", FileKind.FOREIGN, "an SQLite database"),
    (
        0,
        b"\x00\x05\x16\x07",
        FileKind.FOREIGN,
        "an AppleDouble file (macOS metadata that belongs to another file)",
    ),
    (0, b"\xff\xfe\x00\x00", FileKind.TEXT, "text in UTF-32"),
    (0, b"\xff\xfe", FileKind.TEXT, "text in UTF-16"),
    (0, b"\xfe\xff", FileKind.TEXT, "text in UTF-16"),
)
# How the first name inside a zip archive tells whose it is.
_ZIP_MEMBERS: Final = (
    (".npy", "a numpy .npz archive"),
    ("/data.pkl", "a PyTorch file"),
    ("/.format_version", "a PyTorch file"),
    ("metadata.json", "a Keras .keras file"),
    ("config.json", "a Keras .keras file"),
    ("model.weights.h5", "a Keras .keras file"),
)
# The protocol of a Python pickle and its first instruction: a frame, or the value's own.
_PICKLES: Final = tuple(
    bytes([protocol, first]) for protocol in (2, 3, 4, 5) for first in b"\x95}](c\x8a"
)
# The first word of a text, in lower case; what it then is.
_TEXTS: Final = (
    ("<!doctype html", FileKind.TEXT, "an HTML page (a download that failed or wants a login)"),
    ("<html", FileKind.TEXT, "an HTML page (a download that failed or wants a login)"),
    ("<?xml", FileKind.TEXT, "an XML document (storage services answer errors so)"),
    ("<error>", FileKind.TEXT, "an XML document (storage services answer errors so)"),
    ("<<<<<<< ", FileKind.TEXT, "text with git's merge-conflict marks"),
    ("model_checkpoint_path", FileKind.STATE, "a checkpoint state file (text)"),
    ("all_model_checkpoint_paths", FileKind.STATE, "a checkpoint state file (text)"),
    ("saved_model_schema_version", FileKind.SAVED_MODEL_TEXT, "a SavedModel as text (.pbtxt)"),
    ("meta_info_def", FileKind.META_GRAPH_TEXT, "a MetaGraph as text (.pbtxt)"),
    ("node {", FileKind.GRAPH_TEXT, "a graph as text (.pbtxt)"),
    ("outs:", FileKind.POINTER, "a DVC pointer, not the file itself: run `dvc pull`"),
)
_LINK_ENDINGS: Final = (".index", ".meta", ".ckpt", ".pb", ".pbtxt", ".data", ".h5")


def identify_head(head: bytes, size: int) -> Found | None:
    """Tell what a file really is, from its first bytes.

    Args:
        head: The first bytes, some hundred or all; more than 4096 are not needed.
        size: The size of the whole file in bytes.

    Returns:
        None when nothing is recognised: the bytes may then well be those of a table or of tensors.

    Example:
        >>> identify_head(b"<!DOCTYPE html><title>404</title>", 33).phrase
        'an HTML page (a download that failed or wants a login)'
    """
    if size == 0:
        return Found(FileKind.NOTHING, "an empty file")
    if not head.strip(b"\x00"):
        span = "all zero bytes" if len(head) >= size else f"its first {len(head)} bytes are zero"
        phrase = f"a zero-filled file ({span}: an unfinished copy or download)"
        return Found(FileKind.NOTHING, phrase)
    for offset, magic, kind, phrase in _SIGNATURES:
        if head.startswith(magic, offset):
            return Found(kind, phrase)
    return (
        _identify_text(head, size)
        or _identify_zip(head)
        or _identify_container(head)
        or _identify_protobuf(head)
    )


def identify_file(path: str) -> Found | None:
    """Tell what the file at a path really is.

    Args:
        path: A regular file; its first 4096 bytes are read.

    Returns:
        As `identify_head`; None also for a file that ends as a table does.

    Raises:
        OSError: The file cannot be read.
    """
    head, tail, size = _read_ends(path)
    if found := _identify_bundle(path, head):  # whose table may come last
        return found
    return None if tail == _TABLE_MAGIC else identify_head(head, size)


def describe_shard(path: str) -> str | None:
    """Say what a file of tensors really is, which may well begin with a page of zeros.

    Args:
        path: A regular file. Its first 4096 bytes are read; where those are zero, more is, up to
            the first byte that is not.

    Raises:
        OSError: The file cannot be read.
    """
    head, _, size = _read_ends(path)
    if size > len(head) and not head.strip(b"\x00"):
        with open(path, "rb") as file:
            if any(piece.strip(b"\x00") for piece in iter(lambda: file.read(1 << 20), b"")):
                return None
        return "a zero-filled file (all zero bytes: an unfinished copy or download)"
    found = identify_file(path)
    return None if found is None else found.phrase


def is_table(path: str) -> bool:
    """Whether a regular file ends as a table does: an index, or a V1 checkpoint."""
    return explain_not_a_table(path) is None


def is_table_footer(tail: bytes) -> bool:
    """Whether the last bytes of a file are those of a table."""
    return len(tail) >= _TABLE_FOOTER_BYTES and tail.endswith(_TABLE_MAGIC)


def explain_not_a_table(path: str) -> str | None:
    """Say why a file is not a table: what it is instead, or what its end lacks.

    Args:
        path: A regular file, an ``.index`` or a V1 checkpoint by its name.

    Returns:
        A phrase for an error message, or None when the file ends as a table does.

    Raises:
        OSError: The file cannot be read.
    """
    head, tail, size = _read_ends(path)
    found = _identify_bundle(path, head)
    if tail == _TABLE_MAGIC and size >= _TABLE_FOOTER_BYTES and found is None:
        return None
    if (found := found or identify_head(head, size)) is not None:
        return found.phrase
    if size < _TABLE_FOOTER_BYTES:
        return f"{size} bytes, which is shorter than the {_TABLE_FOOTER_BYTES}-byte table footer"
    if (told := _describe_changed_end(path)) is not None:
        return told
    return (
        f"not a table or a table cut off: its last 8 bytes are {tail.hex()}, "
        f"expected the table magic {_TABLE_MAGIC.hex()}"
    )


def _describe_changed_end(path: str) -> str | None:
    """What happened to a table whose end is there, but changed or followed by something."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LAST_BYTES))
        end = file.read()
    if (at := end.rfind(_TABLE_MAGIC)) >= 0:
        count = len(end) - at - len(_TABLE_MAGIC)
        behind = "1 byte" if count == 1 else f"{count} bytes"
        return f"a table with {behind} behind its end: an editor or a transfer put it there"
    as_text = _TABLE_MAGIC.decode("latin-1").encode()
    replaced = _TABLE_MAGIC.decode("utf-8", "replace").encode()
    if as_text[-6:] in end or replaced[-6:] in end:
        return "a table that was converted to UTF-8 as if it were text: its bytes are lost"
    return None


def describe_mistaken(path: str) -> str:
    """Say what a regular file is that was taken for something else; it may be a table."""
    return explain_not_a_table(path) or "a table, as V1 checkpoints are: open it by its full name"


def _read_ends(path: str) -> tuple[bytes, bytes, int]:
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - len(_TABLE_MAGIC)))
        return head, file.read(len(_TABLE_MAGIC)), size


def _identify_bundle(path: str, head: bytes) -> Found | None:
    if head[:1] not in _BUNDLE_STARTS or bundle_in(path) is None:
        return None
    return Found(FileKind.BUNDLE, "a Magenta bundle (.mag), of a V1 checkpoint and its graph")


def _identify_text(head: bytes, size: int) -> Found | None:
    """Recognise text: what people and services leave in place of binary files."""
    if any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        return None
    try:
        # A whole head may end inside a character; a whole file may not.
        text = head.decode("utf-8-sig", "strict" if len(head) == size else "ignore")
    except UnicodeDecodeError:
        return None
    if text.startswith(("version https://git-lfs", "version https://hawser")):
        return Found(FileKind.POINTER, _describe_lfs_pointer(text))
    stripped = text.lstrip()
    if "annex/objects/" in text and "\n" not in stripped.rstrip():
        told = "a git-annex pointer, not the file itself: run `git annex get`"
        return Found(FileKind.POINTER, told)
    start = stripped[:64].lower()
    for beginning, kind, phrase in _TEXTS:
        if start.startswith(beginning):
            return Found(kind, phrase)
    if "\n<<<<<<< " in text and "\n=======" in text:
        return Found(FileKind.TEXT, "text with git's merge-conflict marks")
    if len(head) == size and (target := _link_target(text)):
        told = f"a symbolic link stored as text, which points to {target!r}"
        return Found(FileKind.POINTER, told)
    shown = " ".join(stripped.split())[:60]
    if not shown:
        return Found(FileKind.NOTHING, "nothing but white space")
    if start.startswith(("{", "[")):
        return Found(FileKind.TEXT, f"a JSON text beginning {shown!r}")
    return Found(FileKind.TEXT, f"a text beginning {shown!r}")


def _describe_lfs_pointer(text: str) -> str:
    fields = dict(line.partition(" ")[::2] for line in text.splitlines())
    oid = fields.get("oid", "of unknown oid")
    size = fields.get("size", "unknown")
    return (
        f"a git-LFS pointer, not the file itself ({oid}, real size {size} bytes): "
        "run `git lfs pull`"
    )


def _link_target(text: str) -> str | None:
    """The path that is all a file holds, as git writes links where it cannot make them."""
    target = text.removesuffix("\n").removesuffix("\r")
    if not target.isprintable() or any(mark in target for mark in '<>{}"|:;?*=') or not target:
        return None
    base = target.rpartition("/")[2]
    is_path = target.startswith(("/", "./", "../")) or ("/" in target and " " not in target)
    is_name = base.endswith(_LINK_ENDINGS) or ".data-" in base or ".ckpt" in base
    return target if base and (is_path or is_name) else None


def _identify_zip(head: bytes) -> Found | None:
    if not head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None
    length = int.from_bytes(head[26:28], "little")
    member = head[30 : 30 + length].decode("utf-8", "replace")
    for ending, phrase in _ZIP_MEMBERS:
        if member.endswith(ending):
            return Found(FileKind.FOREIGN, phrase)
    phrase = f"a zip archive (first member {member[:60]!r}): unpack it first"
    return Found(FileKind.ARCHIVE, phrase)


def _identify_container(head: bytes) -> Found | None:
    """Recognise formats whose signature is not at a fixed place, or too short to stand alone."""
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 1 << 40:
        return Found(FileKind.FOREIGN, "a safetensors file")
    if head[:1] == b"\x80" and head[1:3] in _PICKLES:
        told = "a Python pickle (PyTorch and scikit-learn save so)"
        return Found(FileKind.FOREIGN, told)
    if b"brain.Event:" in head[:64]:
        told = "a TensorBoard event file, of which only a graph is read: `load_graph`"
        return Found(FileKind.RECORDS, told)
    if is_records(head):
        return Found(FileKind.RECORDS, "a file of records (TFRecord): examples, not weights")
    return None


def _identify_protobuf(head: bytes) -> Found | None:
    """Guess which TensorFlow graph message begins with these bytes.

    A GraphDef begins with a node (#1) holding a name (#1) and an op (#2), both plain text; in a
    MetaGraphDef #1 is the meta information, whose #2 is a list of ops; a SavedModel begins with
    its schema version, 1, and a MetaGraphDef (#2); an ONNX model with the version of its format,
    which is above 2 in all but the first files, and its producer (#2) or graph (#7).
    """
    if head[:1] == b"\x08" and b"\x02" < head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x3a"):
        found = _field(head, 2)
        if found and (head[2:3] == b"\x3a" or found[0].decode("ascii", "ignore").isprintable()):
            return Found(FileKind.FOREIGN, "an ONNX model")
    if head.startswith(b"\x08\x01\x12") and (found := _field(head, 2)) and found[0][:1] == b"\x0a":
        told = "a SavedModel graph (saved_model.pb), which holds no tensors"
        return Found(FileKind.SAVED_MODEL, told)
    if not (first := _field(head, 0)) or head[:1] != b"\x0a":
        return None
    inner = first[0]
    name = _field(inner, 0)
    if inner[:1] == b"\x0a" and name and _is_word(name[0]):
        op = _field(inner, name[1])
        if op and inner[name[1] : name[1] + 1] == b"\x12" and _is_word(op[0]):
            told = "a graph (GraphDef, .pb), which holds no checkpoint tensors"
            return Found(FileKind.GRAPH, told)
    if inner[:1] in (b"\x0a", b"\x12") and name and name[0][:1] == b"\x0a":
        told = "a MetaGraph (.meta), which holds the graph but not the tensors"
        return Found(FileKind.META_GRAPH, told)
    return None


def _field(data: bytes, start: int) -> tuple[bytes, int] | None:
    """The bytes of the length-delimited field at `start`, cut where the data ends, and its end."""
    try:
        length, begin = _core.varint(data, start + 1)
    except FormatError:
        return None
    return data[begin : begin + length], begin + length


def _is_word(data: bytes) -> bool:
    return 0 < len(data) < 1024 and all(32 < byte < 127 for byte in data)
