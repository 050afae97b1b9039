"""Functions that take paths, made to take addresses: their files come here, and go there after."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, ParamSpec, TypeVar

from .._source.address import Address, is_far
from .._source.copies import private_directory, renamed
from .._source.store import unreplaced
from ..errors import TensorBundleError
from .nearby import bring, bring_graph
from .publish import publish

_P = ParamSpec("_P")
_R = TypeVar("_R")


def takes_addresses(
    *, sources: tuple[str, ...] = (), targets: tuple[str, ...] = (), unless: str = ""
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Make a function take addresses where it takes paths of files.

    Args:
        sources: Parameters of what is read, or of several: brought here whole, into a directory of
            the user's alone, which is gone when the function returns, or when what it returns is.
        targets: Parameters of what is written: written here, and then put there as `publish` does.
        unless: A parameter with which, when it is given, the function takes addresses itself.
    """

    def wrap(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            if not any(map(_far_in, args)) and not any(map(_far_in, kwargs.values())):
                return function(*args, **kwargs)
            bound = inspect.signature(function).bind(*args, **kwargs)
            if bound.arguments.get(unless) is not None:
                return function(*args, **kwargs)
            with ExitStack() as stack:
                work = _Nearby(stack)
                for name in sources:
                    if name in bound.arguments:
                        bound.arguments[name] = work.source(bound.arguments[name])
                for name in targets:
                    if _far_in(bound.arguments.get(name)):
                        bound.arguments[name] = work.target(Address.of(bound.arguments[name]))
                overwrite = bool(bound.arguments.get("overwrite", False))
                if bound.arguments.get("dry_run"):
                    work.forget_targets()
                return work.done(
                    work.told(lambda: function(*bound.args, **bound.kwargs)), overwrite
                )

        return call

    return wrap


def _address_of(given: Any) -> Address | None:
    """The address that an argument is, or that a checkpoint opened by one has."""
    if isinstance(given, (str, bytes, os.PathLike)):
        return Address.of(given) if is_far(given) else None
    found = getattr(given, "address", None)
    return found if isinstance(found, Address) else None


def _far_in(given: Any) -> bool:
    if isinstance(given, (list, tuple, set)):
        return any(map(_far_in, given))
    return _address_of(given) is not None


@contextmanager
def target_near(path: str, *, overwrite: bool, is_dry: bool = False) -> Iterator[str]:
    """Where to write what is to be at a path or address: there, or here until the context ends."""
    if not is_far(path):
        yield path
        return
    with ExitStack() as stack:
        work = _Nearby(stack)
        with work.telling():
            yield work.target(Address.of(path))
        if not is_dry:
            work.done(None, overwrite)


def graph_near(address: Address, load: Callable[[str], _R]) -> tuple[_R, Address | None]:
    """Load a far graph from a copy, which is there as long as it is; and where its values are."""
    with ExitStack() as stack:
        work = _Nearby(stack)
        with unreplaced(address.url):
            path, values = bring_graph(address, work.directory(address))
        with work.telling():
            graph = load(path)
        return work.done(graph, overwrite=False), values


class _Nearby:
    """Private copies of one call's sources, and its targets in the making."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._places: dict[str, str] = {}  # directories here, and what they stand for
        self._targets: list[tuple[str, Address]] = []

    def source(self, given: Any) -> Any:
        """An argument with all that is far in it brought here."""
        if isinstance(given, (list, tuple, set)):
            return [self.source(each) for each in given]
        address = _address_of(given)
        if address is None:
            return given
        directory = self.directory(address)
        with unreplaced(address.url):
            return bring(address, directory)

    def target(self, address: Address) -> str:
        """Where to write what is to be put at an address."""
        directory = self.directory(address)
        self._targets.append((directory, address))
        return os.path.join(directory, address.key.rpartition("/")[2])

    def forget_targets(self) -> None:
        """Put nothing anywhere."""
        self._targets.clear()

    def directory(self, address: Address) -> str:
        """A directory for copies of what lies beside an address."""
        directory = self._stack.enter_context(private_directory())
        self._places[directory] = address.url.rpartition("/")[0]
        return directory

    def told(self, call: Callable[[], _R]) -> _R:
        """Call what works on the copies; its errors name what they are copies of."""
        with self.telling():
            return call()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Have errors of what works on the copies name what they are copies of."""
        try:
            yield
        except TensorBundleError as error:
            error.message = self._retold(error.message)
            error.path = self._retold(error.path)
            raise
        except OSError as error:
            error.filename = self._retold(error.filename)
            error.filename2 = self._retold(error.filename2)
            raise

    def done(self, result: _R, overwrite: bool) -> _R:
        """Put the targets where they belong; what is returned names them so."""
        for directory, address in self._targets:
            publish(directory, address, overwrite=overwrite)
        with contextlib.suppress(TypeError):  # plain facts need no files
            keeper = weakref.finalize(result, lambda: None)
            keeper.detach()
            weakref.finalize(result, self._stack.pop_all().close)
        told: _R = self._retold(result)
        return told

    def _retold(self, value: Any) -> Any:
        """A value with the addresses in place of the paths of their copies."""
        if isinstance(value, str):
            return renamed(value, self._places)
        if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
            return type(value)(self._retold(each) for each in value)
        if isinstance(value, Mapping) and type(value) is dict:
            return {self._retold(key): self._retold(each) for key, each in value.items()}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            changed = {}
            for each in dataclasses.fields(value):
                if each.init and isinstance(before := getattr(value, each.name), (str, tuple)):
                    after = self._retold(before)
                    if after != before:
                        changed[each.name] = after
            return dataclasses.replace(value, **changed) if changed else value
        return value
