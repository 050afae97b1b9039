"""Cuts at variables, loops and pipelines; hints that can be followed as they stand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._graphdef.nodes import make_node
from tests.freeze.computing import computed
from tests.freeze.models import in_tensorflow
from tests.freeze.program import document, run
from tests.freeze.programs.arrays import read_arrays
from tests.graph.small_graphs import graph_def, loaded, operation, variable, write_meta, write_model


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("states")
    in_tensorflow("state_programs", "main", folder)
    return folder


def model(programs: Path, name: str) -> Path:
    return programs / name / "model.ckpt"


INSIDE = ("each", "steps/inner", "steps/Exit_1")
CELLS = [f"{how}_{kind}" for how in ("beside", "written", "added") for kind in ("ref", "resource")]


# --- cut at a variable --------------------------------------------------------------------------


def test_fed_state_gives_each_step_of_the_program_bit_for_bit(
    programs: Path, tmp_path: Path
) -> None:
    runs: list[Any] = []
    expected = []
    for name in CELLS:
        frozen = tb.freeze(model(programs, name), outputs="out", inputs=["state"])
        assert [str(each) for each in frozen.inputs] == [
            "x:0 float32[1, 2]", "state:0 float32[1, 2]",
        ]  # fmt: skip
        feeds = read_arrays(programs / name / "feeds.npz")
        values = read_arrays(programs / name / "expected.npz")
        for step in range(3):
            runs.append((frozen, {"x": feeds[f"x{step}"], "state": feeds[f"state{step}"]}))
            expected.append(values[f"out{step}"])
    found = computed(tmp_path, runs)
    assert all(np.array_equal(a["out"], b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", CELLS)
def test_fed_variable_is_not_written_in_any_form(programs: Path, name: str) -> None:
    for frozen in (
        tb.freeze(model(programs, name), outputs="out", inputs="state"),
        tb.freeze(model(programs, name), outputs="out", inputs="state", functions="keep"),
        tb.prune(model(programs, name), outputs="out", inputs="state"),
    ):
        ops = {node.op for node in loaded(frozen).nodes.values()}
        assert not any(op.startswith("Assign") for op in ops)
        assert loaded(frozen).nodes["state"].op == "Placeholder"


def test_fed_variable_takes_the_shape_that_is_asked_for(programs: Path) -> None:
    source = model(programs, "beside_resource")
    frozen = tb.freeze(source, outputs="out", inputs={"state": (None, 2)})
    assert str(frozen.inputs[-1]) == "state:0 float32[?, 2]"


def test_fed_variable_needs_no_checkpoint(programs: Path, tmp_path: Path) -> None:
    meta = write_model(tmp_path, {"b": np.zeros(2, np.float32)})
    nodes = [variable("h", 1, (2,)), variable("b", 1, (2,))]
    nodes.append(operation("AddV2", "sum", "h", "b"))
    write_meta(meta, nodes)
    frozen = tb.freeze(meta, outputs="sum", inputs="h")
    assert [each.name for each in frozen.variables] == ["b"]


def test_cut_at_a_handle_that_is_no_variable_is_refused_with_what_to_feed(
    programs: Path,
) -> None:
    with pytest.raises(tb.ConversionError, match=r"'fifo_queue': it is a resource, which nobody"):
        tb.freeze(model(programs, "queue"), outputs="out", inputs="fifo_queue")


def test_written_state_is_refused_with_the_input_that_solves_it(
    programs: Path, tmp_path: Path
) -> None:
    source = model(programs, "written_ref")
    with pytest.raises(tb.UnsupportedError, match=r"inputs=\['state'\]") as caught:
        tb.freeze(source, outputs="out")
    assert "use_stored=True" in str(caught.value)
    said = run("freeze", source, tmp_path / "f.pb", "-o", "out", code=2).stderr
    assert "--input state" in said
    run("freeze", source, tmp_path / "f.pb", "-o", "out", "--input", "state")


def test_variables_that_were_not_saved_are_told_with_both_ways_on(tmp_path: Path) -> None:
    meta = write_model(tmp_path, {"a": np.zeros(2, np.float32)})
    nodes = [variable("a", 1, (2,)), variable("bilm/Variable", 1, (2,))]
    write_meta(meta, [*nodes, operation("AddV2", "sum", "a", "bilm/Variable")])
    message = r"1 of 2 variables are not in.*missing='initial'.*inputs=\['bilm/Variable'\]"
    with pytest.raises(tb.TensorNotFoundError, match=message):
        tb.freeze(meta, outputs="sum")
    said = run("freeze", meta, tmp_path / "f.pb", "-o", "sum", code=2).stderr
    assert "--missing initial" in said
    assert "--input bilm/Variable" in said
    run("freeze", meta, tmp_path / "f.pb", "-o", "sum", "--input", "bilm/Variable")


# --- loops --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "node", ["map/while/each", "map/while/steps/inner", "map/while/steps/Exit_1"]
)
def test_output_inside_a_loop_is_refused_naming_what_leaves_it(programs: Path, node: str) -> None:
    gathered = "map/TensorArrayStack/TensorArrayGatherV3"
    with pytest.raises(tb.ConversionError, match=f"'{node}' cannot be an output.*'{gathered}'"):
        tb.freeze(model(programs, "mapped"), outputs=node)
    with pytest.raises(tb.ConversionError, match=f"'{node}' cannot be fed"):
        tb.freeze(model(programs, "mapped"), outputs="loss", inputs=node)
    with pytest.raises(tb.ConversionError, match=f"'{node}' cannot be an output"):
        tb.prune(model(programs, "mapped"), outputs=node)


def test_what_the_refusal_names_can_be_frozen(programs: Path, tmp_path: Path) -> None:
    gathered = "map/TensorArrayStack/TensorArrayGatherV3"
    frozen = tb.freeze(model(programs, "mapped"), outputs={"out": gathered})
    feeds = read_arrays(programs / "mapped" / "feeds.npz")
    expected = read_arrays(programs / "mapped" / "expected.npz")["out"]
    assert np.array_equal(computed(tmp_path, [(frozen, feeds)])[0]["out"], expected)


def test_node_of_a_loops_body_function_leads_to_the_loop(programs: Path) -> None:
    message = r"'rounded_0' lives inside function '.*', a part of the loop 'rounds'"
    with pytest.raises(tb.TensorNotFoundError, match=message):
        tb.freeze(model(programs, "loop_v2"), outputs="rounded_0")


# --- hints --------------------------------------------------------------------------------------


def test_hint_to_cut_a_pipeline_names_what_can_be_cut(programs: Path, tmp_path: Path) -> None:
    source = model(programs, "queue")
    first = tb.freeze(source, outputs="out", inputs="deq:0")
    (told,) = [each for each in first.warnings if "input pipeline" in each]
    assert "inputs=['deq:1']" in told
    both = tb.freeze(source, outputs="out", inputs=["deq:0", "deq:1"])
    assert not any("input pipeline" in each for each in both.warnings)
    feeds = read_arrays(programs / "queue" / "feeds.npz")
    names = dict(zip([each.name for each in both.inputs], feeds.values(), strict=True))
    expected = read_arrays(programs / "queue" / "expected.npz")["out"]
    assert np.array_equal(computed(tmp_path, [(both, names)])[0]["out"], expected)
    said = run("freeze", source, tmp_path / "f.pb", "-o", "out", "-i", "deq:0").stderr
    assert "cut there: --input deq:1" in said


def test_input_that_no_output_needs_is_told(programs: Path, tmp_path: Path) -> None:
    source = model(programs, "mapped")
    for make in (tb.freeze, tb.prune):
        frozen = make(source, outputs="map/Shape", inputs=["loss"])
        assert "no output needs 1 of the inputs that were named: 'loss'" in frozen.warnings
    said = run("freeze", source, tmp_path / "f.pb", "-o", "map/Shape", "-i", "loss").stderr
    assert "no output needs 1 of the inputs" in said


def test_names_with_commas_between_them_are_several(programs: Path, tmp_path: Path) -> None:
    source = model(programs, "queue")
    frozen = tb.freeze(source, outputs="out,MatMul", inputs="deq:0, deq:1")
    assert list(frozen.outputs) == ["out", "MatMul"]
    assert len(frozen.inputs) == 2
    target = tmp_path / "f.pb"
    run("freeze", source, target, "-o", "out,MatMul", "-i", "deq:0,deq:1")
    assert target.read_bytes() == frozen.data


def test_command_sets_the_shape_of_an_input(programs: Path, tmp_path: Path) -> None:
    source, target = model(programs, "mapped"), tmp_path / "f.pb"
    told = document("freeze", source, target, "-o", "loss", "-i", "x=5,3", "--force")
    assert told["inputs"][0]["shape"] == [5, 3]
    told = document("freeze", source, target, "-o", "loss", "--input", "x:0=?,3", "--force")
    assert told["inputs"][0]["shape"] == [-1, 3]
    said = run("freeze", source, target, "-o", "loss", "-i", "x=5,a", "--force", code=2).stderr
    assert "--input takes NAME=SHAPE, such as x=?,28,28" in said


def test_command_names_outputs_anew(programs: Path, tmp_path: Path) -> None:
    target = tmp_path / "f.pb"
    told = document("freeze", model(programs, "mapped"), target, "-o", "score=loss")
    assert told["outputs"] == {"score": "score:0"}


def test_unknown_input_is_answered_with_those_there_are(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"expected one of 'x' float32\[\?, 3\]"):
        tb.freeze(model(programs, "mapped"), outputs="loss", inputs="zzzzz")


def test_unknown_output_is_answered_with_likely_outputs_first() -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"did you mean 'probabilities'"):
        tb.freeze("tests/golden/data/demo", outputs="probs")


def test_messages_name_ten_things_at_most_and_count_the_rest(programs: Path) -> None:
    names = [f"none{number}" for number in range(25)]
    with pytest.raises(tb.TensorNotFoundError, match="and 15 more") as caught:
        tb.freeze(model(programs, "mapped"), outputs=names)
    assert str(caught.value).count("there is no output") == 10


def test_names_that_a_terminal_would_obey_are_escaped_and_shortened(
    programs: Path, tmp_path: Path
) -> None:
    (tmp_path / "odd.pb").write_bytes(
        graph_def([make_node("a", "Odd\x1b[31mOp\n"), make_node("b", "NoOp")])
    )
    with pytest.raises(tb.ConversionError, match="cannot cut at 'a:1': the type") as caught:
        tb.freeze(tmp_path / "odd.pb", outputs="a", inputs="a:1")
    assert "\x1b" not in str(caught.value)
    with pytest.raises(tb.TensorNotFoundError, match="there is no output 'nnn") as long:
        tb.freeze(model(programs, "mapped"), outputs="n" * 100_000)
    assert len(str(long.value)) < 1000
