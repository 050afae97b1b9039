"""Switches: placeholders that turn training on and off, known by their names."""

from __future__ import annotations

import re
from typing import Final

_RATES: Final = r"keep_?prob\w*|drop_?out\w*|drop_?rate"
_ON: Final = (
    r"(is_?)?train(ing)?(_?(phase|mode|flag))?|phase(_?train(ing)?)?|(keras_)?learning_phase"
    r"|bn_?train(ing)?"
)
_OFF: Final = r"(is_?)?(test(ing)?|infer(ence)?|eval(uation)?|predict(ion)?)"
# What some programs say of any placeholder, and the number that makes a name another.
_END: Final = r"(_?(ph|pl|plh|placeholder|bool|flag|tensor|input|var|in))?(_?\d+)?"
_MODES: Final = re.compile(rf"({_ON}|{_OFF}){_END}", re.IGNORECASE)
_OFF_MODES: Final = re.compile(rf"({_OFF}){_END}", re.IGNORECASE)
_SWITCHES: Final = re.compile(rf"({_RATES}|{_ON}|{_OFF}|mode){_END}", re.IGNORECASE)


def is_switch(name: str) -> bool:
    """Whether a name is that of a truth value which says whether the model trains."""
    return _MODES.fullmatch(name.rpartition("/")[2]) is not None


def off_value(name: str) -> bool:
    """The value that such a placeholder has when a model is used."""
    return _OFF_MODES.fullmatch(name.rpartition("/")[2]) is not None


def names_switch(name: str) -> bool:
    """Whether a name is that of a mode or a rate."""
    return _SWITCHES.fullmatch(name.rpartition("/")[2]) is not None
