"""Live Keras objects as a walk sees them: attributes, layers in order, variables.

Nothing is imported: what has the members of a variable or a layer is one, on any backend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

# What no weight of a model is found by.
PASSED_OVER: Final = frozenset(
    [
        *("optimizer", "loss", "metrics", "compiled_metrics", "keras_api", "seed_generator"),
        *("losses", "inbound_nodes", "outbound_nodes", "trainable_variables", "variables"),
        *("non_trainable_variables", "signatures", "save_counter", "tracker", "compile_metrics"),
    ]
)


def plain(name: str) -> str:
    """An attribute's name without what makes it private: Keras 3 has ``_kernel`` for ``kernel``."""
    return name.lstrip("_")


def is_variable(value: Any) -> bool:
    """Whether it is a variable of Keras."""
    return hasattr(value, "assign") and hasattr(value, "path") and hasattr(value, "trainable")


def is_layer(value: Any) -> bool:
    """Whether it is a layer or a model, or such as an RNN's cell."""
    return hasattr(value, "weights") and hasattr(value, "built") and not isinstance(value, type)


def members(value: Any) -> dict[str, Any]:
    """Variables, layers and containers of these that an object has, by plain attribute name."""
    if isinstance(value, Mapping):
        items: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, (list, tuple)):
        items = ((str(number), each) for number, each in enumerate(value))
    else:
        own = getattr(value, "__dict__", {})
        # On torch a layer is a module, which keeps the modules in it apart.
        items = iter((*own.items(), *(own.get("_modules") or {}).items()))
    found: dict[str, Any] = {}
    for name, member in items:
        name = plain(str(name))
        # Public names first: `kernel` before `_kernel`, where there are both.
        if name not in PASSED_OVER and name not in found and _is_tracked(member):
            found[name] = member
    return found


def _is_tracked(value: Any) -> bool:
    if is_variable(value) or is_layer(value):
        return True
    if isinstance(value, Mapping):
        return any(_is_tracked(each) for each in value.values())
    return isinstance(value, (list, tuple)) and any(_is_tracked(each) for each in value)


def layers_of(model: Any) -> list[Any] | None:
    """The layers of a Sequential or Functional model that have weights; None of other objects."""
    if not hasattr(model, "layers") or not (
        hasattr(model, "_functional") or hasattr(model, "_operations")
    ):
        return None
    return [layer for layer in model.layers if layer.weights]


def path_of(variable: Any) -> str:
    """What a variable is called in messages."""
    return str(variable.path)
