"""Directories of checkpoints: the state file, and the files it names (format.md §1.4).

A prefix is taken literally, where TensorFlow takes it for a glob: the only pattern is the one that
TensorFlow itself records for the shards of V1 checkpoints.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from .._checkpoint.far.directories import is_there, remove_far
from .._far.states import far_state, put_state
from .._format.filenames import INDEX_SUFFIX, STATE_NAME, as_path, split_data_path, split_table_glob
from .._format.filenames import Path as Path
from .._format.state import CheckpointState, encode_state, parse_state
from .._locate.location import is_regular_file
from .._locate.states import is_outside, read_state_bytes
from .._source.address import Address, is_far
from .._write.durable import replace_file
from ..errors import FormatError

_SHARD_ENDING: Final = re.compile(r"-[\d?]+-of-\d+$")

_log = logging.getLogger(__name__)


def local_path(path: Path) -> str:
    """A path as text, without the ``file://`` that TensorFlow takes before it."""
    return as_path(path).removeprefix("file://")


# Asked for its newest checkpoint again and again, a directory says the same for long.
_parsed = functools.lru_cache(maxsize=4)(parse_state)


def get_checkpoint_state(
    checkpoint_dir: Path, latest_filename: str | None = None
) -> CheckpointState | None:
    """Read the state file of a directory.

    Args:
        checkpoint_dir: The directory.
        latest_filename: The name of its state file; ``checkpoint`` when None.

    Returns:
        What it says, relative paths joined to the directory; None when there is no such file or it
        cannot be understood (the log says why).

    Raises:
        FormatError: The file names no newest checkpoint.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.get_checkpoint_state(tb.demo("saver")).model_checkpoint_path
        'demo/saver/model.ckpt-20'
    """
    directory = local_path(checkpoint_dir)
    state = written_state(directory, latest_filename)
    if state is None:
        return None
    return replace(
        state,
        model_checkpoint_path=os.path.join(directory, state.model_checkpoint_path),
        all_model_checkpoint_paths=tuple(
            os.path.join(directory, each) for each in state.all_model_checkpoint_paths
        ),
    )


def written_state(directory: str, latest_filename: str | None = None) -> CheckpointState | None:
    """As `get_checkpoint_state`, with paths as they are written."""
    path = os.path.join(directory, latest_filename or STATE_NAME)
    try:
        state = _parsed(far_state(path) if is_far(path) else read_state_bytes(path))
    except FileNotFoundError:
        return None
    except (FormatError, OSError) as error:
        _log.warning("%s was ignored: %s", path, error)
        return None
    if not state.model_checkpoint_path:
        raise FormatError(f"the state file {path!r} names no checkpoint", path=path)
    return state


def update_checkpoint_state(
    save_dir: Path,
    model_checkpoint_path: Path,
    all_model_checkpoint_paths: Sequence[Path] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    *,
    save_relative_paths: bool = False,
) -> None:
    """Replace the state file of a directory, atomically, with the bytes that TensorFlow writes.

    Args:
        save_dir: The directory.
        model_checkpoint_path: The newest checkpoint.
        all_model_checkpoint_paths: All that are kept, oldest first; the newest is added at the end
            if it is not there.
        latest_filename: The name of the state file; ``checkpoint`` when None.
        all_model_checkpoint_timestamps: Seconds since the epoch, one a path.
        last_preserved_timestamp: When a checkpoint was last kept for good.
        save_relative_paths: Write absolute paths relative to ``save_dir``. Relative ones are
            rewritten to be relative to a relative ``save_dir`` in any case.

    Raises:
        ValueError: There are not as many timestamps as paths.
        OSError: The file cannot be written; the one before is still there.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> directory = tempfile.mkdtemp()
        >>> tb.train.update_checkpoint_state(directory, "model.ckpt-7")
        >>> with open(directory + "/checkpoint") as file:
        ...     print(file.read(), end="")
        model_checkpoint_path: "model.ckpt-7"
        all_model_checkpoint_paths: "model.ckpt-7"
    """
    state = generate_checkpoint_state_proto(
        save_dir,
        model_checkpoint_path,
        all_model_checkpoint_paths,
        all_model_checkpoint_timestamps,
        last_preserved_timestamp,
        save_relative_paths=save_relative_paths,
    )
    write_state(save_dir, state, latest_filename)


