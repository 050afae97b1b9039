"""What is written, and where: signatures of modes, versions, suffixes, options of each command."""

import json
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, text_field
from tensorbundle._graphdef.attributes import type_attr
from tensorbundle._graphdef.nodes import make_node
from tests.freeze.computing import computed
from tests.freeze.models import in_tensorflow
from tests.freeze.program import document, run
from tests.freeze.programs.arrays import read_arrays, write_arrays
from tests.graph.small_graphs import (
    FLOAT,
    VALUES,
    graph_def,
    identity,
    network,
    placeholder,
    variable,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("model")
    tb.save(folder / "model.ckpt", VALUES)
    info, graph = text_field(5, "0.12.head"), graph_def(network())
    path = folder / "model.ckpt.meta"
    path.write_bytes(bytes_field(1, info) + bytes_field(2, graph))
    return str(path)


@pytest.fixture(scope="module")
def modes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("modes")
    in_tensorflow("mode_programs", "main", folder)
    return folder


# --- signatures of training and evaluation -------------------------------------------------------


def test_outputs_of_a_signature_that_write_are_left_out_and_told(
    modes: Path, tmp_path: Path
) -> None:
    frozen = tb.freeze(modes / "model", tags="eval")
    assert sorted(frozen.outputs) == ["loss", "metrics/accuracy/value", "predictions/logits"]
    (told,) = [each for each in frozen.warnings if "of the signature" in each]
    assert "1 output of the signature is left out" in told
    assert "'metrics/accuracy/update_op'" in told
    feeds = read_arrays(modes / "feeds.npz") | {"labels": np.array([0, 1])}
    (found,) = computed(tmp_path, [(frozen, feeds)])
    expected = read_arrays(modes / "expected.npz")["logits"]
    assert np.array_equal(found["predictions/logits"], expected)


def test_signature_of_nothing_but_writes_names_the_graphs_that_can_be_frozen(
    modes: Path, tmp_path: Path
) -> None:
    with pytest.raises(tb.UnsupportedError, match=r"other graphs: tags='(serve|eval)'"):
        tb.freeze(modes / "model", tags="train")
    said = run("freeze", modes / "model", tmp_path / "f.pb", "--tags", "train", code=2).stderr
    assert "--tags serve" in said


def test_outputs_that_were_named_are_never_left_out(modes: Path) -> None:
    with pytest.raises(tb.UnsupportedError, match="variables are written on the way"):
        tb.freeze(
            modes / "model",
            tags="eval",
            outputs=["metrics/accuracy/update_op", "predictions/logits"],
        )


# --- versions -------------------------------------------------------------------------------------


def test_saved_model_of_an_old_graph_has_a_version_that_loaders_take(
    model: str, tmp_path: Path
) -> None:
    done = tb.export_saved_model(
        model, path=tmp_path / "served", outputs="net/logits", bind={"keep_prob": 1.0}
    )
    assert tb.load_graph(done.path).tensorflow_version == "0.12.0"
    x = np.ones((2, *loaded_shape(done)), np.float32)
    write_arrays(tmp_path / "feeds.npz", {"x:0": x})
    order = {
        "saved_model": done.path,
        "feeds": str(tmp_path / "feeds.npz"),
        "answer": str(tmp_path / "answer.npz"),
    }
    (tmp_path / "orders.json").write_text(json.dumps([order]))
    in_tensorflow("worker", "run", tmp_path)
    assert not (tmp_path / "answer.error").exists(), (tmp_path / "answer.error").read_text()
    assert len(read_arrays(tmp_path / "answer.npz")) == 2  # by both of TensorFlow's loaders


def loaded_shape(done: tb.ExportedModel) -> tuple[int, ...]:
    (x,) = (each for each in done.inputs.values() if each.name == "x:0")
    assert x.shape is not None
    return tuple(dim for dim in x.shape[1:])


@pytest.mark.parametrize(
    ("stored", "written"),
    [("1.15.0-rc2", "1.15.0-rc2"), ("0.12.head", "0.12.0"), ("2.3.0-dev20200701",) * 2,
     ("head", ""), ("1.4.0-19-ga52c8d9", "1.4.0"), ("2.21.0",) * 2],
)  # fmt: skip
def test_version_is_kept_where_loaders_can_compare_it(
    tmp_path: Path, stored: str, written: str
) -> None:
    nodes = [placeholder("x"), identity("y", "x")]
    path = tmp_path / "m.meta"
    path.write_bytes(bytes_field(1, text_field(5, stored)) + bytes_field(2, graph_def(nodes)))
    done = tb.export_saved_model(path, path=tmp_path / "served", outputs="y")
    assert tb.load_graph(done.path).tensorflow_version == written


# --- suffixes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "tool"),
    [(".tflite", "TensorFlow Lite"), (".onnx", "tf2onnx"), (".xml", "OpenVINO"), (".H5", "HDF5")],
)
def test_suffix_of_another_format_is_refused_naming_what_goes_on_from_a_pb(
    model: str, tmp_path: Path, suffix: str, tool: str
) -> None:
    target = tmp_path / f"f{suffix}"
    for make in (tb.freeze, tb.prune):
        with pytest.raises(tb.ConversionError, match=f"write a .pb .{tool}.*format='pb'"):
            make(model, outputs="net/logits", path=target)
    for command in ("freeze", "prune"):
        said = run(command, model, target, "-o", "net/logits", code=2).stderr
        assert "--format pb" in said
    assert not target.exists()
    run("freeze", model, target, "-o", "net/logits", "--format", "pb")
    assert target.read_bytes() == tb.freeze(model, outputs="net/logits").data


