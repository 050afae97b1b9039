"""Outcomes of verbs: a line at the prompt, tables in notebooks, endless lists in neither."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb


@pytest.fixture
def saved(tmp_path: Path) -> list[str]:
    named = {f"layer_{number}/kernel": np.ones(3, np.float32) for number in range(100)}
    named["step"] = np.arange(2)
    return [tb.save(tmp_path / f"m-{number}", named) for number in range(2)]


def test_what_was_done_is_told_in_a_line(saved: list[str], tmp_path: Path) -> None:
    done = tb.average(saved, tmp_path / "mean")
    assert repr(done) == "<Average: 100 averaged, 1 taken, 1.22 kB, 2 files, 2 sources>"
    assert done.taken == ("step",)
    done_anew = tb.rewrite(saved[0], tmp_path / "anew", rename={"step": "global_step"})
    assert repr(done_anew).startswith("<Rewrite: 1 renamed, 101 kept, 1 linked, ")
    assert repr(tb.scan(tb.demo("saver"))).startswith("<Scan: path ")
    assert repr(tb.verify(saved[0])).startswith("<Report: ok, 101 checked, 1.22 kB")
    assert repr(tb.diff(*saved)).startswith("<Diff: ")


def test_notebooks_get_tables_that_open_and_end(saved: list[str], tmp_path: Path) -> None:
    html = tb.average(saved, tmp_path / "mean")._repr_html_()
    assert "<summary><bdi>averaged (100)</bdi></summary>" in html
    assert "and 50 more" in html
    assert "<script" not in html


def test_names_are_text_in_both(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>\x1b[2J\u202e"
    one = tb.save(tmp_path / "a", {name: np.ones(3, np.float32)})
    other = tb.save(tmp_path / "b", {name: np.ones(3, np.float32)})
    done = tb.average([one, other], tmp_path / "c")
    shown = done._repr_html_() + repr(done)
    assert "<script" not in shown
    assert not set(shown) & {"\x1b", "\u202e"}


def test_findings_are_a_table_of_their_facts(tmp_path: Path) -> None:
    prefix = tb.save(tmp_path / "m", {"w": np.ones(3)})
    Path(f"{prefix}.data-00000-of-00001").write_bytes(b"")
    html = tb.diagnose(prefix)._repr_html_()
    assert "symptoms (1)" in html
    assert "an empty file" in html


def test_outcomes_are_passed_between_processes(saved: list[str], tmp_path: Path) -> None:
    done = tb.average(saved, tmp_path / "mean")
    assert pickle.loads(pickle.dumps(done)) == done
