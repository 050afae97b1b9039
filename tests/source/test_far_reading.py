"""Far checkpoints give what local ones give, over every kind of store, in few requests."""

import os
import pickle
from pathlib import Path

import fsspec
import numpy as np
import obstore.store
import pytest

import tensorbundle as tb
from tests.golden.cases import DATA, expected, path_of
from tests.places import PROJECT
from tests.source.stores import Memory

KINDS = ("plain", "no listing", "no suffixes", "obstore", "fsspec")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBUNDLE_INDEX_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=KINDS)
def put(request):
    """Puts a directory into a store of one kind, and gives addresses of it."""

    def put(directory: Path):
        if request.param == "obstore":
            store = obstore.store.MemoryStore()
            for path in filter(Path.is_file, directory.rglob("*")):
                obstore.put(store, f"run/{path.relative_to(directory)}", path.read_bytes())
        elif request.param == "fsspec":
            store = fsspec.filesystem("memory", use_listings_cache=False)
            store.rm("/run", recursive=True) if store.exists("/run") else None
            for path in filter(Path.is_file, directory.rglob("*")):
                store.pipe_file(f"run/{path.relative_to(directory)}", path.read_bytes())
        else:
            store = Memory(
                lists=request.param != "no listing", suffixes=request.param != "no suffixes"
            )
            store.fill(directory)
        return lambda key: tb.Address(f"run/{key}", store=store)

    return put


def mixed(directory: Path, count: int = 60) -> Path:
    """A checkpoint of several shards with tensors of all kinds."""
    rng = np.random.default_rng(7)
    prefix = directory / "model.ckpt-7"
    with tb.Writer(prefix, num_shards=3) as writer:
        for i in range(count):
            value = rng.standard_normal((i * 13 % 29 + 1, i * 7 % 31 + 1)).astype("f4")
            writer.add(f"layer{i:03d}/w", value, shard=i % 3)
        writer.add("words", np.array([b"a", b"", b"long" * 999], object), shard=1)
        writer.add("empty", np.zeros((0, 4)), shard=2)
        writer.add("large", rng.standard_normal((1200, 1200)), shard=0)
        for part in (slice(0, 3), slice(3, 10)):
            writer.add_slice(
                "parted", rng.random((part.stop - part.start, 5)), (10, 5), (part, slice(0, 5))
            )
    return prefix


def assert_same(far, near) -> None:
    assert list(far) == list(near)
    assert far.infos() == near.infos()
    loaded = far.load()
    for name in near:
        np.testing.assert_array_equal(far[name], near[name], strict=True)
        np.testing.assert_array_equal(loaded[name], near[name], strict=True)
    assert far.verify() == near.verify()


def test_far_checkpoint_is_the_local_one(put, tmp_path):
    near = tb.open(mixed(tmp_path))
    address = put(tmp_path)
    far = tb.open(address("model.ckpt-7"))
    assert (far.mode, far.num_shards) == ("read", 3)
    assert_same(far, near)
    cut = np.s_[3:900:7, 5:6]
    np.testing.assert_array_equal(far.read_slice("large", cut), near["large"][cut])
    np.testing.assert_array_equal(far.read_slice("parted", np.s_[2:5]), near["parted"][2:5])
    pieces = (bytes(piece) for piece in far.chunks("large", nbytes=1 << 16))
    assert b"".join(pieces) == near["large"].tobytes()
    out = {"large": np.zeros((1200, 1200)), "layer001/w": np.zeros_like(near["layer001/w"])}
    assert far.load(out=out)["large"] is out["large"]
    np.testing.assert_array_equal(out["large"], near["large"])


@pytest.mark.parametrize("spelling", ["model.ckpt-20", "model.ckpt-20.index", "checkpoint", ""])
def test_every_spelling_leads_to_the_checkpoint(put, spelling):
    address = put(DATA / "saver")
    far = tb.open(address(spelling))
    near = tb.open(DATA / "saver" / spelling)
    assert far.location.prefix.endswith("/run/model.ckpt-20")
    assert_same(far, near)


