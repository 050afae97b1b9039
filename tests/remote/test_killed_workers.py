"""Workers of Dask killed in every phase of every verb: the result is the same, and whole."""

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._checkpoint.far import tasks
from tensorbundle._parallel import groups
from tests.edit.test_workers import content, save
from tests.remote import dying, servers


def bytes_in(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


@pytest.mark.parametrize("phase", dying.PHASES)
@pytest.mark.parametrize("verb", dying.REAL)
def test_killed_worker_costs_its_task_alone(tmp_path, monkeypatch, verb, phase):
    # A cluster of each: after one, it may be slow to have all of its workers again.
    with servers.dask_client(2, 1) as client:
        killed_once(client, tmp_path, monkeypatch, verb, phase)


def killed_once(client, tmp_path, monkeypatch, verb, phase):
    two = [save(tmp_path / "in", seed, f"m-{seed}") for seed in (1, 2)]
    monkeypatch.setattr(groups, "TASK_BYTES", 20_000)
    monkeypatch.setattr(tasks, "TASK_BYTES", 20_000)
    room, name, _ = dying.REAL[verb]
    monkeypatch.setattr(room, name, dying.dying(verb, phase, str(tmp_path / "died")))
    out, alone = tmp_path / "out", tmp_path / "alone"
    out.mkdir()
    alone.mkdir()
    if verb == "average":
        tb.average(two, out / "a", workers=client)
        tb.average(two, alone / "a")
        assert content(out / "a") == content(alone / "a")
    elif verb == "rewrite":
        tb.rewrite(two[0], out / "r", cast="bfloat16", workers=client)
        tb.rewrite(two[0], alone / "r", cast="bfloat16")
        assert content(out / "r") == content(alone / "r")
    elif verb == "export":
        tb.export(two[0], out / "x.safetensors", max_shard_bytes=9000, workers=client)
        tb.export(two[0], alone / "x.safetensors", max_shard_bytes=9000)
        assert bytes_in(out) == bytes_in(alone)
    elif verb == "diff":
        assert tb.diff(*two, workers=client) == tb.diff(*two)
    else:
        found, expected = tb.verify(two[0], workers=client), tb.verify(two[0])
        assert (found.ok, found.checked, found.nbytes) == (True, expected.checked, expected.nbytes)
    assert (tmp_path / "died").exists()
    assert not list(out.glob("*_temp*"))
    assert np.isfinite(tb.open(two[0])["t00"]).all()
