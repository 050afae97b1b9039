"""The page of guarantees: what it names as proof is there."""

import re

from tests.places import PROJECT

TEXT = (PROJECT / "SECURITY.md").read_text("utf-8")


def test_every_file_that_is_named_as_proof_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", TEXT))
    assert len(named) > 15
    assert [name for name in sorted(named) if not (PROJECT / name).is_file()] == []


def test_every_make_target_that_is_named_is_there() -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    named = set(re.findall(r"`make ([\w-]+)`", TEXT))
    assert len(named) > 5
    assert [name for name in sorted(named) if f"\n{name}:" not in makefile] == []


def test_every_guarantee_says_how_and_by_what_it_is_shown() -> None:
    rows = [line.split(" | ") for line in TEXT.splitlines() if line.startswith("| **")]
    assert len(rows) > 12
    for row in rows:
        assert len(row) == 4, row[0]
        assert all(cell.strip(" |") for cell in row[:3]), row[0]
