"""Flags and the main function: ``tf.flags`` and ``tf.app``, which are absl's where it is installed.

TensorFlow takes absl for this, and depends on it. Programs that do without TensorFlow may do
without absl as well: then `plain_flags` has what they need.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final, NoReturn

from . import plain_flags

_OLD_NAMES: Final = {"flag_name": "name", "default_value": "default", "docstring": "help"}


@functools.cache
def provider() -> ModuleType:
    """The module of flags: absl's, or ours."""
    try:
        from absl import flags
    except ImportError:
        return plain_flags
    found: ModuleType = flags
    return found


class Flags:
    """Flags of the program, parsed when the first one is asked for, as in ``tf.flags``."""

    def __getattr__(self, name: str) -> Any:
        flags = provider().FLAGS
        if name.startswith("__") or hasattr(type(flags), name):
            return getattr(flags, name)
        self._parse()
        return getattr(flags, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(provider().FLAGS, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Parse a command line."""
        return provider().FLAGS(*args, **kwargs)

    def __getitem__(self, name: str) -> Any:
        return provider().FLAGS[name]

    def __contains__(self, name: str) -> bool:
        return name in provider().FLAGS

    def __iter__(self) -> Any:
        return iter(provider().FLAGS)

    def __len__(self) -> int:
        return len(provider().FLAGS)

    def __dir__(self) -> list[str]:
        return dir(provider().FLAGS)

    def _parse(self) -> None:
        if not provider().FLAGS.is_parsed():
            provider().FLAGS(sys.argv)


def _renaming(name: str) -> Callable[..., Any]:
    """A function that defines flags, whose arguments may have TensorFlow 1's names too."""

    def define(*args: Any, **kwargs: Any) -> Any:
        renamed = {_OLD_NAMES.get(key, key): value for key, value in kwargs.items()}
        return getattr(provider(), name)(*args, **renamed)

    return define


def __getattr__(name: str) -> Any:
    if name.startswith("DEFINE_"):
        return _renaming(name)
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(provider(), name)


FLAGS: Final = Flags()


def run(
    main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None
) -> NoReturn:
    """Run a program: parse its flags, those that nobody knows left in, and call its ``main``."""
    main = main or sys.modules["__main__"].main

    def parse(given: Sequence[str]) -> Any:
        return provider().FLAGS(given, known_only=True)

    if provider().__name__ == plain_flags.__name__:
        runner: Any = plain_flags
    else:
        from absl import app

        runner = app
    runner.run(main=main, argv=None if argv is None else list(argv), flags_parser=parse)
    raise AssertionError("the program was not ended")
