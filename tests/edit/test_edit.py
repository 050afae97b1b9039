"""Rewritten checkpoints, each restored by TensorFlow."""

import os
import resource
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, MissingFileError, TensorNotFoundError
from tests.freeze.program import document, run
from tests.golden.cases import DATA, digest
from tests.objects.keras import assert_weights, samples, tensorflow

DEMO = DATA / "demo" / "model.ckpt-2000"


def content(path: str | Path) -> dict[str, bytes]:
    ckpt = tb.open(path)
    return {name: ckpt[name].tobytes() for name in ckpt if ckpt[name].dtype != object}


# --- by name ------------------------------------------------------------------------------------


def test_rename_shares_shards_and_changes_names_only(tmp_path: Path) -> None:
    done = tb.rewrite(DEMO, tmp_path / "out", rename={"dense/bias": "dense/b"})
    before, after = content(DEMO), content(tmp_path / "out")
    for slot in ("", "/Adam", "/Adam_1"):
        assert after.pop(f"dense/b{slot}") == before.pop(f"dense/bias{slot}")
    assert after == before
    assert (done.nbytes, len(done.linked)) == (0, 1)
    shard = Path(f"{DEMO}.data-00000-of-00001")
    assert os.path.samefile(shard, tmp_path / "out.data-00000-of-00001") or shard.stat().st_dev
    assert tb.open(tmp_path / "out").verify().ok


def test_regular_expressions_apply_one_after_the_other(tmp_path: Path) -> None:
    rules = [("^dense/", "fc/"), (r"^fc/(\w+)$", r"net/fc/\1")]
    tb.rewrite(DEMO, tmp_path / "out", rename=rules)
    assert "net/fc/bias" in tb.open(tmp_path / "out")


def test_names_that_are_not_there_are_listed(tmp_path: Path) -> None:
    with pytest.raises(TensorNotFoundError, match="'nope', 'neither'"):
        tb.rewrite(DEMO, tmp_path / "out", rename={"nope": "a", "neither": "b"})
    with pytest.raises(TensorNotFoundError, match="match no name: '\\^x', '\\^y'"):
        tb.rewrite(DEMO, tmp_path / "out", rename=[("^x", "a"), ("dense", "d"), ("^y", "b")])
    with pytest.raises(TensorNotFoundError, match=r"nothing to drop matches 'gone/\*'"):
        tb.rewrite(DEMO, tmp_path / "out", drop="gone/*")
    assert list(tmp_path.iterdir()) == []


def test_collisions_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="'dense/kernel' from 'dense/bias', 'dense/kernel'"):
        tb.rewrite(DEMO, tmp_path / "out", rename={"dense/bias": "dense/kernel"})
    assert list(tmp_path.iterdir()) == []


def test_strict_lists_names_that_match_no_rule(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"1 name matches no rule: .*'global_step'"):
        tb.rewrite(DEMO, tmp_path / "out", rename=[("^[^g]", "x")], strict=True)


def test_existing_checkpoint_is_kept_unless_told(tmp_path: Path) -> None:
    tb.rewrite(DEMO, tmp_path / "out", drop="dense/bias")
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        tb.rewrite(DEMO, tmp_path / "out", drop="dense/bias")
    tb.rewrite(DEMO, tmp_path / "out", drop="dense/kernel", overwrite=True)
    assert "dense/bias" in tb.open(tmp_path / "out")


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    done = tb.rewrite(DEMO, tmp_path / "out", drop="dense/bias", cast="float16", dry_run=True)
    assert done.dropped == ("dense/bias",)
    assert done.cast["dense/kernel"] == ("float32", "float16")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compact", [False, True])