def outcome(call):
    """What a call gives, or the type of what it raises."""
    try:
        return call()
    except (tb.TensorBundleError, OSError) as error:
        return type(error)


@pytest.mark.parametrize("fixture", sorted(expected()))
def test_every_golden_fixture_is_read_far_away_as_here(fixture):
    store = Memory()
    store.fill(DATA, "data/")
    near = outcome(lambda: tb.open(path_of(fixture)))
    far = outcome(lambda: tb.open(store.address(path_of(fixture).replace(f"{DATA}/", "data/"))))
    if isinstance(near, type):
        assert issubclass(far, near) or issubclass(near, far)
        return
    assert far.location.kind == near.location.kind
    assert far.infos() == near.infos()
    for info in near.infos():
        here, there = (outcome(lambda c=c, name=info.name: c[name]) for c in (near, far))
        if isinstance(here, type):
            assert there is here
        elif here.dtype == object:
            assert here.tolist() == there.tolist()
        else:
            assert (here.dtype, here.shape) == (there.dtype, there.shape)
            assert here.tobytes() == there.tobytes()
    here, there = near.verify(), far.verify()
    assert (there.ok, there.checked, there.nbytes) == (here.ok, here.checked, here.nbytes)
    kinds = [[(fault.name, fault.kind) for fault in report.faults] for report in (here, there)]
    assert kinds[0] == kinds[1]


def test_frozen_graph_and_other_formats_are_copied_here(put, tmp_path):
    tb.export({"a": np.arange(6.0).reshape(2, 3)}, tmp_path / "x.safetensors")
    far = tb.open(put(tmp_path)("x.safetensors"))
    np.testing.assert_array_equal(far["a"], np.arange(6.0).reshape(2, 3))


# --- requests -----------------------------------------------------------------------------------


def many(directory: Path, count: int) -> Path:
    """Tensors of 64 bytes."""
    prefix = directory / "many"
    block = np.arange(count * 16, dtype="f4").reshape(count, 16)
    tb.save(prefix, {f"scope/with/a/name/{i:06d}": block[i] for i in range(count)})
    return prefix


def test_one_of_many_tensors_costs_two_requests_and_one_round_trip_when_known(tmp_path):
    near = tb.open(many(tmp_path, 5000))
    store = Memory()
    store.fill(tmp_path)
    name = "scope/with/a/name/004321"
    np.testing.assert_array_equal(tb.open(store.address("run/many", cache=False))[name], near[name])
    assert store.count() == 2


def test_index_that_is_larger_than_the_first_request_costs_three(tmp_path):
    near = tb.open(many(tmp_path, 50_000))
    assert os.path.getsize(near.location.index) > 1 << 20
    store = Memory()
    store.fill(tmp_path)
    name = "scope/with/a/name/000123"
    np.testing.assert_array_equal(tb.open(store.address("run/many"))[name], near[name])
    assert store.count() == 3


def test_all_tensors_cost_their_bytes_by_parts(tmp_path):
    near = tb.open(mixed(tmp_path))
    store = Memory()
    store.fill(tmp_path)
    far = tb.open(store.address("run/model.ckpt-7"))
    store.count()
    far.load()
    assert store.count() <= near.nbytes // (1 << 20) + far.num_shards + 3 + 3  # parted, words
    far.verify()
    assert store.count() <= near.nbytes // (1 << 20) + far.num_shards + 3 + 3


def test_small_tensors_one_after_the_other_are_read_ahead(tmp_path):
    near = tb.open(many(tmp_path, 3000))
    store = Memory()
    store.fill(tmp_path)
    far = tb.open(store.address("run/many"))
    for name in near:
        far[name]
    assert store.count() < 12


def test_slice_asks_for_no_more_than_its_rows(tmp_path):
    tb.save(tmp_path / "m", {"emb": np.arange(4_000_000, dtype="f4").reshape(-1, 4)})
    store = Memory()
    store.fill(tmp_path)
    far = tb.open(store.address("run/m"))
    got = far.read_slice("emb", np.s_[500_000:500_010])
    assert got[0, 0] == 2_000_000
    asked = [(each.verb, each.nbytes) for each in store.requests if ".data-" in each.key]
    assert asked == [("head", 0), ("get", 160)]


