"""Completion of tensor names, for shells that ask while somebody types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_MOST: Final = 200  # names; of more, scopes are offered until one is chosen


def complete_names(params: dict[str, Any], typed: str) -> list[CompletionItem]:
    """Names of tensors that begin as typed, in the checkpoint that the command line names.

    Nothing is told where there is none: completing is no place for errors.
    """
    from click.shell_completion import CompletionItem

    path = params.get("path") or params.get("path_a")
    if not path:
        return []
    from ..._checkpoint.opening import open as open_path
    from ...errors import TensorBundleError
    from ..terminal.spelling import spell

    try:
        with open_path(path) as checkpoint:
            names = [spell(name) for name in checkpoint]
    except (TensorBundleError, OSError):
        return []
    return [CompletionItem(name) for name in offered(names, typed)]


def offered(names: Iterable[str], typed: str) -> list[str]:
    """Names that begin as typed; of very many, how far each goes to its next slash."""
    found = [name for name in names if name.startswith(typed)]
    if len(found) <= _MOST:
        return found
    ends = (name.find("/", len(typed)) + 1 for name in found)
    scopes = dict.fromkeys(name[: end or len(name)] for name, end in zip(found, ends, strict=True))
    return [*scopes][:_MOST]
