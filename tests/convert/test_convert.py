"""Conversions by rules: each name once on both sides, there and back, or all told."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._convert.reading import bundled, load
from tests.golden.cases import path_of

Arrays = dict[str, np.ndarray[Any, Any]]


def rules(*told: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"format": 1, "sides": ["tf", "hf"], "rule": list(told), **more}


def rule(tf: str, hf: str, *do: Any, **more: Any) -> dict[str, Any]:
    return {"tf": tf, "hf": hf, "do": list(do), **more}


def there_and_back(values: Arrays, told: dict[str, Any], folder: Path) -> Arrays:
    """What rules make of arrays, after a look at whether the inverse makes them of it again."""
    tb.convert(values, folder / "there.npz", rules=told)
    tb.convert(folder / "there.npz", folder / "back", rules=told, inverse=True)
    back = tb.open(folder / "back")
    assert {*back} == {*values}
    for name, array in values.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert back[name].tobytes() == array.tobytes(), name
    return tb.open(folder / "there.npz").load()


def numbers(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("do", "shape", "expected"),
    [
        ([], (2, 3), lambda a: a),
        (["transpose"], (2, 3), lambda a: a.T),
        ([{"permute": [3, 2, 0, 1]}], (2, 3, 4, 5), lambda a: a.transpose(3, 2, 0, 1)),
        ([{"squeeze": 0}], (1, 3), lambda a: a[0]),
        ([{"squeeze": [0, 1]}, "transpose"], (1, 1, 3, 4), lambda a: a[0, 0].T),
        ([{"reshape": [[2, 3, 4], [2, -1]]}], (2, 3, 4), lambda a: a.reshape(2, 12)),
    ],
)
def test_operations_have_inverses(do: Any, shape: Any, expected: Any, tmp_path: Path) -> None:
    value = numbers(*shape)
    made = there_and_back({"w": value}, rules(rule("w", "v", *do)), tmp_path)
    np.testing.assert_array_equal(made["v"], expected(value))


def test_one_tensor_is_split_among_names_and_joined_again(tmp_path: Path) -> None:
    told = rules(
        rule("h{n:int}/c_attn/w", "h.{n}.{x:q|k|v}.w", {"squeeze": 0}, {"split": -1}, "transpose")
    )
    value = numbers(1, 4, 6)
    made = there_and_back({"h3/c_attn/w": value}, told, tmp_path)
    assert {*made} == {"h.3.q.w", "h.3.k.w", "h.3.v.w"}
    np.testing.assert_array_equal(made["h.3.k.w"], value[0, :, 2:4].T)


def test_several_tensors_are_joined_to_one_and_split_again(tmp_path: Path) -> None:
    told = rules(rule("a/{x:query|key|value}/kernel", "a.qkv", "transpose", {"join": 0}))
    values = {f"a/{x}/kernel": numbers(3, 2) + n for n, x in enumerate(("key", "query", "value"))}
    made = there_and_back(values, told, tmp_path)
    np.testing.assert_array_equal(made["a.qkv"][:2], values["a/query/kernel"].T)


def test_stacked_layers_are_told_apart_and_stacked_again(tmp_path: Path) -> None:
    told = rules(rule("layers/w", "layer.{n:int}.w", {"unstack": 1}))
    value = numbers(2, 12, 3)
    made = there_and_back({"layers/w": value}, told, tmp_path)
    assert len(made) == 12
    np.testing.assert_array_equal(made["layer.11.w"], value[:, 11])
    turned = rules(rule("layer_{n:int}/w", "layers.w", {"stack": 0}))
    made = there_and_back(
        {f"layer_{n}/w": numbers(2) + n for n in range(11)}, turned, tmp_path / "2"
    )
    assert made["layers.w"].shape == (11, 2)


def test_rows_and_casts_have_no_inverse(tmp_path: Path) -> None:
    told = rules(rule("e", "v", {"rows": 3}, {"cast": "bfloat16"}), rule("b", "c"))
    values = {"e": numbers(5, 2), "b": numbers(2)}
    tb.convert(values, tmp_path / "m.safetensors", rules=told)
    made = tb.open(tmp_path / "m.safetensors")
    assert (made["v"].dtype.name, made["v"].shape) == ("bfloat16", (3, 2))
    with pytest.raises(tb.ConversionError, match=r"names without a rule \(1\): 'v'"):
        tb.convert(made, tmp_path / "back", rules=told, inverse=True)


def test_values_may_be_those_of_moving_averages(tmp_path: Path) -> None:
    told = rules(rule("{p:path}/w", "{p}.w"), averages={"tf": "{p:rest}/Average"})
    values = {"a/w": numbers(2), "a/w/Average": numbers(2) + 1, "b/w": numbers(3)}
    done = tb.convert(values, tmp_path / "m.npz", rules=told)
    assert done.plan.averaged == {"a/w": "a/w/Average"}
    np.testing.assert_array_equal(tb.open(tmp_path / "m.npz")["a.w"], values["a/w/Average"])
    np.testing.assert_array_equal(tb.open(tmp_path / "m.npz")["b.w"], values["b/w"])


def test_rules_may_depend_on_what_is_there(tmp_path: Path) -> None:
    second = "block_{n:int}/conv_1"
    told = rules(
        rule(second, "b.{n}.project"),
        rule("block_{n:int}/conv", "b.{n}.expand", when={"tf": second}),
        rule(
            "block_{n:int}/conv",
            "b.{n}.project",
            unless={"tf": second, "hf": "b.{n}.expand"},
        ),
    )
    told["rule"][0]["when"] = {"hf": "b.{n}.expand"}
    values = {name: numbers(2) for name in ("block_0/conv", "block_1/conv", "block_1/conv_1")}
    made = there_and_back(values, told, tmp_path)
    assert {*made} == {"b.0.project", "b.1.expand", "b.1.project"}


TIED = rules(
    rule("{p:path}/w", "{p}.w"),
    tied=[{"hf": "out.w", "of": "in.w"}],
    constant=[{"hf": "{p:path}.count", "beside": "{p:path}.w", "value": 0, "dtype": "int64"}],
)


def test_second_names_and_constants_are_made_and_not_taken_back(tmp_path: Path) -> None:
    made = there_and_back({"in/w": numbers(2)}, TIED, tmp_path)
    assert {*made} == {"in.w", "in.count", "out.w"}
    assert made["out.w"].tolist() == made["in.w"].tolist()
    assert (made["in.count"].dtype, made["in.count"].shape) == (np.int64, ())


def test_a_second_name_with_values_of_its_own_is_an_error(tmp_path: Path) -> None:
    values = {"in.w": numbers(2), "out.w": numbers(2) + 1}
    told = TIED | {"rule": [rule("in/w", "in.w")]}
    with pytest.raises(tb.ConversionError, match=r"'out.w' should be 'in.w' by another name"):
        tb.convert(values, tmp_path / "m", rules=told, inverse=True)
    assert [*tmp_path.iterdir()] == []


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "told", "messages"),
    [
        (["a/w", "b/x", "c"], [rule("a/w", "a")], [r"names without a rule \(2\): 'b/x', 'c'"]),
        (["a"], [rule("a", "x"), rule("b", "y")], ["rules that match nothing .*'b -> y'"]),
        (["a"], [rule("a", "x"), rule("{n}", "y.{n}", optional=True), rule("a", "z")],
         [r"several rules mean as exactly \(1\): 'a'"]),
        (["a", "b"], [rule("{n:a|b}", "x", {"join": 0}), rule("c", "x", optional=True)],
         [r"names that do not come back \(1\): a \+ b -> x"]),
        (["a/0", "a/2"], [rule("a/{n:int}", "x", {"stack": 0})], ["parts are missing: 1"]),
        (["a", "b"], [rule("a", "x"), rule("b", "x")], ["'x' is made of several: 'a', 'b'"]),
        (["a/b.c"], [rule("{p:path}", "{p}")], ["do not come back .*a/b.c -> a.b.c -> a/b/c"]),
        (["a"], [rule("a", "x", {"squeeze": 0})], [r"'a' \[4, 6\]: does not fit 'a -> x'"]),
        (["a"], [rule("a", "x", {"reshape": [[4, 7], [28]]})], [r"expected the shape \[4, 7\]"]),
        (["x"], [rule("a", "x")], ["these are names of 'hf': inverse=True turns the rules round"]),
    ],
)  # fmt: skip
def test_all_that_does_not_fit_is_told_before_anything_is_written(
    values: list[str], told: Any, messages: list[str], tmp_path: Path
) -> None:
    arrays = {name: numbers(4, 6) for name in values}
    plan = tb.convert(arrays, tmp_path / "m.npz", rules=rules(*told), dry_run=True).plan
    assert bool(plan.problems) == bool(messages)
    for message in messages:
        with pytest.raises(tb.ConversionError, match=message):
            tb.convert(arrays, tmp_path / "m.npz", rules=rules(*told))
    assert [*tmp_path.iterdir()] == []


def test_what_has_to_come_out_is_compared_by_name_and_shape(tmp_path: Path) -> None:
    told = rules(rule("{p:path}/w", "{p}.w"))
    like = {"a.w": numbers(2), "b.w": numbers(3)}
    tb.convert({"a/w": like["a.w"], "b/w": like["b.w"]}, tmp_path / "m.npz", rules=told, like=like)
    with pytest.raises(tb.ConversionError, match=r"not made \(1\): 'b.w'; not expected .*'c.w'"):
        tb.convert({"a/w": like["a.w"], "c/w": numbers(1)}, tmp_path / "x", rules=told, like=like)
    with pytest.raises(tb.ConversionError, match=r"'a.w' becomes \[2\], expected \[5\]"):
        tb.convert({"a/w": numbers(2)}, tmp_path / "x", rules=told, like={"a.w": numbers(5)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format = 2: expected 1"),
        ({"rules": []}, "unknown in the file: 'rules'"),
        ({"sides": ["tf"]}, "sides = ['tf']: expected two texts"),
        ({"rule": []}, "no [[rule]]"),
        ({"rule": [{"tf": "a"}]}, "rule 1: expected tf and hf"),
        ({"rule": [rule("a", "b", "turn")]}, "rule 1: no operation: 'turn'"),
        ({"rule": [rule("a", "b", {"permute": [0, 2]})]}, "no operation"),
        ({"rule": [rule("a", "b", {"cast": "floaty"})]}, "no dtype of numbers is called 'floaty'"),
        ({"rule": [rule("a/{n:int}", "b")]}, "a placeholder of one side only ('n') needs"),
        ({"rule": [rule("a", "b", {"split": 0})]}, "a placeholder of one side only (none) needs"),
        ({"rule": [rule("a", "b.{x}", {"split": 0})]}, "'x' has to be a number"),
        ({"rule": [rule("a", "b", when={"tf": "{m}"})]}, "'m' in '{m}' is in no name of the rule"),
        ({"ignore": {"jax": []}}, "unknown in ignore: 'jax'"),
        ({"tied": [{"hf": "a"}]}, "tied 1: expected tf or hf, and of"),
        ({"constant": [{"hf": "a", "beside": "{x}", "value": 0, "dtype": "int64"}]},
         "expected the same placeholders in both names"),
    ],
)  # fmt: skip
def test_malformed_rules_are_told(change: dict[str, Any], message: str) -> None:
    with pytest.raises(tb.FormatError, match=re.escape(message)):
        load(rules(rule("a", "b")) | change)


def test_rules_are_found_by_name_or_file(tmp_path: Path) -> None:
    with pytest.raises(tb.MissingFileError, match=r"no rules 'brt': expected .* bert"):
        load("brt")
    (tmp_path / "mine.toml").write_text("format = ")
    with pytest.raises(tb.FormatError, match="not TOML"):
        load(tmp_path / "mine.toml")
    (tmp_path / "mine.toml").write_text(
        'format = 1\nsides = ["a", "b"]\n[[rule]]\na = "x"\nb = "y"'
    )
    assert load(tmp_path / "mine.toml").sides == ("a", "b")


@pytest.mark.parametrize("name", bundled())
def test_bundled_rules_are_well_formed_and_say_what_they_are_for(name: str) -> None:
    told = load(name)
    assert told.about
    assert all(told.needs)


# --- formats --------------------------------------------------------------------------------------


def test_names_of_objects_are_their_paths(tmp_path: Path) -> None:
    path = path_of("objects/keras")
    told = rules(
        rule("model/_functional/_operations/{n:int}/{w:_kernel=weight|bias=bias}", "net.{n}.{w}"),
        ignore={"tf": ["optimizer/{p:rest}", "{p:rest}/.OPTIMIZER_SLOT/{q:rest}", "save_counter"]},
    )
    plan = tb.convert(path, tmp_path / "m.npz", rules=told, dry_run=True).plan
    paths = {tb.open(path).objects.path_of(name) for name in tb.open(path)} - {None}
    assert {n for row in plan.rows for n in row.sources} | {*plan.ignored} <= paths


def test_a_hub_folder_has_no_second_names_and_keeps_another_config(tmp_path: Path) -> None:
    done = tb.convert({"in/w": numbers(2)}, tmp_path, rules=TIED, format="hub", config={"a": 1})
    assert json.loads((tmp_path / "config.json").read_text()) == {"a": 1}
    assert {*tb.open(tmp_path / "model.safetensors")} == {"in.w", "in.count"}
    assert done.files[0] == str(tmp_path / "config.json")
    with pytest.raises(FileExistsError, match=r"config.json' is another: remove it"):
        tb.convert(
            {"in/w": numbers(2)}, tmp_path, rules=TIED, format="hub", config={}, overwrite=True
        )


def test_a_damaged_tensor_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": numbers(3, 4)})
    shard = tmp_path / "m.data-00000-of-00001"
    shard.write_bytes(b"\xff" + shard.read_bytes()[1:])
    for target in ("out.npz", "out"):
        with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 'w'"):
            tb.convert(tmp_path / "m", tmp_path / target, rules=rules(rule("w", "v", "transpose")))
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([shard.name, "m.index"])


def test_the_scope_of_a_model_is_found_and_given(tmp_path: Path) -> None:
    told = rules(rule("{p:path}/w", "{p}.w"), needs={"tf": ["in/w"]}, scope="net/")
    values = {"tower_0/in/w": numbers(2), "tower_0/out/w": numbers(3)}
    tb.convert(values, tmp_path / "m.npz", rules=told)
    assert {*tb.open(tmp_path / "m.npz")} == {"in.w", "out.w"}
    for scope, expected in ((None, "net/"), ("tower_0/", "tower_0/"), ("", "")):
        tb.convert(tmp_path / "m.npz", tmp_path / "b", rules=told, inverse=True, scope=scope,
                   overwrite=True)  # fmt: skip
        assert {*tb.open(tmp_path / "b")} == {f"{expected}in/w", f"{expected}out/w"}
