"""Pruning of directories: the newest whole checkpoints stay, those before them go."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from ..._format.filenames import INDEX_SUFFIX, Path
from ..._locate.listing import checkpoints
from ..._locate.location import is_regular_file
from ..._locate.states import is_outside
from ..._look.outcomes import Outcome
from ..._write.durable import locked_directory
from ...errors import FormatError
from ..directory import local_path, remove_checkpoint, write_state, written_state
from .newest import Saved, newest_first, reason_against


@dataclass(frozen=True, slots=True, repr=False)
class Pruning(Outcome):
    """Pruning: what `prune_checkpoints` did, or would do.

    Attributes:
        directory: The directory.
        kept: Prefixes that stay, newest first.
        removed: Prefixes that went, newest first.
        damaged: Those that stay because they are no whole checkpoints, and what is wrong: something
            may be saved of them.
        nbytes: Bytes of the files that went.
    """

    directory: str
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    damaged: tuple[tuple[str, str], ...]
    nbytes: int


def prune_checkpoints(
    directory: Path, *, keep: int, latest_filename: str | None = None, dry_run: bool = False
) -> Pruning:
    """Remove all but the newest whole checkpoints of a directory.

    Checkpoints are counted by series: those whose names differ in the number at their end only.
    They are opened and verified, the newest first, until enough are whole; damaged ones do not
    count, and stay. What the state file names outside the directory stays too. The state file is
    written first, so that it never names what is gone.

    Args:
        directory: The directory.
        keep: How many of each series to keep.
        latest_filename: The name of the state file; ``checkpoint`` when None.
        dry_run: Only say what would be done.

    Returns:
        What was done.

    Raises:
        ValueError: ``keep`` is not positive.
        OSError: The directory cannot be listed, or a file not be removed.

    Example:
        >>> import tensorbundle as tb
        >>> tb.prune_checkpoints(tb.demo("saver"), keep=1, dry_run=True).removed
        ('demo/saver/model.ckpt-10',)
    """
    if keep < 1:
        raise ValueError(f"keep must be 1 or more, not {keep}")
    folder = local_path(directory)
    sizes = {os.path.basename(each.prefix): each.nbytes for each in checkpoints(folder)}
    stems = dict.fromkeys(Saved.at(os.path.join(folder, n), is_named=False).stem for n in sizes)
    kept: list[Saved] = []
    leaving: list[Saved] = []
    damaged: list[tuple[str, str]] = []
    for stem in stems:
        whole = 0
        for each in newest_first(folder, latest_filename, stem=stem):
            if each.stem != stem or each.changed_ns is None or is_outside(folder, each.prefix):
                continue
            if whole == keep:
                leaving.append(each)
            elif why := reason_against(each.prefix):
                damaged.append((each.prefix, why))
            else:
                kept.append(each)
                whole += 1
    if leaving and not dry_run:
        with locked_directory(folder):
            _forget(folder, latest_filename, kept, leaving)
            for each in leaving:
                _remove(each.prefix)
    return Pruning(
        folder,
        tuple(each.prefix for each in kept),
        tuple(each.prefix for each in leaving),
        tuple(damaged),
        sum(sizes.get(os.path.basename(each.prefix), 0) for each in leaving),
    )


def _forget(
    folder: str, latest_filename: str | None, kept: list[Saved], leaving: list[Saved]
) -> None:
    """Take what is about to go out of the state file."""
    try:
        state = written_state(folder, latest_filename)
    except FormatError:
        state = None
    if state is None:
        return
    gone = {os.path.basename(each.prefix) for each in leaving}

    def goes(name: str) -> bool:
        path = os.path.join(folder, name)
        return os.path.basename(name) in gone and not is_outside(folder, path)

    times = state.all_model_checkpoint_timestamps
    paths = state.all_model_checkpoint_paths
    stay = [number for number, path in enumerate(paths) if not goes(path)]
    newest = state.model_checkpoint_path
    if goes(newest):
        stem = Saved.at(newest, is_named=True).stem
        newest = os.path.basename(next(each.prefix for each in kept if each.stem == stem))
    paths, times = (
        tuple(paths[number] for number in stay),
        tuple(times[number] for number in stay if number < len(times)),
    )
    if newest not in paths:
        paths, times = (*paths, newest), ()
    changed = replace(
        state,
        model_checkpoint_path=newest,
        all_model_checkpoint_paths=paths,
        all_model_checkpoint_timestamps=times,
    )
    if changed != state:
        write_state(folder, changed, latest_filename)


def _remove(prefix: str) -> None:
    if is_regular_file(prefix + INDEX_SUFFIX):
        remove_checkpoint(prefix)
    else:
        shards = "" if is_regular_file(prefix) else "-?????-of-?????"
        remove_checkpoint(prefix + shards, 1)
