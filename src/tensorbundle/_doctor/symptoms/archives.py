"""Archives beside a checkpoint, or in its place: what is in them, what unpacks them."""

from __future__ import annotations

import os
import shlex
import tarfile
import zipfile
from collections.abc import Callable
from itertools import islice
from typing import Final

from ..._format.filenames import INDEX_SUFFIX
from ..._locate.damage import FileKind, identify_file
from ..._locate.location import SAVED_MODELS, is_regular_file
from .symptom import Symptom

_MOST_BYTES: Final = 1 << 30  # of an archive that is read
_MOST_MEMBERS: Final = 10_000
_MOST_ARCHIVES: Final = 20  # beside a checkpoint
_ENDINGS: Final = ((".gz", "gunzip -k"), (".bz2", "bunzip2 -k"), (".xz", "unxz -k"))
_OTHERS: Final = ((".zst", "unzstd -k"), (".7z", "7z x"), (".rar", "unrar x"))
_SHOWN: Final = 3


def of_archive(path: str, phrase: str) -> Symptom:
    """Say of an archive what is in it, and what unpacks it beside itself."""
    names = _members(path)
    command = _single(path) if names is None else _unpacking(path, names, names)
    evidence = "by its first bytes" if not names else f"it holds {_list(names)}"
    return Symptom(f"{path!r} is {phrase}", evidence, path, command)


def in_archive(directory: str, bases: tuple[str, ...]) -> Symptom | None:
    """Find files that are still in an archive in the directory where they should be.

    Args:
        directory: Where they should be; the empty string is the current one.
        bases: Their names; none where any checkpoint will do.
    """

    def is_wanted(name: str) -> bool:
        base = os.path.basename(name)
        if bases:
            return base in bases
        return base.endswith(INDEX_SUFFIX) or base in SAVED_MODELS

    try:
        names = sorted(os.listdir(directory or os.curdir))
    except OSError:
        return None
    tried = 0
    for name in names:
        path = os.path.join(directory, name)
        if not is_regular_file(path) or tried == _MOST_ARCHIVES:
            continue
        found = identify_file(path)
        if found is None or found.kind is not FileKind.ARCHIVE:
            continue
        tried += 1
        held, command = _wanted_of(path, is_wanted, all_of_it=not bases)
        if held:
            what = "a checkpoint" if not bases else "a file of the checkpoint"
            evidence = f"{path!r} holds {_list(held)}"
            return Symptom(f"{what} is still in an archive", evidence, path, command)
    return None


def _wanted_of(
    path: str, is_wanted: Callable[[str], bool], *, all_of_it: bool
) -> tuple[list[str], str | None]:
    members = _members(path)
    if members is None:
        base = os.path.splitext(os.path.basename(path))[0]
        command = _single(path)
        return ([base], command) if command and is_wanted(base) else ([], None)
    held = [name for name in members if is_wanted(name)]
    return held, _unpacking(path, members, members if all_of_it else held) if held else None


def _members(path: str) -> list[str] | None:
    """The files in a zip or tar archive; None where it is neither."""
    if os.path.getsize(path) > _MOST_BYTES:
        return None
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return [name for name in archive.namelist() if not name.endswith("/")]
        with tarfile.open(path) as tar:
            return [each.name for each in islice(tar, _MOST_MEMBERS) if each.isfile()]
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, ValueError):
        return None


def _single(path: str) -> str | None:
    """The command that unpacks what is compressed by itself, beside itself."""
    name = shlex.quote(path)
    return next((f"{do} {name}" for end, do in (*_ENDINGS, *_OTHERS) if path.endswith(end)), None)


def _unpacking(path: str, names: list[str], wanted: list[str]) -> str:
    """The command that unpacks an archive where it lies, without the folders around what is wanted.

    All of it keeps its folders: a SavedModel is made of some.
    """
    name, target = shlex.quote(path), shlex.quote(os.path.dirname(path) or os.curdir)
    folders = {os.path.dirname(each) for each in wanted}
    is_flat = wanted is not names and len(folders) == 1 and folders != {""}
    if zipfile.is_zipfile(path):
        if wanted is names:
            return f"unzip -n {name} -d {target}"
        members = " ".join(map(shlex.quote, wanted))
        return f"unzip -n {'-j ' if is_flat else ''}{name} {members} -d {target}"
    command = f"tar xf {name} -C {target}"
    if is_flat:
        command += f" --strip-components={folders.pop().count('/') + 1}"
    if wanted is not names:
        command += f" -- {' '.join(map(shlex.quote, wanted))}"
    return command


def _list(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(map(repr, names[:_SHOWN])) + (f" and {more} more" if more > 0 else "")
