"""Selection of tensors on the command line: patterns, what they leave out, and readable paths.

Every command that reads tensors takes them alike: ``PATTERN…``, ``--exclude``, ``--regex``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import click

from ...errors import TensorNotFoundError
from ..terminal.spelling import unspell
from .options import NameType, regex_option

if TYPE_CHECKING:
    from ..._checkpoint.checkpoint import Checkpoint

F = TypeVar("F", bound=Callable[..., Any])
Filters: TypeAlias = "list[str | re.Pattern[str]]"


class Selection(NamedTuple):
    """Tensors that were asked for.

    Attributes:
        patterns: Names and globs, or regular expressions; none means all.
        excluded: What is left out of these, likewise.
        regex: Whether both are regular expressions.
    """

    patterns: tuple[str, ...]
    excluded: tuple[str, ...]
    regex: bool

    def __bool__(self) -> bool:
        """Whether anything was asked for: else all are meant."""
        return bool(self.patterns or self.excluded)

    @property
    def names(self) -> Filters | None:
        """What the library takes as ``names``. Raises click.UsageError."""
        return read_patterns(self.patterns, regex=self.regex) or None

    @property
    def exclude(self) -> Filters | None:
        """What the library takes as ``exclude``. Raises click.UsageError."""
        return read_patterns(self.excluded, regex=self.regex) or None

    def of(self, checkpoint: Checkpoint) -> list[str]:
        """The names in a checkpoint, in key order.

        Raises:
            TensorNotFoundError: A pattern matches nothing, or nothing is left.
            click.UsageError: A pattern is no regular expression.
        """
        for each, pattern in zip(self.names or [], self.patterns, strict=True):
            if not checkpoint.select(each):
                raise self.nothing_matches(pattern)
        left = self.remaining(checkpoint)
        return left if self.names is None else checkpoint.select(self.names, exclude=self.exclude)

    def remaining(self, checkpoint: Checkpoint) -> list[str]:
        """The names that are not excluded, whatever the patterns are.

        Raises:
            TensorNotFoundError: An exclusion matches nothing, or everything.
        """
        for each, pattern in zip(self.exclude or [], self.excluded, strict=True):
            if not checkpoint.select(each):
                raise TensorNotFoundError(f"no tensor matches --exclude {pattern!r}")
        left = checkpoint.select(exclude=self.exclude)
        if not left and self.excluded:
            raise TensorNotFoundError("no tensor is left: --exclude takes all of them out")
        return left

    def nothing_matches(self, pattern: str | None = None) -> TensorNotFoundError:
        """The error for a pattern, or all of them, without a match."""
        return TensorNotFoundError(f"no tensor matches {pattern or ' '.join(self.patterns)!r}")


def selects_tensors(command: F) -> F:
    """Accept ``PATTERN…``, ``--exclude`` and ``--regex``, and give them as one ``selection``."""
    return _selecting(command, metavar="[PATTERN]...", required=False)


def takes_names(command: F) -> F:
    """Accept ``NAME…``, one at least, and the same options."""
    return _selecting(command, metavar="NAME...", required=True)


def _selecting(command: F, *, metavar: str, required: bool) -> F:
    @functools.wraps(command)
    def with_selection(
        *arguments: Any,
        patterns: Sequence[str],
        excluded: Sequence[str],
        regex: bool,
        named: Sequence[str] = (),
        **options: Any,
    ) -> Any:
        selection = Selection((*patterns, *named), tuple(excluded), regex)
        return command(*arguments, selection=selection, **options)

    wrapped: Any = click.argument(
        "patterns", metavar=metavar, nargs=-1, required=required, type=NameType()
    )(with_selection)
    wrapped = click.option(
        "--exclude",
        "excluded",
        metavar="PATTERN",
        multiple=True,
        type=NameType(),
        help="Leave out what this matches; may be given several times.",
    )(wrapped)
    decorated: F = regex_option(wrapped)
    return decorated


def names_option(command: F) -> F:
    """Accept ``--names GLOB``, as patterns were given before they were arguments."""
    return click.option("--names", "named", multiple=True, type=NameType(), hidden=True)(command)


def paths_option(command: F) -> F:
    """Accept ``--paths``."""
    return click.option(
        "--paths", is_flag=True, help="Call tensors by readable paths of objects, not by keys."
    )(command)


def namer(wanted: bool, *checkpoints: Checkpoint) -> Callable[[str], str]:
    """What turns a key into what it is shown as: a readable path of the first that has one."""
    graphs = [graph for each in checkpoints if wanted and (graph := each.objects) is not None]

    def shown(key: str) -> str:
        return next((path for graph in graphs if (path := graph.path_of(key))), key)

    return shown


def read_patterns(patterns: Sequence[str], *, regex: bool) -> Filters:
    """What the library takes as a filter: names and globs, or regular expressions.

    A name may be given as ``ls`` shows it, backslash escapes included.

    Raises:
        click.UsageError: A pattern is no regular expression.
    """
    if not regex:
        return [unspell(pattern) for pattern in patterns]
    compiled: Filters = []
    for pattern in patterns:
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            raise click.UsageError(f"not a regular expression: {pattern!r}: {error}") from error
    return compiled
