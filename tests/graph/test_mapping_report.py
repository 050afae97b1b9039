"""What is said about variables that a checkpoint does not hold, or not so."""

import dataclasses
import time

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.names import near
from tensorbundle._graph.mapping import map_variables
from tensorbundle._graph.problems import report
from tests.graph.mapping_graphs import graph, restoring, variable


def stored(tmp_path, *names, **options):
    values = {name: np.zeros((2, 3), np.float32) for name in names}
    tb.save(tmp_path / "m", values, **options)
    return tb.open(tmp_path / "m")


def reported(ckpt, *nodes, **options):
    return report(map_variables(graph(nodes), ckpt, **options).values(), ckpt)


def test_nothing_is_wrong(tmp_path):
    found = reported(stored(tmp_path, "a", "b"), variable("a", (2, 3)), variable("b", (2, 3)))
    assert (found.ok, found.total, found.error()) == (True, 2, None)
    found.raise_problems()


def test_missing_variables_are_listed_with_their_keys_and_near_ones(tmp_path):
    ckpt = stored(tmp_path, "dense/kernel", "other")
    nodes = [*restoring("k", "dense/kernal"), variable("other", (2, 3)), variable("xyz", ())]
    found = report(map_variables(graph(nodes, "assign"), ckpt).values(), ckpt)
    assert [each.variable.name for each in found.missing] == ["k", "xyz"]
    assert found.missing[0].near == ("dense/kernel",)
    with pytest.raises(tb.TensorNotFoundError, match="2 of 3 variables are not") as caught:
        found.raise_problems()
    assert caught.value.key == "dense/kernal"
    assert str(caught.value) == (
        f"2 of 3 variables are not in the checkpoint ({tmp_path}/m): "
        "'k' as 'dense/kernal' (by restore op; near: 'dense/kernel'); 'xyz' (by node name)"
    )


def test_what_does_not_fit_is_listed_together(tmp_path):
    ckpt = stored(tmp_path, "a", "b", "c")
    nodes = [variable("a", (3, 2)), variable("b", (2, 3), 2), variable("c", (2, 3))]
    found = reported(ckpt, *nodes)
    assert [each.name for each in found.unfit] == ["a", "b"]
    with pytest.raises(tb.ConversionError, match="2 of 3 variables do not fit") as caught:
        found.raise_problems()
    assert str(caught.value) == (
        f"2 of 3 variables do not fit the checkpoint ({tmp_path}/m): "
        "'a', it is [3, 2] in the graph and [2, 3] in the checkpoint; "
        "'b', it is float64 in the graph and float32 in the checkpoint"
    )


def test_missing_and_unfit_ones_are_told_in_one_error(tmp_path):
    found = reported(stored(tmp_path, "a"), variable("a", (3, 2)), variable("z", ()))
    with pytest.raises(
        tb.TensorNotFoundError, match=r"1 of 2 variables are not .*'z'.*; 1 of 2 variables do not"
    ):
        found.raise_problems()


def test_a_long_list_is_cut_short_in_the_message_only(tmp_path):
    found = reported(stored(tmp_path, "a"), *(variable(f"v{at}", ()) for at in range(50)))
    assert len(found.missing) == 50
    assert "'v9' (by node name); and 40 more" in str(found.error())
    assert "'v20'" not in str(found.error())


@pytest.mark.parametrize(
    ("keys", "names", "hint"),
    [
        (("model/a", "model/b"), "ab", "2 of them are there with 'model/' before their keys"),
        (("a", "b"), ("m/n/a", "m/n/b"), "2 of them are there with 'm/n/' less in their keys"),
        (
            ("a/ExponentialMovingAverage", "b/ExponentialMovingAverage"),
            "ab",
            "2 of them are there as moving averages: ask for those (ema=True)",
        ),
        (
            ("a", "b"),
            ("a/ExponentialMovingAverage",),
            "the graph restores moving averages, and 1 of the variables are there without",
        ),
        (("x", "y"), "ab", "none is there: the checkpoint may be of another graph"),
        (
            ("x", "y"),
            ("a/.ATTRIBUTES/VARIABLE_VALUE",),
            "none is there: the graph restores by objects, the checkpoint was saved by names",
        ),
    ],
)
def test_hints(tmp_path, keys, names, hint):
    found = reported(stored(tmp_path, *keys), *(variable(each, (2, 3)) for each in names))
    assert hint in str(found.error())


def test_a_checkpoint_of_objects_of_another_program_is_said_to_be_one(tmp_path):
    ckpt = stored(tmp_path, "x", "y", objects=tb.ObjectGraph.of(["x", "y"]))
    found = reported(ckpt, variable("a", ()))
    assert found.hints == (
        "none is there: the checkpoint was saved by objects (tf.train.Checkpoint), "
        "perhaps by another program",
    )


def test_there_is_no_hint_when_most_is_there(tmp_path):
    found = reported(stored(tmp_path, "a", "b"), *(variable(each, (2, 3)) for each in "abz"))
    assert found.hints == ()


def test_given_keys_are_no_ground_for_hints(tmp_path):
    ckpt = stored(tmp_path, "m/a")
    found = reported(ckpt, variable("v", (2, 3)), override={"v": "a"})
    assert found.hints == ()
    assert str(found.error()).endswith("'v' as 'a' (by the key given; near: 'm/a')")


def test_averages_that_were_taken_are_told(tmp_path):
    ckpt = stored(tmp_path, "a", "a/ExponentialMovingAverage", "b")
    found = reported(ckpt, variable("a", (2, 3)), variable("b", (2, 3)), ema=True)
    assert [each.name for each in found.averaged] == ["a"]


def test_averages_alone_are_enough(tmp_path):
    ckpt = stored(tmp_path, "a/ExponentialMovingAverage")
    assert reported(ckpt, variable("a", (2, 3)), ema=True).ok
    assert not reported(ckpt, variable("a", (2, 3))).ok


def test_only_what_is_needed_is_reported(tmp_path):
    ckpt = stored(tmp_path, "a")
    found = map_variables(graph([variable("a", (2, 3)), variable("z", ())]), ckpt)
    assert report([found["a"]], ckpt).ok


def test_a_variable_that_no_checkpoint_was_asked_for_is_missing(tmp_path):
    ckpt = stored(tmp_path, "a")
    found = map_variables(graph([variable("a", (2, 3))]), ckpt)["a"]
    assert not report([dataclasses.replace(found, in_checkpoint=None)], ckpt).ok


def test_near_keys_are_those_with_the_same_end_or_nearly_the_same_letters():
    keys = ["tower/w", "w", "dense/kernel", "dense_1/bias"]
    assert near("x/tower/w", keys) == ("tower/w", "w")
    assert near("dense/kernl", keys) == ("dense/kernel",)
    assert near("completely/other/bias", keys) == ("dense_1/bias",)
    assert near("zzz", keys) == ()


def test_near_keys_and_hints_of_endless_names_take_no_time(tmp_path):
    ckpt = stored(tmp_path, "a/" * 30_000 + "b", "x" * 60_000)
    start = time.perf_counter()
    found = reported(ckpt, variable("a/" * 30_000 + "c", (2, 3)), variable("x" * 59_999, (2, 3)))
    assert [each.near for each in found.missing] == [(), ()]
    assert time.perf_counter() - start < 5
