"""Merged checkpoints that have something in common: steps, objects, parts of one tensor."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._objects.join import join
from tensorbundle.errors import CompatibilityWarning, ConversionError
from tests.freeze.program import document, run
from tests.objects.keras import samples
from tests.oracle.client import TensorFlow

VALUE = ".ATTRIBUTES/VARIABLE_VALUE"


def test_what_is_equal_is_taken_once(tmp_path: Path, tensorflow: TensorFlow) -> None:
    for name in "ab":
        tb.save(tmp_path / name, {name: np.float32([1, 2]), "global_step": np.int64(7), "s": b"x"})
    done = tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert done.equal == ("global_step", "s")
    assert done.tensors == 4
    found = tb.open(tmp_path / "c")
    assert found.verify().ok
    assert int(found["global_step"]) == 7
    assert set(tensorflow.read(str(tmp_path / "c"))["values"]) == {"a", "b", "global_step", "s"}
    told = run("merge", tmp_path / "a", tmp_path / "b", tmp_path / "d").stderr
    assert "2 tensors of equal values taken once" in told


@pytest.mark.parametrize("prefer", ["first", "last"])
def test_of_different_values_the_first_or_the_last_can_be_taken(
    tmp_path: Path, prefer: Any
) -> None:
    for number, name in enumerate("abc"):
        tb.save(tmp_path / name, {name: np.float32(1), "step": np.int64(number)})
    inputs = [tmp_path / name for name in "abc"]
    with pytest.raises(
        ConversionError, match=r"1 tensor is in several inputs .*: 'step'; --prefer"
    ):
        tb.merge(inputs, tmp_path / "out")
    tb.merge(inputs, tmp_path / "out", prefer=prefer)
    assert int(tb.open(tmp_path / "out")["step"]) == (0 if prefer == "first" else 2)
    assert len(document("merge", *inputs, tmp_path / "o2", "--prefer", prefer)["shards"]) == 3


def test_equal_checksums_are_no_proof_that_values_are_equal(tmp_path: Path) -> None:
    for name in "ab":
        tb.save(tmp_path / name, {name: 1.0, "w": np.arange(9.0)})
    shard = tmp_path / "b.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ConversionError, match="different values: 'w'"):
        tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")


def test_parts_that_clash_are_named_as_numpy_would_index_them(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        with tb.Writer(tmp_path / name) as writer:
            writer.add_slice("emb", np.full((1, 3), number, "f"), (3, 3), "0,1:-")
            writer.add_slice("emb", np.zeros((1, 3), "f"), (3, 3), f"{1 + number},1:-")
    with pytest.raises(ConversionError, match=r"1 tensor is .*: 'emb \[0:1, 0:3\]'; --prefer"):
        tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")


def test_parts_that_are_equal_are_taken_once(tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        with tb.Writer(tmp_path / name) as writer:
            writer.add_slice("emb", np.full((1, 3), 5, "f"), (3, 3), "0,1:-")
            writer.add_slice("emb", np.full((1, 3), number, "f"), (3, 3), f"{1 + number},1:-")
    tb.merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert tb.open(tmp_path / "c")["emb"][:, 0].tolist() == [5, 0, 1]
    assert tb.open(tmp_path / "c").verify().ok


def test_objects_of_two_checkpoints_are_restored_together(
    tmp_path: Path, tensorflow: TensorFlow
) -> None:
    one = {"model": {"a": [1.0, 2.0], "deep": {"x": [3.0]}}, "left": [4.0]}
    other = {"model": {"b": [5.0], "deep": {"y": [6.0, 7.0]}}, "right": {"z": [8.0]}}
    for name, tree in (("one", one), ("other", other)):
        tensorflow.write_objects(str(tmp_path / name), tree)
    done = tb.merge([tmp_path / "one-1", tmp_path / "other-1"], tmp_path / "both-1")
    assert done.joined
    assert done.equal == (f"save_counter/{VALUE}",)
    tree = {
        "model": {"a": [1.0, 2.0], "b": [5.0], "deep": {"x": [3.0], "y": [6.0, 7.0]}},
        "left": [4.0],
        "right": {"z": [8.0]},
    }
    zeros = {
        "model": {"a": [0.0, 0.0], "b": [0.0], "deep": {"x": [0.0], "y": [0.0, 0.0]}},
        "left": [0.0],
        "right": {"z": [0.0]},
    }
    assert tensorflow.restore_objects(str(tmp_path / "both-1"), zeros) == [tree, 1]


def test_three_checkpoints_and_names_without_objects_go_together(tmp_path: Path) -> None:
    for name in "abc":
        path = f"part/{name}"
        tb.save(tmp_path / name, {path: 1.0}, objects=tb.ObjectGraph.of([path]))
    tb.save(tmp_path / "d", {"plain": 2.0})
    inputs = [tmp_path / name for name in "abcd"]
    assert document("merge", *inputs, tmp_path / "out")["joined"] is True
    found = tb.open(tmp_path / "out")
    assert [found[f"part/{name}"] for name in "abc"] == [1, 1, 1]
    assert found["plain"] == 2
    assert found.verify().ok


def test_slots_stay_with_their_variables() -> None:
    one, other = (tb.open(samples() / name).objects for name in ("net1", "k2legacy-1"))
    assert one is not None
    assert other is not None
    for graph in (join(one, other), join(other, one), join(other, other)):
        assert {each.path: dict(each.slots) for each in graph.variables}.items() >= {
            each.path: dict(each.slots) for each in other.variables
        }.items()
    assert join(other, other) == other


def test_objects_that_do_not_go_together_are_named(tmp_path: Path) -> None:
    def moved(old: str, new: str) -> tb.ObjectGraph:
        tb.save(tmp_path / "m", {old: 1.0}, objects=tb.ObjectGraph.of([old]), overwrite=True)
        raw = {f"{old}/{VALUE}": new}
        message = tb.open(tmp_path / "m").objects
        assert message is not None
        encoded = message.encode()
        for key, other in raw.items():
            assert len(key) == len(other)
            encoded = encoded.replace(key.encode(), other.encode())
        return tb.ObjectGraph.decode(encoded)

    one, other = moved("a/w", f"a/w/{VALUE}"), moved("a/w", f"b/w/{VALUE}")
    with pytest.raises(ConversionError, match=r"cannot be joined: 'a/w' is stored as .*a/w.* too"):
        join(one, other)


def test_targets_that_tensorflow_takes_for_patterns_are_told(tmp_path: Path) -> None:
    tb.save(tmp_path / "a", {"w": 1.0})
    tb.save(tmp_path / "b", {"v": 1.0})
    inputs = [tmp_path / "a", tmp_path / "b"]
    with pytest.warns(CompatibilityWarning, match="for a pattern, because of \\["):
        tb.merge(inputs, tmp_path / "c[")
    with pytest.warns(CompatibilityWarning, match="for a pattern"):
        tb.rewrite(tmp_path / "a", tmp_path / "d[")
    (tmp_path / "a").touch()
    tb.save(tmp_path / "a2", {"w": 2.0})
    for command in ("merge", "average"):
        pair = inputs if command == "merge" else [tmp_path / "a", tmp_path / "a2"]
        told = run(command, *pair, tmp_path / f"{command}[").stderr
        assert told.count("note: TensorFlow takes") == 1
        assert "CompatibilityWarning" not in told
