"""Values on the command line: ``NAME=VALUE``, a file of numpy's or written out; casts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from ..terminal.spelling import unspell


def read_assignments(texts: Sequence[str], option: str) -> dict[str, Any]:
    """Read ``NAME=x.npy``, ``NAME=1.0``, ``NAME=[[1, 2]]`` or ``NAME=text``.

    Raises:
        click.UsageError: One has no value, or the file holds no array.
        OSError: A file cannot be read.
    """
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} takes NAME=VALUE, not {text!r}")
        values[unspell(name)] = _read(value, option)
    return values


def _read(value: str, option: str) -> Any:
    if value.endswith(".npy"):
        try:
            return np.load(value, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise click.UsageError(f"{option}: {value!r} holds no plain array: {error}") from error
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:  # also for numbers of thousands of digits
        if value[:1] in ("[", "{"):
            raise click.UsageError(
                f"{option}: {value!r:.80} is no JSON, and no file of numpy's: {error}"
            ) from error
        return value


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
