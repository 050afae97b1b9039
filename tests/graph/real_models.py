"""Real models frozen here, and run in TensorFlow beside their originals.

For each a folder is filled: the frozen graph, inputs that were invented for it, and what
`freeze/programs/corpus_worker` computed with both.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import tensorbundle as tb
from tests.freeze.models import in_tensorflow
from tests.freeze.programs.arrays import exactly, read_arrays, write_arrays

SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")
BATCH = 2


@dataclass(frozen=True)
class Hints:
    """What a model does not say of itself.

    Attributes:
        options: Of `freeze`.
        shapes: Of inputs, in place of their unknown ones.
        feeds: Values of inputs, in place of random ones; for inputs that are no placeholders, too.
        invented: The data was never published: other numbers are written under the same names.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    feeds: Mapping[str, Any] = field(default_factory=dict)
    invented: bool = False


@dataclass
class Real:
    """One graph of the corpus, or one signature of a SavedModel of it.

    Attributes:
        kept: Its functions are kept, not inlined.
        invented: Its checkpoint was made here.
    """

    name: str
    path: Path
    signature: str | None = None
    kept: bool = False
    invented: bool = False
    folder: Path = Path()
    graph: Any = None
    frozen: Any = None
    error: Exception | None = None

    def __post_init__(self) -> None:
        self.prefix = str(self.path).removesuffix(".meta")

    @property
    def feeds(self) -> dict[str, np.ndarray]:
        return read_arrays(self.folder / "feeds.npz")

    @property
    def errors(self) -> dict[str, str]:
        """What TensorFlow said of the `original`, of `ours` and of `theirs`."""
        errors: dict[str, str] = json.loads((self.folder / "errors.json").read_text())
        return errors

    def values(self, which: str) -> dict[str, np.ndarray]:
        return read_arrays(self.folder / f"{which}.npz")

    def exact(self, which: str) -> dict[str, Any]:
        return exactly(self.values(which))

    @property
    def verdict(self) -> str:
        """``identical``, or why it is not."""
        if self.error is not None:
            return f"not frozen: {type(self.error).__name__}: {self.error}"
        errors = self.errors
        if "original" in errors:
            also = f"; ours: {errors['ours']}" if "ours" in errors else "; ours runs"
            return f"no reference: {errors['original']}{also}"
        if "ours" in errors:
            return f"different: {errors['ours']}"
        if self.exact("ours") == self.exact("original"):
            return "identical"
        if self.exact("original") != self.exact("again"):
            return "random: the original gives other numbers in each run"
        return f"different: by up to {self.distance('ours')}"

    def distance(self, which: str) -> float:
        """How far numbers are from those of the original."""
        mine, original = self.values(which), self.values("original")
        return max(
            float(np.max(np.abs(mine[key].astype(float) - value.astype(float)), initial=0))
            for key, value in original.items()
        )


def find_models(corpus: Path) -> Iterator[Real]:
    """Every graph beside a checkpoint, and every signature of every SavedModel, in both ways."""
    for path in sorted(corpus.rglob("*.meta")):
        yield Real(str(path.relative_to(corpus))[: -len(".meta")], path)
    for path in sorted(each.parent for each in corpus.rglob("saved_model.*")):
        name = str(path.relative_to(corpus))
        try:
            signatures = tb.load_graph(path).signatures
        except tb.TensorBundleError as error:
            yield Real(name, path, error=error)
            continue
        for key in signatures:
            if not key.startswith("__saved_model"):
                yield Real(f"{name}#{key}", path, key)
                yield Real(f"{name}#{key} kept", path, key, kept=True)


def choose_outputs(real: Real, heads: Mapping[str, list[list[str]]]) -> list[str]:
    """What the authors fetch, or what is suggested first, or all variables."""
    named = [head[0] for head in heads.get(real.name, []) if head[0] in real.graph.nodes]
    if named:
        return named
    suggested = [each.name for each in tb.suggest_outputs(real.graph)[:1]]
    return suggested or [
        f"{name}/read" for name, each in real.graph.variables.items() if each.in_checkpoint
    ]


def invent_checkpoint(real: Real) -> None:
    """Numbers of its own for a checkpoint of which only the index is there."""
    random = np.random.RandomState(zlib.crc32(real.name.encode()))
    values = {
        info.name: np.asarray(random.uniform(-0.1, 0.1, info.shape), info.dtype)
        for info in tb.open(real.prefix).infos()
    }
    real.prefix, real.invented = str(real.folder / "invented.ckpt"), True
    tb.save(real.prefix, values)


