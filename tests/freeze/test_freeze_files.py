"""Freezing models of several graphs and of unknown ops, and exporting them as SavedModels."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.models import Models, in_tensorflow
from tests.freeze.programs.arrays import exact, read_arrays

EXPORTED = (
    "softmax ref",
    "softmax resource",
    "swapped ref",
    "averages restored",
    "partitioned ref",
    "partitioned resource",
    "loop ref v1",
    "loop resource v1",
    "handles true",
    "normalized ref v1",
    "normalized resource v2",
)
TAG_SETS = ("train", "eval serve", "serve")


class Work:
    """What TensorFlow is asked to run, all in one process, and what it answered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders: list[dict[str, Any]] = []

    def frozen(self, name: str, frozen: Any, feeds: Path) -> None:
        init_ops = [frozen.init_op] if frozen.init_op else []
        self._add(name, feeds, graph=frozen.path, outputs=dict(frozen.outputs), init_ops=init_ops)

    def saved_model(self, name: str, path: Path, feeds: Path) -> None:
        self._add(name, feeds, saved_model=str(path))

    def _add(self, name: str, feeds: Path, **order: Any) -> None:
        answer = str(self.folder / f"{name}.npz")
        self.orders.append({"feeds": str(feeds), "answer": answer, **order})

    def run(self) -> None:
        (self.folder / "orders.json").write_text(json.dumps(self.orders))
        in_tensorflow("worker", "run", self.folder)

    def values(self, name: str) -> dict[str, np.ndarray]:
        told = self.folder / f"{name}.error"
        assert not told.exists(), told.read_text()
        return read_arrays(self.folder / f"{name}.npz")


@pytest.fixture(scope="module")
def work(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Work:
    work = Work(tmp_path_factory.mktemp("files"))
    several = models["several graphs"].folder
    for tags in TAG_SETS:
        path = work.folder / f"{tags}.pb"
        frozen = tb.freeze(several / "model", tags=tags.split(), path=path)
        work.frozen(tags, frozen, several / "feeds.npz")
    thin = tb.freeze(several / "model", signature="sparse", path=work.folder / "sparse.pb")
    work.frozen("sparse", thin, several / "feeds.npz")
    for name in EXPORTED:
        model, path = models[name], work.folder / name
        tb.export_saved_model(model.path, outputs=model.outputs, path=path)
        work.saved_model(name, path, model.folder / "feeds.npz")
    deep = models["deep calls"].folder
    np.savez(work.folder / "deep-feeds.npz", header=json.dumps([["x:0", "float32", [1, 3], []]]),
             **{"0": np.zeros(12, np.uint8)})  # fmt: skip
    frozen = tb.freeze(deep / "graph.pb", outputs=["call"], path=work.folder / "deep.pb")
    work.frozen("deep", frozen, work.folder / "deep-feeds.npz")
    work.run()
    return work


# --- several graphs in one file -----------------------------------------------------------------


@pytest.mark.parametrize("tags", TAG_SETS)
def test_each_graph_of_a_saved_model_by_its_tags(work: Work, models: Models, tags: str) -> None:
    expected = read_arrays(models["several graphs"].folder / "expected.npz")
    ordered = "serve eval" if tags == "eval serve" else tags
    (found,) = work.values(tags).values()
    assert exact(found) == exact(expected[f"serving_default {ordered}"])


def test_signature_with_a_sparse_input(work: Work, models: Models) -> None:
    expected = read_arrays(models["several graphs"].folder / "expected.npz")
    (found,) = work.values("sparse").values()
    assert exact(found) == exact(expected["sparse"])


def test_the_graph_tagged_serve_is_taken_by_default(models: Models, tmp_path: Path) -> None:
    model = models["several graphs"].folder / "model"
    tb.freeze(model, path=tmp_path / "default.pb")
    tb.freeze(model, tags=["serve"], path=tmp_path / "serve.pb")
    assert (tmp_path / "default.pb").read_bytes() == (tmp_path / "serve.pb").read_bytes()


def test_unknown_tags_and_signatures_are_told_with_those_there_are(models: Models) -> None:
    model = models["several graphs"].folder / "model"
    with pytest.raises(tb.TensorNotFoundError, match=r"'eval', 'serve'.*'train'|'train'.*'eval'"):
        tb.freeze(model, tags=["gpu"])
    with pytest.raises(tb.TensorNotFoundError, match=r"(?s)predict.*serving_default.*sparse"):
        tb.freeze(model, signature="predict")


def test_signature_without_outputs_is_refused(models: Models) -> None:
    with pytest.raises(tb.TensorBundleError, match="nothing"):
        tb.freeze(models["several graphs"].folder / "model", signature="nothing")


# --- functions ----------------------------------------------------------------------------------


def test_two_hundred_nested_calls(work: Work) -> None:
    (found,) = work.values("deep").values()
    assert found.tolist() == [[200.0] * 3]


def test_function_that_calls_itself_is_refused(models: Models) -> None:
    with pytest.raises(tb.FormatError, match="functions call themselves: __inference_inner"):
        tb.freeze(models["recursive"].folder / "model")


@pytest.mark.parametrize("name", ["listed 1", "listed 2", "unlisted 1"])
def test_unknown_op_is_inlined_where_its_outputs_are_known(
    models: Models, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "frozen.pb"
    frozen = tb.freeze(models[f"unknown op {name}"].folder / "model", path=path)
    assert tb.load_graph(path).ops["NobodysUnique"] == 1
    assert "NobodysUnique" in "\n".join(frozen.warnings)


def test_unknown_op_of_several_outputs_asks_for_a_list_of_ops(models: Models) -> None:
    with pytest.raises(tb.UnsupportedError, match="NobodysUnique"):
        tb.freeze(models["unknown op unlisted 2"].folder / "model")


# --- SavedModels without TensorFlow -------------------------------------------------------------


@pytest.mark.parametrize("loader", ["v1", "v2"])
@pytest.mark.parametrize("name", EXPORTED)
def test_exported_saved_model_computes_the_same(
    work: Work, models: Models, name: str, loader: str
) -> None:
    found = {
        key.removeprefix(f"{loader} "): exact(value)
        for key, value in work.values(name).items()
        if key.startswith(loader)
    }
    expected = models[name].arrays("expected")
    assert found == {key: exact(value) for key, value in expected.items()}
