"""Convert a checkpoint to another library's names and layout by rules, and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.opening import Source, opened
from .._export.arrays import Arrays
from .._export.cast import cast_as_asked
from .._export.export import FORMATS, export, format_of
from .._far.verbs import takes_addresses
from .._format import dtypes
from .._look.outcomes import Outcome
from .._write.casting import Cast, Loss
from .._write.commit import refuse_existing
from .._write.writer import Writer
from ..errors import ConversionError
from .converted import Converted, by_path, without_scope
from .plan import Plan, make_plan
from .reading import load
from .rules import Rules

if TYPE_CHECKING:
    from .._checkpoint.selection import Filter
    from .._export.hub import Config

CHECKPOINT: Final = "checkpoint"


@dataclass(frozen=True, slots=True, repr=False)
class Conversion(Outcome):
    """Result of `convert`: what it did, or would do.

    Attributes:
        files: Paths of the files that were written, an index last; none of a dry run.
        plan: What became of what.
        written: Number of tensors.
        nbytes: Size of their data.
        left_out: (name, reason) of each tensor that was made, and the format cannot hold.
    """

    files: tuple[str, ...]
    plan: Plan
    written: int
    nbytes: int
    left_out: tuple[tuple[str, str], ...] = ()


@takes_addresses(targets=("dst",))
def convert(
    src: Source | Mapping[str, Any],
    dst: str | os.PathLike[str] | bytes,
    *,
    rules: str | os.PathLike[str] | Mapping[str, Any] | Rules,
    inverse: bool = False,
    scope: str | None = None,
    names: Filter = None,
    format: str | None = None,
    config: Config | None = None,
    like: Source | Mapping[str, Any] | None = None,
    tied: bool | None = None,
    cast: Cast | None = None,
    max_shard_bytes: int | None = None,
    strict: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> Conversion:
    """Write a checkpoint under another library's names and in its layout, by rules.

    Rules pair a template of names on one side with one on the other, so they go both ways. Before
    anything is written it is made sure that every tensor has exactly one place on the other side,
    that its name leads back, and that its shape fits. Tensors are made one at a time.

    Args:
        src: An opened checkpoint or other file of tensors, its path, or any mapping from names to
            arrays, such as a state dict of torch. In an object-based checkpoint names are the paths
            of objects.
        dst: What to write, as in `tensorbundle.export`: `.safetensors`, `.npz`, `.h5`, a directory;
            or else the prefix of a checkpoint.
        rules: The name of rules that come with the library (bert, albert, electra, gpt2, t5, …),
            the path of a TOML file, or what such a file holds.
        inverse: Turn the rules round: ``src`` has the names of their second side.
        scope: What TensorFlow's names begin with, such as ``"model/"``. By default that of the
            first tensor that the rules need; or of the inverse what the rules say.
        names: Which tensors of ``src``; all by default.
        format: "checkpoint", or a format of `tensorbundle.export`, whatever ``dst`` is called;
            "hub" is a folder that transformers' ``from_pretrained`` loads.
        config: For "hub": the model's `config.json`, its folder, or what is to stand in it.
        like: What has to come out, no more and no less: a file of tensors or a mapping, such as
            ``model.state_dict()``; names and shapes are compared.
        tied: Whether second names of one tensor are written too; by default unless to "hub".
        cast: A dtype for all floating-point tensors, or dtypes by (new) name or glob.
        max_shard_bytes: The most bytes of tensors in a file of `.safetensors`, or in a shard.
        strict: Whether a tensor that the format cannot hold is an error; else it is left out.
        overwrite: Whether what lies at ``dst`` is replaced.
        dry_run: Only plan; problems are in the plan, and not raised.
        progress: Called with (bytes done, bytes in all), at most ten times a second.

    Returns:
        The files, and what became of what.

    Raises:
        ConversionError: The rules do not fit the checkpoint: names without a rule, or with several;
            rules without a name; what comes out twice, or not as in ``like``; all are listed.
        FormatError: The rules are malformed.
        MissingFileError: There are no such rules, or no such checkpoint.
        FileExistsError: There is something at ``dst``, and no ``overwrite``.
        ChecksumError: A tensor is damaged; nothing was written.

    Example:
        >>> import numpy as np, tempfile, tensorbundle as tb
        >>> rule = {"tf": "{p:path}/kernel", "hf": "{p}.weight", "do": ["transpose"]}
        >>> rules = {"format": 1, "sides": ["tf", "hf"], "rule": [rule]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = tb.convert({"a/kernel": np.ones((2, 3))}, f"{folder}/m.npz", rules=rules)
        ...     tb.open(f"{folder}/m.npz")["a.weight"].shape
        (3, 2)
    """
    ckpt = Arrays(src) if isinstance(src, Mapping) and not isinstance(src, Checkpoint) else src
    ckpt = opened(ckpt)
    format = _format_of(target := os.fsdecode(dst), format)
    told = load(rules)
    keys = by_path(ckpt)
    if not inverse:
        keys = without_scope(keys, told, scope)
    chosen = None if names is None else {ckpt.info(name).name for name in ckpt.select(names)}
    infos = {n: ckpt.info(k) for n, k in keys.items() if chosen is None or k in chosen}
    plan = make_plan(
        told,
        infos,
        inverse=inverse,
        tied=format != "hub" if tied is None else tied,
        like=None if like is None else _shapes(like),
    )
    if dry_run and plan.problems:
        return Conversion((), plan, 0, 0)
    plan.check()
    converted = Converted(
        ckpt, keys, plan, (told.scope if scope is None else scope) if inverse else ""
    )
    made = converted if cast is None else cast_as_asked(converted, cast, Loss())
    if dry_run:
        return Conversion((), plan, len(made), made.nbytes)
    converted.check_unread()
    if format == CHECKPOINT:
        refuse_existing(target, overwrite=overwrite)
        files = _write(made, target, max_shard_bytes, overwrite, progress)
        return Conversion(files, plan, len(made), made.nbytes)
    done = export(
        made,
        target,
        format=format,
        config=config,
        max_shard_bytes=max_shard_bytes,
        strict=strict,
        overwrite=overwrite,
        progress=progress,
    )
    return Conversion(done.files, plan, done.written, done.nbytes, done.left_out)


def _format_of(path: str, format: str | None) -> str:
    """What is to be written. Raises ConversionError."""
    format = format or format_of(path) or CHECKPOINT
    if format != CHECKPOINT and format not in FORMATS:
        known = ", ".join((CHECKPOINT, *FORMATS))
        raise ConversionError(f"unknown format {format!r}: expected one of {known}")
    return format


def _shapes(like: Source | Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of what is given as an example."""
    if isinstance(like, Mapping) and not isinstance(like, Checkpoint):
        return {str(name): tuple(value.shape) for name, value in like.items()}
    ckpt = opened(like)
    return {name: ckpt.info(key).shape for name, key in by_path(ckpt).items()}


def _write(
    made: Checkpoint,
    prefix: str,
    max_shard_bytes: int | None,
    overwrite: bool,
    progress: Callable[[int, int], object] | None,
) -> tuple[str, ...]:
    """Write a V2 checkpoint of tensors by name."""
    done, total = 0, made.nbytes
    with Writer(prefix, max_shard_bytes=max_shard_bytes, overwrite=overwrite) as writer:
        for info in made.iter_infos():
            if info.data_type == dtypes.STRING:
                writer.add(info.name, made[info.name])
            else:
                writer.add_chunks(info.name, info.tf_dtype, info.shape, made.chunks(info.name))
            done += info.nbytes
            if progress is not None:
                progress(done, total)
    written = opened(prefix, verify="never")
    return (*_shard_files(prefix, written), written.location.index or "")


def _shard_files(prefix: str, written: Checkpoint) -> list[str]:
    from .._format.filenames import shard_path

    return [shard_path(prefix, n, written.num_shards) for n in range(written.num_shards)]
