"""Contents of constants: the values that variables have, and what to say where they have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from .._format.wording import Worded, joined, listed, option
from .._graph.problems import MappingReport, report
from .._look.amounts import format_count
from ..errors import MissingFileError, TensorBundleError
from .weights import Content, Weights

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._graph.graph import Graph
    from .._graph.variables import Variable
    from .wanted.request import Missing

_SHOWN: Final = 5


def contents_of(
    graph: Graph,
    ckpt: Checkpoint | None,
    needed: Sequence[Variable],
    streamed: Mapping[str, str],
    missing: Missing,
    *,
    verify: bool,
) -> dict[str, Content]:
    """The values of constants; what is wrong with any of them is told together."""
    if not needed and not streamed:
        return {}
    if ckpt is None:
        raise _no_checkpoint(graph, needed)
    _raise_problems(report(needed, ckpt), missing)
    weights = Weights(ckpt, verify=verify)
    contents: dict[str, Content] = {}
    absent: dict[str, tuple[MissingFileError, list[str]]] = {}
    for variable in needed:
        try:
            contents[variable.name] = weights.of(variable)
        except MissingFileError as gone:
            absent.setdefault(gone.path or "", (gone, []))[1].append(variable.name)
        except TensorBundleError as other:
            raise other.add_context(path=ckpt.location.prefix, key=variable.key) from None
    for error, names in absent.values():
        needing = listed(names, _SHOWN)
        raise MissingFileError(
            f"{error.message}; it is needed by {needing}", path=error.path
        ) from None
    for name, key in streamed.items():
        contents[name] = weights.content(key)
    return contents


def _raise_problems(found: MappingReport, missing: Missing) -> None:
    """Raise what is wrong with variables, with what helps against it."""
    error = found.error()
    if error is None:
        return
    if found.missing:
        ways = [Worded("take initial values with ", option("missing", "initial"))]
        ways = ways if missing == "error" else []
        names = [each.variable.name for each in found.missing]
        ways.append(Worded("name what is fed by ", option("inputs", names[:_SHOWN])))
        error.message = joined("; ", [error.message, joined(", or ", ways)])
    raise error


def _no_checkpoint(graph: Graph, needed: Sequence[Variable]) -> MissingFileError:
    """The error for a graph with variables whose values are nowhere."""
    shown = listed((each.name for each in needed), _SHOWN)
    what = f"no values for the {format_count(len(needed), 'variable')} of the graph ({shown})"
    give = Worded(what, ": give a checkpoint by ", option("ckpt"))
    if graph.checkpoint_path is None:
        return MissingFileError(give, path=graph.path)
    from .._locate.checkpoints import locate

    try:
        locate(graph.checkpoint_path)
    except TensorBundleError as error:
        return MissingFileError(f"{what}: {error.message}", path=str(graph.checkpoint_path))
    return MissingFileError(give, path=str(graph.checkpoint_path))