def test_rewrite_in_place_keeps_every_byte(tmp_path: Path, compact: bool) -> None:
    prefix = tmp_path / "model"
    tb.rewrite(DEMO, prefix, compact=True)
    before = content(prefix)
    for name, new in (("dense/bias", "b"), ("dense/kernel", "k")):
        tb.rewrite(prefix, prefix, rename={name: new}, overwrite=True, compact=compact)
        for slot in ("", "/Adam", "/Adam_1"):
            before[new + slot] = before.pop(name + slot)
        assert content(prefix) == before
    tb.rewrite(prefix, prefix, cast={"b": "float64"}, overwrite=True, compact=compact)
    assert tb.open(prefix)["b"].dtype == np.float64
    assert tb.open(prefix).verify().ok
    kept = {each.name for each in tmp_path.iterdir()}
    assert kept == {Path(f"{prefix}.index").name} | {
        f"model.data-{n:05d}-of-{1 if compact else 2:05d}" for n in range(1 if compact else 2)
    }


def test_compact_frees_what_is_dropped(tmp_path: Path) -> None:
    tb.rewrite(DEMO, tmp_path / "out", drop="dense/kernel", compact=True)
    nbytes = sum(info.nbytes for info in tb.open(tmp_path / "out").infos())
    assert (tmp_path / "out.data-00000-of-00001").stat().st_size == nbytes


@pytest.mark.parametrize(
    "fixture",
    ["strings", "dtypes", "big_endian", "names", "slices/shapes", "slices/sharded", "saver_v1"],
)
@pytest.mark.parametrize("compact", [False, True])
def test_every_kind_of_tensor_survives(tmp_path: Path, fixture: str, compact: bool) -> None:
    ckpt = tb.open(DATA / fixture)
    tb.rewrite(ckpt, tmp_path / "out", compact=compact)
    result = tb.open(tmp_path / "out")
    assert result.verify().ok
    assert list(result) == list(ckpt)
    for info in ckpt.infos():
        if info.dtype is not None:
            assert digest(result[info.name]) == digest(ckpt[info.name])


def test_cast_refuses_values_that_do_not_fit(tmp_path: Path) -> None:
    tb.save(tmp_path / "a", {"w": np.float32([1, 1e30])})
    with pytest.raises(
        ConversionError, match=r"1 value does not fit float16, the first is 1.0.*e\+30"
    ):
        tb.rewrite(tmp_path / "a", tmp_path / "b", cast="float16")
    with pytest.raises(ConversionError, match="does not fit int8"):
        tb.rewrite(tmp_path / "a", tmp_path / "b", cast={"w": "int8"})
    assert not (tmp_path / "b.index").exists()


def test_damaged_tensor_stops_a_copy_and_leaves_nothing(tmp_path: Path) -> None:
    tb.save(tmp_path / "a", {"w": np.arange(4.0)})
    shard = tmp_path / "a.data-00000-of-00001"
    shard.write_bytes(b"\1" + shard.read_bytes()[1:])
    with pytest.raises(tb.ChecksumError, match="checksum mismatch in tensor 'w'"):
        tb.rewrite(tmp_path / "a", tmp_path / "b", compact=True)
    assert sorted(each.name[0] for each in tmp_path.iterdir()) == ["a", "a"]


# --- TensorFlow 1 ---------------------------------------------------------------------------------


def test_missing_shards_are_listed_before_anything_is_written(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {f"t{i}": float(i) for i in range(3)}, max_shard_bytes=4)
    for shard in (0, 2):
        (tmp_path / f"m.data-0000{shard}-of-00003").unlink()
    for options in ({}, {"dry_run": True}, {"compact": True}, {"cast": "float16"}):
        with pytest.raises(MissingFileError, match=r"2 of .* missing: '.*00000-of.*00002-of"):
            tb.rewrite(tmp_path / "m", tmp_path / "out", **options)
    tb.rewrite(tmp_path / "m", tmp_path / "out", drop=["t0", "t2"])
    assert tb.open(tmp_path / "out")["t1"] == 1
    assert len(list(tmp_path.iterdir())) == 4


def test_in_place_shards_that_hold_nothing_may_be_missing(tmp_path: Path) -> None:
    for path in (DATA / "shards").glob("unreferenced*"):
        shutil.copy(path, tmp_path)
    before = tb.open(DATA / "shards" / "unreferenced")
    assert len(list(tmp_path.iterdir())) < 1 + before.num_shards
    tb.rewrite(tmp_path / "unreferenced", tmp_path / "unreferenced", overwrite=True)
    assert tb.diff(before, tmp_path / "unreferenced").same


