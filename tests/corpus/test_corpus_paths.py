"""Every spelling of every real checkpoint beside the project means the same checkpoint."""

import json
import os
import re
from dataclasses import replace

import pytest

from tensorbundle._format.state import encode_state
from tensorbundle._locate.checkpoints import locate
from tensorbundle._locate.damage import explain_not_a_table
from tensorbundle._locate.states import read_state
from tensorbundle.errors import MissingFileError


@pytest.fixture(scope="module")
def entries(corpus):
    return json.loads((corpus / "manifest.json").read_text("utf-8"))["entries"]


def prefix_of(corpus, entry):
    return os.path.join(corpus, entry["dir"], entry["prefix"])


def has_values(entry):
    return entry["id"] != "OneRaynyDay__TensorFlowConvnet/best_model.ckpt"  # its graph only


def test_every_prefix_is_found_in_its_format(corpus, entries):
    for entry in filter(has_values, entries):
        prefix = prefix_of(corpus, entry)
        if not entry["prefix"]:  # a directory to TensorFlow: see the test of the empty base name
            continue
        found = locate(prefix)
        assert (found.requested, found.prefix) == (prefix, prefix)
        if entry["kind"] == "v1":
            assert (found.kind, found.files) == ("v1", (prefix,))
        else:
            assert (found.kind, found.index) == ("v2", prefix + ".index")
        assert (found.meta is not None) == entry["has_meta"]
        assert (found.saved_model is not None) == ("saved_model" in entry)


def test_every_file_of_a_checkpoint_means_the_same(corpus, entries):
    for entry in filter(has_values, entries):
        expected = locate(prefix_of(corpus, entry))
        for file in entry["files"]:
            path = os.path.join(corpus, entry["dir"], file["path"])
            if path.removeprefix(expected.prefix).startswith((".index", ".data-", ".meta")):
                found = locate(path)
                assert (
                    replace(found, requested=expected.requested, notes=expected.notes) == expected
                )


def test_every_saved_model_directory_means_its_variables(corpus, entries):
    models = [entry for entry in entries if "saved_model" in entry]
    assert len(models) > 10
    for entry in models:
        prefix = prefix_of(corpus, entry)
        variables = os.path.dirname(prefix)
        model = os.path.dirname(variables)
        for spelling in (model, model + os.sep, os.path.join(model, "saved_model.pb"), variables):
            assert (locate(spelling).prefix, locate(spelling).saved_model) == (prefix, model)


def test_every_state_file_agrees_with_tensorflow_or_finds_more(corpus, entries):
    moved = gone = 0
    for entry in entries:
        if not entry.get("state"):
            continue
        directory = os.path.dirname(prefix_of(corpus, entry))
        latest = entry["state"]["latest_checkpoint"]
        name = entry["state"]["model_checkpoint_path"]
        beside = os.path.join(directory, re.split(r"[\\/]", name)[-1])
        if latest is None and not os.path.exists(beside + ".index"):
            gone += 1
            told = f"names {re.escape(repr(name))}, which is not there"
            with pytest.raises(MissingFileError, match=told):
                locate(directory)
            continue
        found = locate(directory)
        assert found.state == os.path.join(directory, "checkpoint")
        if latest is None:
            moved += 1
            assert "found by its base name" in found.notes[0]
        else:
            assert found.prefix == os.path.join(corpus, latest)
            assert all("empty base name" in note for note in found.notes)
        if os.path.basename(found.prefix) != "checkpoint":  # that name means the bundle itself
            again = replace(locate(found.state), requested=found.requested, notes=found.notes)
            assert again == found
    assert moved >= 4
    assert gone >= 4


def test_every_state_file_is_encoded_as_it_was(corpus, entries):
    states = {
        os.path.join(os.path.dirname(prefix_of(corpus, entry)), "checkpoint")
        for entry in entries
        if entry.get("state")
    }
    assert len(states) > 40
    for path in sorted(states):
        with open(path, "rb") as file:
            content = file.read()
        state = read_state(path).state
        assert encode_state(state) == content.replace(b"\r\n", b"\n")


def test_empty_base_name_is_reached_through_its_files(corpus):
    directory = os.path.join(corpus, "BilleChu__dnn-test-tensorflow", "")
    assert locate(directory + ".index").index == directory + ".index"
    # TensorFlow follows the state file here, and expected.json says what it reads.
    assert locate(directory).prefix == directory + "model.ckpt"


def test_graph_without_values_raises_missing_file(corpus):
    directory = os.path.join(corpus, "OneRaynyDay__TensorFlowConvnet")
    for spelling in ("best_model.ckpt", "best_model.ckpt.meta"):
        with pytest.raises(MissingFileError, match=r"only the graph \('best_model\.ckpt\.meta'\)"):
            locate(os.path.join(directory, spelling))
    with pytest.raises(MissingFileError, match=r"names 'model\.ckpt'.*graphs of others"):
        locate(directory)


def test_damaged_index_is_located_and_explained(corpus, entries):
    told = [
        explain_not_a_table(locate(prefix_of(corpus, entry)).index)
        for entry in entries
        if entry["kind"] == "damaged" and has_values(entry)
    ]
    assert sum("git-LFS pointer" in phrase for phrase in told if phrase) == 3
    assert sum("symbolic link stored as text" in phrase for phrase in told if phrase) == 1
    assert told.count(None) == 3  # sound indexes whose data is absent
