"""Names that are not there: no exception, and nothing is read that is not needed."""

from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle.errors import ChecksumError
from tests.golden.cases import DATA

DEMO = DATA / "demo" / "model.ckpt-2000"
OBJECTS = DATA / "objects" / "keras"
ODD = object()


@pytest.mark.parametrize("path", [DEMO, OBJECTS, DATA / "saver_v1" / "model.ckpt-3"])
def test_get_gives_what_is_there_and_else_the_default(path: Path) -> None:
    ckpt = tb.open(path)
    name = next(iter(ckpt))
    np.testing.assert_array_equal(ckpt.get(name), ckpt[name])
    assert ckpt.get("not there") is None
    assert ckpt.get(b"not there", ODD) is ODD
    assert ckpt.get(name.encode(), ODD) is not ODD


def test_get_finds_readable_paths_as_brackets_do() -> None:
    ckpt = tb.open(OBJECTS)
    assert ckpt.objects is not None
    paths = {ckpt.objects.path_of(key): key for key in ckpt}
    path, key = next((path, key) for path, key in paths.items() if path and path != key)
    assert path in ckpt
    np.testing.assert_array_equal(ckpt.get(path), ckpt[key])


def test_get_takes_names_and_nothing_else() -> None:
    with pytest.raises(TypeError, match="names are str or bytes, not int: 5"):
        tb.open(DEMO).get(5)  # type: ignore[call-overload]
    assert 5 not in tb.open(DEMO)


def test_name_of_lone_surrogates_is_not_there() -> None:
    assert "\ud800" not in tb.open(DEMO)
    assert tb.open(DEMO).get("\ud800") is None


def test_damaged_entry_is_told_of_and_not_taken_for_a_missing_one(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.ones(3, np.float32)})
    index = tmp_path / "m.index"
    content = bytearray(index.read_bytes())
    at = content.index(b"w\x08\x01") + 1
    content[at] ^= 0xFF
    index.write_bytes(content)
    with pytest.raises(ChecksumError, match="checksum mismatch"):
        tb.open(tmp_path / "m").get("w")
    with pytest.raises(ChecksumError, match="checksum mismatch"):
        assert "w" in tb.open(tmp_path / "m")


def test_missing_name_reads_no_shard_and_decodes_no_objects(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": 1.0})
    (tmp_path / "m.data-00000-of-00001").unlink()
    ckpt = tb.open(tmp_path / "m")
    assert "v" not in ckpt
    assert ckpt.get("v") is None
    assert "objects" not in vars(ckpt)