# --- the index that is kept ---------------------------------------------------------------------


@pytest.fixture
def kept(monkeypatch):
    """Keeps indexes of stores in memory too."""
    from tensorbundle._source.cache import IndexCache

    def init(self, address, init=IndexCache.__init__):
        init(self, address)
        self._is_used = self._directory is not None

    monkeypatch.setattr(IndexCache, "__init__", init)


def test_kept_index_is_compared_beside_the_first_tensor(kept, tmp_path):
    near = tb.open(many(tmp_path, 5000))
    store = Memory()
    store.fill(tmp_path)
    name = "scope/with/a/name/000001"
    tb.open(store.address("run/many"))[name]
    store.count()
    far = tb.open(store.address("run/many"))
    np.testing.assert_array_equal(far[name], near[name])
    asked = [(each.verb, each.nbytes) for each in store.requests]
    assert sorted(asked) == [("get", 64), ("tail", 0)]


def test_kept_index_of_a_checkpoint_that_was_replaced_is_read_anew(kept, tmp_path):
    store = Memory()
    for value in (1.0, 2.0):
        tb.save(tmp_path / "m", {"w": np.full(5, value), f"only{value}": 0}, overwrite=True)
        store.fill(tmp_path)
        far = tb.open(store.address("run/m"))
        assert far["w"][0] == value
        assert f"only{value}" in far
        assert len(far) == 2


def test_kept_index_of_a_checkpoint_that_is_gone_is_an_error(kept, tmp_path):
    store = Memory()
    tb.save(tmp_path / "m", {"w": np.zeros(5)})
    store.fill(tmp_path)
    list(tb.open(store.address("run/m")))
    store.objects.clear()
    with pytest.raises(tb.MissingFileError, match="no such object"):
        list(tb.open(store.address("run/m")))


def test_kept_indexes_are_private_and_hold_no_credentials(kept, tmp_path):
    store = Memory()
    (tmp_path / "ckpt").mkdir()
    tb.save(tmp_path / "ckpt" / "m", {"w": np.zeros(5)})
    store.fill(tmp_path / "ckpt")
    address = store.address("run/m", storage_options={"secret": "planted-secret"})
    list(tb.open(address))
    files = list((tmp_path / "cache").iterdir())
    assert len(files) == 1
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
    assert b"planted-secret" not in files[0].read_bytes()
    assert "run" not in files[0].name


# --- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://user:planted@host/x", "user or password"),
        ("https://host/x?X-Amz-Signature=planted", "query"),
        ("s3://bucket/a/../planted", r"'\.\.'"),
        ("s3:///planted", "without a bucket"),
    ],
)
def test_address_that_could_tell_a_secret_is_refused_without_telling_it(url, told):
    with pytest.raises(ValueError, match=told) as caught:
        tb.Address(url)
    assert "planted" not in str(caught.value)


def test_address_does_not_carry_credentials_out_of_the_process():
    open_one = tb.Address("s3://b/k", storage_options={"region": "eu-west-1", "anon": True})
    again = pickle.loads(pickle.dumps(open_one))
    assert (again.url, again.options) == (open_one.url, open_one.options)
    secret = tb.Address("s3://b/k", storage_options={"secret_access_key": "planted"})
    with pytest.raises(TypeError, match="secret_access_key") as caught:
        pickle.dumps(secret)
    assert "planted" not in str(caught.value) + repr(secret)


def test_plain_http_to_a_stranger_with_credentials_is_refused():
    options = {"endpoint_url": "http://store.example", "key": "k", "secret": "planted"}
    with pytest.raises(ValueError, match=r"plain HTTP to store\.example"):
        tb.open("s3://bucket/m", storage_options=options)


def test_import_of_the_library_loads_no_client():
    import subprocess
    import sys

    code = "import sys, tensorbundle; print({'obstore', 'fsspec', 'dask'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PROJECT
    )
    assert done.stdout.strip() == "set()"
