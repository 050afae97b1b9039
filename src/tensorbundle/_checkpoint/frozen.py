"""Frozen graphs read as checkpoints: their constants by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from .._core import File
from .._format import dtypes
from .._format.dtypes import Array
from .._format.names import as_bytes
from .._format.tensor_info import TensorInfo
from .._format.wire import told_if_cut_off
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import Node
from .._graphdef.roles import ASSIGNS, CONSTANTS, RESTORES, VARIABLES
from .._graphdef.tensors import ContentSizeError, TensorMessage
from .._locate.kinds import read_message, tell_kind
from .._locate.location import Location, is_text_graph
from .._progress import Meter, Progress
from ..errors import FormatError, TensorBundleError, UnsupportedError
from .checkpoint import DEFAULT_CHUNK_BYTES, Checkpoint, Mode
from .report import Fault, Report, fault_of
from .selection import Filter, parts_of, refuse_nothing

# What only a graph has that gets the values of its variables elsewhere.
_SETTERS: Final = ASSIGNS | RESTORES | {"InitializeTable"}
# One stored value may stand for a whole tensor: up to this size it is made when it is asked for.
_MAX_FILLED_BYTES: Final = 1 << 28
_NO_CHECKSUMS: Final = "graphs have no checksums: damage within values is not seen"


class FrozenGraph(Checkpoint):
    """The constants of a frozen graph (``.pb`` or ``.pbtxt``), by the names of their nodes.

    Frozen variables keep their names, so they are found under those of the checkpoint that they
    came from; beside them are the constants that the graph always had. A constant in a function is
    named ``function/node``. Where two have one name the first counts, the main graph's before all.

    The file is read once, whatever the mode: it has no checksums that would tell whether it is
    still what it was. Arrays are read-only views of what was read in mode ``"r"`` where that holds
    their bytes as they are, else copies.
    """

    def __init__(self, location: Location, mode: Mode) -> None:
        super().__init__(location, mode)
        try:
            message = _message(location.prefix)
            with told_if_cut_off(message):
                self._load(MetaGraph(message, bare=True))
        except TensorBundleError as error:
            raise error.add_context(path=location.prefix) from None

    def _load(self, graph: MetaGraph) -> None:
        path = self.location.prefix
        ops = graph.ops
        variables = sum(count for op, count in ops.items() if op in VARIABLES)
        if variables and not _SETTERS.isdisjoint(ops):
            raise FormatError(
                f"not a frozen graph: {path!r} has {variables} variables whose values are in a "
                "checkpoint: `load_graph` shows the graph, `freeze` joins the two",
                path=path,
            )
        self.duplicates: tuple[str, ...] = tuple(graph.duplicates)
        self._nodes: dict[str, Node] = {}
        nodes = _constants_of(graph)
        for name, node in sorted(nodes, key=lambda each: as_bytes(each[0])):
            self._nodes.setdefault(name, node)
        self._tensors: dict[str, TensorMessage] = {}
        if not self._nodes:
            raise FormatError(
                f"not a frozen graph: {path!r} is a graph of {graph.num_nodes} nodes without a "
                "constant: `load_graph` shows it",
                path=path,
            )

    # --- facts -----------------------------------------------------------------------------------

    def _list_names(self) -> list[str]:
        return list(self._nodes)

    def _tensor(self, name: str) -> TensorMessage:
        found = self._tensors.get(name)
        if found is None:
            try:
                found = _stored(self._nodes[name])
            except TensorBundleError as error:
                raise error.add_context(path=self.location.prefix, key=name) from None
            self._tensors[name] = found
        return found

    def _find(self, name: str) -> TensorInfo | None:
        if name not in self._nodes:
            return None
        tensor = self._tensor(name)
        dtype = dtypes.numpy_dtype(tensor.dtype)
        return TensorInfo(
            name, dtype, tensor.shape, tensor.nbytes, None, None, None, (), tensor.dtype
        )

    def iter_infos(self) -> Iterator[TensorInfo]:
        """Describe all tensors one after the other; see `Checkpoint.iter_infos`."""
        return map(self.info, self._nodes)

    # --- values ----------------------------------------------------------------------------------

    def _read(self, info: TensorInfo) -> Array:
        if self.mode != "r":
            return self._read_owned(info)
        return self._array(info)

    def _read_owned(self, info: TensorInfo) -> Array:
        return np.array(self._array(info))

    def _array(self, info: TensorInfo) -> Array:
        tensor = self._tensor(info.name)
        # It is sound and takes no memory yet, but who asks for it may want all of it.
        if info.size > len(tensor.raw) and info.nbytes > _MAX_FILLED_BYTES:
            raise UnsupportedError(
                f"one value stands for {info.nbytes} bytes: more than {_MAX_FILLED_BYTES}",
                path=self.location.prefix,
                key=info.name,
            )
        return self._values(info.name)

    def _values(self, name: str) -> Array:
        try:
            return self._tensor(name).array()
        except TensorBundleError as error:
            raise error.add_context(path=self.location.prefix, key=name) from None

    def load(
        self,
        names: Filter = None,
        *,
        out: Mapping[str, Array] | None = None,
        threads: int = 0,
        progress: Progress = None,
    ) -> dict[str, Array]:
        """Read many tensors into arrays of their own; see `Checkpoint.load`.

        Raises:
            UnsupportedError: A few stored values stand for more than 256 MiB in all.
        """
        if names is not None:
            names = parts_of(names)
        chosen = self.select(list(out) if names is None and out is not None else names)
        refuse_nothing(names, chosen)
        total = 0
        for name in chosen:
            if out is None:
                total = self._counted(total, self.info(name))
        return super().load(chosen, out=out, threads=threads, progress=progress)

    def views(
        self, names: Filter = None, *, threads: int = 0, progress: Progress = None
    ) -> dict[str, Array]:
        """Give many tensors at once; see `Checkpoint.views`.

        Raises:
            UnsupportedError: As `load`, of tensors that are no views.
        """
        total = 0
        found: dict[str, Array] = {}
        if names is not None:
            names = parts_of(names)
        chosen = self.select(names)
        refuse_nothing(names, chosen)
        for name, info in self._metered(chosen, progress):
            array = found[name] = self._read(info)
            # One value that stands for all of them is a view that takes no memory.
            if self.mode != "r" or any(array.strides):
                total = self._counted(total, info)
        return found

    def _counted(self, total: int, info: TensorInfo) -> int:
        """How many bytes one call has made of few stored ones, with another tensor.

        Raises:
            UnsupportedError: They are too many.
        """
        total += info.nbytes if info.nbytes > len(self._tensor(info.name).raw) else 0
        if total > _MAX_FILLED_BYTES:
            raise UnsupportedError(
                f"few stored values stand for {total} bytes and more: at most {_MAX_FILLED_BYTES} "
                "are made of such in one call; take them one by one, or `chunks`",
                path=self.location.prefix,
                key=info.name,
            )
        return total

    def chunks(
        self, name: str | bytes, *, nbytes: int = DEFAULT_CHUNK_BYTES
    ) -> Iterator[memoryview]:
        """Give a tensor's bytes in pieces; see `Checkpoint.chunks`.

        One value that stands for any number of bytes is repeated without ever being all of them.
        """
        info = self.info(name)
        array = self._values(info.name)
        if array.dtype == object or array.size < 2 or any(array.strides):
            yield from super().chunks(name, nbytes=nbytes)
            return
        element = array[(slice(0, 1),) * array.ndim].reshape(-1)
        count = max(1, nbytes // element.itemsize)
        block = np.repeat(_little(element), min(count, array.size)).view(np.uint8).data
        for start in range(0, array.size, count):
            yield block[: min(count, array.size - start) * element.itemsize]

    # --- verification ----------------------------------------------------------------------------

    def verify(self, *, threads: int = 0, progress: Progress = None) -> Report:
        """Check that every constant's content is what its dtype and shape say.

        Graphs have no checksums, so damage within values goes unseen. See `Checkpoint.verify`; one
        thread is used.
        """
        faults = [
            Fault(name, None, None, None, "malformed", _twice(name), self.location.prefix)
            for name in self.duplicates
        ]
        meter = Meter(progress, sum(len(node.encode()) for node in self._nodes.values()))
        checked = nbytes = 0
        for name, node in self._nodes.items():
            try:
                nbytes += self._check(name)
                checked += 1
            except UnsupportedError as error:
                faults.append(fault_of(error, "unsupported", name=name))
            except TensorBundleError as error:
                wrong_size = isinstance(error, ContentSizeError)
                kind = "size mismatch" if wrong_size else "malformed"
                faults.append(fault_of(error, kind, name=name))
            meter.add(len(node.encode()))
        meter.finish()
        return Report(not faults, checked, nbytes, tuple(faults), (_NO_CHECKSUMS,))

    def _check(self, name: str) -> int:
        """Raise what is wrong with a constant; return how many bytes were looked at."""
        info, tensor = self.info(name), self._tensor(name)
        declared = self._nodes[name].attr("dtype")
        if declared is not None and declared != tensor.dtype:
            raise FormatError(
                f"the node says {dtypes.name_of(declared)}, its value is {info.tf_dtype}",
                path=self.location.prefix,
            )
        self._values(name)
        return len(tensor.raw)


def _little(array: Array) -> Array:
    return array if array.dtype.itemsize == 1 else array.astype(array.dtype.newbyteorder("<"))


def _twice(name: str) -> str:
    return f"several nodes have the name {name!r}: the first was taken"


def _message(path: str) -> memoryview:
    """The bytes of a GraphDef."""
    file = File(path)
    if is_text_graph(path):
        from .._graphdef.text import parse_text

        kind, parsed = parse_text(file.read(0, file.size), path)
        message = memoryview(parsed)
    else:
        message = read_message(file)
        with told_if_cut_off(message):
            kind = tell_kind(message)
    if kind != "graph":
        raise FormatError(f"not a frozen graph: {path!r} holds another message: {kind}", path=path)
    return message


def _constants_of(graph: MetaGraph) -> Iterable[tuple[str, Node]]:
    for node in graph.nodes.values():
        if node.op in CONSTANTS:
            yield node.name, node
    for name, function in graph.functions.items():
        for node in function.nodes.values():
            if node.op in CONSTANTS:
                yield f"{name}/{node.name}", node


def _stored(node: Node) -> TensorMessage:
    value = node.attr("value")
    if not isinstance(value, TensorMessage):
        raise FormatError("a constant has no value: expected a tensor in its attribute 'value'")
    return value
