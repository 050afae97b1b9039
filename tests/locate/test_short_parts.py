"""Files that begin as one that holds others, and whose parts are too short for what they are."""

from pathlib import Path

import pytest

import tensorbundle as tb


@pytest.mark.parametrize("length", range(9))
def test_a_part_too_short_for_a_table_is_no_table(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.mag"
    path.write_bytes(bytes([3 << 3 | 2, length]) + b"\0" * length)
    with pytest.raises(tb.FormatError, match="not a checkpoint"):
        tb.open(path)


def test_a_shard_that_is_so_short_is_told_of_as_cut_off(tmp_path: Path) -> None:
    prefix = tb.save(tmp_path / "m", {"w": [1.0, 2.0]})
    (tmp_path / "m.data-00000-of-00001").write_bytes(b"\x1a\x00")
    with pytest.raises(tb.FormatError, match="cut off"):
        tb.open(prefix)["w"]
