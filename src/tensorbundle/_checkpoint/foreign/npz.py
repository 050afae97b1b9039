"""`.npz`: a zip archive of `.npy` files, stored or deflated.

Nothing that the archive claims is believed: a member may not be larger than its compressed bytes
can become, and an array not larger than its member.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from ..._format.foreign.npy import Header, read_header
from ..._format.names import as_text
from ...errors import FormatError, UnsupportedError
from .content import Held
from .files import regular_file
from .npy import check, held_of

SUFFIX: Final = ".npy"
# Of a member's extra fields, the one that says which of TensorFlow's types its integers stand for.
TYPE_FIELD: Final = 0x7462

_METHODS: Final = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}  # and how much they can save
_SLACK_BYTES: Final = 64
_ENCRYPTED: Final = 0x1
_SHOWN: Final = 100
# All that zipfile and what it calls may raise for bytes that are no sound archive.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    RuntimeError,  # NotImplementedError too
    ValueError,
)


class Archive:
    """The arrays of a `.npz` file."""

    checksums = True

    def __init__(self, path: str) -> None:
        """Read the archive's directory.

        Raises:
            FormatError: It is malformed, or a member is no array.
            UnsupportedError: A member is encrypted or compressed in another way.
        """
        self.files = (path,)
        self._size = regular_file(path).size
        if self._size == 0:
            raise FormatError("not a .npz file: it is empty")
        with _refusing("the archive"):
            self._zip = zipfile.ZipFile(path)
            members = self._zip.infolist()
        if members and not any(each.filename.endswith(SUFFIX) for each in members):
            shown = f"{members[0].filename!r:.{_SHOWN}}"
            raise FormatError(
                f"not a .npz file: a zip archive of others ({shown}): unpack it first"
            )
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            name = member.filename.removesuffix(SUFFIX)
            if name == member.filename:
                raise FormatError(f"member {name!r} is no array: expected a name in {SUFFIX}")
            if name in self._members:
                raise FormatError(f"two members are called {member.filename!r}")
            self._members[name] = member
        self._headers: dict[str, Header] = {}

    def names(self) -> list[str]:
        """Give the names; see `Format`."""
        return list(self._members)

    def file_of(self, name: str) -> str:
        """Give the archive; see `Format`."""
        return self.files[0]

    def find(self, name: str) -> Held:
        """Read a member's header; see `Format`."""
        member = self._members[name]
        if name not in self._headers:
            self._check(member)
            header = self._header(member)
            self._headers[name] = header
        header = self._headers[name]
        content = Deflated(self, member, header.nbytes, member.file_size - header.nbytes)
        return held_of(header, content, _noted_type(member.extra), 0, None)

    def _header(self, member: zipfile.ZipInfo) -> Header:
        with self._opened(member) as stream:
            try:
                header = read_header(lambda size: _read(stream, size))
                check(header, member.file_size - header.nbytes)
            except FormatError as error:
                what = f"not a .npz file of arrays: member {member.filename!r}"
                raise FormatError(f"{what}: {error.message}") from None
        return header

    def _check(self, member: zipfile.ZipInfo) -> None:
        """Refuse a member that claims what cannot be, before anything is made of its claim."""
        shown = repr(member.filename)
        if member.flag_bits & _ENCRYPTED:
            raise UnsupportedError(f"member {shown} is encrypted")
        if member.compress_type not in _METHODS:
            raise UnsupportedError(
                f"member {shown} is compressed by method {member.compress_type}: expected 0 "
                "(stored) or 8 (deflated)"
            )
        if not 0 <= member.header_offset <= self._size - member.compress_size:
            raise FormatError(f"member {shown} runs past the end of the archive")
        most = member.compress_size * _METHODS[member.compress_type]
        slack = _SLACK_BYTES if member.compress_type else 0
        if member.file_size > most + slack:
            raise FormatError(
                f"member {shown} cannot hold what it claims: {member.file_size} bytes in "
                f"{member.compress_size}"
            )

    @contextmanager
    def _opened(self, member: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        with _refusing(f"member {member.filename!r}"), self._zip.open(member) as stream:
            yield stream


class Deflated:
    """The values of an array in an archive, checked against its CRC-32 as they are read."""

    def __init__(self, archive: Archive, member: zipfile.ZipInfo, skip: int, nbytes: int) -> None:
        self.nbytes = nbytes
        self._archive = archive
        self._member = member
        self._skip = skip

    def fill(self, buffer: memoryview) -> None:
        """Read them; see `Content`."""
        at = 0
        for piece in self.pieces(1 << 20):
            buffer[at : at + len(piece)] = piece
            at += len(piece)

    def pieces(self, nbytes: int) -> Iterator[memoryview]:
        """Read them in pieces; see `Content`."""
        with self._archive._opened(self._member) as stream:
            _read(stream, self._skip)
            left = self.nbytes
            while left:
                piece = _read(stream, min(nbytes, left))
                left -= len(piece)
                if not piece:
                    raise FormatError(f"member {self._member.filename!r} is cut off")
                yield memoryview(piece)
            stream.read(1)  # the end, where the CRC is compared


@contextmanager
def _refusing(what: str) -> Iterator[None]:
    """Turn what zipfile raises into a FormatError that names the member."""
    try:
        yield
    except FormatError:
        raise
    except _DAMAGE as error:
        said = str(error)[:_SHOWN] or type(error).__name__  # some quote whole headers
        raise FormatError(f"{what} is damaged: {said}") from None
    except OSError as error:
        if error.errno is not None and error.filename is not None:
            raise
        raise FormatError(f"{what} is damaged: {error}") from None


def _read(stream: IO[bytes], size: int) -> bytes:
    """Read so many bytes, or fewer where the member ends."""
    piece = stream.read(size)
    if len(piece) == size or not piece:
        return piece
    whole = io.BytesIO()
    while piece:
        whole.write(piece)
        piece = stream.read(size - whole.tell()) if whole.tell() < size else b""
    return whole.getvalue()


def _noted_type(extra: bytes) -> str | None:
    """The type that an export noted in a member's extra fields."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == TYPE_FIELD:
            return as_text(extra[at + 4 : at + 4 + size])
        at += 4 + size
    return None


def type_field(name: str) -> bytes:
    """Write the extra field that `_noted_type` reads."""
    encoded = name.encode()
    return struct.pack("<HH", TYPE_FIELD, len(encoded)) + encoded