def write_state(save_dir: Path, state: CheckpointState, latest_filename: str | None = None) -> None:
    """Replace the state file of a directory, its paths as they are given."""
    if is_far(save_dir):
        put_state(Address.of(save_dir), encode_state(state), latest_filename or STATE_NAME)
        return
    target = os.path.join(local_path(save_dir), latest_filename or STATE_NAME)
    replace_file(target, encode_state(state))


def generate_checkpoint_state_proto(
    save_dir: Path,
    model_checkpoint_path: Path,
    all_model_checkpoint_paths: Sequence[Path] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    *,
    save_relative_paths: bool = False,
) -> CheckpointState:
    """Make the state that `update_checkpoint_state` writes.

    Args:
        save_dir: The directory of the state file.
        model_checkpoint_path: The newest checkpoint.
        all_model_checkpoint_paths: All that are kept, as there.
        all_model_checkpoint_timestamps: Seconds since the epoch, one a path.
        last_preserved_timestamp: When a checkpoint was last kept for good.
        save_relative_paths: As there.

    Raises:
        ValueError: There are not as many timestamps as paths.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.generate_checkpoint_state_proto("run", "run/ckpt-1").model_checkpoint_path
        'ckpt-1'
    """
    directory, newest = local_path(save_dir), local_path(model_checkpoint_path)
    paths = [as_path(path) for path in all_model_checkpoint_paths or ()]
    if paths[-1:] != [newest]:
        paths.append(newest)
    times = tuple(all_model_checkpoint_timestamps or ())
    if times and len(times) != len(paths):
        raise ValueError(f"{len(times)} timestamps were given for {len(paths)} checkpoints")

    def written(path: str) -> str:
        relative = save_relative_paths if os.path.isabs(path) else not os.path.isabs(directory)
        return os.path.relpath(path, directory or os.curdir) if relative else path

    return CheckpointState(
        written(newest), tuple(map(written, paths)), times, last_preserved_timestamp or 0.0
    )


def checkpoint_exists(checkpoint_prefix: Path) -> bool:
    """Tell whether a V2 or V1 checkpoint lies at a prefix; its shards are not looked for.

    Example:
        >>> import tensorbundle as tb
        >>> tb.train.checkpoint_exists(tb.demo("saver") + "/model.ckpt-20")
        True
    """
    if is_far(checkpoint_prefix):
        return is_there(Address.of(checkpoint_prefix))
    return _main_file(checkpoint_prefix) is not None


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[Path]) -> list[float]:
    """When checkpoints were last changed, in whole seconds since the epoch.

    Args:
        checkpoint_prefixes: Their prefixes.

    Returns:
        One number for each that exists, in the order given.

    Example:
        >>> import tensorbundle as tb
        >>> saved = [tb.demo("saver") + "/model.ckpt-20", "no/such/model.ckpt"]
        >>> len(tb.train.get_checkpoint_mtimes(saved))
        1
    """
    mtimes = []
    for prefix in checkpoint_prefixes:
        file = _main_file(prefix)
        if file is not None:
            try:
                mtimes.append(float(int(os.stat(file).st_mtime)))
            except FileNotFoundError:
                continue  # another process removed it after we saw it
    return mtimes


