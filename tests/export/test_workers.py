"""Exports by workers: the files of one process, near and far, and parts that are kept."""

import concurrent.futures
import errno
import json
import multiprocessing

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._export import shared
from tests.source.stores import Memory

SIZE = 9000


@pytest.fixture
def source(tmp_path):
    random = np.random.default_rng(3)
    tensors = {f"t{i:02d}": random.standard_normal(1000).astype(("f4", "f8")[i % 2])
               for i in range(12)}  # fmt: skip
    return tb.save(tmp_path / "in" / "m", {**tensors, "words": np.array([b"a"], object)})


def files_in(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


OPTIONS = {
    "plain": {},
    "cast": {"cast": "bfloat16"},
    "some": {"names": ["t0*", "t11"], "exclude": "t03"},
    "large": {"max_shard_bytes": 1 << 30},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_files_by_workers_are_those_of_one_process(source, tmp_path, options):
    options = {"max_shard_bytes": SIZE, **options}
    alone = tb.export(source, tmp_path / "a" / "x.safetensors", **options)
    done = tb.export(source, tmp_path / "b" / "x.safetensors", **options, workers=3)
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")
    assert (done.written, done.nbytes, done.left_out) == (
        alone.written, alone.nbytes, alone.left_out,
    )  # fmt: skip
    assert [file.replace("/b/", "/a/") for file in done.files] == list(alone.files)
    with pytest.raises(FileExistsError, match=r"already|exists"):
        tb.export(source, tmp_path / "b" / "x.safetensors", **options, workers=3)
    tb.export(source, tmp_path / "b" / "x.safetensors", **options, workers=2, overwrite=True)
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")


def test_processes_export(source, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as pool:
        tb.export(source, tmp_path / "b" / "x.safetensors", max_shard_bytes=SIZE, workers=pool)
    tb.export(source, tmp_path / "a" / "x.safetensors", max_shard_bytes=SIZE)
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")


def test_far_export_is_copied_inside_of_the_store_and_its_index_is_last(source, tmp_path):
    store = Memory()
    target = store.address("out/x.safetensors")
    done = tb.export(source, target, max_shard_bytes=SIZE, workers=2)
    tb.export(source, tmp_path / "a" / "x.safetensors", max_shard_bytes=SIZE)
    found = {key.removeprefix("out/"): data for key, (data, _) in store.objects.items()}
    assert found == files_in(tmp_path / "a")
    written = [each for each in store.requests if each.verb in ("put", "put_file", "copy")]
    assert written[-1].key == "out/x.safetensors.index.json"
    assert sum(each.verb == "copy" for each in written) == len(done.files) - 1
    with pytest.raises(FileExistsError, match="exists already"):
        tb.export(source, target, max_shard_bytes=SIZE, workers=2)
    tb.export(source, target, max_shard_bytes=SIZE, workers=2, overwrite=True)


def test_export_that_ends_early_is_gone_on_with(source, tmp_path, monkeypatch):
    real, numbers = shared.export_task, []

    def task(given):
        numbers.append(given.number)
        if len(numbers) == 3:
            raise OSError(errno.ENOSPC, "no space")
        return real(given)

    monkeypatch.setattr(shared, "export_task", task)
    target = tmp_path / "b" / "x.safetensors"
    with pytest.raises(OSError, match="no space; 2 of 12 parts are finished"):
        tb.export(source, target, max_shard_bytes=SIZE, workers=1)
    assert not list((tmp_path / "b").glob("*.json"))
    tb.export(source, target, max_shard_bytes=SIZE, workers=1)
    assert numbers == [0, 1, 2, *range(2, 12)]
    tb.export(source, tmp_path / "a" / "x.safetensors", max_shard_bytes=SIZE)
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")
    json.loads((tmp_path / "b" / "x.safetensors.index.json").read_text())


def test_dry_run_and_what_workers_cannot_do(source, tmp_path):
    done = tb.export(source, tmp_path / "x.safetensors", workers=2, dry_run=True)
    assert (done.files, done.written) == ((), 12)
    assert not list(tmp_path.glob("x*"))
    with pytest.raises(tb.ConversionError, match="files of safetensors among them, not 'npz'"):
        tb.export(source, tmp_path / "x.npz", workers=2)
    with pytest.raises(tb.ConversionError, match="open what they read by themselves"):
        tb.export({"w": np.ones(3)}, tmp_path / "x.safetensors", workers=2)
