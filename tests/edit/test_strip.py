"""Checkpoints of every optimizer without what the optimizer kept, restored by TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ConversionError, TensorNotFoundError
from tests.freeze.program import document, run
from tests.places import PROJECT

WORKER = "tests.objects.optimizer_worker"


def work(command: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", WORKER, command, folder],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints by name and by object, and beside them what strip made of each."""
    folder = tmp_path_factory.mktemp("optimizers")
    work("make", folder)
    for kind in ("named", "keras"):
        (folder / f"{kind}-stripped").mkdir()
        for name in names(folder / kind):
            if not name.startswith("SGD"):
                tb.rewrite(
                    folder / kind / name, folder / f"{kind}-stripped" / name, strip_optimizer=True
                )
    work("restore", folder)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.index"))


@pytest.fixture(scope="module")
def restored(programs: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((programs / "restored.json").read_text("utf-8"))
    return found


def scope_of(name: str) -> str:
    return {"dnn": "dnn", "Adam": "training", "momentum": "Adam/optimizer/momentum"}.get(
        name.partition("-")[2], "net"
    )


def test_of_every_tf1_optimizer_in_every_scope_the_model_is_left(programs: Path) -> None:
    found = {
        name: list(tb.open(programs / "named-stripped" / name))
        for name in names(programs / "named-stripped")
    }
    assert len(found) == 63
    for name, left in found.items():
        scope = scope_of(name)
        steps = [
            each for each in tb.open(programs / "named" / name) if each.endswith("global_step")
        ]
        assert left == sorted([f"{scope}/Adam", f"{scope}/w", *steps]), name


def test_tf1_programs_restore_all_their_variables(programs: Path, restored: dict[str, Any]) -> None:
    for name in names(programs / "named-stripped"):
        source, scope = tb.open(programs / "named" / name), scope_of(name)
        assert not isinstance(restored[name], str), (name, restored[name])
        w, b, step = restored[name]
        np.testing.assert_array_equal(np.float32(w), source[f"{scope}/w"], name)
        np.testing.assert_array_equal(np.float32(b), source[f"{scope}/Adam"], name)
        assert step == 1


def test_keras_models_of_every_optimizer_restore_all_their_variables(
    programs: Path, restored: dict[str, Any]
) -> None:
    found = names(programs / "keras-stripped")
    assert len(found) > 40
    for name in found:
        assert not isinstance(restored[name], str), (name, restored[name])
        with np.load(programs / "keras" / f"{name}.npz") as archive:
            weights = [archive[each] for each in archive.files]
        assert len(weights) == len(restored[name]) == (6 if name.startswith("blocks") else 4)
        for one, other in zip(weights, restored[name], strict=True):
            np.testing.assert_array_equal(one, np.float32(other), name)


def test_nothing_of_an_optimizer_is_left_but_weights_that_only_it_holds(programs: Path) -> None:
    for name in names(programs / "keras-stripped"):
        left = [key for key in tb.open(programs / "keras-stripped" / name) if "optimizer" in key]
        if name.startswith("blocks"):
            assert len(left) == 4
            assert all("/_trainable_variables/" in key for key in left)
        else:
            assert left == [], name


def test_origin_is_told_from_objects(programs: Path) -> None:
    for name in names(programs / "keras"):
        library = name.partition("-")[0]
        expected = {"blocks": "keras3", "keras3": "keras3"}.get(library, "keras2")
        assert tb.open(programs / "keras" / name).origin == expected, name


# --- what names alone say -------------------------------------------------------------------------

K = np.ones((3, 3), np.float32)
V = np.ones(3, np.float32)


def left(tmp_path: Path, tensors: dict[str, Any], **options: Any) -> tuple[list[str], Any]:
    tb.save(tmp_path / "m", tensors)
    done = tb.rewrite(tmp_path / "m", tmp_path / "out", strip_optimizer=True, **options)
    return list(tb.open(tmp_path / "out")), done


def test_a_scope_called_training_is_the_models(tmp_path: Path) -> None:
    found, _ = left(
        tmp_path,
        {
            "encoder/kernel": K,
            "encoder/kernel/Adam": K,
            "training/decoder/kernel": K,
            "training/decoder/kernel/Adam": K,
            "training/Adam/dense/w": K,
        },
    )
    assert found == ["encoder/kernel", "training/Adam/dense/w", "training/decoder/kernel"]


def test_what_has_slots_of_its_own_is_a_variable(tmp_path: Path) -> None:
    found, _ = left(
        tmp_path,
        dict.fromkeys(("x", "x/Adam", "x/Adam/Adam", "x/Adam/Adam_1", "beta1_power/Adam"), K)
        | {"beta1_power": np.float32(1), "beta2_power": np.float32(1)},
    )
    assert found == ["beta1_power/Adam", "x", "x/Adam"]


def test_keras_keeps_slots_and_rates_in_scopes_of_its_own(tmp_path: Path) -> None:
    rates = ("iter", "beta_1", "beta_2", "decay", "learning_rate")
    found, _ = left(
        tmp_path,
        {"dense/kernel": K, "training/Adam/dense/kernel/m": K, "training/Adam/dense/kernel/v": K}
        | {"training_2/SGD/dense/kernel/momentum": K, "training_2/SGD/iter": 1}
        | {"training_2/SGD/momentum": np.float32(0), "RMSprop/velocity/dense/kernel": K}
        | {f"training/Adam/{rate}": np.float32(1) for rate in rates}
        | {"Adam/lr": np.float32(1), "Adam/iterations": 3, "training/Adam/Variable_1": K}
        | {"gate/momentum": np.float32(1), "gate/beta": np.float32(1), "gate/w": K},
    )
    assert found == ["dense/kernel", "gate/beta", "gate/momentum", "gate/w"]


@pytest.mark.parametrize(
    "slots",
    [
        {"q_slot_vr": V, "q_slot_vc": V},  # Mesh TensorFlow
        {"q_slot_v": K, "q_slot_m": K},
        {"q/adafactor_vr": V, "q/adafactor_vc": V},  # Grover
        {"q/adafactor_v": K, "q/adafactor_m": K},
        {"q/Adafactor": V, "q/Adafactor_1": V},  # Tensor2Tensor
        {"training/q/Adafactor": K},
        {"adafactor/r/q": V, "adafactor/c/q": V, "adafactor/v/q": K},  # Keras
        {"q/adam_m": K, "q/adam_v": K},  # BERT
        {"q/lamb_m": K, "q/lamb_v": K},
        {"q/t_0/Adagrad": K},  # canned estimators
        {"q/part_0/Adagrad": np.ones((1, 3), "f"), "q/part_1/Adagrad": np.ones((2, 3), "f")},
        {"dnn/q/part_0/Ftrl": K, "dnn/q/part_0/Ftrl_1": K},
        {"OptimizeLoss/q/Momentum": K, "OptimizeLoss/learning_rate": np.float32(1)},
        {"q/Shampoo": K, "q/Shampoo_1": K, "q/LARSOptimizer": K},
        {"q/DistributedAdamOptimizer": K, "q/LazyAdam_1": K, "q/AMSGrad_2": K},
        {"q/Adam": K, "loss_scale": np.float32(8), "num_good_steps": 1, "num_bad_steps": 2},
        {"q/Adam": K, "x/current_loss_scale": np.float32(8), "x/good_steps": 1},
    ],
    ids=lambda slots: min(slots),
)
def test_slots_of_public_optimizers_are_known(tmp_path: Path, slots: dict[str, Any]) -> None:
    found, _ = left(tmp_path, {"q": K, "w": K, "global_step": np.int64(3)} | slots)
    assert found == ["global_step", "q", "w"]


@pytest.mark.parametrize(
    "slots",
    [
        {f"w/{each}": K for each in ("LazyAdagrad", "AdagradDecayV2", "GroupFtrl", "GroupAdam_1")},
        {"w/NovoGrad": K, "w/NovoGrad_1": np.float32(1), "NovoGrad/w/v": np.float32(1)},
        {f"w/{each}": K for each in ("AdagradParameters", "AdamParameters/m", "AdamParameters/v")},
        # Of Keras in a graph whose rates are tensors: no variables of the optimizer beside.
        {f"{each}/w/m": K for each in ("AdamWeightDecay", "LazyAdam", "RectifiedAdam", "LAMB")},
        {"Lookahead/w/slow": K, "TrainG/w/Adam": K, "TrainG/loss_scaling_var": np.float32(1)},
    ],
    ids=lambda slots: min(slots),
)
def test_slots_of_optimizers_made_of_known_ones_are_known(
    tmp_path: Path, slots: dict[str, Any]
) -> None:
    model = {"w": K, "GroupAdam": K, "GroupAdam/kernel": K, "Momentum": V, "enc/Madams": K}
    found, done = left(tmp_path, model | slots | {"w/Adam": K})
    assert found == sorted(model)
    assert not done.alike


def test_names_of_optimizers_without_a_variable_or_of_another_shape_stay(tmp_path: Path) -> None:
    model = {
        "Adam": K,
        "Momentum/w": K,
        "optimizer/Adam": K,
        "enc": K,
        "enc/Adam": V,
        "lamb/w": K,
        "rate/loss_scale": V,
        "a_slot_v": K,
        "x/momentum": K,
        "x/learning_rate": np.float32(1),
    }
    found, _ = left(tmp_path, model | {"enc/Adagrad": K})
    assert found == sorted(model)


def test_without_any_weight_left_it_is_an_error(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"a/w": K, "a/w/Adam": K, "step": 1})
    with pytest.raises(ConversionError, match="no weights would be left"):
        tb.rewrite(tmp_path / "m", tmp_path / "out", strip_optimizer=True, drop="a/w")
    assert not (tmp_path / "out.index").exists()


