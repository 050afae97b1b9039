"""OpenVINO: graphs read, compiled and run by it, and its errors put in our words.

Only this module imports it. The engine computes in float32 what the graph has as float64, and in 32
bits what it has as 64-bit integers.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .._graph.graph import load_graph
from ..errors import UnsupportedError

if TYPE_CHECKING:
    from .._format.dtypes import Array

_HINT: Final = "pip install openvino"
_DEVICE: Final = "CPU"
# Without this, processors that have bfloat16 compute in it.
_CONFIG: Final = (("INFERENCE_PRECISION_HINT", "f32"),)
_UNTRANSLATED: Final = re.compile(
    r"(?:for operations?(?:\(s\))?|Conversion is failed for): *(\w+(?:, *\w+)*)"
)
_NAMED: Final = 3  # nodes of each operation


class Program:
    """A graph that is ready to run. May be used by several threads at once.

    It is compiled for inputs of any shape where the engine can do that. Where it cannot, because a
    rank is not known, it is compiled again for each set of shapes that comes.
    """

    def __init__(self, path: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Read a graph.

        Args:
            path: A frozen GraphDef; not needed any more afterwards.
            inputs: The tensors that are fed.
            outputs: The tensors that are wanted.

        Raises:
            UnsupportedError: OpenVINO is not installed, or cannot translate the graph; operations
                that it does not have are named.
        """
        core = _core()
        try:
            model = core.read_model(path)
        except RuntimeError as error:
            raise _refusal(error, path) from None
        places = [_place(model.inputs, name) for name in inputs]
        self._inputs = [(i, place) for i, place in enumerate(places) if place is not None]
        self._outputs = [_result(model.outputs, name) for name in outputs]
        if None in self._outputs:
            lost = outputs[self._outputs.index(None)]
            raise UnsupportedError(f"OpenVINO gives no tensor for {lost!r}")
        self._model = _with_wide_bfloat16(model)
        self._is_dynamic = model.is_dynamic()
        self._needs_shapes = False
        self._compiled: dict[tuple[tuple[int, ...], ...] | None, _Compiled] = {}
        self._lock = threading.Lock()

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Compute the outputs.

        Args:
            arrays: The inputs, of the dtypes that the graph has.

        Raises:
            UnsupportedError: The engine cannot compute this.
        """
        feeds = {place: arrays[i] for i, place in self._inputs}
        if not self._needs_shapes:
            try:
                return self._compile(None, feeds).run(feeds, self._outputs)
            except RuntimeError as error:
                if not self._is_dynamic:
                    raise _refusal(error) from None
        shapes = tuple(array.shape for array in feeds.values())
        try:
            results = self._compile(shapes, feeds).run(feeds, self._outputs)
        except RuntimeError as error:
            raise _refusal(error) from None
        self._needs_shapes = True
        return results

    def _compile(
        self, shapes: tuple[tuple[int, ...], ...] | None, feeds: dict[int, Array]
    ) -> _Compiled:
        with self._lock:
            if shapes not in self._compiled:
                if shapes is not None:
                    self._model.reshape(
                        {place: list(array.shape) for place, array in feeds.items()}
                    )
                self._compiled[shapes] = _Compiled(self._model)
            return self._compiled[shapes]


class _Compiled:
    """A compiled model with its requests: each runs for one thread at a time, and is used again."""

    def __init__(self, model: Any) -> None:
        self._model = _core().compile_model(model, _DEVICE, dict(_CONFIG))
        self._idle: list[Any] = []

    def run(self, feeds: dict[int, Array], outputs: Sequence[int | None]) -> list[Array]:
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._model.create_infer_request()
        request.infer(feeds)
        results = [_copied(request.get_output_tensor(place)) for place in outputs]
        self._idle.append(request)
        return results


def _copied(tensor: Any) -> Array:
    if tensor.element_type.get_type_name() != "string":
        return np.array(tensor.data)
    flat = tensor.bytes_data
    strings = np.empty(flat.shape, object)
    strings[...] = flat.astype(object)
    return strings


@functools.cache
def _core() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise UnsupportedError(f"running a graph needs OpenVINO ({error}): {_HINT}") from None
    return openvino.Core()


def _place(ports: Sequence[Any], name: str) -> int | None:
    """Which input or output has a name; the engine may have given it others as well."""
    return next((i for i, port in enumerate(ports) if name in port.get_names()), None)


def _result(ports: Sequence[Any], name: str) -> int | None:
    """Which output has a name.

    Where a condition is a constant, its branch takes the place of the tensor, whose name is lost:
    then only the node that ends the graph there is still called so.
    """
    place = _place(ports, name)
    if place is not None:
        return place
    nodes = [port.get_node().get_friendly_name() for port in ports]
    return nodes.index(name) if name in nodes else None


def _with_wide_bfloat16(model: Any) -> Any:
    """The model with float32 where it takes or gives bfloat16, which numpy does not have."""
    from openvino import Type
    from openvino.preprocess import PrePostProcessor

    narrow = [port.get_element_type() == Type.bf16 for port in (*model.inputs, *model.outputs)]
    if not any(narrow):
        return model
    processor, count = PrePostProcessor(model), len(model.inputs)
    for i, is_narrow in enumerate(narrow):
        if is_narrow:
            port = processor.input(i) if i < count else processor.output(i - count)
            port.tensor().set_element_type(Type.f32)
    return processor.build()


def _refusal(error: RuntimeError, path: str | None = None) -> UnsupportedError:
    """What OpenVINO cannot do: operations by name with nodes of each, else its own words."""
    said = str(error)
    ops = [op for found in _UNTRANSLATED.findall(said) for op in re.split(", *", found)]
    if not ops:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
        return UnsupportedError(f"OpenVINO cannot run this graph: {' '.join(told or lines)[:500]}")
    named = [f"{op}{_nodes_of(op, path)}" for op in dict.fromkeys(ops)]
    return UnsupportedError(f"OpenVINO cannot translate these operations: {'; '.join(named)}")


def _nodes_of(op: str, path: str | None) -> str:
    """Some nodes of an operation, for an error message."""
    if path is None:
        return ""
    graph = load_graph(path)
    names = [name for name, node in graph.nodes.items() if node.op == op]
    for function in graph.functions.values():
        names += [f"{function.name}/{n}" for n, node in function.nodes.items() if node.op == op]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f" ({', '.join(map(repr, names[:_NAMED]))}{more})" if names else ""
