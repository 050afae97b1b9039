"""Slots in checkpoints of names: their variables, and what they are called after another one."""

import numpy as np
import pytest

from tensorbundle._format.tensor_info import TensorInfo
from tensorbundle._objects.slots import find_slots, shadows


def infos(**shapes: tuple[int, ...]) -> dict[str, TensorInfo]:
    dtype = np.dtype(np.float32)
    return {
        name: TensorInfo(name, dtype, shape, 0, 0, 0, 0, (), 1) for name, shape in shapes.items()
    }


def saved_name(scope: str, variable: str, part: int, slot: str) -> str:
    """What TensorFlow calls the slot of a part: see its `slot_creator._set_save_slice_info`."""
    primary = f"{variable}/part_{part}"
    name = f"{scope}/{primary}/{slot}" if scope else f"{primary}/{slot}"
    return f"{variable}/{name[len(primary) + 1 :]}"


SCOPES = ["", "a", "ab", "dnn", "train", "training/deep", "a_scope/that_is_much_longer_than_names"]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("new", ["net/kernel", "net/deep/w", "net/v"])
@pytest.mark.parametrize("part", [0, 12])
def test_slots_of_parts_are_found_and_called_after_another_name(
    scope: str, new: str, part: int
) -> None:
    name = saved_name(scope, "net/w", part, "Adam_1")
    found = find_slots(infos(**{"net/w": (4, 2), "w": (4, 2), name: (4, 2)})).slots
    assert found[name].variable == "net/w"
    assert found[name].renamed(new) == saved_name(scope, new, part, "Adam_1")


def test_the_nearest_variable_is_the_slots() -> None:
    found = find_slots(infos(**{"w": (2,), "a/w": (2,), "b/a/w/Adam": (2,), "c/w/Adam": (2,)}))
    assert {name: slot.variable for name, slot in found.slots.items()} == {
        "b/a/w/Adam": "a/w",
        "c/w/Adam": "w",
    }


def test_averages_know_their_variables() -> None:
    name = "ExponentialMovingAverage"
    found = shadows(infos(**{"w": (2,), f"s/w/{name}": (2,), f"gone/{name}": (2,)}))
    assert {key: slot.variable for key, slot in found.items()} == {
        f"s/w/{name}": "w",
        f"gone/{name}": "",
    }


def test_strings_and_endless_names_are_no_slots() -> None:
    deep = "/".join("x" * 400) + "/Adam"
    found = find_slots(infos(**{deep: (2,), "x": (2,)}))
    assert found.slots[deep].variable == "x"
    assert not find_slots({}).names


@pytest.mark.parametrize(
    "slots",
    [
        ("Adan", "Adan_1", "Adan_2"),
        ("AdanOptimizer",),
        ("Sophia", "Sophia_1"),
        ("SophiaG", "SophiaH"),
        ("SGDMomentum",),
        ("DistributedSGDMomentum",),
        ("AdamP", "SGDP", "MADGRAD"),
    ],
)
def test_slots_of_later_optimizers_are_known(slots: tuple[str, ...]) -> None:
    names = {f"dense/kernel/{each}": (4, 2) for each in slots}
    # A layer that bears such a name and has slots of its own is a layer.
    layers = {"dense/kernel": (4, 2), "sophia": (3,), "Adan": (3,), "Adan/Adam": (3,)}
    found = find_slots(infos(**names, **layers))
    assert set(found.slots) == {*names, "Adan/Adam"}
    assert not found.alike