def test_what_looks_like_a_slot_and_stays_is_named(tmp_path: Path) -> None:
    tensors = {f"{name}{end}": K for name in "vw" for end in ("", "/mine", "/mine_1", "/Adam")}
    found, done = left(tmp_path, tensors)
    assert found == ["v", "v/mine", "v/mine_1", "w", "w/mine", "w/mine_1"]
    assert done.alike == ("v/mine", "v/mine_1", "w/mine", "w/mine_1")
    told = run("edit", tmp_path / "m", tmp_path / "o2", "--strip-optimizer").stderr
    assert "4 tensors that may be an optimizer's stay: v/mine" in told
    assert "--optimizer NAME or --drop GLOB" in told
    run("edit", tmp_path / "m", tmp_path / "o3", "--optimizer", "mine")
    assert list(tb.open(tmp_path / "o3")) == ["v", "w"]


def test_nothing_to_strip_names_what_looks_like_slots_and_both_ways_on(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": K, "w/my_momentum": K})
    told = "--optimizer NAME.*--drop GLOB.*look like slots: 'w/my_momentum'"
    with pytest.raises(ConversionError, match=told):
        tb.rewrite(tmp_path / "m", tmp_path / "out", strip_optimizer=True)
    with pytest.raises(TensorNotFoundError, match="no slot is called after an optimizer 'other'"):
        tb.rewrite(tmp_path / "m", tmp_path / "o", strip_optimizer=["my_momentum", "other"])
    tb.rewrite(tmp_path / "m", tmp_path / "out", strip_optimizer=["my_momentum"])
    assert list(tb.open(tmp_path / "out")) == ["w"]


def test_partitioned_variables_and_their_slots_are_told_apart(tmp_path: Path) -> None:
    with tb.Writer(tmp_path / "m") as writer:
        for name in ("ion", "ion/t_0/Adagrad", "ion/Ftrl"):
            writer.add_slice(name, np.ones((1, 2), "f"), (2, 2), "0,1:-")  # the other is missing
    tb.rewrite(tmp_path / "m", tmp_path / "out", strip_optimizer=True)
    assert list(tb.open(tmp_path / "out")) == ["ion"]


def test_moving_averages_in_any_scope_become_their_variables(tmp_path: Path) -> None:
    name = "ExponentialMovingAverage"
    tensors = {"w": K, f"w/{name}": 2 * K, f"train/{name}/{name}": V, f"{name}/b": V}
    tensors |= {f"{name}/b/{name}": 3 * V, f"train/{name}": V, f"w/{name}/biased": K}
    tensors |= {"c": V, f"scope/c/{name}": 5 * V}
    tb.save(tmp_path / "m", tensors)
    tb.rewrite(tmp_path / "m", tmp_path / "out", ema=True)
    found = tb.open(tmp_path / "out")
    assert {key: array.max() for key, array in found.items()} == {
        "w": 2,
        f"{name}/b": 3,
        f"train/{name}": 1,
        "c": 5,
    }


# --- objects that look like optimizers ------------------------------------------------------------


def test_a_trainer_that_holds_optimizer_and_model_keeps_the_model(tmp_path: Path) -> None:
    slot = "t/net/w/.OPTIMIZER_SLOT/t/_optimizer/m"
    names = ["t/net/w", "t/_optimizer/iter", "t/_optimizer/decay", slot]
    names += ["t/iter", "t/beta_1", "t/beta_2", "s/iter", "s/decay"]
    graph = tb.ObjectGraph.of(names)
    tensors: dict[str, Any] = dict.fromkeys(names, np.float32(1)) | {"t/net/w": K, slot: K}
    tensors["s/decay"] = V  # a weight that is called so
    tb.save(tmp_path / "m", tensors, objects=graph)
    tb.rewrite(tmp_path / "m", tmp_path / "out", strip_optimizer=True)
    objects = tb.open(tmp_path / "out").objects
    assert objects is not None
    assert sorted(each.path for each in objects.variables) == sorted(
        set(names) - {"t/_optimizer/iter", "t/_optimizer/decay", slot}
    )


@pytest.fixture
def optimizer_alone(tmp_path: Path) -> Path:
    names = ["optimizer/iter", "optimizer/decay", "optimizer/learning_rate"]
    tb.save(
        tmp_path / "m",
        dict.fromkeys(names, np.float32(1)),
        objects=tb.ObjectGraph.of(names),
    )
    return tmp_path / "m"


def test_a_checkpoint_of_an_optimizer_alone_is_refused(optimizer_alone: Path) -> None:
    with pytest.raises(ConversionError, match="no weights would be left"):
        tb.rewrite(optimizer_alone, f"{optimizer_alone}-out", strip_optimizer=True)


def test_attributes_of_a_module_do_not_make_it_a_keras_model(tmp_path: Path) -> None:
    for names in (["a/_operations/w"], ["a/_trainable_variables/0"], ["iter", "decay", "net/w"]):
        graph = tb.ObjectGraph.of(names)
        tb.save(tmp_path / "m", dict.fromkeys(names, np.float32(1)), objects=graph, overwrite=True)
        assert tb.open(tmp_path / "m").origin == "tf.Module"


def test_what_was_dropped_is_listed(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": K, "w/Adam": K, "beta1_power": np.float32(1)})
    found = document("edit", tmp_path / "m", tmp_path / "out", "--strip-optimizer")
    assert found["dropped"] == ["beta1_power", "w/Adam"]
    assert found["alike"] == []
