"""Initial values that are constants, for variables that were never saved (freeze.md §3.1)."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .._format.dtypes import Array, numpy_dtype
from .._format.tensor_info import MAX_DIMENSIONS
from .._graphdef.nodes import parse_input
from .._graphdef.roles import ASSIGNS
from .._graphdef.tensors import TensorMessage
from .._ops.edges import data_inputs
from .sources import Sources
from .variables import Variable, fits
from .walk import Frame

if TYPE_CHECKING:
    from .._graphdef.meta_graph import MetaGraph


class InitialValues:
    """Constants that variables of a graph are initialised with."""

    def __init__(self, meta: MetaGraph, sources: Sources) -> None:
        self._meta = meta
        self._walk = sources.walk
        self._sources = sources

    def give(self, variable: Variable) -> Variable:
        """Variable with its initial value; as it was if that is no constant that fits.

        Nor if somebody said its key: what is not there was to be there.
        """
        if variable.how == "given":
            return variable
        for text in self._texts.get(variable.name, ()):
            value = self._fold(self._walk.main, text)
            if value is None or value.dtype != numpy_dtype(variable.dtype):
                continue
            if fits(value.shape, variable.shape):
                return dataclasses.replace(
                    variable, shape=value.shape, slice="", how="initial value", initial=value
                )
        return variable

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        """By variable, the tensors that it is initialised with: what its collection says first."""
        found: dict[str, list[str]] = {}
        nodes = self._meta.nodes
        for each in self._meta.variable_defs:
            texts = found.setdefault(parse_input(each.variable_name).name, [])
            if each.initial_value_name:
                texts.append(each.initial_value_name)
            initializer = nodes.get(each.initializer_name)
            if initializer is not None and initializer.op in ASSIGNS:
                texts += data_inputs(initializer)[1:2]
        for name, placed, text in self._sources.assigned(self._sources.others):
            if placed.scope is self._walk.main and name not in found:
                found[name] = [text]
        return found

    def _fold(self, scope: Frame, text: str) -> Array | None:
        """Value of a ``Const``, or of a ``Fill`` of such."""
        origin = self._walk.origin(scope, text)
        node = None if origin is None else origin.node
        if origin is None or node is None or origin.cast or origin.reshaped:
            return None
        given = data_inputs(node)
        if node.op == "Fill" and len(given) == 2:
            dims, value = (self._constant(origin.scope, each) for each in given)
            if dims is None or value is None or dims.ndim != 1 or value.size != 1:
                return None
            if dims.dtype.kind != "i" or dims.size > MAX_DIMENSIONS:
                return None
            try:
                # One element stands for all: this takes no memory, whatever the shape.
                return np.broadcast_to(value.reshape(()), tuple(map(int, dims)))
            except ValueError:
                return None
        return self._constant(scope, text)

    def _constant(self, scope: Frame, text: str) -> Array | None:
        origin = self._walk.origin(scope, text)
        node = None if origin is None else origin.node
        if origin is None or node is None or node.op != "Const" or origin.cast or origin.reshaped:
            return None
        value = node.attr("value")
        if not isinstance(value, TensorMessage) or numpy_dtype(value.dtype) is None:
            return None
        return value.array()
