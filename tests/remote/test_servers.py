"""Real servers: S3 with signatures and conditions, GCS, HTTP; the same bits, typed refusals."""

import json
import logging
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tests.golden.cases import DATA
from tests.places import PROJECT
from tests.remote import servers


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    import obstore

    with servers.seaweedfs(tmp_path_factory.mktemp("s3")) as options:
        for bucket in ("private", "public"):
            servers.make_bucket(options, bucket)
        assert obstore.__version__
        yield options


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBUNDLE_INDEX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def values(version, size=200_000):
    return {f"t{i}": np.full(size, version * 10.0 + i) for i in range(4)}


def version_of(ckpt):
    found = {(float(array[0]) - int(name[1:])) / 10 for name, array in ckpt.load().items()}
    assert len(found) == 1, f"a mixture: {found}"
    return found.pop()


def test_s3_reads_what_was_saved_there_and_by_every_spelling(s3):
    tb.copy(
        DATA / "saver" / "model.ckpt-20",
        tb.Address("s3://private/run/model.ckpt-20", storage_options=s3),
    )
    tb.save(tb.Address("s3://private/run/big", storage_options=s3), values(3, 3_000_000))
    far = tb.open("s3://private/run/model.ckpt-20", storage_options=s3)
    near = tb.open(DATA / "saver" / "model.ckpt-20")
    for name in near:
        np.testing.assert_array_equal(far[name], near[name], strict=True)
    assert far.verify() == near.verify()
    assert version_of(tb.open("s3://private/run/big", storage_options=s3)) == 3
    again = tb.open("s3://private/run/big", storage_options=s3)  # by the index that was kept
    assert again["t1"][0] == 31


def test_s3_refuses_strangers_and_says_what_it_looked_for(s3, caplog):
    caplog.set_level(logging.DEBUG)
    tb.save(tb.Address("s3://private/secret/m", storage_options=s3), values(1, 10))
    wrong = {**s3, "secret": "planted-wrong-secret"}
    with pytest.raises(PermissionError, match=r"refuses.*AWS_ACCESS_KEY_ID") as caught:
        tb.open("s3://private/secret/m", storage_options=wrong)
    anonymous = {key: s3[key] for key in ("endpoint_url", "region")} | {"anon": True}
    with pytest.raises(PermissionError, match="refuses"):
        tb.open("s3://private/secret/m", storage_options=anonymous)
    tb.save(tb.Address("s3://public/open/m", storage_options=s3), values(1, 10))
    assert version_of(tb.open("s3://public/open/m", storage_options=anonymous)) == 1
    shown = f"{caught.value!r} {caplog.text}"
    assert "planted" not in shown
    assert servers.KEY not in shown
    with pytest.raises(tb.MissingFileError, match="no checkpoint at 's3://private/none'"):
        tb.open("s3://private/none", storage_options=s3)


def test_s3_of_eight_writers_one_wins_twenty_times(s3):
    for round in range(20):
        address = tb.Address(f"s3://private/race/{round}", storage_options=s3)
        outcomes = [None] * 8
        start = threading.Barrier(8)

        def write(i, to=address, outcomes=outcomes, start=start):
            start.wait()
            try:
                tb.save(to, values(i, 100), fsync=False)
            except FileExistsError as error:
                outcomes[i] = error

        threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [i for i, outcome in enumerate(outcomes) if outcome is None]
        assert len(winners) == 1
        assert version_of(tb.open(address)) == winners[0]


def test_s3_reader_beside_a_hundred_overwrites_sees_no_mixture(s3):
    address = tb.Address("s3://private/again/m", storage_options=s3)
    tb.save(address, values(0, 1000), max_shard_bytes=8000)
    seen, failures, stop = [], [], threading.Event()

    def read():
        while not stop.is_set():
            try:
                seen.append(version_of(tb.open(address)))
            except tb.FormatError as error:
                failures.extend([] if "replaced" in str(error) else [error])
            except BaseException as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for version in range(1, 101):
        tb.save(address, values(version, 1000), max_shard_bytes=8000, overwrite=True, fsync=False)
    stop.set()
    reader.join()
    assert failures == []
    assert len(seen) > 10
    assert seen == sorted(seen)


