"""Models of every maker and dress, run by their keys: what TensorFlow computes, by key."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tests.freeze.program import document, run
from tests.oracle.client import TensorFlow

SESSIONS = [
    "estimator_heads", "crossed_inputs", "crossed_outputs", "input_called_as_layer", "scalars",
    "whole_numbers", "truth_and_bytes", "unknown_rank", "later_ports", "one_tensor_twice",
    "nothing_fed", "two_without_default", "switches", "inner_input", "odd_keys",
    "tensor_names_as_keys", "looked_up", "recurrent",
]  # fmt: skip
MODELS = [
    "list_inputs", "unnamed", "nested", "tokens", "images", "endpoints", "plainly", "attention",
    "legacy_functional", "legacy_subclass", "legacy_stateful", "legacy_export", "trees",
    "stateful", "text", "branches", "half",
]  # fmt: skip
# Keys that no node can have, or that an input and an output share: a file cannot keep all of them.
KEPT_OTHERWISE = {"odd_keys", "tensor_names_as_keys", "recurrent", "nested", "text", "branches"}
# Of each the name, the signature that is asked, what is fed and what comes out, by key.
Case = tuple[str, str | None, dict[str, Any], dict[str, Any]]
Brought = dict[str, list[Case]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("brought")


@pytest.fixture(scope="module")
def brought(folder: Path) -> Iterator[Brought]:
    """By model, the cases of it."""
    found: Brought = {}
    with TensorFlow() as tensorflow:
        for module in ("sessions", "models"):
            for case in tensorflow.call(f"tests.run.brought_{module}", "write_all", folder):
                found.setdefault(case[0], []).append(case)
    assert {*SESSIONS, *MODELS} <= found.keys()
    return found


def same(found: Any, expected: dict[str, Any]) -> None:
    """Whether outputs are TensorFlow's, by key, to the last of their shapes."""
    assert found.keys() == expected.keys()
    for key, wanted in expected.items():
        value, right = np.asarray(found[key]), np.asarray(wanted)
        assert value.shape == right.shape, key
        if right.dtype.kind == "f":
            rough = 1e-2 if right.dtype.itemsize == 2 else 1e-4
            np.testing.assert_allclose(value, right, rtol=rough, atol=rough / 10, err_msg=key)
        else:
            assert np.array_equal(value, right), key


# --- as they are ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SESSIONS, *MODELS])
def test_model_runs_by_the_keys_of_each_signature(
    folder: Path, brought: Brought, name: str
) -> None:
    for _, signature, feeds, expected in brought[name]:
        model = folder / name
        runner = tb.Runner(model, signature=None if signature == "serving_default" else signature)
        same(runner(feeds), expected)
        same(dict(zip(expected, runner(feeds, list(expected)), strict=True)), expected)
        same({"it": runner(feeds, key := list(expected)[-1])}, {"it": expected[key]})
        assert runner.outputs.keys() == expected.keys()
        assert feeds.keys() <= runner.inputs.keys() or name == "inner_input"


@pytest.mark.parametrize("name", [*SESSIONS, *MODELS])
def test_frozen_model_keeps_its_keys(
    folder: Path, brought: Brought, tmp_path: Path, name: str
) -> None:
    for _, signature, feeds, expected in brought[name]:
        file = tmp_path / f"{signature}.pb"
        frozen = tb.freeze(folder / name, path=file, signature=signature)
        if name not in KEPT_OTHERWISE:
            same(tb.run(file, feeds), expected)
            continue
        same(tb.run(frozen, feeds), expected)
        by_name = {each.name: feeds[str(each.key)] for each in frozen.inputs}
        same(tb.run(file, by_name, dict(frozen.outputs)), expected)


# --- keys that are other nodes' names -------------------------------------------------------------


def test_key_of_the_signature_comes_before_a_node_of_that_name(
    folder: Path, brought: Brought, tmp_path: Path
) -> None:
    _, _, feeds, expected = brought["crossed_outputs"][0]
    model = folder / "crossed_outputs"
    same({"logits": tb.run(model, feeds, "logits")}, {"logits": expected["logits"]})
    same({"logits": tb.run(model, feeds, "prob:0")}, {"logits": expected["logits"]})  # a tensor
    frozen = tb.freeze(model, outputs=["logits"], path=tmp_path / "f.pb")
    same(tb.run(tmp_path / "f.pb", feeds), {"logits": expected["logits"]})
    assert any("'logits', which were called as keys" in each for each in frozen.warnings)
    best = tb.suggest_outputs(model)[0].name
    auto = tb.run(model, feeds, "auto")
    same(auto, {best: tb.run(model, feeds, f"{best}:0")})