def test_format_says_what_a_suffix_does_not(model: str, tmp_path: Path) -> None:
    target = tmp_path / "graph.txt"
    tb.freeze(model, outputs="net/logits", path=target, format="pbtxt", overwrite=True)
    assert target.read_bytes().lstrip().startswith(b"node {")
    with pytest.raises(ValueError, match="format must be one of"):
        tb.freeze(model, outputs="net/logits", path=target, format="onnx")  # type: ignore[arg-type]


# --- the commands' options ------------------------------------------------------------------------


def test_prune_and_export_take_what_their_functions_take(model: str, tmp_path: Path) -> None:
    run("prune", model, tmp_path / "p.pb", "-o", "net/logits", "--bind", "keep_prob=1.0",
        "-i", "x=5,?")  # fmt: skip
    pruned = tb.prune(model, outputs="net/logits", bind={"keep_prob": 1.0}, inputs={"x": (5, None)})
    assert (tmp_path / "p.pb").read_bytes() == pruned.data
    told = document(
        "export-saved-model", model, tmp_path / "served", "-o", "scores=net/logits",
        "--bind", "keep_prob=1.0", "--ema", "--missing", "initial",
    )  # fmt: skip
    assert list(told["outputs"]) == ["scores"]
    assert {each["key"] for each in told["variables"]} >= {"ema/net/b"} or told["variables"]
    assert document("prune", model, tmp_path / "q.pb", "-o", "net/logits")["path"]


def test_help_says_that_o_is_an_output_and_the_file_comes_second() -> None:
    said = " ".join(run("freeze", "--help").stdout.split())
    assert "The file to write is the second argument" in said


def test_file_that_is_named_as_an_output_is_told_to_be_the_second_argument(
    model: str, tmp_path: Path
) -> None:
    said = run("freeze", model, "-o", tmp_path / "frozen.pb", code=2).stderr
    assert "the file to write is the second argument, and -o names an output" in said


def test_dry_run_says_what_would_be_written_and_writes_nothing(model: str, tmp_path: Path) -> None:
    bound = ("-o", "net/logits", "--bind", "keep_prob=1.0", "--dry-run")
    for command in ("freeze", "prune", "export-saved-model"):
        said = run(command, model, tmp_path / "target", *bound).stdout
        assert said.startswith(f"would write {tmp_path / 'target'}: ")
    assert list(tmp_path.iterdir()) == []


# --- what constants may grow to ------------------------------------------------------------------


def splat(name: str, count: int) -> bytes:
    tensor = bytes([8, FLOAT]) + bytes_field(2, bytes_field(2, b"\x08" + varint(count)))
    tensor += b"\x2d" + np.float32(2).tobytes()
    node = make_node(
        name, "Const", (), {"dtype": type_attr(FLOAT), "value": bytes_field(8, tensor)}
    )
    return bytes_field(1, node.encode())


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def test_many_constants_of_one_value_have_one_budget(tmp_path: Path) -> None:
    path = tmp_path / "many.pb"
    path.write_bytes(b"".join(splat(f"c{number}", 1 << 26) for number in range(40)))
    ckpt = tb.open(path)
    with pytest.raises(tb.UnsupportedError, match="at most 268435456 are made of such in one call"):
        ckpt.load()
    views = ckpt.views()
    assert len(views) == 40
    assert all(not any(each.strides) for each in views.values())
    assert ckpt.load(["c1"])["c1"].nbytes == 1 << 28


def test_chunks_of_a_large_constant_of_one_value_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.pb"
    path.write_bytes(splat("a", (1 << 29) + 3) + splat("b", 1))
    total = 0
    for piece in tb.open(path).chunks("a", nbytes=1 << 20):
        assert len(piece) <= 1 << 20
        total += len(piece)
    assert total == 4 * ((1 << 29) + 3)
    assert np.frombuffer(piece, np.float32).tolist() == [2, 2, 2]


def test_names_of_operations_in_messages_are_escaped(tmp_path: Path) -> None:
    nodes = [make_node("a", "Odd\x1b[2J"), placeholder("b"), variable("v")]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    with pytest.raises(tb.TensorBundleError, match="no outputs are named") as caught:
        tb.freeze(tmp_path / "g.pb")
    assert "\x1b" not in str(caught.value)
