"""Write a SavedModel that TensorFlow and its servers load, from a graph and its checkpoint.

The weights are not touched: the files of the checkpoint become the model's ``variables/``, as hard
links where that can be, and the graph restores from them under the keys they have (freeze.md §9).
So there is no limit on their size, unlike in a frozen graph.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .._far.verbs import takes_addresses
from .._format.wire import bytes_field, int_field, map_fields, text_field
from .._graph.graph import Graph, load_graph
from .._graphdef.functions import Function
from .._graphdef.nodes import Nodes, parse_input
from .._graphdef.shapes import encode_shape
from .._look.outcomes import Outcome
from .._ops.types import dtype_of, shape_of
from .._progress import Progress
from .assemble import Assembled, Prepared, assemble, prepare
from .freeze import checkpoint_of
from .model_files import target_of, write_files
from .result import FrozenInput, inputs_of, notes, unneeded_inputs
from .saver_nodes import SaverNodes, bytes_list, node_list, put_back, variable_def
from .stages.needed import prune
from .stream import Layout, lay_out, nested, raw_versions
from .wanted.choice import choose
from .wanted.request import Cuts, Request

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._graph.sources import Override
    from .._graph.variables import Variable
    from .._graphdef.meta_graph import MetaGraph
    from .wanted.request import Missing
    from .wanted.resolve import Outputs

__all__ = ["ExportedModel", "export_saved_model"]

_SIGNATURE: Final = "serving_default"
_METHOD: Final = "tensorflow/serving/predict"
# As Python's packaging reads versions, which is how TensorFlow compares them.
_VERSION: Final = re.compile(
    r"v?\d+(\.\d+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?"
    r"([-_.]?(post|rev|r)[-_.]?\d*)?([-_.]?dev[-_.]?\d*)?(\+[a-z0-9]+([-_.][a-z0-9]+)*)?",
    re.IGNORECASE,
)
_NUMBERS: Final = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True, slots=True, repr=False)
class ExportedModel(Outcome):
    """Result of `export_saved_model`: what it wrote.

    Attributes:
        path: The directory.
        files: Its files.
        num_nodes: How many nodes its graph has, with those that restore and save.
        signature: The key of its one signature.
        outputs: The tensors that it gives, by key.
        inputs: The tensors that it takes, by key.
        variables: Its variables, with the key of each in the checkpoint.
        linked: Whether the weights are shared with the checkpoint, not copied.
        warnings: What is worth knowing: updates that were left out, random ops, switches.
    """

    path: str
    files: tuple[str, ...]
    num_nodes: int
    signature: str
    outputs: Mapping[str, str]
    inputs: Mapping[str, FrozenInput]
    variables: tuple[Variable, ...] = field(repr=False)
    linked: bool
    warnings: tuple[str, ...]


@takes_addresses(sources=("graph", "ckpt"), targets=("path",))
def export_saved_model(
    graph: str | os.PathLike[str] | Graph,
    ckpt: str | os.PathLike[str] | Checkpoint | None = None,
    *,
    path: str | os.PathLike[str],
    outputs: Outputs = None,
    inputs: Cuts = None,
    bind: Mapping[str, Any] | None = None,
    signature: str | None = None,
    tags: str | Iterable[str] | None = None,
    training: bool | None = None,
    use_stored: bool | Filter = False,
    ema: bool = False,
    keys: Override = None,
    missing: Missing = "error",
    tables: bool = True,
    follow_links: bool = False,
    clear_devices: bool = True,
    op_list: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress = None,
) -> ExportedModel:
    """Write a SavedModel with one signature, ``serving_default``, in the form of TensorFlow 1.

    It holds what the outputs need, with its variables, and a saver of its own. The weights are the
    files of the checkpoint, linked or else copied; a V1 checkpoint is written anew as V2.

    Args:
        graph: A ``.meta``, GraphDef or SavedModel, by path or loaded.
        ckpt: The checkpoint with the values; by default the one that belongs to the graph.
        path: The directory to write; an earlier SavedModel there is replaced.
        outputs: What the signature gives; as for `tensorbundle.freeze`.
        inputs: Tensors that are to be fed, in the place of what computes them.
        bind: Values for placeholders, which become constants.
        signature: The key of the signature whose outputs and inputs are taken.
        tags: Which graph of a SavedModel.
        training: False: make what was built for training what it is for inference.
        use_stored: Take stored values where outputs need written ones.
        ema: Take moving averages where the checkpoint has them.
        keys: Keys in the checkpoint by variable, where they are known better.
        missing: ``"initial"``: make constants of variables that were not saved, of their initial
            value.
        tables: Keep the initialisers of lookup tables; they run when the model is loaded.
        follow_links: Read vocabularies from wherever the model says.
        clear_devices: Forget on which devices nodes are to run.
        op_list: A file with an ``OpList`` for operations that nothing else is known of.
        overwrite: Whether a SavedModel that is there is replaced.
        progress: As of `Checkpoint.verify`, of the bytes of all files.

    Returns:
        What was written, and what to know of it.

    Raises:
        TensorNotFoundError, ConversionError, UnsupportedError: As `tensorbundle.freeze`.
        FormatError, MissingFileError: As on loading the graph and opening the checkpoint.
        FileExistsError, OSError: The file system refuses, or ``overwrite`` does.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = tb.export_saved_model(
        ...         tb.demo(),
        ...         outputs={"scores": "probabilities"},
        ...         path=f"{folder}/model",
        ...     )
        >>> done.outputs, list(done.inputs), len(done.variables)
        ({'scores': 'scores:0'}, ['image'], 8)
    """
    request = Request(
        outputs=outputs, signature=signature, inputs=inputs, bind=bind, training=training,
        use_stored=use_stored, ema=ema, keys=keys, missing=missing, tables=tables,
        follow_links=follow_links, clear_devices=clear_devices, op_list=op_list,
    )  # fmt: skip
    loaded = load_graph(graph, tags=tags)
    return export_as(loaded, ckpt, request, path, overwrite=overwrite, progress=progress)


def export_as(
    graph: Graph,
    ckpt: str | os.PathLike[str] | Checkpoint | None,
    request: Request,
    path: str | os.PathLike[str],
    *,
    overwrite: bool,
    is_dry: bool = False,
    progress: Progress = None,
) -> ExportedModel:
    """Write a SavedModel as a request says it; see `export_saved_model`."""
    ckpt = checkpoint_of(graph, ckpt)
    directory = target_of(os.fspath(path), graph, ckpt)
    targets, chosen = choose(graph, ckpt, request.outputs, request.signature)
    prepared = prepare(graph, targets, request)
    assembled = assemble(graph, ckpt, prepared, request, verify=True)
    model = _Model(graph, ckpt, prepared, assembled)
    layout = model.layout()
    files: tuple[str, ...] = ()
    linked = False
    if not is_dry:
        files, linked = write_files(
            layout, ckpt if model.restored else None, model.restored, directory, overwrite, progress
        )
    before = prepared.cutter.place_before
    found = notes(
        model.nodes, model.functions, graph.meta, layout.nbytes, before, training=request.training
    )
    idle = unneeded_inputs(prepared.cuts, model.inputs.values())
    return ExportedModel(
        path=directory,
        files=files,
        num_nodes=len(model.nodes),
        signature=_SIGNATURE,
        outputs=model.outputs,
        inputs=model.inputs,
        variables=tuple(each.variable for each in model.restored),
        linked=linked,
        warnings=(*chosen, *assembled.warnings, *idle, *found),
    )


class _Model:
    """The message of a SavedModel: a frozen graph whose stored variables are variables again."""

    def __init__(
        self, graph: Graph, ckpt: Checkpoint | None, prepared: Prepared, assembled: Assembled
    ) -> None:
        self._graph = graph
        self._op_defs = prepared.op_defs
        self._assembled = assembled
        self.outputs = {k.removesuffix(":0"): v for k, v in assembled.outputs.items()}
        stored = [each for each in assembled.variables if each.initial is None]
        nodes, self.restored = put_back(assembled.nodes, stored, prepared.nodes)
        wanted = [parse_input(tensor).name for tensor in assembled.outputs.values()]
        wanted += [] if assembled.init_op is None else [assembled.init_op]
        wanted += [parse_input(each.snapshot).name for each in self.restored]
        self.nodes: Nodes
        self.functions: Mapping[str, Function]
        self.nodes, self.functions = prune(nodes, assembled.functions, list(dict.fromkeys(wanted)))
        self.saver: SaverNodes | None = None
        if self.restored and ckpt is not None:
            self.nodes = dict(self.nodes)
            self.saver = SaverNodes(self.nodes, self.restored, ckpt)
        self.inputs = _keyed_inputs(inputs_of(assembled.nodes, graph.meta, prepared.keys))

    def layout(self) -> Layout:
        """The bytes of ``saved_model.pb``, values of constants left out as they are elsewhere."""
        names = {each.variable.name for each in self.restored}
        contents = {k: v for k, v in self._assembled.contents.items() if k not in names}
        meta = self._graph.meta
        graph_def = lay_out(self.nodes, self.functions, raw_versions(meta), contents)
        saver = b"" if self.saver is None else bytes_field(3, self.saver.names.encode())
        parts = (
            bytes_field(1, self._info(meta)),
            nested(2, graph_def),
            saver + map_fields(4, self._collections()),
            map_fields(5, {_SIGNATURE: self._signature()}),
        )
        model = nested(2, *parts)
        return Layout((int_field(1, 1), *model.items), model.nbytes + 2)

    def _info(self, meta: MetaGraph) -> bytes:
        """The ``MetaInfoDef``: what the graph's own says, for what is left of it."""
        ops = {node.op for node in self.nodes.values()}
        for function in self.functions.values():
            ops |= {node.op for node in function.nodes.values()}
        kept = [
            bytes_field(1, each.raw) for name, each in sorted(meta.op_defs.items()) if name in ops
        ]
        return b"".join(
            (
                bytes_field(2, b"".join(kept)) if kept else b"",
                text_field(4, "serve"),
                text_field(5, _loadable_version(meta.tensorflow_version)),
                text_field(6, meta.tensorflow_git_version),
                int_field(7, int(meta.stripped_default_attrs)),
            )
        )

    def _collections(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        if self.saver is not None:
            assigns = self.saver.assigns
            defs = [variable_def(each, i, assigns) for i, each in enumerate(self.restored)]
            found["variables"] = bytes_list(defs)
            trained = [
                each
                for each, restored in zip(defs, self.restored, strict=True)
                if restored.variable.trainable
            ]
            found["trainable_variables"] = bytes_list(trained)
        if self._assembled.init_op is not None:
            found["saved_model_main_op"] = node_list([self._assembled.init_op])
        return found

    def _signature(self) -> bytes:
        inputs = {key: self._tensor_info(each.name) for key, each in self.inputs.items()}
        outputs = {k: self._tensor_info(tensor) for k, tensor in self.outputs.items()}
        return map_fields(1, inputs) + map_fields(2, outputs) + text_field(3, _METHOD)

    def _tensor_info(self, tensor: str) -> bytes:
        name, port = parse_input(tensor)
        node = self.nodes[name]
        dtype = dtype_of(node, port, self._op_defs) or 0
        shape = shape_of(self._graph.meta, self.nodes, node, port)
        return b"".join(
            (text_field(1, tensor), int_field(2, dtype), bytes_field(3, encode_shape(shape)))
        )


def _loadable_version(version: str) -> str:
    """A version that TensorFlow's loaders can compare: of ``0.12.head`` the numbers are left."""
    if _VERSION.fullmatch(version):
        return version
    numbers = _NUMBERS.match(version)
    return ".".join((*numbers.group().split("."), "0", "0")[:3]) if numbers else ""


def _keyed_inputs(inputs: Sequence[FrozenInput]) -> dict[str, FrozenInput]:
    """The inputs that must be fed, by the keys of the signature that the outputs are of."""
    found: dict[str, FrozenInput] = {}
    for each in inputs:
        if each.default is None:
            name = each.name.removesuffix(":0")
            found[name if each.key is None or each.key in found else each.key] = each
    return dict(sorted(found.items()))
