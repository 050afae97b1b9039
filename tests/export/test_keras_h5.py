"""Keras models' checkpoints exported to HDF5, which Keras' own `load_weights` reads."""

from pathlib import Path

import h5py
import numpy as np
import pytest

import tensorbundle as tb
from tests.objects.keras import assert_weights, samples, tensorflow


@pytest.mark.parametrize("sample", ["k2-1", "k2weights", "k3-1"])
@pytest.mark.parametrize("kind", ["keras2", "keras3"])
def test_both_keras_load_the_weights_of_either(tmp_path: Path, sample: str, kind: str) -> None:
    result = tb.export(samples() / sample, tmp_path / "w.weights.h5", format="h5")
    (tmp_path / "w.weights.h5").rename(tmp_path / "w.h5")  # as Keras calls files of this layout
    name = {"k2-1": "k2", "k2weights": "k2legacy", "k3-1": "k3"}[sample]
    assert_weights(tensorflow().load_h5(kind, str(tmp_path / "w.h5")), name)
    assert result.written == 8
    assert all(reason == "it is no weight of a layer" for _, reason in result.left_out)


def test_layers_within_layers_keep_the_order_of_keras(tmp_path: Path) -> None:
    expected = tensorflow().save_nested(str(tmp_path / "nested"))
    tb.export(tmp_path / "nested", tmp_path / "w.h5")
    found = tensorflow().load_nested(str(tmp_path / "w.h5"))
    assert len(found) == len(expected) > 12
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_keys_of_weights_are_kept_beside_them(tmp_path: Path) -> None:
    tb.export(samples() / "k3-1", tmp_path / "w.h5")
    original, found = tb.open(samples() / "k3-1"), tb.open(tmp_path / "w.h5")
    assert len(found) == 8
    for name, array in found.items():
        assert array.tobytes() == original[name].tobytes()


def test_a_checkpoint_of_names_goes_out_under_them(tmp_path: Path) -> None:
    arrays = {"a/w": np.ones(2), "a/w/Adam": np.zeros(2), "b": np.float32(3), "//odd": np.ones(1)}
    tb.save(tmp_path / "ckpt", arrays)
    tb.export(tmp_path / "ckpt", tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        assert file["a/w:0"][()].tolist() == [1, 1]
        assert file["a/w/Adam"][()].tolist() == [0, 0]
        assert file["b"][()] == 3
    assert tb.open(tmp_path / "w.h5").keys() == arrays.keys()


# --- reading hostile HDF5 -------------------------------------------------------------------------


def test_links_to_other_files_are_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["key"] = np.arange(3)
    (tmp_path / "raw").write_bytes(b"s" * 24)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["link"] = h5py.ExternalLink("secret.h5", "key")
        file.create_dataset("outside", (3,), "f8", external=[(str(tmp_path / "raw"), 0, 24)])
        layout = h5py.VirtualLayout((3,), "i8")
        layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "key", (3,))
        file.create_virtual_dataset("virtual", layout)
    ckpt = tb.open(tmp_path / "w.h5")
    assert set(ckpt) == {"outside", "virtual"}
    for name in ckpt:
        with pytest.raises(tb.UnsupportedError, match="lies in another file"):
            ckpt[name]


def test_a_dataset_that_claims_more_than_it_has_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("huge", (1 << 40,), "f8", chunks=(1024,))
    with pytest.raises(tb.FormatError, match=r"claims 8796093022208 bytes and has 0"):
        tb.open(tmp_path / "w.h5")["huge"]


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    tb.export({"w": np.arange(100.0), "b/c": np.ones(3, "f4")}, tmp_path / "w.h5")
    content = (tmp_path / "w.h5").read_bytes()
    for cut in (0, 7, 100, len(content) // 2):
        (tmp_path / "w.h5").write_bytes(content[:cut])
        with pytest.raises(tb.FormatError, match=r"w\.h5"):
            dict(tb.open(tmp_path / "w.h5"))