def remove_checkpoint(
    checkpoint_prefix: Path,
    checkpoint_format_version: Literal[1, 2] = 2,
    meta_graph_suffix: str = "meta",
) -> None:
    """Remove the files of one checkpoint: its graph, then its index, then its data.

    Args:
        checkpoint_prefix: Its prefix. What is not there is not missed; shards of all earlier saves
            under this prefix go too.
        checkpoint_format_version: 2, or 1 for a V1 checkpoint (its prefix may be the glob of its
            shards), as in TensorFlow's ``SaverDef``.
        meta_graph_suffix: The suffix of its graph.

    Raises:
        OSError: A file cannot be removed.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> prefix = tb.save(tempfile.mkdtemp() + "/model.ckpt", {"w": 1})
        >>> tb.train.remove_checkpoint(prefix)
        >>> tb.train.checkpoint_exists(prefix)
        False
    """
    if is_far(checkpoint_prefix):
        remove_far(Address.of(checkpoint_prefix), [f".{meta_graph_suffix}"])
        return
    prefix = local_path(checkpoint_prefix)
    _remove(meta_graph_path(prefix, meta_graph_suffix))
    if checkpoint_format_version == 1:
        for file in _tables(prefix):
            _remove(file)
    else:
        _remove(prefix + INDEX_SUFFIX)
        for file in list(_data_files(prefix)):
            _remove(file)


class Foreign:
    """Checkpoints of a rotation that are not this program's to remove.

    A state file may name anything: what lies outside its directory, and was not saved by this
    program, stays, and the state file goes on naming it.
    """

    def __init__(self) -> None:
        self._own: set[str] = set()
        self._told: set[str] = set()

    def saved(self, prefix: str) -> None:
        """Note a checkpoint as this program's own."""
        self._own.add(prefix)

    def split(self, prefixes: Iterable[str], directory: str) -> tuple[list[str], list[str]]:
        """Tell prefixes that may be removed from those that stay; the log names each once."""
        ours: list[str] = []
        others: list[str] = []
        for prefix in prefixes:
            is_foreign = prefix not in self._own and is_outside(directory, prefix)
            (others if is_foreign else ours).append(prefix)
            if is_foreign and prefix not in self._told:
                self._told.add(prefix)
                _log.warning(
                    "the checkpoint %s is kept: it lies outside %s, and was not saved here",
                    prefix,
                    directory or os.curdir,
                )
        return ours, others


def remove_leaving(prefixes: Iterable[str], meta_graph_suffix: str = "meta") -> None:
    """Remove checkpoints that fell out of a rotation; what cannot be removed stays, and is logged.

    A save that succeeded must not fail for the sake of an old file.
    """
    for prefix in prefixes:
        try:
            remove_checkpoint(prefix, meta_graph_suffix=meta_graph_suffix)
        except OSError as error:
            _log.warning("an old checkpoint could not be removed: %s", error)


def meta_graph_path(prefix: str, meta_graph_suffix: str = "meta") -> str:
    """The path of the graph beside a checkpoint: a V1 shard's numbers are left out."""
    return f"{_SHARD_ENDING.sub('', prefix)}.{meta_graph_suffix}"


def _main_file(prefix: Path) -> str | None:
    """The file that stands for a checkpoint: the index, or the first V1 table."""
    prefix = local_path(prefix)
    if is_regular_file(prefix + INDEX_SUFFIX):
        return prefix + INDEX_SUFFIX
    return next(iter(_tables(prefix)), None)


def _tables(prefix: str) -> list[str]:
    if is_regular_file(prefix):
        return [prefix]
    pattern = split_table_glob(prefix)
    if pattern is None:
        return []
    stem, total = pattern
    count = "?????" if total is None else f"{total:05d}"
    return sorted(glob.glob(f"{glob.escape(stem)}-?????-of-{count}"))


def _data_files(prefix: str) -> Iterator[str]:
    directory, base = os.path.split(prefix)
    try:
        names = os.listdir(directory or os.curdir)
    except FileNotFoundError:
        return
    for name in names:
        if split_data_path(name) == base:
            yield os.path.join(directory, name)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # never there, or another process was quicker
        os.unlink(path)