def test_s3fs_reads_the_same(s3):
    import s3fs

    tb.save(tb.Address("s3://private/fs/m", storage_options=s3), values(4, 1000))
    filesystem = s3fs.S3FileSystem(
        key=servers.KEY, secret=servers.SECRET, endpoint_url=s3["endpoint_url"]
    )
    assert version_of(tb.open("private/fs/m", store=filesystem)) == 4


def test_command_reads_verifies_and_copies_addresses(s3, tmp_path):
    tb.save(tb.Address("s3://private/cli/m", storage_options=s3), values(5, 1000))
    options = []
    for name, value in (("key", servers.KEY), ("secret", servers.SECRET)):
        options += ["--storage-option", f"{name}={value}"]
    options += ["--endpoint-url", s3["endpoint_url"], "--region", "us-east-1"]

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "tensorbundle", *arguments, *options],
            capture_output=True,
            text=True,
            cwd=PROJECT,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = json.loads(run("ls", "s3://private/cli/m", "--json"))
    assert "t3" in json.dumps(listed)
    assert json.loads(run("verify", "s3://private/cli/m", "--json", "--workers", "2"))["ok"]
    run("cp", "s3://private/cli/m", str(tmp_path / "near"))
    assert version_of(tb.open(tmp_path / "near")) == 5
    run("cp", str(tmp_path / "near"), "s3://private/cli/n")
    run("export", "s3://private/cli/n", str(tmp_path / "w.safetensors"))
    assert version_of(tb.open(tmp_path / "w.safetensors")) == 5


def test_gcs_is_read(tmp_path):
    with servers.fake_gcs(tmp_path) as options:
        root = options.pop("root")
        bucket = urllib.request.Request(
            f"{root}/storage/v1/b?project=p",
            data=b'{"name": "bucket"}',
            method="POST",
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(bucket, timeout=10).close()
        for path in (DATA / "saver").iterdir():
            upload = urllib.request.Request(
                f"{root}/upload/storage/v1/b/bucket/o?uploadType=media&name=run/{path.name}",
                data=path.read_bytes(),
                method="POST",
            )
            urllib.request.urlopen(upload, timeout=10).close()
        far = tb.open("gs://bucket/run", storage_options=options)
        near = tb.open(DATA / "saver")
        for name in near:
            np.testing.assert_array_equal(far[name], near[name], strict=True)
        assert far.verify() == near.verify()


def test_http_is_read_without_a_listing(tmp_path):
    with servers.web(DATA) as root:
        far = tb.open(f"{root}/saver/model.ckpt-20")
        near = tb.open(DATA / "saver" / "model.ckpt-20")
        for name in near:
            np.testing.assert_array_equal(far[name], near[name], strict=True)
        assert far.verify() == near.verify()
        assert tb.open(f"{root}/saver").location.prefix == f"{root}/saver/model.ckpt-20"
        tb.copy(f"{root}/saver/model.ckpt-20", tmp_path / "m")
        assert Path(tmp_path / "m.meta").exists()
        with pytest.raises(tb.MissingFileError, match="no checkpoint at"):
            tb.open(f"{root}/none")


def test_dask_workers_in_processes_of_their_own_verify_an_address(s3, monkeypatch):
    monkeypatch.setenv("TENSORBUNDLE_STORAGE_OPTIONS", json.dumps(s3))
    tb.save("s3://private/dask/m", values(6, 50_000), max_shard_bytes=400_000)
    with servers.dask_client(2, 2) as client:
        assert tb.verify("s3://private/dask/m", workers=client).ok
        lazy = tb.open("s3://private/dask/m").to_dask(chunk_bytes="64KiB")
        assert lazy["t2"].mean().compute() == 62
