"""Renames that take slots and scopes along, what is kept, and what a result still holds."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle import _core
from tensorbundle._checkpoint.bundle import Bundle
from tensorbundle._objects.message import Attribute, TrackedObject
from tensorbundle._write.shards import BundleFiles
from tensorbundle.errors import (
    ConversionError,
    FormatError,
    TensorBundleError,
    TensorNotFoundError,
)
from tests.freeze.program import document, run
from tests.golden.cases import DATA
from tests.objects.keras import samples, tensorflow

DEMO = DATA / "demo" / "model.ckpt-2000"
K = np.ones((3, 3), np.float32)
VALUE = ".ATTRIBUTES/VARIABLE_VALUE"


def renamed(tmp_path: Path, tensors: dict[str, Any], rename: Any, **options: Any) -> list[str]:
    tb.save(tmp_path / "m", tensors, overwrite=True)
    tb.rewrite(tmp_path / "m", tmp_path / "out", rename=rename, overwrite=True, **options)
    return list(tb.open(tmp_path / "out"))


SLOTS = ("Adam", "Adam_1", "ExponentialMovingAverage", "t_0/Adagrad", "part_1/Ftrl")


@pytest.mark.parametrize(
    "rename",
    [
        {"lstm/weights": "lstm/kernel"},
        [("weights$", "kernel")],
        lambda name: "lstm/kernel" if name == "lstm/weights" else None,
    ],
    ids=["mapping", "rules", "function"],
)
def test_slots_of_every_kind_follow_their_variable(tmp_path: Path, rename: Any) -> None:
    def names(variable: str) -> list[str]:
        found = [variable, *(f"{variable}/{slot}" for slot in SLOTS)]
        return [
            *found,
            f"training/{variable}/Momentum",
            f"training/Adam/{variable}/m",
            f"{variable}_slot_v",
        ]

    others = {"beta1_power": np.float32(1), "lstm/weights_2": K}
    tensors = dict.fromkeys(names("lstm/weights"), K) | others
    assert renamed(tmp_path, tensors, rename) == sorted([*names("lstm/kernel"), *others])


def test_a_rule_that_speaks_of_a_slot_is_followed(tmp_path: Path) -> None:
    tensors = dict.fromkeys(("w", "w/Adam", "w/Adam_1"), K)
    assert renamed(tmp_path, tensors, {"w": "v", "w/Adam": "old"}) == ["old", "v", "v/Adam_1"]
    rules = [("^w$", "v"), ("Adam_1", "second")]
    assert renamed(tmp_path, tensors, rules) == ["v", "v/Adam", "w/second"]


def test_a_stripped_result_has_no_orphans_after_a_rename(tmp_path: Path) -> None:
    tensors = dict.fromkeys(("w", "w/Adam", "w/Adam_1"), K) | {"beta1_power": np.float32(1)}
    renamed(tmp_path, tensors, {"w": "v"})
    tb.rewrite(tmp_path / "out", tmp_path / "slim", strip_optimizer=True)
    assert list(tb.open(tmp_path / "slim")) == ["v"]


def test_tensorflow_restores_renamed_variables_with_their_slots(tmp_path: Path) -> None:
    tb.rewrite(samples() / "tf1", tmp_path / "out", rename={"dense": "layer"})
    back = tb.rewrite(tmp_path / "out", tmp_path / "back", rename={"layer/": "dense/"})
    assert back.renamed["layer/kernel/Adam"] == "dense/kernel/Adam"
    assert list(tb.open(tmp_path / "back")) == list(tb.open(samples() / "tf1"))
    assert tensorflow().saver(tmp_path / "back")[2] == 3


@pytest.mark.parametrize(
    ("old", "new"), [("conv1", "b/c"), ("conv1/", "b/c/"), ("conv1/*", "b/c/*"), ("conv1/*", "b/c")]
)
def test_a_scope_is_renamed_whole(tmp_path: Path, old: str, new: str) -> None:
    tensors = dict.fromkeys(("conv1/w", "conv1/w/Adam", "conv10/w", "conv1_b"), K)
    found = renamed(tmp_path, tensors | {"training/conv1/w/Momentum": K}, {old: new})
    expected = ["b/c/w", "b/c/w/Adam", "conv10/w", "conv1_b", "training/b/c/w/Momentum"]
    assert found == expected


def test_names_count_before_scopes_and_inner_scopes_before_outer_ones(tmp_path: Path) -> None:
    tensors = dict.fromkeys(("a", "a/b/x", "a/b/y", "a/c"), K)
    rename = {"a/b": "in", "a/b/x": "x", "a/": "out"}
    assert renamed(tmp_path, tensors, rename) == ["a", "in/y", "out/c", "x"]
    assert renamed(tmp_path, {"a/b": K, "a/c": K}, {"a": ""}) == ["b", "c"]
    with pytest.raises(TensorNotFoundError, match="no tensors and no scopes 'd', 'a/bb' to rename"):
        renamed(tmp_path, tensors, {"d": "e", "a/bb": "x"})


def test_a_scope_of_objects_is_renamed_whole(tmp_path: Path) -> None:
    run("edit", samples() / "net2", tmp_path / "out", "--rename", "net=model")
    assert tensorflow().net(tmp_path / "out", name="model")[2] == 2


def test_names_with_empty_parts_stay_as_they_are(tmp_path: Path) -> None:
    tensors = dict.fromkeys(("linear//weights", "/block/q", "lstm/weights"), K)
    found = renamed(tmp_path, tensors, [("lstm", "rnn"), ("/block/q", "/block/k")])
    assert found == ["/block/k", "linear//weights", "rnn/weights"]
    for rules in ([("lstm/", "lstm//")], [("^lstm", "")], {"lstm/weights": "lstm/"}):
        with pytest.raises(ConversionError, match="an empty part, for 'lstm/weights'"):
            renamed(tmp_path, tensors, rules)


def test_keep_leaves_all_others_out(tmp_path: Path) -> None:
    found = document("edit", DEMO, tmp_path / "out", "--keep", "dense/*", "--drop", "*Adam*")
    assert list(tb.open(tmp_path / "out")) == ["dense/bias", "dense/kernel"]
    assert "global_step" in found["dropped"]
    with pytest.raises(TensorNotFoundError, match="nothing to keep matches 'nope'"):
        tb.rewrite(DEMO, tmp_path / "o", keep=["dense/*", "nope"])
    tb.rewrite(samples() / "net1", tmp_path / "objects", keep="net/*")
    assert tensorflow().net(tmp_path / "objects", step=False)[0][0] == [1.0, 1.0, 1.0]


def test_bytes_that_nothing_uses_any_more_are_counted_and_told(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"v": np.zeros(10, np.float32), "w": np.zeros(5, np.float64)})
    assert tb.rewrite(tmp_path / "m", tmp_path / "a", rename={"v": "u"}).unused_nbytes == 0
    for options in ({"drop": "v"}, {"cast": {"v": "float16"}}):
        done = tb.rewrite(tmp_path / "m", tmp_path / "b", overwrite=True, **options)
        assert done.unused_nbytes == 40
        assert tb.rewrite(tmp_path / "m", tmp_path / "c", dry_run=True, **options) == (
            tb.rewrite(tmp_path / "m", tmp_path / "b", overwrite=True, dry_run=True, **options)
        )
    told = run("edit", tmp_path / "m", tmp_path / "d", "--drop", "v").stderr
    assert "40 B of the shared shards are no longer used: --compact leaves them out" in told
    assert run("edit", tmp_path / "m", tmp_path / "e", "--drop", "v", "--compact").stderr == ""


def test_a_cast_of_everything_shares_no_shards(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.zeros(1000, np.float32), "step": 1})
    done = tb.rewrite(tmp_path / "m", tmp_path / "out", cast="float16")
    assert (done.linked, done.unused_nbytes) == ((), 0)
    assert (tmp_path / "out.data-00000-of-00001").stat().st_size == 2004


def test_progress_goes_up_to_all_that_is_written(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.zeros((300, 100), np.float32), "v": b"text"})
    for options, total in (({"cast": "float16"}, 60_000), ({"compact": True}, 120_000)):
        done: list[int] = []
        totals: list[int] = []

        def note(nbytes: int, all_: int, done: Any = done, totals: Any = totals) -> None:
            done.append(nbytes)
            totals.append(all_)

        tb.rewrite(tmp_path / "m", tmp_path / "out", overwrite=True, progress=note, **options)
        assert done == sorted(done)
        assert total <= done[-1] <= min(totals)


def test_the_ranges_of_a_tensor_are_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    stored = Bundle.stored
    monkeypatch.setattr(
        Bundle, "stored", lambda self, info: asked.append(info.name) or stored(self, info)
    )
    for options in ({}, {"compact": True}, {"cast": "float16"}, {"dry_run": True}):
        asked.clear()
        tb.rewrite(DEMO, tmp_path / "out", overwrite=True, **options)
        assert sorted(asked) == list(tb.open(DEMO))


@pytest.mark.filterwarnings("ignore:TensorFlow cannot join")
@pytest.mark.parametrize("options", [{}, {"compact": True}, {"cast": {"*w": "float16"}}], ids=str)
def test_keys_that_are_not_utf_8_are_kept(tmp_path: Path, options: dict[str, Any]) -> None:
    names = ["\udcff/w", "a\udc80", "\udcff/w/Adam"]
    with tb.Writer(tmp_path / "m") as writer:
        for name in names:
            writer.add(name, K)
        writer.add_slice("\udcc3(w", np.ones((1, 2), "f"), (2, 2), "0,1:-")
        writer.add_slice("\udcc3(w", np.ones((1, 2), "f"), (2, 2), "1,1:-")
    rename = {"\udcff/w": "\udcfe/w"}
    tb.rewrite(tmp_path / "m", tmp_path / "out", rename=rename, **options)
    found = tb.open(tmp_path / "out")
    assert set(found) == {"\udcfe/w", "a\udc80", "\udcfe/w/Adam", "\udcc3(w"}
    assert found.verify().ok


def test_malformed_children_of_an_object_graph_are_an_error_of_their_own(tmp_path: Path) -> None:
    graph = tb.ObjectGraph.of(["net/aa", "net/bb"])
    tb.save(tmp_path / "m", {"net/aa": 1.0, "net/bb": 2.0}, objects=graph)
    encoded = graph.encode().replace(b"\x12\x02bb", b"\x12\x02aa")
    listing = _core.Index(_core.File(str(tmp_path / "m.index"))).entries()
    tensors = {n: tb.open(tmp_path / "m")[n] for n in listing.names() if not n.startswith("_")}
    key = "_CHECKPOINTABLE_OBJECT_GRAPH"
    tb.save(tmp_path / "bad", tensors | {key: np.array(encoded, object)})
    for options in ({"rename": {"net/aa": "net/cc"}}, {"drop": "net/aa*"}):
        with pytest.raises(TensorBundleError, match="two children of one name"):
            tb.rewrite(tmp_path / "bad", tmp_path / "out", **options)


def test_an_error_about_a_key_that_is_not_utf_8_is_an_error_of_the_format(tmp_path: Path) -> None:
    entry = (1, (2,), 8, 0, 0, 0, ())
    with BundleFiles(str(tmp_path / "m"), overwrite=False) as out:
        out.writer.add_entries([(b"\xff", entry), (b"\xff", entry)])
        with pytest.raises(FormatError, match=r"the same name \(.*m\.index.*xff'") as caught:
            out.commit()
    assert str(tmp_path / "m.index") in str(caught.value.path)
    assert not list(tmp_path.iterdir())


def test_a_long_chain_of_objects_takes_memory_in_proportion(tmp_path: Path) -> None:
    depth = 5000
    nodes = [TrackedObject(children=(("x", number + 1),)) for number in range(depth)]
    nodes[0] = TrackedObject(children=(("x", 1), ("w", depth + 1)))
    key = f"w/{VALUE}"
    nodes += [TrackedObject(), TrackedObject(attributes=(Attribute("VARIABLE_VALUE", "", key),))]
    message = tb.ObjectGraph(nodes).encode()
    tb.save(tmp_path / "m", {key: 1.0, "_CHECKPOINTABLE_OBJECT_GRAPH": np.array(message, object)})
    tracemalloc.start()
    try:
        tb.rewrite(tmp_path / "m", tmp_path / "out", rename={"w": "v"})
        assert tb.open(tmp_path / "m").origin == "tf.Module"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "v" in tb.open(tmp_path / "out")
    assert peak < 200 * len(message)
