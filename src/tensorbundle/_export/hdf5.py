"""HDF5 (`.h5`), written by h5py: weights that Keras loads, or datasets at the tensors' names.

Of an object-based checkpoint of a Sequential or Functional model the weights are laid out as in
Keras' own ``save_weights("x.h5")``: a group a layer, in the layers' order, and in it the trainable
weights before the others. ``load_weights`` goes by that order, so neither classes nor names need be
known. Of every other checkpoint each tensor is a dataset; slashes in its name are groups.

HDF5 has no bfloat16 and no types below a byte: they are opaque bytes, and an attribute ``dtype``
says what they are, as in Keras' own files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._checkpoint.foreign.hdf5 import NAME_ATTRIBUTE, TYPE_ATTRIBUTE
from .._look.amounts import format_count
from .._objects.keras_layers import Layer, layers_of
from .._write.staging import Staging
from ..errors import UnsupportedError
from .request import Request

if TYPE_CHECKING:
    from .._format.tensor_info import TensorInfo

_WRITER: Final = "tensorbundle"
_NO_LIBRARY: Final = "writing HDF5 needs a library: pip install h5py"


def write(request: Request, path: str, *, overwrite: bool) -> tuple[str, ...]:
    """Write the file.

    Raises:
        UnsupportedError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise UnsupportedError(_NO_LIBRARY, path=path) from None
    layers = layers_of(request.ckpt.objects) if request.ckpt.objects is not None else ()
    if layers:
        weights = {key for layer in layers for key in layer.keys}
        keys = {info.name: request.ckpt.info(info.name).name for info in request.infos}
        request.keep(lambda i: None if keys[i.name] in weights else "it is no weight of a layer")
        by_key = _keras_places(layers)
        places: Mapping[str, str] = {i.name: by_key[keys[i.name]] for i in request.infos}
        request.notes += (
            f"{format_count(len(layers), 'layer')} in the order that Keras' load_weights expects",
        )
    else:
        request.keep(_obstacle)
        places = _places([info.name for info in request.infos])
    directory, name = os.path.split(path)
    earlier = [name] if os.path.lexists(path) else []
    with (
        request.begin(Staging(directory, earlier=earlier, overwrite=overwrite)) as staging,
        h5py.File(staging.place(name), "w-", libver="earliest") as file,
    ):
        for info in request.infos:
            _write_tensor(request, info, file, places[info.name])
        if layers:
            _write_order(file, layers, {keys[info.name] for info in request.infos})
    return staging.files


def _write_tensor(request: Request, info: TensorInfo, file: Any, place: str) -> None:
    import h5py

    array = request.ckpt.load([info.name])[info.name]
    if array.dtype == object:
        if any(b"\0" in text for text in array.reshape(-1)):
            request.leave_out(info, "a string holds NUL, where strings in HDF5 end")
            return
        # By shape, since of one string alone h5py would make something else.
        dataset = file.create_dataset(place, info.shape, dtype=h5py.string_dtype("utf-8"))
        if array.size:
            dataset[()] = array if info.shape else array.item()
    else:
        stored = array
        if array.dtype.isbuiltin == 2:
            stored = np.array(array).view(f"V{array.dtype.itemsize}")
        dataset = file.create_dataset(place, data=stored)
    if array.dtype.isbuiltin == 2 or info.tf_dtype.startswith(("qint", "quint")):
        dataset.attrs[TYPE_ATTRIBUTE] = info.tf_dtype
    if place != info.name:
        dataset.attrs[NAME_ATTRIBUTE] = info.name
    content = b"".join(array.reshape(-1)) if array.dtype == object else array.tobytes()
    for _ in request.counted(info, [content]):
        pass


def _obstacle(info: TensorInfo) -> str | None:
    try:
        info.name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8, names in HDF5 are"
    return "its name holds a NUL, where names in HDF5 end" if "\0" in info.name else None


def _places(names: Sequence[str]) -> Mapping[str, str]:
    """Find a place for each tensor: its name, where that is a path that no group needs."""
    groups = {
        "/".join(parts[:n])
        for each in names
        if (parts := each.split("/"))
        for n in range(1, len(parts))
    }
    taken = set(names) | groups
    places: dict[str, str] = {}
    for number, name in enumerate(names):
        place = name
        if name in groups:  # as dense/kernel is of dense/kernel/Adam
            place = f"{name}:0"
        if {"", "."} & {*name.split("/")}:
            place = f"tensor_{number}"
        while place != name and place in taken:
            place += "_"
        taken.add(place)
        places[name] = place
    return places


def _keras_places(layers: tuple[Layer, ...]) -> Mapping[str, str]:
    return {
        key: f"{layer.name}/{weight}"
        for layer in layers
        for key, weight in zip(layer.keys, layer.weights, strict=True)
    }


def _write_order(file: Any, layers: tuple[Layer, ...], written: set[str]) -> None:
    """Write the attributes by which Keras finds layers and weights."""
    file.attrs["layer_names"] = _texts(layer.name for layer in layers)
    file.attrs["backend"] = "tensorflow"
    file.attrs["keras_version"] = "2.0"
    file.attrs["writer"] = _WRITER
    for layer in layers:
        pairs = zip(layer.keys, layer.weights, strict=True)
        names = [weight for key, weight in pairs if key in written]
        file.require_group(layer.name).attrs["weight_names"] = _texts(iter(names))


def _texts(names: Iterator[str]) -> np.ndarray[Any, Any]:
    # Keras reads attributes of fixed-width bytes.
    return np.array([name.encode() for name in names], dtype="S")
