"""Log of programs: ``tf.logging`` and ``tf.get_logger``, on Python's logging."""

from __future__ import annotations

import functools
import logging
import sys
from collections import Counter
from typing import Any, Final

DEBUG: Final = logging.DEBUG
INFO: Final = logging.INFO
WARN: Final = logging.WARNING
ERROR: Final = logging.ERROR
FATAL: Final = logging.FATAL
_NAME: Final = "tensorflow"


@functools.cache
def get_logger() -> logging.Logger:
    """Logger of TensorFlow, which writes warnings to stderr unless the program has handlers."""
    logger = logging.getLogger(_NAME)
    if not logging.getLogger().handlers and not logger.handlers:
        logger.setLevel(WARN)
        handler = logging.StreamHandler(sys.stdout if hasattr(sys, "ps1") else None)
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        logger.addHandler(handler)
    return logger


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Log at a level."""
    get_logger().log(level, msg, *args, **kwargs)


debug = functools.partial(log, DEBUG)
info = functools.partial(log, INFO)
warn = warning = functools.partial(log, WARN)
error = functools.partial(log, ERROR)
fatal = functools.partial(log, FATAL)
vlog = log


def TaskLevelStatusMessage(msg: Any) -> None:
    """Log an error."""
    error(msg)


def log_if(level: int, msg: Any, condition: object, *args: Any) -> None:
    """Log when a condition holds."""
    if condition:
        log(level, msg, *args)


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Log the first of every so many calls from one place."""
    log_if(level, msg, _calls()[_caller()] % n == 0, *args)
    _calls()[_caller()] += 1


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Log the first so many calls from one place."""
    log_if(level, msg, _calls()[_caller()] < n, *args)
    _calls()[_caller()] += 1


def flush() -> None:
    """Do nothing: what was logged is written."""


def get_verbosity() -> int:
    """Level from which on messages are written."""
    return get_logger().getEffectiveLevel()


def set_verbosity(v: int) -> None:
    """Set the level from which on messages are written."""
    get_logger().setLevel(v)


@functools.cache
def _calls() -> Counter[tuple[str, int]]:
    return Counter()


def _caller() -> tuple[str, int]:
    frame = sys._getframe(2)
    return frame.f_code.co_filename, frame.f_lineno
