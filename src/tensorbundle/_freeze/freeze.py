"""Make one file of a graph and its weights: variables become constants (freeze.md)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._far.verbs import takes_addresses
from .._graph.graph import Graph, load_graph
from .._ops.edges import reachable
from .._progress import Progress
from .assemble import assemble, prepare
from .naming import name_by_keys
from .pruning import prune
from .result import Frozen, FrozenInput, inputs_of, notes, unneeded_inputs
from .stream import Destination, Format, lay_out, raw_versions, write
from .wanted.choice import choose
from .wanted.request import (
    Cuts,
    Functions,
    Missing,
    Request,
    refuse_own_input,
)
from .wanted.resolve import Outputs

if TYPE_CHECKING:
    from .._checkpoint.checkpoint import Checkpoint
    from .._checkpoint.selection import Filter
    from .._graph.sources import Override

__all__ = ["Frozen", "FrozenInput", "freeze", "prune"]


@takes_addresses(targets=("path",))
def freeze(
    graph: str | os.PathLike[str] | Graph,
    ckpt: str | os.PathLike[str] | Checkpoint | None = None,
    *,
    outputs: Outputs = None,
    path: str | os.PathLike[str] | None = None,
    inputs: Cuts = None,
    bind: Mapping[str, Any] | None = None,
    signature: str | None = None,
    tags: str | Iterable[str] | None = None,
    functions: Functions = "inline",
    training: bool | None = None,
    use_stored: bool | Filter = False,
    ema: bool = False,
    keys: Override = None,
    allow: Filter = None,
    deny: Filter = None,
    missing: Missing = "error",
    tables: bool = True,
    follow_links: bool = False,
    clear_devices: bool = True,
    add_default_attrs: bool = False,
    op_list: str | os.PathLike[str] | None = None,
    verify: bool = True,
    text: bool | None = None,
    format: Format | None = None,
    overwrite: bool = False,
    progress: Progress = None,
) -> Frozen:
    """Freeze a graph: what its outputs need, with constants in the place of variables.

    Weights go from the checkpoint's shards to the file, checked on the way, and are never in memory
    as a whole. Only what the outputs need is kept; updates of variables that hang on control edges
    are dropped, and said so. Equal inputs give equal bytes.

    Args:
        graph: A ``.meta``, GraphDef or SavedModel, by path or loaded.
        ckpt: The checkpoint with the values; by default the one that belongs to the graph.
        outputs: What is wanted: a node, a tensor (``"n:1"``), a signature or an output of it; a
            list of these; a dict from names in the result to tensors. ``"auto"`` takes the best of
            `tensorbundle.suggest_outputs`. By default the outputs of the signature.
        path: The file to write; None: the result holds the bytes. ``.pbtxt`` means text.
        inputs: Tensors that are to be fed: each becomes a placeholder of the same name, type and
            shape, and what computes it goes. A dict gives shapes too. A variable is fed where it
            was read, and what writes it goes.
        bind: Values for placeholders, which become constants: ``{"keep_prob": 1.0}``.
        signature: The key of the signature; by default the one to serve, or the only one.
        tags: Which graph of a SavedModel: the set of its tags.
        functions: ``"inline"``: calls are replaced by the bodies of functions, as other runtimes
            want it; ``"keep"``: calls and functions stay.
        training: False: what was built for training is made what it is for inference. Batch
            normalisation takes the moving averages that its updates keep, dropout passes on what it
            is given, and switches of training are turned off. By default the graph stays as it is.
        use_stored: Take the stored value of variables where an output needs one that is written
            when the graph runs: ranges of quantisation, vectors of spectral normalisation. True for
            all, or the variables: names, globs, patterns.
        ema: Take moving averages where the checkpoint has them.
        keys: Keys in the checkpoint by variable, where they are known better; or a function.
        allow: The variables to freeze: names, globs, patterns. By default all.
        deny: Variables that stay variables, likewise.
        missing: ``"initial"``: take the initial value of variables that were not saved, where it
            is a constant.
        tables: Keep the initialisers of lookup tables, behind ``init_op``.
        follow_links: Read vocabularies from wherever the model says, by links that lead out of its
            directory too. By default only files of the model itself go into the graph.
        clear_devices: Forget on which devices nodes are to run.
        add_default_attrs: Write attributes that were left out because they have their default.
        op_list: A file with an ``OpList``: what operations take and give that the model itself and
            TensorFlow's own list do not know.
        verify: Check the checksums of weights while they are copied.
        text: Whether to write text, whatever the suffix; it is many times as large.
        format: ``"pb"``: write a GraphDef whatever the suffix, also one of another format's.
        overwrite: Whether a file that is there is replaced.
        progress: As of `Checkpoint.verify`, of the bytes written.

    Returns:
        What was written, its outputs and inputs, and what to know of it.

    Raises:
        TensorNotFoundError: There is no such output, tensor or signature (near ones are named), or
            variables are not in the checkpoint.
        ConversionError: No outputs are known (candidates are listed), an output is no tensor,
            variables do not fit the checkpoint, or the result would be larger than a protobuf
            message can be.
        UnsupportedError: An output needs an updated variable, or something else that has no form
            without variables.
        ChecksumError: A weight is damaged; nothing was written.
        FormatError, MissingFileError: As on loading the graph and opening the checkpoint.
        FileExistsError, OSError: The file system refuses, or ``overwrite`` does.

    Example:
        >>> import tempfile, tensorbundle as tb
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     frozen = tb.freeze(
        ...         tb.demo(), outputs="probabilities", path=f"{folder}/demo.pb"
        ...     )
        >>> frozen.outputs, [str(each) for each in frozen.inputs], len(frozen.variables)
        ({'probabilities': 'probabilities:0'}, ['image:0 float32[?, 28, 28, 1]'], 8)
    """
    request = Request(
        outputs=outputs, signature=signature, inputs=inputs, bind=bind, functions=functions,
        training=training, use_stored=use_stored, ema=ema, keys=keys, allow=allow, deny=deny,
        missing=missing, tables=tables, follow_links=follow_links, clear_devices=clear_devices,
        add_default_attrs=add_default_attrs, op_list=op_list,
    )  # fmt: skip
    target = Destination.of(path, text=text, overwrite=overwrite, format=format)
    return freeze_as(
        load_graph(graph, tags=tags), ckpt, request, target, verify=verify, progress=progress
    )


def freeze_as(
    graph: Graph,
    ckpt: str | os.PathLike[str] | Checkpoint | None,
    request: Request,
    target: Destination,
    *,
    verify: bool = True,
    progress: Progress = None,
) -> Frozen:
    """Freeze a graph as a request says it; see `freeze`."""
    ckpt = checkpoint_of(graph, ckpt)
    refuse_own_input(target.path, graph, ckpt)
    targets, chosen = choose(graph, ckpt, request.outputs, request.signature)
    prepared = prepare(graph, targets, request)
    assembled = assemble(graph, ckpt, prepared, request, verify=verify)
    by_keys = name_by_keys(
        assembled.nodes,
        prepared.targets,
        assembled.outputs,
        prepared.keys,
        variables=assembled.contents,
    )
    contents = by_keys.of(assembled.contents)
    layout = lay_out(by_keys.nodes, assembled.functions, raw_versions(graph.meta), contents)
    path, data, nbytes = write(layout, target, verify=verify, progress=progress)
    found = notes(
        assembled.nodes,
        assembled.functions,
        graph.meta,
        nbytes,
        prepared.cutter.place_before,
        training=request.training,
    )
    # What fills tables is no input's business, and may have placeholders of its own.
    needed = reachable(assembled.nodes, assembled.outputs.values())
    nodes = {name: node for name, node in assembled.nodes.items() if name in needed}
    fed = inputs_of(nodes, graph.meta, prepared.keys)
    return Frozen(
        path=path,
        data=data,
        nbytes=nbytes,
        num_nodes=len(by_keys.nodes),
        outputs={key: by_keys.tensor(each) for key, each in assembled.outputs.items()},
        inputs=tuple(replace(each, name=by_keys.tensor(each.name)) for each in fed),
        variables=assembled.variables,
        init_op=None if assembled.init_op is None else by_keys.tensor(assembled.init_op),
        warnings=(
            *chosen,
            *assembled.warnings,
            *unneeded_inputs(prepared.cuts, fed),
            *found,
            *by_keys.notes(),
        ),
    )


def checkpoint_of(
    graph: Graph, ckpt: str | os.PathLike[str] | Checkpoint | None
) -> Checkpoint | None:
    """The checkpoint that is meant; None where a graph has no variables, or none lies there."""
    from .._checkpoint.opening import opened

    return graph.open_checkpoint() if ckpt is None else opened(ckpt)
