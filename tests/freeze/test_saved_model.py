"""`export_saved_model`: its files, what TensorFlow makes of them, and what is refused."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._graphdef.attributes import shape_attr, type_attr, type_list_attr
from tensorbundle._graphdef.nodes import const_node, make_node
from tests.checkpoint.v1_files import write_tensor
from tests.freeze.models import in_tensorflow
from tests.freeze.programs.arrays import exact, read_arrays, write_arrays
from tests.golden.table_file import varint
from tests.graph.small_graphs import identity, operation, placeholder, variable, write_meta

FLOAT, DOUBLE, INT32, RESOURCE = 1, 2, 3, 20
W = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
X = np.linspace(-1, 1, 8).astype(np.float32).reshape(2, 4)


def handle(name: str, shape: tuple[int, ...], dtype: int = FLOAT) -> Any:
    return make_node(
        name, "VarHandleOp", (), {"dtype": type_attr(dtype), "shape": shape_attr(shape)}
    )


def read(name: str, source: str, dtype: int = FLOAT) -> Any:
    return make_node(name, "ReadVariableOp", (source,), {"dtype": type_attr(dtype)})


def dense(resource: bool = False) -> list[Any]:
    nodes = [placeholder("x", FLOAT, (-1, 4))]
    nodes += [handle("w", (4, 3)) if resource else variable("w", FLOAT, (4, 3))]
    nodes += [read("w/read", "w") if resource else identity("w/read", "w")]
    return [*nodes, operation("MatMul", "y", "x", "w/read")]


def write_dense(folder: Path, resource: bool = False) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    tb.save(folder / "model.ckpt", {"w": W, "w/Adam": W})
    return write_meta(folder / "model.ckpt.meta", dense(resource))


def run(folder: Path, models: dict[str, dict[str, Any]]) -> dict[str, dict[str, np.ndarray]]:
    """The outputs of SavedModels by both of TensorFlow's loaders: of each its feeds are given."""
    orders = []
    for name, feeds in models.items():
        write_arrays(folder / f"{name}-feeds.npz", feeds)
        orders.append({
            "saved_model": str(folder / name),
            "feeds": str(folder / f"{name}-feeds.npz"),
            "answer": str(folder / f"{name}-answer.npz"),
        })  # fmt: skip
    (folder / "orders.json").write_text(json.dumps(orders))
    in_tensorflow("worker", "run", folder)
    answers = {}
    for name in models:
        told = folder / f"{name}-answer.error"
        assert not told.exists(), (name, told.read_text())
        answers[name] = read_arrays(folder / f"{name}-answer.npz")
    return answers


# --- files --------------------------------------------------------------------------------------


def test_weights_are_hard_linked_and_nothing_else_is_there(tmp_path: Path) -> None:
    meta = write_dense(tmp_path / "m")
    done = tb.export_saved_model(meta, outputs="y", path=tmp_path / "s")
    names = [
        "saved_model.pb",
        "variables/variables.data-00000-of-00001",
        "variables/variables.index",
    ]
    assert sorted(done.files) == [str(tmp_path / "s" / name) for name in names]
    assert (
        sorted(str(each.relative_to(tmp_path / "s")) for each in (tmp_path / "s").rglob("*.*"))
        == names
    )
    for name in names[1:]:
        source = tmp_path / "m" / os.path.basename(name).replace("variables", "model.ckpt")
        assert (tmp_path / "s" / name).samefile(source)
    assert done.linked
    assert (done.signature, done.outputs) == ("serving_default", {"y": "y:0"})
    assert [str(each) for each in done.inputs.values()] == ["x:0 float32[?, 4]"]
    assert [each.name for each in done.variables] == ["w"]


def test_exported_model_is_read_back(tmp_path: Path) -> None:
    meta = write_dense(tmp_path / "m", resource=True)
    done = tb.export_saved_model(meta, outputs={"scores": "y"}, path=tmp_path / "s")
    graph = tb.load_graph(tmp_path / "s")
    assert (graph.tags, graph.num_nodes) == (("serve",), done.num_nodes)
    signature = graph.signatures["serving_default"]
    assert signature.outputs["scores"].name == "scores:0"
    assert signature.inputs["x"].shape == (-1, 4)
    assert {each.name: (each.key, each.how) for each in graph.variables.values()} == {
        "w": ("w", "restore op")
    }
    assert graph.saver is not None
    assert graph.saver.restore_op == "save/restore_all"
    frozen = tb.freeze(tmp_path / "s")
    assert frozen.outputs == {"scores": "scores:0"}
    assert tb.freeze(meta, outputs={"scores": "y"}).num_nodes == frozen.num_nodes


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    meta = write_dense(tmp_path / "m")
    for name in ("1", "2"):
        tb.export_saved_model(meta, outputs="y", path=tmp_path / name)
    first, second = ((tmp_path / name / "saved_model.pb").read_bytes() for name in ("1", "2"))
    assert first == second


def test_earlier_model_is_replaced_and_nothing_else_ever(tmp_path: Path) -> None:
    meta = write_dense(tmp_path / "m")
    target = tmp_path / "s"
    tb.export_saved_model(meta, outputs="y", path=target)
    (target / "fingerprint.pb").write_bytes(b"stale")
    tb.export_saved_model(meta, outputs="w/read", path=target, overwrite=True)
    assert not (target / "fingerprint.pb").exists()
    assert tb.load_graph(target).signatures["serving_default"].outputs.keys() == {"w/read"}
    with pytest.raises(FileExistsError, match="exists"):
        tb.export_saved_model(meta, outputs="y", path=target, overwrite=False)
    (target / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"holds more than a SavedModel: 'thesis.txt'"):
        tb.export_saved_model(meta, outputs="y", path=target, overwrite=True)


