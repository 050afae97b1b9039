"""Switches that change nothing here: versions of behaviour, devices, settings of sessions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

# What programs have switched.
BEHAVIOUR: Final = SimpleNamespace(dimensions_have_values=False, is_eager=True)


def ignored(*args: Any, **kwargs: Any) -> None:
    """Do nothing: what it switches in TensorFlow does not exist here."""


def disable_v2_tensorshape(*args: Any) -> None:
    """Have dimensions as TensorFlow 1 has them: objects with a `value`, ``?`` when not known."""
    BEHAVIOUR.dimensions_have_values = True


def enable_v2_tensorshape(*args: Any) -> None:
    """Have dimensions that are numbers, or None when not known."""
    BEHAVIOUR.dimensions_have_values = False


def disable_eager_execution(*args: Any) -> None:
    """Have `executing_eagerly` say so."""
    BEHAVIOUR.is_eager = False


def enable_eager_execution(*args: Any, **kwargs: Any) -> None:
    """Have `executing_eagerly` say so."""
    BEHAVIOUR.is_eager = True


def disable_v2_behavior(*args: Any) -> None:
    """Behave as TensorFlow 1."""
    disable_v2_tensorshape()
    disable_eager_execution()


def enable_v2_behavior(*args: Any) -> None:
    """Behave as TensorFlow 2."""
    enable_v2_tensorshape()
    enable_eager_execution()


def none_of_them(*args: Any, **kwargs: Any) -> list[Any]:
    """List nothing: there are no devices but this processor."""
    return []


def no(*args: Any, **kwargs: Any) -> bool:
    """Tell that it is not so."""
    return False


def no_name(*args: Any, **kwargs: Any) -> str:
    """Tell the name of what is not there."""
    return ""


def executing_eagerly() -> bool:
    """Tell whether the program has not switched it off, as in TensorFlow 2."""
    return bool(BEHAVIOUR.is_eager)


@contextlib.contextmanager
def scope(*args: Any, **kwargs: Any) -> Iterator[str]:
    """Enter a device or a scope of names, in which nothing is built."""
    yield str(args[0]) if args else ""


class Settings:
    """Settings of a session, of any name and depth; nobody looks at them.

    Example:
        >>> config = Settings(allow_soft_placement=True)
        >>> config.gpu_options.allow_growth = True
        >>> config.gpu_options.allow_growth, config.allow_soft_placement
        (True, True)
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        self.__dict__.update(settings)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        inner = self.__dict__[name] = Settings()
        return inner

    def __call__(self, *args: Any, **settings: Any) -> Settings:
        """Settings of a kind that these have the name of."""
        return Settings(*args, **settings)