def test_node_that_is_in_the_way_of_a_key_computes_what_it_did(
    folder: Path, brought: Brought
) -> None:
    _, _, feeds, expected = brought["input_called_as_layer"][0]
    frozen = tb.freeze(folder / "input_called_as_layer")
    moved = tb.load_graph(folder / "input_called_as_layer").nodes["hidden"].op
    assert frozen.data is not None
    inner = tb.run(frozen, feeds, "hidden_1:0")
    assert moved == "Relu"
    np.testing.assert_allclose(np.tanh(inner), expected["out"], rtol=1e-4, atol=1e-5)


def test_output_that_is_fed_in_place_of_an_input_is_refused(
    folder: Path, brought: Brought, tmp_path: Path
) -> None:
    _, _, feeds, _ = brought["branches"][0]
    tb.freeze(folder / "branches", path=tmp_path / "f.pb")
    with pytest.raises(tb.ConversionError, match=r"'x' is fed, and .*serving_default_x'"):
        tb.run(tmp_path / "f.pb", feeds)


# --- what is said ---------------------------------------------------------------------------------


def test_wrong_keys_are_named_with_those_there_are(folder: Path, brought: Brought) -> None:
    feeds = brought["list_inputs"][0][2]
    model = folder / "list_inputs"
    with pytest.raises(
        tb.TensorNotFoundError,
        match=r"no input 'users'.*: expected one of 'item' float32.*, 'user' ",
    ):
        tb.run(model, {"users": feeds["user"], "item": feeds["item"]})
    with pytest.raises(
        tb.TensorNotFoundError, match=r"no output 'output_9'.*mean 'output_[01]', 'output_[01]'"
    ):
        tb.run(model, feeds, "output_9")
    with pytest.raises(tb.ConversionError, match=r"input 'item', serving_default_item:0 float32"):
        tb.run(model, {"user": feeds["user"]})
    with pytest.raises(tb.ConversionError, match=r"several signatures.*'encode'.*: give sig"):
        tb.run(folder / "two_without_default", {"input": np.ones((1, 3), np.float32)})


# --- from the command line ------------------------------------------------------------------------


def test_command_reads_inputs_from_every_kind_of_file(
    folder: Path, brought: Brought, tmp_path: Path
) -> None:
    _, _, feeds, expected = brought["list_inputs"][0]
    np.savez(tmp_path / "all.npz", **feeds)
    np.savez(tmp_path / "one.npz", other=feeds["item"])
    np.save(tmp_path / "user.npy", feeds["user"])
    plain = {key: value.tolist() for key, value in feeds.items()}
    (tmp_path / "all.json").write_text(json.dumps(plain))
    (tmp_path / "item.json").write_text(json.dumps(plain["item"]))
    user, item = f"user={tmp_path}/user.npy", f"item={tmp_path}/item.json"
    for feeding in (
        [f"{tmp_path}/all.npz"],
        [f"{tmp_path}/all.json"],
        [f"user={tmp_path}/all.npz", f"item={tmp_path}/one.npz"],
        [f"user={tmp_path}/all.npz[user]", item],
        [user, f"item={json.dumps(plain['item'])}"],
        [user, f"item={tmp_path}/one.npz[other]"],
    ):
        options = [part for each in feeding for part in ("--feed", each)]
        same(document("run", folder / "list_inputs", *options)["results"], rounded(expected))
    said = run("run", folder / "list_inputs", "--feed", f"user={tmp_path}/one.npz[no]", code=2)
    assert "one.npz' has no 'no', but 'other'" in said.stderr
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 no archive")
    said = run("run", folder / "list_inputs", "--feed", f"{tmp_path}/bad.npz", code=2)
    assert "bad.npz" in said.stderr


def rounded(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives them back: float64."""
    return {key: np.asarray(value, np.float64) for key, value in values.items()}