def test_model_never_replaces_what_it_is_made_of(tmp_path: Path) -> None:
    meta = write_dense(tmp_path / "m")
    tb.export_saved_model(meta, outputs="y", path=tmp_path / "s")
    with pytest.raises(tb.ConversionError, match="would replace what it is made of"):
        tb.export_saved_model(tmp_path / "s", path=tmp_path / "s")
    with pytest.raises(tb.ConversionError, match="would replace what it is made of"):
        tb.export_saved_model(meta, tmp_path / "s", outputs="y", path=tmp_path / "s")
    again = tb.export_saved_model(tmp_path / "s", path=tmp_path / "t")
    assert (again.outputs, list(again.inputs)) == ({"y": "y:0"}, ["x"])


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    meta = write_dense(tmp_path / "m")
    os.unlink(tmp_path / "m" / "model.ckpt.data-00000-of-00001")
    with pytest.raises(tb.MissingFileError, match="needed by 'w'"):
        tb.export_saved_model(meta, outputs="y", path=tmp_path / "s")
    with pytest.raises(tb.TensorNotFoundError, match="no output 'yy' in the graph"):
        tb.export_saved_model(meta, outputs="yy", path=tmp_path / "s")
    assert [each.name for each in tmp_path.iterdir()] == ["m"]


# --- what TensorFlow makes of it ----------------------------------------------------------------


def restoring(nodes: list[Any], stored: int, *between: Any) -> list[Any]:
    """Nodes, and those that restore the variable `w` from what is stored as `saved`."""
    restore = [
        const_node("file", np.array(b"", object)),
        const_node("names", np.array([b"saved"], object)),
        const_node("parts", np.array([b""], object)),
        make_node("restore", "RestoreV2", ("file", "names", "parts"),
                  {"dtypes": type_list_attr([stored])}),
    ]  # fmt: skip
    last = between[-1].name if between else "restore"
    assign = make_node("assign", "Assign", ("w", last), {"T": type_attr(FLOAT)})
    return [*nodes, *restore, *between, assign]


def make_models(folder: Path) -> dict[str, np.ndarray]:
    """SavedModels of several kinds, and what each gives for X."""
    for resource in (False, True):
        meta = write_dense(folder / f"from-{resource}", resource)
        tb.export_saved_model(meta, outputs="y", path=folder / f"plain-{resource}")
    tb.save(folder / "cast", {"saved": W.astype(np.float64)})
    cast = make_node(
        "cast", "Cast", ("restore",), {"SrcT": type_attr(DOUBLE), "DstT": type_attr(FLOAT)}
    )
    write_meta(folder / "cast.meta", restoring(dense(), DOUBLE, cast))
    tb.export_saved_model(folder / "cast.meta", outputs="y", path=folder / "casting")
    tb.save(folder / "flat", {"saved": W.reshape(-1)})
    reshape = make_node("reshape", "Reshape", ("restore", "shape"),
                        {"T": type_attr(FLOAT), "Tshape": type_attr(INT32)})  # fmt: skip
    shape = const_node("shape", np.array([4, 3], np.int32))
    write_meta(folder / "flat.meta", restoring([*dense(), shape], FLOAT, reshape))
    tb.export_saved_model(folder / "flat.meta", outputs="y", path=folder / "reshaping")
    packed = W.astype("<f4").tobytes()
    values = varint(5 << 3 | 2) + varint(len(packed)) + packed
    old = write_tensor(folder / "old.ckpt", FLOAT, (4, 3), values=values, name=b"w")
    write_meta(folder / "old.meta", dense())
    done = tb.export_saved_model(folder / "old.meta", old, outputs="y", path=folder / "from-v1")
    assert not done.linked
    (folder / "frozen.pb").write_bytes(tb.freeze(folder / "from-v1").data)
    tb.export_saved_model(folder / "frozen.pb", outputs="y", path=folder / "constants")
    kinds = ("plain-False", "plain-True", "casting", "reshaping", "from-v1", "constants")
    return dict.fromkeys(kinds, X @ W)


def test_both_loaders_of_tensorflow_give_the_outputs_of_the_graph(tmp_path: Path) -> None:
    expected = make_models(tmp_path)
    answers = run(tmp_path, {name: {"x:0": X} for name in expected})
    reference = exact(answers["constants"]["v1 y:0"])
    for name, answer in answers.items():
        assert set(answer) == {"v1 y:0", "v2 y:0"}
        np.testing.assert_allclose(answer["v1 y:0"], expected[name], rtol=1e-5)
        assert {exact(each) for each in answer.values()} == {reference}, name


def test_frozen_graph_becomes_a_model_without_variables(tmp_path: Path) -> None:
    meta = write_dense(tmp_path / "m")
    tb.freeze(meta, outputs="y", path=tmp_path / "f.pb")
    done = tb.export_saved_model(tmp_path / "f.pb", outputs="y", path=tmp_path / "s")
    assert [os.path.basename(each) for each in done.files] == ["saved_model.pb"]
    assert (done.variables, done.linked, tb.load_graph(tmp_path / "s").saver) == ((), False, None)
