"""Frozen graphs opened as checkpoints: what TensorFlow wrote, compared, exported, damaged."""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field
from tensorbundle._graphdef.attributes import tensor_attr, type_attr
from tensorbundle._graphdef.nodes import const_node, make_node
from tensorbundle._graphdef.tensors import encode_tensor, tensor_header
from tests.oracle.client import in_tensorflow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Graphs and checkpoints that TensorFlow wrote."""
    folder = tmp_path_factory.mktemp("frozen")
    in_tensorflow("tests.checkpoint.frozen_programs", "write", folder)
    return folder


def write_graph(path: Path, *nodes, library: bytes = b"") -> str:
    parts = [bytes_field(1, bytes(node.encode())) for node in nodes]
    path.write_bytes(b"".join(parts) + (bytes_field(2, library) if library else b""))
    return str(path)


def raw_const(name: str, tensor: bytes, dtype: int = 1):
    return make_node(name, "Const", (), {"dtype": type_attr(dtype), "value": tensor_attr(tensor)})


# --- what TensorFlow wrote --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dtypes.pb", "dtypes.pbtxt"])
@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_every_type_and_form_is_read_as_tensorflow_reads_it(made: Path, name, mode) -> None:
    expected = json.loads((made / "dtypes.json").read_text())
    ckpt = tb.open(made / name, mode=mode)
    assert set(ckpt) == {*expected, "body/inner"}
    for key, record in expected.items():
        info, array = ckpt.info(key), ckpt[key]
        assert (info.tf_dtype, list(info.shape)) == (record["dtype"], record["shape"])
        assert (repr(array.dtype), array.shape) == (repr(info.dtype), info.shape)
        assert array.flags.writeable == (mode != "r")
        sha256 = hashlib.sha256()
        if array.dtype.kind == "O":
            for element in array.reshape(-1).tolist():
                sha256.update(len(element).to_bytes(8, "little") + element)
        else:
            sha256.update(np.ascontiguousarray(array).tobytes())
        assert sha256.hexdigest() == record["sha256"], key
    assert ckpt["body/inner"].tolist() == [0, 1, 2]
    report = ckpt.verify()
    assert (report.ok, report.checked) == (True, len(ckpt))
    assert report.notes == ("graphs have no checksums: damage within values is not seen",)


@pytest.mark.parametrize("name", ["dtypes.pb", "dtypes.pbtxt", "v1/frozen.pb", "v2/frozen.pb"])
def test_crosscheck_imports_the_graph(made: Path, name: str) -> None:
    result = tb.crosscheck(made / name)
    assert result.ok
    assert result.counts == {"equal": len(tb.open(made / name))}
    how = {each.name: each.how for each in result.comparisons}
    if name == "v1/frozen.pb":
        assert how["dense/w"] == "make_ndarray and Session.run"
        assert result.location.kind == "graph"


def test_crosscheck_of_a_damaged_constant_says_so(tmp_path: Path) -> None:
    short = raw_const("short", tensor_header(1, (4,), 12) + bytes(12))
    path = write_graph(tmp_path / "g.pb", short, const_node("w", np.ones(3, np.float32)))
    result = tb.crosscheck(path)
    assert {each.name: each.status for each in result.comparisons} == {
        "short": "neither can",
        "w": "equal",
    }
    assert not result.ok


def test_views_are_not_copies(made: Path) -> None:
    ckpt = tb.open(made / "v1" / "frozen.pb")
    array = ckpt["dense/w"]
    assert not array.flags.owndata
    assert np.shares_memory(array, ckpt["dense/w"])
    owned = ckpt.load(["dense/w"])["dense/w"]
    owned += 1
    assert not np.array_equal(owned, array)


def test_large_graphs_are_mapped(tmp_path: Path) -> None:
    big = np.arange(17 << 20, dtype=np.float32)
    path = write_graph(tmp_path / "big.pb", const_node("big", big), const_node("b", np.ones(2)))
    ckpt = tb.open(path)
    array = ckpt["big"]
    del ckpt
    assert array[-1] == big[-1]
    assert tb.open(path, mode="read")["big"][5] == 5


def test_export_and_rewrite_take_a_graph(made: Path, tmp_path: Path) -> None:
    ckpt = tb.open(made / "v1" / "frozen.pb")
    tb.export(ckpt, tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz") as stored:
        assert np.array_equal(stored["dense/w"], ckpt["dense/w"])
    tb.rewrite(str(made / "v1" / "frozen.pb"), str(tmp_path / "again"))
    assert np.array_equal(tb.open(tmp_path / "again")["dense/w"], ckpt["dense/w"])
    assert ckpt.read_slice("dense/w", np.s_[1:3]).shape == (2, 3)
    assert b"".join(ckpt.chunks("dense/b")) == np.ones(3, np.float32).tobytes()


# --- from which checkpoint? -------------------------------------------------------------------


def test_diff_says_whether_a_graph_was_made_from_a_checkpoint(made: Path) -> None:
    same = tb.diff(made / "v1" / "frozen.pb", made / "v1" / "model.ckpt-1")
    assert same.frozen
    assert same.same
    assert same.equal == 2
    assert "dense/w/Adam" in same.only_b
    later = tb.diff(made / "v1" / "model.ckpt-1", made / "v1" / "later.pb")
    assert not later.same
    assert {each.name for each in later.changed} == {"dense/w", "dense/b"}
    assert not tb.diff(made / "v2" / "frozen.pb", made / "v1" / "model.ckpt-1").same


def test_diff_finds_weights_under_the_keys_of_an_object_checkpoint(made: Path) -> None:
    found = tb.diff(made / "v2" / "frozen.pb", made / "v2" / "model")
    assert found.same
    assert sorted(found.renamed.values()) == [
        "bias/.ATTRIBUTES/VARIABLE_VALUE",
        "kernel/.ATTRIBUTES/VARIABLE_VALUE",
    ]


def test_diff_of_two_graphs_is_as_of_two_checkpoints(made: Path) -> None:
    found = tb.diff(made / "v1" / "frozen.pb", made / "v1" / "later.pb")
    assert not found.frozen
    assert not found.same


CORPUS = [
    ("haibeey__puzzle15ml/frozen_model.pb", "haibeey__puzzle15ml/modeldir/model.ckpt", True),
    (
        "onnx__tensorflow-onnx/tests/models/regression/graphdef/frozen.pb",
        "onnx__tensorflow-onnx/tests/models/regression/checkpoint/model",
        True,
    ),
    (
        "onnx__tensorflow-onnx/tests/models/regression/graphdef/frozen.pb",
        "onnx__tensorflow-onnx/tests/models/regression/saved_model",
        True,
    ),
    # Frozen from another program: no tensor in common.
    (
        "huqinwei__tensorflow_demo/api_demo/my_final_graph.pb",
        "huqinwei__tensorflow_demo/api_demo/my_model_savedd",
        False,
    ),
]


@pytest.mark.parametrize(("graph", "ckpt", "same"), CORPUS)
def test_frozen_graphs_beside_real_checkpoints(corpus: Path, graph, ckpt, same) -> None:
    assert tb.diff(corpus / graph, corpus / ckpt).same == same
    assert tb.open(corpus / graph).verify().ok


def test_diff_as_a_command(made: Path) -> None:
    def diff(graph: str, *options: str) -> "subprocess.CompletedProcess[str]":
        paths = [made / "v1" / graph, made / "v1" / "model.ckpt-1"]
        command = [sys.executable, "-m", "tensorbundle", "diff", *paths, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    same = diff("frozen.pb")
    assert (same.returncode, same.stdout) == (0, "6 only in B, 2 tensors equal\n")
    later = diff("later.pb")
    assert later.returncode == 1
    assert later.stdout.startswith("! dense/b  float32[3]  3 of 3 differ, by at most ")
    assert json.loads(diff("frozen.pb", "--json").stdout)["frozen"] is True


# --- what is no frozen graph ------------------------------------------------------------------


def test_a_graph_with_variables_is_pointed_to_its_checkpoint(made: Path, corpus: Path) -> None:
    with pytest.raises(tb.FormatError, match=r"has 8 variables .*`load_graph` shows .*`freeze`"):
        tb.open(made / "v1" / "unfrozen.pb")
    with pytest.raises(tb.FormatError, match="has 26 variables whose values are in a checkpoint"):
        tb.open(corpus / "Hishmad__basic-machine-learning" / "iris_model" / "graph.pbtxt")


def test_a_partly_frozen_graph_gives_its_constants(made: Path) -> None:
    ckpt = tb.open(made / "v1" / "partly.pb")
    assert "dense/w" in ckpt
    assert "dense/b" not in ckpt


def test_a_graph_without_constants(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "g.pb", make_node("a", "NoOp"), make_node("b", "NoOp"))
    with pytest.raises(tb.FormatError, match="a graph of 2 nodes without a constant: `load_graph`"):
        tb.open(path)


def test_a_meta_still_means_its_checkpoint(made: Path) -> None:
    ckpt = tb.open(made / "v1" / "model.ckpt-1.meta")
    assert ckpt.location.kind == "v2"


def test_near_names_are_suggested(made: Path) -> None:
    ckpt = tb.open(made / "v1" / "frozen.pb")
    with pytest.raises(tb.TensorNotFoundError, match="did you mean 'dense/w'"):
        ckpt["dense/ww"]


# --- damage -----------------------------------------------------------------------------------


def test_verify_names_every_bad_constant(tmp_path: Path) -> None:
    path = write_graph(
        tmp_path / "g.pb",
        const_node("good", np.ones(3, np.float32)),
        raw_const("short", tensor_header(1, (4,), 12) + bytes(12)),
        raw_const("typed", tensor_header(3, (), 0) + b"\x3a\x02\x01\x02", 3),
        raw_const("other", encode_tensor(np.ones(2, np.float64)), 1),
        make_node("empty", "Const"),
        raw_const("shapeless", b"\x08\x01\x12\x02\x18\x01"),
        raw_const("handle", b"\x08\x14", 20),
        const_node("good", np.zeros(3, np.float32)),
        const_node("last", np.array([b"text"], object)),
    )
    report = tb.open(path).verify()
    assert {fault.name: fault.kind for fault in report.faults} == {
        "good": "malformed",
        "short": "size mismatch",
        "typed": "malformed",
        "other": "malformed",
        "empty": "malformed",
        "shapeless": "malformed",
        "handle": "unsupported",
    }
    assert (report.ok, report.checked) == (False, 2)
    messages = {fault.name: fault.message for fault in report.faults}
    assert messages["good"] == "several nodes have the name 'good': the first was taken"
    assert "has 12 bytes of content: expected 16" in messages["short"]
    assert "the node says float32, its value is float64" in messages["other"]
    assert all(fault.path == path for fault in report.faults)


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    path = write_graph(
        tmp_path / "g.pb", const_node("a", np.ones(3)), const_node("b", np.array([b"x"], object))
    )
    told: list[tuple[int, int]] = []
    tb.open(path).verify(progress=lambda *seen: told.append(seen))
    assert told
    assert told[-1][0] == told[-1][1]


def test_a_bad_constant_spoils_itself_only(tmp_path: Path) -> None:
    path = write_graph(
        tmp_path / "g.pb", make_node("bad", "Const"), const_node("w", np.ones(3, np.float32))
    )
    ckpt = tb.open(path)
    assert ckpt["w"].tolist() == [1, 1, 1]
    with pytest.raises(tb.FormatError, match="a constant has no value") as caught:
        ckpt["bad"]
    assert (caught.value.path, caught.value.key) == (path, "bad")


def test_one_value_for_more_than_memory_is_refused(tmp_path: Path) -> None:
    path = write_graph(tmp_path / "g.pb", raw_const("huge", tensor_header(1, (1 << 40,), 0)))
    ckpt = tb.open(path)
    for read in (lambda: ckpt["huge"], lambda: ckpt.load(), lambda: ckpt.views()):
        with pytest.raises(tb.UnsupportedError, match=r"stands? for 4398046511104 bytes"):
            read()
    assert len(next(ckpt.chunks("huge"))) == 8 << 20
    assert ckpt.verify().ok  # it is sound, only too large to be made


def test_truncations_and_flips_give_constants_or_our_errors(made: Path, tmp_path: Path) -> None:
    whole = (made / "v2" / "frozen.pb").read_bytes()
    dice = random.Random(4)
    cases = [whole[:end] for end in range(0, len(whole), 97)]
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        cases.append(bytes(damaged))
    path = tmp_path / "damaged.pb"
    for case in cases:
        path.write_bytes(case)
        try:
            ckpt = tb.open(path)
            ckpt.verify()
            ckpt.load()
        except tb.TensorBundleError:
            continue


def test_without_protobuf_a_text_names_it(made: Path, monkeypatch) -> None:
    from tensorbundle._graphdef import text

    monkeypatch.setitem(sys.modules, "google.protobuf", None)
    text._loaded.cache_clear()
    with pytest.raises(tb.UnsupportedError, match="pip install protobuf"):
        tb.open(made / "dtypes.pbtxt")