@pytest.mark.parametrize("edit", [{}, {"compact": True}, {"cast": {"w": "complex128"}}], ids=str)
def test_full_disk_is_named_and_nothing_is_left(tmp_path: Path, edit: dict[str, Any]) -> None:
    tb.save(tmp_path / "m", {"w": np.arange(600_000.0)})
    (tmp_path / "out").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 if not edit else 3_000_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*/out/m\.(data-00000|index)'"):
            tb.rewrite(tmp_path / "m", tmp_path / "out" / "m", **edit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "out").iterdir()) == []


def test_tf1_stripped_of_optimizer_and_averages(tmp_path: Path) -> None:
    source = samples() / "tf1"
    done = tb.rewrite(source, tmp_path / "out", strip_optimizer=True, ema=True)
    shadow = tb.open(source)["dense/kernel/ExponentialMovingAverage"]
    assert sorted(tb.open(tmp_path / "out")) == ["dense/bias", "dense/kernel", "global_step"]
    assert done.averaged["dense/kernel"] == "dense/kernel/ExponentialMovingAverage"
    kernel, _, step = tensorflow().saver(tmp_path / "out")
    np.testing.assert_array_equal(np.float32(kernel), shadow)
    assert step == 3


def test_cast_tensors_are_read_by_tensorflow(tmp_path: Path) -> None:
    tb.rewrite(samples() / "tf1", tmp_path / "out", cast={"dense/kernel": "float64"})
    expected = tb.open(samples() / "tf1")["dense/kernel"].astype(float).tolist()
    assert tensorflow().tensors(tmp_path / "out")["dense/kernel"] == expected


# --- objects --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        ("k2", "k2-1", "keras2"),
        ("k2legacy", "k2legacy-1", "keras2"),
        ("k2ema", "k2ema-1", "keras2"),
        ("k3", "k3-1", "keras3"),
        ("k3ema", "k3ema-1", "keras3"),
    ],
)
@pytest.mark.parametrize("compact", [False, True])
def test_stripped_keras_model_is_all_consumed(
    tmp_path: Path, name: str, path: str, kind: str, compact: bool
) -> None:
    done = tb.rewrite(samples() / path, tmp_path / "out", strip_optimizer=True, compact=compact)
    assert not any("optimizer" in key for key in tb.open(tmp_path / "out"))
    assert len(done.dropped) >= 14
    assert_weights(tensorflow().weights(kind, tmp_path / "out"), name)


def test_stripped_keras_2_weights_load(tmp_path: Path) -> None:
    tb.rewrite(samples() / "k2weights", tmp_path / "out", strip_optimizer=True)
    assert_weights(tensorflow().load_weights(tmp_path / "out"), "k2legacy")


def test_keras_3_averages_become_the_weights(tmp_path: Path) -> None:
    done = tb.rewrite(samples() / "k3ema-1", tmp_path / "out", strip_optimizer=True, ema=True)
    assert len(done.averaged) == 6
    assert_weights(tensorflow().weights("keras3", tmp_path / "out"), "k3averaged")


def test_scope_renamed_by_readable_path_renames_the_object(tmp_path: Path) -> None:
    tb.rewrite(samples() / "net2", tmp_path / "out", rename=[("^net/", "model/")])
    assert "model/inner/kernel/.ATTRIBUTES/VARIABLE_VALUE" in tb.open(tmp_path / "out")
    kernel, bias, step = tensorflow().net(tmp_path / "out", name="model")
    assert (kernel[0][0], bias[0], step) == (2.0, 2.0, 2)


def test_scope_taken_away_and_put_on(tmp_path: Path) -> None:
    tb.rewrite(samples() / "net2", tmp_path / "flat", rename=[("^net/", "")])
    assert "inner/kernel/.ATTRIBUTES/VARIABLE_VALUE" in tb.open(tmp_path / "flat")
    rules = [("^(inner|bias)", r"net/\1")]
    tb.rewrite(tmp_path / "flat", tmp_path / "out", rename=rules)
    assert tensorflow().net(tmp_path / "out")[2] == 2