def freeze(real: Real, heads: Mapping[str, list[list[str]]], hints: Hints) -> None:
    if real.error is not None:
        return
    options = dict(hints.options)
    try:
        real.graph = tb.load_graph(real.path)
        if hints.invented:
            invent_checkpoint(real)
        if real.signature is not None:
            options["signature"] = real.signature
            options["functions"] = "keep" if real.kept else "inline"
        elif "outputs" not in options:
            options["outputs"] = choose_outputs(real, heads)
        real.frozen = tb.freeze(
            real.graph,
            real.prefix if real.invented else None,
            path=real.folder / "frozen.pb",
            **options,
        )
    except Exception as error:  # told by the verdict on this model
        real.error = error


def invent(fact: Any, hints: Hints, random: np.random.RandomState) -> Any:
    """An input of the type and shape asked for: small numbers, and switches for inference."""
    if fact.name in hints.feeds:
        return hints.feeds[fact.name]
    shape = hints.shapes.get(fact.name, fact.shape or ())
    shape = [BATCH if length < 0 else length for length in shape]
    if fact.dtype == "string":
        return np.full(shape, b"text", object)
    if fact.dtype == "bool":
        return np.zeros(shape, bool)
    if "int" in fact.dtype:
        return random.randint(0, 3, shape).astype(fact.dtype)
    if "keep_prob" in fact.name:
        return np.ones(shape, fact.dtype)
    return random.uniform(0, 1, shape).astype(fact.dtype)


def order_of(real: Real, hints: Hints) -> dict[str, Any]:
    """Write the inputs of a frozen graph, and say what is to be computed."""
    random = np.random.RandomState(zlib.crc32(real.name.encode()))
    feeds = dict(hints.feeds)
    for fact in real.frozen.inputs:
        if fact.default is None:
            feeds[fact.name] = invent(fact, hints, random)
    write_arrays(real.folder / "feeds.npz", feeds)
    outputs = dict(real.frozen.outputs)
    if real.signature is None:
        tensors = {key: key for key in outputs}
    else:
        signed = real.graph.signatures[real.signature].outputs
        tensors = {key: signed[key].name for key in outputs}
    return {
        "folder": str(real.folder),
        "model": str(real.path),
        "prefix": real.prefix,
        "tags": [] if real.signature is None else list(real.graph.tags),
        "tensors": tensors,
        "variables": {each.name: each.name for each in real.frozen.variables if each.kind == "ref"},
        "frozen": str(real.folder / "frozen.pb"),
        "outputs": outputs,
        "init_ops": [real.frozen.init_op] if real.frozen.init_op else [],
    }


def freeze_and_run(corpus: Path, folder: Path, hints: Mapping[str, Hints]) -> list[Real]:
    """Freeze every model of the corpus, and let TensorFlow compute what it can."""
    heads = json.loads((corpus / "outputs.json").read_text())
    models, orders = list(find_models(corpus)), []
    for number, real in enumerate(models):
        real.folder = folder / str(number)
        real.folder.mkdir()
        of_this = hints.get(real.name, Hints())
        freeze(real, heads, of_this)
        if real.frozen is not None:
            orders.append(order_of(real, of_this))
    (folder / "orders.json").write_text(json.dumps(orders))
    in_tensorflow("corpus_worker", "answer_all", folder)
    return models


def export_and_run(models: Iterable[Real], folder: Path) -> dict[str, Path]:
    """Export graphs as SavedModels, and let TensorFlow load and run them.

    Returns:
        The file of each one's answer, beside which the error lies where there is none.
    """
    answers, orders = {}, []
    for number, real in enumerate(models):
        path, answer = folder / str(number), folder / f"{number}.npz"
        ckpt = real.prefix if real.invented else None
        tb.export_saved_model(real.graph, ckpt, outputs=list(real.frozen.outputs), path=path)
        feeds = str(real.folder / "feeds.npz")
        orders.append({"saved_model": str(path), "feeds": feeds, "answer": str(answer)})
        answers[real.name] = answer
    (folder / "orders.json").write_text(json.dumps(orders))
    in_tensorflow("worker", "run", folder)
    return answers
