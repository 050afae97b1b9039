"""Modules of the stand-in, and the finder that Python's import finds them with."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

from ..train import as_dtype
from .missing import missing_module, missing_part
from .surface import ROOT, surface

_PACKAGE: Final = __package__.rpartition(".")[0]


class StandIn(ModuleType):
    """Module that stands in for one of TensorFlow: what is in it is found when it is asked for."""

    def __getattr__(self, name: str) -> Any:
        place = surface()[self.__name__].get(name)
        if name == "__all__":
            return [each for each in surface()[self.__name__] if not each.startswith("_")]
        if place is None:
            # What Python and its tools ask modules for is no part of TensorFlow.
            if name.startswith("__"):
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
            raise missing_part(self.__name__, name)
        found = resolve(place)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *surface()[self.__name__]})


def resolve(place: str) -> Any:
    """What a place of the surface stands for."""
    room, _, name = place.partition(":")
    if room == "dtype":
        return as_dtype(name)
    if room == "module":
        return importlib.import_module(name)
    return getattr(importlib.import_module(f"{_PACKAGE}.{room}"), name)


class Finder(MetaPathFinder, Loader):
    """Finder of the stand-in's modules.

    Asked whether there is a module that it does not have, it says no, as `importlib.util.find_spec`
    is to hear. When such a module is imported, the error says what it would be for.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of TensorFlow's; others are none of our business."""
        if fullname.partition(".")[0] != ROOT:
            return None
        if fullname in surface():
            return ModuleSpec(fullname, self, origin="tensorbundle", is_package=True)
        if fullname != ROOT and _is_import():
            raise missing_module(fullname)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make a module."""
        return StandIn(spec.name, f"Stand-in for {spec.name}, by tensorbundle.")

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: what is in it is found when it is asked for."""


def _is_import() -> bool:
    """Tell whether a module is being imported, or it is only asked whether there is one."""
    caller = sys._getframe(2)  # Python's own loop over finders
    above = caller.f_back
    return above is not None and above.f_code.co_name == "_find_and_load_unlocked"


def is_ours(module: ModuleType | None) -> bool:
    """Tell whether a module is of the stand-in."""
    return isinstance(module, StandIn)
