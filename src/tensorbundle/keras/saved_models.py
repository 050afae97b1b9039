"""Models of Keras 2 SavedModels, built anew in Keras 3 from the configurations beside the graph.

Keras 2 writes `keras_metadata.pb`: a line of JSON an object, of which the root's says how the model
was built. Keras 3 takes most of that; what it takes no more is left out, and told.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .._format.wire import fields, text_of
from ..errors import ConversionError, FormatError, MissingFileError, UnsupportedError
from .weights import LoadedWeights, load_weights

_METADATA: Final = "keras_metadata.pb"
_NODES, _PATH, _JSON = 1, 3, 5
_ROOT: Final = "root"
# Where what was saved is told, beside a class and its configuration.
_BESIDE: Final = frozenset(
    ("module", "registered_name", "build_config", "compile_config", "shared_object_id")
)
# What every layer takes, whatever its own signature says.
_OF_LAYERS: Final = frozenset(("name", "dtype", "trainable", "activity_regularizer", "autocast"))
_INSTEAD: Final = "build the model by its program, and use tensorbundle.keras.load_weights"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that `load_model` built.

    Attributes:
        model: It.
        weights: What was loaded into it.
        dropped: (layer, argument) of what Keras 2 had said and Keras 3 takes no more.
    """

    model: Any
    weights: LoadedWeights
    dropped: tuple[tuple[str, str], ...]


def load_model(path: str | os.PathLike[str] | bytes) -> LoadedModel:
    """Build the model of a Keras 2 SavedModel in Keras 3, on its backend, and load its weights.

    That is done as well as can be: a Sequential or Functional model of Keras' own layers. Then
    ``.model.save("model.keras")`` writes it in Keras' own format.

    Args:
        path: The SavedModel's directory.

    Raises:
        MissingFileError: There is no SavedModel of Keras 2: Keras 3 exports no configuration.
        UnsupportedError: Keras is not installed.
        ConversionError: Keras 3 cannot build it: the message says what stands in the way.

    Example:
        A SavedModel made a `.keras` file, without TensorFlow::

            loaded = tensorbundle.keras.load_model("saved_model/")
            loaded.model.save("model.keras")
    """
    folder = os.fsdecode(path)
    root = _root(folder)
    dropped: list[tuple[str, str]] = []
    try:
        import keras
    except ImportError:
        raise UnsupportedError("building models needs a library: pip install keras") from None
    kind = root.get("class_name")
    makers = {"Sequential": keras.Sequential, "Functional": keras.Model, "Model": keras.Model}
    if kind not in makers or "config" not in root:
        raise ConversionError(
            f"a {kind} is a class of its program, expected a Sequential or Functional model: "
            + _INSTEAD,
            path=folder,
        )
    config = _plain(root["config"], keras, dropped, "")
    try:
        model = makers[kind].from_config(config)
        if not model.built:
            model.build(_shape(root))
    except Exception as error:  # whatever Keras may raise of what it is given
        said = str(error).strip().partition("\n")[0]
        raise ConversionError(
            f"Keras {keras.__version__} does not build this model: {said:.300}; {_INSTEAD}",
            path=folder,
        ) from error
    return LoadedModel(model, load_weights(model, folder), tuple(dropped))


def _root(folder: str) -> dict[str, Any]:
    """What the metadata say of the model itself."""
    place = os.path.join(folder, _METADATA)
    if not os.path.isfile(place):
        raise MissingFileError(
            f"no {_METADATA} in {folder!r}, so nothing says how the model is built, as Keras 2 "
            f"does: {_INSTEAD}",
            path=folder,
        )
    with open(place, "rb") as file:
        content = file.read()
    for node in fields(content):
        if node.number != _NODES:
            continue
        parts = {each.number: each for each in node.message()}
        if _PATH in parts and _JSON in parts and text_of(parts[_PATH]) == _ROOT:
            try:
                told = json.loads(text_of(parts[_JSON]))
            except (ValueError, RecursionError) as error:
                raise FormatError(f"the metadata are not JSON: {error}", path=place) from None
            if isinstance(told, dict):
                return told
    raise FormatError("the metadata say nothing of the root", path=place)


def _shape(root: Mapping[str, Any]) -> Any:
    """The shape that the model was built for."""
    return _items(root.get("build_input_shape"))


def _items(value: Any) -> Any:
    """JSON of Keras 2 as plain values: tuples and shapes are told by a class there."""
    if isinstance(value, dict) and value.get("class_name") in ("__tuple__", "TensorShape"):
        return tuple(_items(each) for each in value.get("items") or ())
    return value


def _plain(
    value: Any, keras: Any, dropped: list[tuple[str, str]], owner: str, *, within: bool = False
) -> Any:
    """A configuration as Keras 3 takes it."""
    value = _items(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(each, keras, dropped, owner) for each in value)
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("Policy", "DTypePolicy"):
        return value.get("config", {}).get("name", "float32")
    owner = str(value.get("name") or value.get("config", {}).get("name") or owner)
    found = {
        key: _plain(each, keras, dropped, owner, within=key != "config")
        for key, each in value.items()
        if key not in _BESIDE or "class_name" not in value
    }
    layer = getattr(keras.layers, str(found.get("class_name")), None)
    if isinstance(layer, type) and isinstance(found.get("config"), dict):
        found["config"] = _taken(layer, found["config"], dropped, owner)
        if within:  # a layer in another one: Keras 3 asks where its class is
            found |= {"module": "keras.layers", "registered_name": None}
            found["config"].pop("batch_input_shape", None)
    return found


def _taken(
    layer: type, config: dict[str, Any], dropped: list[tuple[str, str]], owner: str
) -> dict[str, Any]:
    """What of a layer's configuration its class takes."""
    if layer.__name__ == "InputLayer":
        shape = config.get("batch_input_shape", config.get("batch_shape"))
        names = {"name", "dtype"} & config.keys()
        return {"batch_shape": shape, **{name: config[name] for name in names}}
    known: set[str] = {*_OF_LAYERS, "batch_input_shape"}
    for each in layer.__mro__:
        known |= {*inspect.signature(each.__init__).parameters}  # type: ignore[misc]
    dropped += [(owner, name) for name in config if name not in known]
    return {name: value for name, value in config.items() if name in known}
