"""Graphs far away: only they are copied here, values are read by ranges, and results go back."""

import logging
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tensorbundle as tb
from tensorbundle._far.publish import CLAIM_SUFFIX
from tests.source.stores import Memory


@pytest.fixture
def demo(tmp_path):
    """A store with the graph and checkpoints of the demo, and the directory that they are of."""
    directory = Path(tb.demo("saver"))
    store = Memory()
    store.fill(directory)
    return store, directory


def data_of(store):
    return sum(each.nbytes for each in store.requests if ".data-" in each.key)


def test_graph_far_away_is_loaded_without_its_values(demo):
    store, directory = demo
    graph = tb.load_graph(store.address("run/model.ckpt-20"))
    assert data_of(store) == 0
    assert graph.num_nodes == tb.load_graph(directory / "model.ckpt-20.meta").num_nodes
    assert graph.checkpoint.prefix == "store://memory/run/model.ckpt-20"
    assert {each.key for each in graph.variables.values()} == {
        each.key for each in tb.load_graph(directory).variables.values()
    }


def test_freeze_of_far_graph_reads_ranges_and_gives_the_same_bytes(demo, tmp_path):
    store, directory = demo
    outputs = [next(iter(tb.suggest_outputs(directory))).name]
    near = tb.freeze(directory, outputs=outputs, path=tmp_path / "near.pb")
    tb.freeze(store.address("run"), outputs=outputs, path=store.address("out/far.pb"))
    assert store.objects["out/far.pb"][0] == (tmp_path / "near.pb").read_bytes()
    assert data_of(store) <= near.nbytes
    pruned = tb.prune(store.address("run/model.ckpt-20.meta"), outputs=outputs)
    assert pruned.num_nodes == tb.prune(directory, outputs=outputs).num_nodes


def test_verification_far_away_checks_the_graph_too(demo):
    store, directory = demo
    assert tb.verify(store.address("run")).unchecked == tb.verify(directory).unchecked
    key = "run/model.ckpt-20.meta"
    store.set(key, store.objects[key][0][:-40])
    report = tb.verify(store.address("run/model.ckpt-20"))
    assert not report.ok
    assert report.faults[0].path == f"store://memory/{key}"


def test_newest_intact_checkpoint_of_an_address(demo, caplog):
    store, _ = demo
    assert tb.latest_checkpoint(store.address("run"), intact=True) == \
        "store://memory/run/model.ckpt-20"  # fmt: skip
    shard = next(key for key in store.objects if "ckpt-20.data" in key)
    data = bytearray(store.objects[shard][0])
    data[3] ^= 1
    store.set(shard, bytes(data))
    with caplog.at_level(logging.WARNING):
        found = tb.latest_checkpoint(store.address("run"), intact=True)
    assert found == "store://memory/run/model.ckpt-10"
    assert "model.ckpt-20 was passed over: checksum" in caplog.text
    tb.save(store.address("run/model.ckpt-30"), {"w": np.ones(2)})
    assert tb.latest_checkpoint(store.address("run")) == "store://memory/run/model.ckpt-20"
    found = tb.latest_checkpoint(store.address("run"), intact=True)
    assert found == "store://memory/run/model.ckpt-30"
    assert tb.latest_checkpoint(store.address("none"), intact=True) is None


def test_claim_of_a_killed_writer_does_not_block_for_ever(monkeypatch):
    store = Memory()
    target = store.address("run/m", cache=False)
    claim = f"run/m{CLAIM_SUFFIX}"
    store.put(claim, b"0123 1700000000")
    tb.save(target, {"w": np.ones(2)})
    assert claim not in store.objects
    assert tb.open(target).verify().ok
    store = Memory()
    target = store.address("run/m", cache=False)
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)
    store.put(claim, b"0123 1799999000")
    with pytest.raises(FileExistsError, match=r"after 3600 s \(now 1000 s\) its claim is over"):
        tb.save(target, {"w": np.ones(2)})
    tb.save(target, {"w": np.ones(2)}, overwrite=True)
    assert tb.open(target).verify().ok


def test_claim_that_goes_while_it_is_looked_at_is_of_a_writer_that_was_quicker():
    store = Memory()
    claim = f"run/m{CLAIM_SUFFIX}"
    store.put(claim, b"0123 1700000000")

    def answer(number, verb, key, data):
        if verb == "get" and key == claim:
            store.objects.pop(claim)
            raise FileNotFoundError
        return data

    store.fault = answer
    with pytest.raises(FileExistsError, match="another process writes a checkpoint there"):
        tb.save(store.address("run/m"), {"w": np.ones(2)})
    assert store.objects == {}


def test_commands_on_graphs_put_their_results_far_away(tmp_path, monkeypatch):
    import fsspec

    from tensorbundle.cli import program

    fsspec.filesystem("memory").store.clear()
    directory = tb.demo("saver")
    outputs = next(iter(tb.suggest_outputs(directory))).name
    for command, target in (
        ("freeze", "memory://out/f.pb"),
        ("prune", "memory://out/p.pb"),
        ("export-saved-model", "memory://out/model"),
    ):
        done = CliRunner().invoke(program, [command, directory, target, "--output", outputs])
        assert done.exit_code == 0, done.output
        assert target in done.output
    assert tb.load_graph("memory://out/f.pb").num_nodes
    assert tb.verify("memory://out/model").ok
    again = CliRunner().invoke(
        program, ["freeze", directory, "memory://out/f.pb", "--output", outputs]
    )
    assert again.exit_code != 0