def test_slots_follow_their_variable(tmp_path: Path) -> None:
    source = tb.open(samples() / "k2legacy-1")
    tb.rewrite(source, tmp_path / "out", rename=[("^model/", "net/")])
    key = "layer_with_weights-0/kernel/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE"
    slot = tb.open(tmp_path / "out")[f"net/{key}"]
    np.testing.assert_array_equal(slot, source[f"model/{key}"])
    assert tensorflow().slots(tmp_path / "out") == [slot.tolist()]


def test_dropped_variable_leaves_the_object_graph(tmp_path: Path) -> None:
    tb.rewrite(samples() / "net1", tmp_path / "out", drop="step")
    assert "step" not in tb.open(tmp_path / "out")
    assert tensorflow().net(tmp_path / "out", step=False)[0][0] == [1.0, 1.0, 1.0]


def test_taken_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="collide"):
        tb.rewrite(samples() / "net1", tmp_path / "out", rename={"net/bias": "step"})


def test_saved_model_loads_after_its_variables_were_rewritten(tmp_path: Path) -> None:
    shutil.copytree(samples() / "saved1", tmp_path / "model")
    variables = tmp_path / "model" / "variables" / "variables"
    tb.rewrite(samples() / "saved2", variables, compact=True, overwrite=True)
    assert tensorflow().call_saved_model(tmp_path / "model") == [[6.0, 6.0, 6.0]]


@pytest.mark.parametrize(
    "edit", [{"drop": "*kernel*"}, {"rename": {"bias": "b"}}, {"cast": "float64"}], ids=str
)
def test_variables_that_the_graph_of_a_saved_model_needs_stay(
    tmp_path: Path, edit: dict[str, Any]
) -> None:
    model = tmp_path / "model"
    shutil.copytree(samples() / "saved1", model)
    variables = model / "variables" / "variables"
    before = sorted((path.name, path.read_bytes()) for path in variables.parent.iterdir())
    for dry_run in (True, False):
        with pytest.raises(ConversionError, match=r"graph in .*model.* would not find '.*ATTRIB"):
            tb.rewrite(model, variables, overwrite=True, dry_run=dry_run, **edit)
    assert before == sorted((path.name, path.read_bytes()) for path in variables.parent.iterdir())
    tb.rewrite(model, tmp_path / "elsewhere", **edit)
    assert tensorflow().call_saved_model(model) == [[3.0, 3.0, 3.0]]


def test_saved_model_loads_with_the_mean_of_two(tmp_path: Path) -> None:
    shutil.copytree(samples() / "saved1", tmp_path / "model")
    variables = tmp_path / "model" / "variables" / "variables"
    tb.average([samples() / "saved1", samples() / "saved2"], variables, overwrite=True)
    assert tensorflow().call_saved_model(tmp_path / "model") == [[4.5, 4.5, 4.5]]
    copy = tmp_path / "copy"
    tb.rewrite(DEMO, copy)
    for wrong in (tb.merge, tb.average):
        with pytest.raises(ConversionError, match="write to another prefix"):
            wrong([DEMO, copy] if wrong is tb.average else [DEMO], variables, overwrite=True)


# --- the command ----------------------------------------------------------------------------------


def test_edit_command_says_what_it_would_do(tmp_path: Path) -> None:
    text = run(
        "edit", DEMO, tmp_path / "out", "--rename", "dense/bias=b", "--drop", "*Adam*", "--dry-run"
    ).stdout
    assert "renamed  dense/bias -> b" in text
    assert "dropped  dense/kernel/Adam" in text
    assert list(tmp_path.iterdir()) == []


def test_edit_command_writes(tmp_path: Path) -> None:
    done: dict[str, Any] = document(
        "edit", DEMO, tmp_path / "out", "--substitute", "/^dense\\//fc\\//", "--cast", "float16"
    )
    assert done["renamed"]["dense/bias"] == "fc/bias"
    assert tb.open(tmp_path / "out")["fc/bias"].dtype == np.float16
    error = run("edit", DEMO, tmp_path / "out", "--drop", "dense/bias", code=2).stderr
    assert error.endswith("exists: give another path, or add --force\n")
