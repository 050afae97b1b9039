"""Real checkpoints that other people made, read exactly as TensorFlow reads them."""

import json
import os
import re
from collections import Counter
from functools import cache

import pytest

import tensorbundle as tb
from tests.golden.cases import digest, digest_of

# Graphs without a checkpoint, pointers and links in place of files: what is said of each.
NO_CHECKPOINT = {
    "2Obe__BSData/saved_model/variables/variables": "is a git-LFS pointer",
    "MTRNord__matrix-spam-ml/models/spam_keras_1664583738.3207538/variables/variables": (
        "is a git-LFS pointer"
    ),
    "MTRNord__matrix-spam-ml@64b9f77b/models/spam_keras_1664061067.8239014/variables/variables": (
        "is a git-LFS pointer"
    ),
    "OneRaynyDay__TensorFlowConvnet/best_model.ckpt": r"only the graph .*\.meta",
    "dgg95223__ML_QC_GEOM_OPT@ad52841a/test/water/monomer/model.ckpt": (
        "is a symbolic link stored as text"
    ),
}
# An index whose data nobody committed.
NO_DATA = (
    "Pookkie__NLP/model.ckpt",
    "Pookkie__NLP/model_20_60.ckpt",
    "Rohan-Hirekerur__Minesweeper/model.ckpt",
)


@cache
def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


@pytest.fixture
def manifest(corpus):
    return {entry["id"]: entry for entry in read_json(corpus / "manifest.json")["entries"]}


@pytest.fixture
def expected(corpus):
    return read_json(corpus / "expected.json")


@pytest.fixture
def sound(manifest, expected):
    """The entries with values, and what TensorFlow reads from them."""
    return [
        (manifest[name], record["tensors"])
        for name, record in expected.items()
        if name not in NO_DATA
    ]


def path_of(corpus, entry):
    return os.path.join(corpus, entry["dir"], entry["prefix"])


def check(arrays, tensors):
    for name, record in tensors.items():
        if digest_of(record):
            assert list(arrays[name].shape) == record["shape"]
            assert digest(arrays[name]) == digest_of(record), name


def readable(tensors):
    return [name for name, record in tensors.items() if digest_of(record)]


def test_every_entry_is_accounted_for(manifest, expected):
    assert len(manifest) == 98
    assert set(manifest) - set(expected) == set(NO_CHECKPOINT)
    assert set(NO_DATA) < set(expected)


def test_every_name_and_fact_is_that_of_tensorflow(corpus, manifest, expected):
    for name, record in expected.items():
        ckpt = tb.open(path_of(corpus, manifest[name]))
        found = {info.name: (info.tf_dtype, list(info.shape)) for info in ckpt.infos()}
        assert found == {n: (r["dtype"], r["shape"]) for n, r in record["tensors"].items()}


@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_every_tensor_is_that_of_tensorflow(corpus, sound, mode):
    for entry, tensors in sound:
        check(tb.open(path_of(corpus, entry), mode=mode), tensors)


def test_every_tensor_read_in_bulk_is_that_of_tensorflow(corpus, sound):
    for entry, tensors in sound:
        ckpt = tb.open(path_of(corpus, entry))
        check(ckpt.load(readable(tensors)), tensors)
        check(ckpt.views(readable(tensors)), tensors)


def test_every_chunked_tensor_is_that_of_tensorflow(corpus, sound):
    for entry, tensors in sound:
        ckpt = tb.open(path_of(corpus, entry))
        for name, record in tensors.items():
            if "sha256" in record:
                stored = b"".join(map(bytes, ckpt.chunks(name, nbytes=100_000)))
                assert stored == ckpt[name].tobytes()


def test_every_sound_checkpoint_is_verified(corpus, sound):
    for entry, tensors in sound:
        report = tb.open(path_of(corpus, entry)).verify()
        assert report.ok, (entry["id"], report.faults)
        assert report.checked >= len(tensors)


def test_every_file_of_an_entry_opens_the_same_checkpoint(corpus, sound):
    spellings = 0
    for entry, tensors in sound:
        ckpt = tb.open(path_of(corpus, entry))
        for suffix in (".index", ".meta", ".data-00000-of-00001"):
            path = ckpt.location.prefix + suffix
            if not os.path.exists(path):
                continue
            spellings += 1
            other = tb.open(path)
            assert other.location.prefix == ckpt.location.prefix
            assert list(other) == list(ckpt)
            check(other, tensors)
    assert spellings > 150


def test_every_directory_opens_the_checkpoint_it_is_for(corpus, sound):
    opened = Counter()
    for entry, tensors in sound:
        directory = os.path.dirname(path_of(corpus, entry))
        if entry["kind"] == "savedmodel":
            directory = os.path.dirname(directory)
        elif (entry.get("state") or {}).get("latest_checkpoint") != entry["id"]:
            continue
        check(tb.open(directory), tensors)
        opened[entry["kind"]] += 1
    assert opened["savedmodel"] == 15
    assert opened.total() > 40


def test_every_variant_is_listed_and_refused(corpus, sound):
    refused = 0
    for entry, tensors in sound:
        ckpt = tb.open(path_of(corpus, entry))
        for name, record in tensors.items():
            if record["dtype"] != "variant":
                continue
            refused += 1
            told = f"type variant cannot be read as arrays in tensor {re.escape(repr(name))}"
            with pytest.raises(tb.UnsupportedError, match=told):
                ckpt[name]
    assert refused == 3  # TensorFlow has no arrays of them either


@pytest.mark.parametrize("name", NO_CHECKPOINT)
def test_what_is_no_checkpoint_is_told_for_what_it_is(corpus, manifest, name):
    with pytest.raises((tb.FormatError, tb.MissingFileError), match=NO_CHECKPOINT[name]):
        tb.open(path_of(corpus, manifest[name]))


@pytest.mark.parametrize("name", NO_DATA)
def test_index_without_data_lists_but_names_the_missing_shard(corpus, manifest, expected, name):
    ckpt = tb.open(path_of(corpus, manifest[name]))
    assert set(ckpt) == set(expected[name]["tensors"])
    shard = re.escape(os.path.basename(manifest[name]["prefix"])) + ".data-00000-of-00001"
    for tensor in ckpt:
        with pytest.raises(tb.MissingFileError, match=f"data shard '{shard}' is missing"):
            ckpt[tensor]
    with pytest.raises(tb.MissingFileError, match=f"data shard '{shard}' is missing"):
        ckpt.load()
    report = ckpt.verify()
    assert [fault.kind for fault in report.faults] == ["missing shard"]
    assert "and 24 more" in report.faults[0].message or len(ckpt) == 54
