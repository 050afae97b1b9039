"""Installing the stand-in: ``import tensorflow`` finds it, unless TensorFlow itself is there."""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import sys
from collections.abc import Iterator

from ..errors import UnsupportedError
from .modules import Finder, is_ours
from .surface import ROOT


def install(*, even_if_installed: bool = False) -> bool:
    """Have ``import tensorflow`` find the stand-in, from now on.

    Args:
        even_if_installed: Whether to stand in for a TensorFlow that is installed, too.

    Returns:
        True when the stand-in is what programs get; False when TensorFlow is installed, and is
        left to them.

    Raises:
        UnsupportedError: TensorFlow is imported already.

    Example:
        >>> import tensorbundle as tb
        >>> from tensorbundle import shim
        >>> with shim.active(even_if_installed=True):
        ...     import tensorflow as tf
        ...     tf.train.load_variable(tb.demo(), "dense/bias").shape
        (16,)
    """
    imported = sys.modules.get(ROOT)
    if is_ours(imported):
        return True
    if imported is not None:
        raise UnsupportedError(
            "TensorFlow is imported already: the stand-in can only be installed before it is"
        )
    if not even_if_installed and is_installed():
        return False
    sys.meta_path.insert(0, Finder())
    importlib.import_module(ROOT)
    return True


def uninstall() -> None:
    """Take the stand-in away again; programs keep what they have of it.

    Example:
        >>> from tensorbundle import shim
        >>> shim.uninstall()
    """
    sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, Finder)]
    for name in [name for name, module in sys.modules.items() if is_ours(module)]:
        del sys.modules[name]


@contextlib.contextmanager
def active(*, even_if_installed: bool = False) -> Iterator[bool]:
    """Install the stand-in for a while.

    Args:
        even_if_installed: As of `install`.

    Yields:
        What `install` returns.

    Example:
        >>> from tensorbundle import shim
        >>> with shim.active(even_if_installed=True) as stands_in:
        ...     print(stands_in)
        True
    """
    was = is_ours(sys.modules.get(ROOT))
    try:
        yield install(even_if_installed=even_if_installed)
    finally:
        if not was:
            uninstall()


def is_installed() -> bool:
    """Tell whether TensorFlow itself is installed."""
    return importlib.machinery.PathFinder.find_spec(ROOT) is not None
