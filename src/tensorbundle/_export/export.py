"""Write a checkpoint's tensors in a format that other programs read.

One module a target (`npz`, `safetensors`, `hub`, `npy`, `hdf5`), each a function of a `Request`;
`staging` makes their files appear whole or not at all. No target's own library is needed but
HDF5's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._checkpoint.checkpoint import Checkpoint
from .._checkpoint.opening import Source, opened
from .._far.verbs import takes_addresses
from .._format.filenames import as_path
from .._look.outcomes import Outcome
from .._parallel.runners import Workers
from .._progress import Progress
from .._source.address import is_far
from .._write.casting import Cast, Loss
from .._write.jobs.parts import target_of
from .._write.staging import check_target
from ..errors import ConversionError, UnsupportedError
from . import hdf5, hub, npy, npz, safetensors
from .arrays import Arrays
from .cast import cast_as_asked
from .request import DryRun, Request
from .shared import write_by

if TYPE_CHECKING:
    from .._checkpoint.selection import Filter
    from .hub import Config

__all__ = ["FORMATS", "Export", "export"]

FORMATS: Final = ("npz", "safetensors", "npy", "h5", "hub")
# Suffixes of what others ask for, and cannot be made here, with what goes on from here.
_ELSEWHERE: Final = {
    ".onnx": "a graph is needed, and TensorFlow to read it: tensorbundle freeze, and then "
    "python -m tf2onnx.convert --graphdef frozen.pb where TensorFlow is; or tensorbundle run",
    ".tflite": "a graph is needed, and TensorFlow's converter: tensorbundle export-saved-model, "
    "and then tf.lite.TFLiteConverter.from_saved_model where TensorFlow is",
    ".gguf": "it needs to know the architecture: export a hub folder (tensorbundle convert --hub), "
    "and then convert_hf_to_gguf.py of llama.cpp",
    ".pb": "that is a graph with its weights: tensorbundle freeze",
    ".pt": "torch writes it: torch.save(tb.open(path).to_torch(), target); here .safetensors",
    ".keras": "it needs the model: tensorbundle.keras.load_weights(model, ckpt), and then "
    "model.save; or, of a SavedModel of Keras 2, tensorbundle.keras.load_model",
}
_MODULES: Final[Mapping[str, Any]] = {"npz": npz, "h5": hdf5, "npy": npy}
_SHARDED: Final = ("safetensors", "hub")
_ALIKE: Final = {".bin": ".pt", ".pth": ".pt"}


@dataclass(frozen=True, slots=True, repr=False)
class Export(Outcome):
    """What `export` wrote.

    Attributes:
        files: Paths of the files, an index last.
        written: Number of tensors in them.
        nbytes: Size of the data of these tensors, without headers.
        left_out: (name, reason) of each tensor that the format cannot hold.
        notes: What a reader of the files has to know.
    """

    files: tuple[str, ...]
    written: int
    nbytes: int
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@takes_addresses(targets=("dst",), unless="workers")
def export(
    src: Source | Mapping[str, Any],
    dst: str | os.PathLike[str] | bytes,
    *,
    names: Filter = None,
    exclude: Filter = None,
    paths: bool | Mapping[str, str] = False,
    max_shard_bytes: int | None = None,
    format: str | None = None,
    config: Config | None = None,
    cast: Cast | None = None,
    saturate: bool = False,
    strict: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    workers: Workers = None,
    progress: Progress = None,
) -> Export:
    """Write tensors to a `.npz`, `.safetensors` or `.h5` file or a directory of `.npy` files.

    The data is streamed and its checksums are checked on the way: memory stays near a few
    megabytes, or near one tensor for partitioned and string tensors. Files appear at the end, all
    together and complete, or not at all.

    What the format cannot hold — strings and complex128 in safetensors, variants anywhere — is left
    out and reported, so that the bookkeeping in a TensorFlow 2 checkpoint is in nobody's way; but a
    tensor that ``names`` gives in full is an error then.

    - `.npz`: what ``np.savez`` would write. Strings become fixed-width ``S``; bfloat16, float8 and
      int4 bear their names, and ``np.load(path)[name].view(ml_dtypes.bfloat16)`` gives them back.
    - `.safetensors`: what ``safetensors.numpy.save_file`` would write, format "np". Integers
      below a byte are stored as int8 or uint8, and the metadata says what they were.
    - `.h5`: of a Keras model's object-based checkpoint what ``save_weights("x.h5")`` would write,
      for ``load_weights``, by the order of layers; else a dataset a tensor. Needs h5py.
    - a directory: `.npy` files, slashes in names being directories, and `index.json` with the
      file, dtype and shape of each name.
    - "hub", a directory too: `config.json` and `model.safetensors`, or several with their index,
      as transformers' ``from_pretrained`` loads them. Names have to be the model's: see
      `tensorbundle.convert`. Of a state dict's tensors that are one, only the first is written.

    Args:
        src: An opened checkpoint, its path, or any mapping from names to arrays.
        dst: The file, or for `.npy` files the directory, to write; its suffix decides the format.
            A path that ends in a separator, or an existing directory, means `.npy`.
        names: Which tensors: a name, glob or regular expression, or several; all by default.
        exclude: Which not, likewise, whatever ``names`` says.
        paths: Whether tensors of objects are called by their readable paths, not by their keys;
            or by which of their paths, by key.
        max_shard_bytes: Split `.safetensors` into files of at most so many bytes of tensor data
            (``model-00001-of-00003.safetensors`` …) with ``model.safetensors.index.json``. A larger
            tensor has a file of its own.
        format: "npz", "safetensors", "npy", "h5" or "hub", whatever the suffix.
        config: For "hub": the model's `config.json`, its folder, or what is to stand in it.
        cast: A dtype for all floating-point tensors, or dtypes by name or glob, None standing for
            all floating-point tensors that no other part of it names. Values are rounded once.
        saturate: Whether values out of the range of ``cast`` become the largest there is, instead
            of an error.
        strict: Whether a tensor that has to be left out is an error.
        overwrite: Whether files of an earlier export to this path are replaced. What no export
            wrote is never touched.
        dry_run: Whether nothing is written: what would be is told as far as it can be without
            reading values, and ``files`` is empty.
        workers: Who writes the files of safetensors, each of which is a task: a number of threads,
            a `concurrent.futures.Executor`, or a Dask client; see `average`.
        progress: Called with (bytes done, bytes in all), at most ten times a second.

    Returns:
        The files written, and what was left out of them.

    Raises:
        UnsupportedError: The path means ONNX, TFLite or such, which need TensorFlow or the model's
            program: the message says what goes on.
        ConversionError: The path means no known format, or the format cannot hold a tensor that was
            named, or any with ``strict``, or that many tensors.
        FileExistsError: There is a file or a filled directory, and it is not to be replaced.
        ChecksumError: A tensor is damaged; nothing was written.
        TensorNotFoundError: There is no tensor of a given name, or nothing matches.
        OSError: The file system refuses.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> ckpt = tb.open(tb.demo("keras"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = tb.export(ckpt, f"{folder}/model.safetensors")
        >>> done.written, done.left_out
        (14, (('_CHECKPOINTABLE_OBJECT_GRAPH', 'safetensors has no dtype for string'),))
    """
    path = as_path(dst)
    format = format or format_of(path) or _refuse(path)
    if format not in FORMATS:
        raise ConversionError(f"unknown format {format!r}: expected one of {', '.join(FORMATS)}")
    if max_shard_bytes is not None and (format not in _SHARDED or max_shard_bytes < 1):
        raise ValueError(f"max_shard_bytes={max_shard_bytes}: is for safetensors, and at least 1")
    if workers is not None and format != "safetensors":
        raise ConversionError(f"workers share files of safetensors among them, not {format!r}")
    path = path if is_far(dst) else check_target(path, is_directory=format in ("npy", "hub"))
    if config is not None and format != "hub":
        raise ValueError("config is for a hub folder: format='hub'")
    if isinstance(src, Mapping) and not isinstance(src, Checkpoint):
        src = Arrays(src)
    ckpt = opened(src)
    source = ckpt
    tied = ckpt.second_names() if format == "hub" and isinstance(ckpt, Arrays) else {}
    loss = Loss(saturate=saturate)
    if cast is not None:
        ckpt = cast_as_asked(ckpt, cast, loss)
    request = Request(
        ckpt, names, progress, exclude=exclude, paths=paths, strict=strict, dry_run=dry_run
    )
    many: Any = {"overwrite": overwrite, "max_shard_bytes": max_shard_bytes}
    try:
        if workers is not None:
            files = write_by(request, source, target_of(dst), workers, loss, progress, **many)
        elif format == "hub":
            files = hub.write(request, path, config=config, tied=tied, **many)
        elif format == "safetensors":
            files = safetensors.write(request, path, **many)
        else:
            files = _MODULES[format].write(request, path, overwrite=overwrite)
    except DryRun:
        nbytes = sum(info.nbytes for info in request.infos)
        return Export((), len(request.infos), nbytes, tuple(request.left_out), request.notes)
    if workers is None:
        request.finish()
    return Export(files, request.written, request.nbytes, tuple(request.left_out), request.notes)


def format_of(path: str) -> str | None:
    """The format that a target's name means; None if it means none.

    Raises:
        UnsupportedError: It means one that is not written here.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix in (".npz", ".safetensors", ".h5"):
        return suffix[1:]
    if suffix == ".hdf5":
        return "h5"
    if path.endswith(os.sep) or os.path.isdir(path):
        return "npy"
    if hint := _ELSEWHERE.get(_ALIKE.get(suffix, suffix)):
        raise UnsupportedError(f"no {suffix} is written here: {hint}")
    return None


def _refuse(path: str) -> str:
    raise ConversionError(
        f"no format for {path!r}: expected a name in .npz, .safetensors or .h5, or a directory "
        f"for .npy files (ending in {os.sep!r})"
    )
