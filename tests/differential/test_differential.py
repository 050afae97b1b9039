"""Mutated bundles read by TensorFlow and here: both refuse, or both give the same bits.

Whatever else happens is in `REASONS`, with why; what is not there fails. MUTANTS sets how many.
"""

import contextlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import tensorbundle as tb
from tests.differential.mutants import Files, Mutant, digest, mutant
from tests.oracle.client import Module, TensorFlow

MUTANTS = int(os.environ.get("MUTANTS", "150"))
FIRST = int(os.environ.get("FIRST_MUTANT", "0"))
AT_ONCE = 400

_MORE_IS_READ = (
    "TensorFlow refuses the whole checkpoint when its listing fails; here tensors are read that "
    "are asked for by name and whose block, entry and bytes are sound"
)
_LOST_WITHOUT_A_WORD = (
    "TensorFlow's listing ends at the first key or block that makes no sense, and takes what came "
    "before for all there is; here that is damage"
)
_STRICT = (
    "a field of another wire type is no field at all to protobuf, and what it should say takes its "
    "default; here it is damage"
)
# By what TensorFlow does, what is done here, and how the bundle was changed.
REASONS: dict[tuple[str, str, str], str] = {
    ("value", "refused", "keys_of_table"): f"{_LOST_WITHOUT_A_WORD}; of a header: {_STRICT}",
    ("value", "refused", "sealed_block"): _LOST_WITHOUT_A_WORD,
    ("value", "refused", "entry_message"): _STRICT,
    ("value", "refused", "entry_fields"): (
        "TensorFlow does not look at the size and place that an entry states whose bytes lie in "
        "slices, nor at bytes that are left over; here they have to make sense"
    ),
    ("refused", "value", "keys_of_table"): _MORE_IS_READ,
    ("refused", "value", "sealed_block"): _MORE_IS_READ,
    ("refused", "value", "raw_index"): _MORE_IS_READ,
    ("refused", "value", "entry_message"): _MORE_IS_READ,
    ("refused", "value", "entry_fields"): _MORE_IS_READ,
}
# A failed check ends TensorFlow's process; here there is an error or, of other tensors, a value.
_ENDED = "ended"


def read(prefix: str, names: tuple[str, ...]) -> dict[str, Any]:
    """By name a digest, or False where it is refused."""
    try:
        ckpt = tb.open(prefix)
    except tb.TensorBundleError:
        return {}
    listed: list[str] = []
    with contextlib.suppress(tb.TensorBundleError):
        listed = list(ckpt)[:80]
    found: dict[str, Any] = {}
    for name in {*names, *listed}:
        try:
            found[name] = digest(ckpt[name])
        except tb.TensorBundleError:
            found[name] = False
    return found


def is_text(name: str) -> bool:
    """Whether TensorFlow's Python can be asked for it, and it is no raw key of a slice."""
    return name.isascii() and name.isprintable()


def write(prefix: Path, files: Files) -> str:
    for suffix, content in files.items():
        Path(f"{prefix}{suffix}").write_bytes(content)
    return str(prefix)


class Comparison:
    """What was found, counted."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.unexplained: list[str] = []

    def add(self, number: int, made: Mutant, theirs: Any, ours: dict[str, Any]) -> None:
        told = {} if theirs is None or isinstance(theirs, str) else theirs[1]
        if theirs == "hang":
            self.counts["hang", "", made.way] += 1
        for name in filter(is_text, {*made.names, *told, *ours}):
            their, our = told.get(name, False), ours.get(name, False)
            if their and our and their != our:
                self.unexplained.append(f"mutant {number}, {name!r}: {their} there, {our} here")
            verdict = "value" if their else _ENDED if isinstance(theirs, str) else "refused"
            key = (verdict, "value" if our else "refused", made.way)
            self.counts[key] += 1
            is_same = bool(their) == bool(our) or verdict == _ENDED
            if not is_same and key not in REASONS:
                self.unexplained.append(f"mutant {number}, {name!r}: {key}")

    def require_original(self, number: int, made: Mutant, ours: dict[str, Any], was: Any) -> None:
        """What is read of bytes that were changed must be what they were, if it is read."""
        for name, our in ours.items():
            if our and our != was.get(name):
                self.unexplained.append(f"mutant {number}, {name!r}: accepted though {made.way}")


def test_mutated_bundles_are_refused_or_read_as_tensorflow_reads_them(
    oracle: TensorFlow, tmp_path: Path
) -> None:
    side = Module(oracle, "tests.differential.tensorflow_side")
    found = Comparison()
    for begin in range(FIRST, FIRST + MUTANTS, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, FIRST + MUTANTS))
        made = [mutant(number) for number in numbers]
        work = [
            (write(tmp_path / f"m{number}", each.files), each.names)
            for number, each in zip(numbers, made, strict=True)
        ]
        for number, each, (prefix, names), theirs in zip(
            numbers, made, work, side.judge(work), strict=True
        ):
            ours = read(prefix, names)
            found.add(number, each, theirs, ours)
            if each.way in ("raw_index", "raw_data", "missing_file"):
                was = read(write(tmp_path / "before", each.before), names)
                found.require_original(number, each, ours, was)
        for path in tmp_path.iterdir():
            path.unlink()
    for key, count in sorted(found.counts.items()):
        print(f"{count:8} {' / '.join(key)}  {REASONS.get(key, '')[:60]}")
    assert found.unexplained == []
    assert not [key for key in found.counts if key[0] == "hang"]
    assert sum(found.counts.values()) > MUTANTS


def test_mutants_follow_from_their_number() -> None:
    assert mutant(7) == mutant(7)
    assert len({mutant(number).way for number in range(100)}) == 7


@pytest.mark.parametrize("number", [54, 79])
def test_a_mutant_differs_from_what_it_was(number: int) -> None:
    made = mutant(number)
    assert made.files != made.before
