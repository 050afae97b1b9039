"""Values on the command line: ``NAME=VALUE``, a file of numpy's or written out; casts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import numpy as np

from ..._format.wording import listed, quoted
from ..terminal.spelling import unspell

_NAMED: Final = (".npz", ".json")  # files that hold values by name


def read_assignments(texts: Sequence[str], option: str) -> dict[str, Any]:
    """Read ``NAME=x.npy``, ``NAME=1.0``, ``NAME=[[1, 2]]`` or ``NAME=text``.

    Also ``NAME=x.npz``, the array of that name or the only one; ``NAME=x.npz[KEY]``;
    ``NAME=x.json``; and ``x.npz`` or ``x.json`` alone, for all that it holds by name.

    Raises:
        click.UsageError: One has no value, or the file holds no array.
        OSError, TensorBundleError: A file cannot be read, or is damaged.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals and text.endswith(_NAMED):
            values |= _all_of(text, option)
        elif not equals or not name:
            raise click.UsageError(f"{option} takes NAME=VALUE, not {text!r}")
        else:
            values[unspell(name)] = _read(value, unspell(name), option)
    return values


def _all_of(path: str, option: str) -> dict[str, Any]:
    """What a file holds, by name."""
    if path.endswith(".npz"):
        return _arrays(path)
    found = _json(Path(path).read_text("utf-8"), path, option)
    if not isinstance(found, dict):
        raise click.UsageError(f"{option}: {path!r} holds no values by name: expected an object")
    return found


def _read(value: str, name: str, option: str) -> Any:
    if value.endswith(".npy"):
        try:
            return np.load(value, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise click.UsageError(f"{option}: {value!r} holds no plain array: {error}") from error
    path, bracket, key = value.removesuffix("]").rpartition("[")
    if value.endswith("]") and bracket and path.endswith(".npz"):
        return _one_of(path, key, option)
    if value.endswith(".npz"):
        return _one_of(value, name, option, only=True)
    if value.endswith(".json"):
        return _json(Path(value).read_text("utf-8"), value, option)
    if value[:1] in ("[", "{"):
        return _json(value, value, option)
    try:
        return json.loads(value)
    except (ValueError, RecursionError):  # also for numbers of thousands of digits
        return value


def _json(text: str, source: str, option: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(
            f"{option}: {source!r:.80} is no JSON, and no file of numpy's: {error}"
        ) from error


def _one_of(path: str, key: str, option: str, *, only: bool = False) -> Any:
    arrays = _arrays(path)
    if key in arrays:
        return arrays[key]
    if only and len(arrays) == 1:
        return next(iter(arrays.values()))
    raise click.UsageError(f"{option}: {path!r} has no {quoted(key)}, but {listed(arrays)}")


def _arrays(path: str) -> dict[str, Any]:
    """The arrays of a .npz."""
    from ..._checkpoint.opening import open as open_checkpoint

    return dict(open_checkpoint(path))


def split_last(text: str, what: str, *, may_be_empty: bool = False) -> tuple[str, str]:
    """Take apart what is said as ``LEFT=RIGHT``, at the last sign.

    Raises:
        click.UsageError: It is something else.
    """
    left, mark, right = text.rpartition("=")
    if not (mark and left and (right or may_be_empty)):
        raise click.UsageError(f"expected {what}, found {text!r}")
    return unspell(left), unspell(right)


def read_casts(casts: Sequence[str]) -> Any:
    """Read ``DTYPE`` and ``GLOB=DTYPE`` as what functions take for ``cast``.

    Raises:
        click.UsageError: There are two for all other tensors.
    """
    plain = [each for each in casts if "=" not in each]
    if len(plain) > 1:
        raise click.UsageError(f"a dtype for all other tensors is given once: found {plain}")
    others = dict(split_last(each, "GLOB=DTYPE") for each in casts if "=" in each)
    return {**dict.fromkeys([None] if plain else [], *plain), **others} or None
