"""Models run by the keys of their signatures, and frozen graphs that keep them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._graphdef.attributes import type_attr
from tensorbundle._graphdef.nodes import const_node
from tests.freeze.computing import computed
from tests.freeze.program import document, run
from tests.graph.small_graphs import INT32, graph_def, loaded, operation, placeholder
from tests.places import PROJECT

WHOLE = ["keras_sequential", "keras_functional", "keras_2", "graph_model", "hub_module", "sparse"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keyed")
    command = [sys.executable, "-W", "ignore", "-m", "tests.run.keyed_programs", folder]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def stored(made: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(made / f"{name}.npz") as file:
        values = dict(file)
    feeds = {key[5:]: value for key, value in values.items() if key.startswith("feed:")}
    return feeds, {key[6:]: value for key, value in values.items() if key.startswith("fetch:")}


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WHOLE)
def test_model_runs_by_its_keys(made: Path, name: str) -> None:
    feeds, expected = stored(made, name)
    whole = tb.run(made / name, feeds)
    assert whole.keys() == expected.keys()
    for key, value in expected.items():
        close(whole[key], value)
        close(tb.run(made / name, feeds, key), value)
        close(tb.run(made / name, feeds, [key])[0], value)


@pytest.mark.parametrize("name", WHOLE)
def test_frozen_graph_keeps_the_keys_of_its_inputs(made: Path, tmp_path: Path, name: str) -> None:
    feeds, expected = stored(made, name)
    frozen = tb.freeze(made / name, path=tmp_path / "f.pb")
    assert {each.key for each in frozen.inputs} >= feeds.keys()
    for model in (frozen, tmp_path / "f.pb"):
        found = tb.run(model, feeds)
        for key, value in expected.items():
            close(found[key], value)
    by_name = {each.name: feeds[each.key] for each in frozen.inputs if each.key in feeds}
    for key, value in expected.items():
        close(tb.run(frozen, by_name)[key], value)


def test_tensorflow_takes_frozen_inputs_by_key_and_by_name(made: Path, tmp_path: Path) -> None:
    feeds, expected = stored(made, "graph_model")
    frozen = tb.freeze(made / "graph_model")
    by_name = {each.name.removesuffix(":0"): feeds[str(each.key)] for each in frozen.inputs}
    by_key, named = computed(tmp_path, [(frozen, feeds), (frozen, by_name)])
    close(by_key["scores"], expected["scores"])
    close(named["scores"], expected["scores"])


def test_keys_are_those_of_the_signature_that_the_fetches_are_of(made: Path) -> None:
    model = made / "two_signatures"
    feeds, expected = stored(made, "two_signatures")
    for key in ("vector", "score"):
        close(tb.run(model, feeds, key), expected[key])
        close(tb.run(model, feeds, {"it": key})["it"], expected[key])
    close(tb.run(model, feeds)["score"], expected["score"])
    close(tb.run(model, feeds, signature="a_embed")["vector"], expected["vector"])
    tensor = tb.load_graph(model).signatures["a_embed"].outputs["vector"].name
    close(tb.run(model, feeds, tensor), expected["vector"])
    with pytest.raises(tb.TensorNotFoundError, match="there is no signature 'none'"):
        tb.run(model, feeds, signature="none")


def test_runner_tells_its_inputs_and_outputs(made: Path) -> None:
    runner = tb.Runner(made / "keras_functional")
    told = {key: str(each) for key, each in runner.inputs.items()}
    assert told == {
        "left": "serving_default_left:0 float32[?, 3]",
        "right": "serving_default_right:0 float32[?, 2]",
    }
    assert runner.outputs.keys() == {"label", "score"}
    assert list(tb.Runner(made / "two_signatures", "vector").inputs) == ["x"]
    demo = tb.Runner("tests/golden/data/demo", "probabilities")
    assert list(demo.inputs) == ["image"]
    assert demo.outputs == {"probabilities": "probabilities"}


def test_model_of_keras_that_trains_is_turned_to_inference(made: Path, tmp_path: Path) -> None:
    feeds, expected = stored(made, "used_call")
    frozen = tb.freeze(made / "training_call", training=False)
    used = tb.freeze(made / "used_call")
    trained, plain = computed(tmp_path, [(frozen, feeds), (used, feeds)])
    assert np.array_equal(trained["out"], plain["out"])
    close(trained["out"], expected["out"])
    told = tb.freeze(made / "training_call").warnings
    assert any("batch normalization is in training mode" in each for each in told)


# --- tags -----------------------------------------------------------------------------------------


def test_graph_without_tags_is_the_default_and_can_be_named(made: Path, tmp_path: Path) -> None:
    model = made / "hub_module"
    assert tb.load_graph(model).tags == tb.load_graph(model, tags="").tags == ()
    assert tb.load_graph(model, tags=[""]).tags == ()
    run("freeze", model, tmp_path / "a.pb", "--tags", "")
    run("freeze", model, tmp_path / "b.pb")
    assert (tmp_path / "a.pb").read_bytes() == (tmp_path / "b.pb").read_bytes()
    said = run("freeze", model, tmp_path / "c.pb", "--tags", "gpu", code=2).stderr
    assert "--tags '' means the one without tags" in said
    with pytest.raises(tb.TensorNotFoundError, match="tags='' means the one without tags"):
        tb.load_graph(model, tags="gpu")


# --- the command ----------------------------------------------------------------------------------


def test_command_runs_a_model_by_its_keys_alone(made: Path, tmp_path: Path) -> None:
    feeds, expected = stored(made, "keras_sequential")
    np.save(tmp_path / "x.npy", feeds["features"])
    feed = f"features={tmp_path / 'x.npy'}"
    told = document("run", made / "keras_sequential", "--feed", feed)
    close(told["results"]["output_0"], expected["output_0"])
    told = document("run", made / "keras_sequential", "--feed", feed, "--fetch", "a=output_0")
    close(told["results"]["a"], expected["output_0"])
    by_signature = document(
        "run", made / "two_signatures", "--signature", "a_embed", "--feed", "x=[[1,2,3]]"
    )
    assert list(by_signature["results"]) == ["vector"]


def test_command_takes_the_likeliest_output_and_a_checkpoint(tmp_path: Path) -> None:
    demo = "tests/golden/data/demo"
    np.save(tmp_path / "x.npy", np.zeros((1, 28, 28, 1), np.float32))
    feed = f"image={tmp_path / 'x.npy'}"
    told = document("run", demo, "--feed", feed, "--fetch", "auto", "--checkpoint", demo)
    assert list(told["results"]) == ["probabilities"]
    said = run("run", demo, "--feed", feed, code=2).stderr
    assert "--output" in said or "--fetch" in said


def test_command_does_not_replace_a_file_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "m.pb").write_bytes(graph_def([const_node("a", np.float32(2)), placeholder("b")]))
    saved = tmp_path / "a.npy"
    saved.write_bytes(b"mine")
    said = run("run", tmp_path / "m.pb", "--fetch", "a", "--save", saved, code=2).stderr
    assert "add --force" in said
    assert saved.read_bytes() == b"mine"
    run("run", tmp_path / "m.pb", "--fetch", "a", "--save", saved, "--force")
    assert np.load(saved) == 2


# --- divisions ------------------------------------------------------------------------------------


def division(op: str, *, divisor: Any) -> bytes:
    first = const_node("x", np.array([7, 5], np.int32))
    return graph_def([first, divisor, operation(op, "y", "x", "d", T=type_attr(INT32))])


@pytest.mark.parametrize("op", ["Div", "FloorDiv", "FloorMod", "Mod", "TruncateDiv", "TruncateMod"])
def test_integer_division_by_zero_is_refused_as_tensorflow_does(op: str) -> None:
    zero = division(op, divisor=const_node("d", np.array([2, 0], np.int32)))
    with pytest.raises(tb.UnsupportedError, match=f"division by zero in node 'y' .{op}"):
        tb.run(zero, fetches="y")
    fed = division(op, divisor=placeholder("d", INT32, (-1,)))
    with pytest.raises(tb.UnsupportedError, match="division by zero in node 'y'"):
        tb.run(fed, {"d": [1, 0]}, "y")
    assert tb.run(fed, {"d": [2, 5]}, "y").shape == (2,)


def test_division_by_a_zero_that_is_computed_of_constants_is_refused() -> None:
    ints = type_attr(INT32)
    nodes = [
        const_node("x", np.array([7, 5], np.int32)),
        const_node("one", np.array([1, 2], np.int32)),
        operation("Sub", "d", "one", "one", T=ints),
        operation("FloorDiv", "y", "x", "d", T=ints),
    ]
    with pytest.raises(tb.UnsupportedError, match="division by zero in node 'y'"):
        tb.run(graph_def(nodes), fetches="y")


def test_division_of_floats_by_zero_is_infinite() -> None:
    nodes = [placeholder("x"), const_node("d", np.float32(0)), operation("RealDiv", "y", "x", "d")]
    assert tb.run(graph_def(nodes), {"x": 1.0}, "y") == np.inf


def test_frozen_graph_names_an_input_anew_only_where_the_name_is_free(tmp_path: Path) -> None:
    frozen = tb.freeze("tests/golden/data/demo", outputs="probabilities")
    assert [each.key for each in frozen.inputs] == [None]
    assert loaded(frozen).nodes["image"].op == "Placeholder"
