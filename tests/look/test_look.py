"""What users hold, as the prompt and notebooks show it; names in it are text."""

import copy
import multiprocessing
import pickle
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tensorbundle as tb
from tests.golden.cases import DATA
from tests.report.pages import HOSTILE, many_kinds

DEMO = DATA / "demo/model.ckpt-2000"
META = DATA / "demo/model.ckpt-2000.meta"
NAMED = [
    "demo/model.ckpt-2000",
    "v1/dtypes",
    "saver",
    "objects/keras",
    "slices/incomplete",
    "names",
]


class Outline(HTMLParser):
    """Tags of a piece of markup, its text, and whether each tag is closed."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(thing: Any) -> Outline:
    found = Outline(thing._repr_html_())
    assert set(found.tags) <= {
        *("div", "b", "br", "bdi", "table", "thead", "tbody", "tr", "th", "td", "details"),
        "summary",
    }
    assert found.attributes <= {"class", "style", "open", "colspan"}
    return found


def things() -> dict[str, Any]:
    """One of each kind that shows itself."""
    ckpt = tb.open(DEMO)
    return {
        "checkpoint": ckpt,
        "info": ckpt.info("dense/bias"),
        "report": ckpt.verify(),
        "diff": tb.diff(DEMO, DATA / "saver"),
        "graph": tb.load_graph(META),
        "objects": tb.open(DATA / "objects/keras").objects,
        "outputs": tb.suggest_outputs(META),
        "inputs": tb.suggest_inputs(META),
        "checkpoints": tb.checkpoints(DATA / "saver"),
    }


WORTH = {
    "checkpoint": ("V2 checkpoint", "28 tensors", "168 kB", "tf1", "dense", "float32"),
    "info": ("dense/bias", "float32", "[16]", "64 B"),
    "report": ("ok", "28 stored tensors"),
    "diff": ("different", "only in the first", "dense/kernel"),
    "graph": ("397 nodes", "VarHandleOp"),
    "objects": ("34 objects", "optimizer/_iterations"),
    "outputs": ("probabilities", "Softmax"),
    "inputs": ("image", "data"),
    "checkpoints": ("model.ckpt-10", "20"),
}


@pytest.mark.parametrize("kind", WORTH)
def test_notebooks_show_what_is_worth_knowing(kind: str) -> None:
    text = outline(things()[kind]).text
    assert [each for each in WORTH[kind] if each not in text] == []


@pytest.mark.parametrize("kind", [kind for kind in WORTH if kind != "graph"])
def test_print_shows_lines_that_people_read(kind: str) -> None:
    text = str(things()[kind])
    assert "TensorDifference(" not in text
    assert "Fault(" not in text
    assert "Candidate(" not in text
    assert "\x1b" not in text
    assert WORTH[kind][0] in text


def test_repr_tells_count_bytes_format_and_origin() -> None:
    assert (
        repr(tb.open(DEMO)) == f"<Checkpoint {str(DEMO)!r}: V2 checkpoint, 28 tensors, 168 kB, tf1>"
    )
    assert "keras3" in repr(tb.open(DATA / "objects/keras"))


def test_fault_and_difference_are_readable(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", many_kinds())
    ckpt = tb.open(tmp_path / "m")
    with open(f"{tmp_path}/m.data-00000-of-00001", "r+b") as file:
        file.seek(ckpt.info("zero").offset)
        file.write(b"\1")
    report = tb.open(tmp_path / "m").verify()
    assert not report
    assert "1 fault" in str(report)
    assert "zero" in str(report.faults[0])
    assert "checksum" in outline(report).text


def test_hostile_names_are_text_in_notebooks_and_harmless_on_terminals(tmp_path: Path) -> None:
    tensors = {name: np.ones(2) for name in HOSTILE} | {"\x1b[2J": np.ones(2)}
    tb.save(tmp_path / "<b>a", tensors)
    tb.save(tmp_path / "b", {"only": np.ones(2)})
    ckpt = tb.open(tmp_path / "<b>a")
    for thing in (ckpt, tb.diff(ckpt, tmp_path / "b"), ckpt.verify(), *ckpt.infos()):
        assert "script" not in outline(thing).tags
        assert "\x1b" not in str(thing) + thing._repr_html_()
        assert "\u202e" not in str(thing) + thing._repr_html_()


def test_a_damaged_checkpoint_still_shows_itself(tmp_path: Path) -> None:
    for suffix in ("index", "data-00000-of-00001"):
        source = DATA / f"objects/keras.{suffix}"
        (tmp_path / f"k.{suffix}").write_bytes(source.read_bytes())
    (tmp_path / "k.data-00000-of-00001").write_bytes(b"")
    ckpt = tb.open(tmp_path / "k")
    assert "15 tensors" in repr(ckpt)
    assert "15 tensors" in outline(ckpt).text
    (tmp_path / "k.data-00000-of-00001").unlink()
    assert "15 tensors" in str(tb.open(tmp_path / "k"))


def test_large_checkpoints_are_shown_shortly(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {f"block_{n}/kernel_{n % 90}/w": np.ones(1) for n in range(3000)})
    ckpt = tb.open(tmp_path / "m")
    assert len(ckpt._repr_html_()) < 20_000
    assert str(ckpt).count("\n") < 25
    assert "block_#" in outline(ckpt).text


# --- the prompt ----------------------------------------------------------------------------------


def test_names_are_completed() -> None:
    assert "dense/kernel" in tb.open(DEMO)._ipython_key_completions_()
    completed = tb.open(DATA / "objects/keras")._ipython_key_completions_()
    assert "optimizer/_iterations" in completed
    assert "optimizer/_iterations/.ATTRIBUTES/VARIABLE_VALUE" in completed


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        (0, r"not int: 0; for a place in the order of keys: list\(ckpt\)"),
        (["dense/bias"], r"not list: .*; for several: ckpt\.load"),
        (("a", "b"), r"not tuple: .*; for several: ckpt\.load"),
        (slice(2), r"not slice"),
        (None, "names are str or bytes, not NoneType"),
        (1.5, "names are str or bytes, not float"),
    ],
)
@pytest.mark.parametrize("path", NAMED[:2])
def test_wrong_keys_are_type_errors_in_words(path: str, key: Any, hint: str) -> None:
    ckpt = tb.open(DATA / path)
    for ask in (ckpt.__getitem__, ckpt.info, ckpt.get):
        with pytest.raises(TypeError, match=hint):
            ask(key)


@pytest.mark.parametrize(
    "ask",
    [
        lambda wrong: tb.open(wrong),
        lambda wrong: tb.verify(wrong),
        lambda wrong: tb.load_graph(wrong),
        lambda wrong: tb.diagnose(wrong),
        lambda wrong: tb.scan(wrong),
        lambda wrong: tb.checkpoints(wrong),
        lambda wrong: tb.save(wrong, "model"),
        lambda wrong: tb.merge(wrong, "model"),
        lambda wrong: tb.rewrite(DEMO, wrong),
        lambda wrong: tb.export(DEMO, wrong),
        lambda wrong: tb.freeze(wrong),
        lambda wrong: tb.report(DEMO, path=wrong),
        lambda wrong: tb.Writer(wrong),
        lambda wrong: tb.suggest_outputs(wrong),
    ],
)
def test_a_mapping_where_a_path_is_meant_is_told_so(ask: Any) -> None:
    with pytest.raises(TypeError, match=r"expected a path .*, not dict; .*save\(path, arrays\)"):
        ask({"w": np.ones(2)})


def test_a_checkpoint_where_a_path_is_meant_is_told_so() -> None:
    with pytest.raises(TypeError, match="which is open already"):
        tb.open(tb.open(DEMO))


def test_a_diff_is_true_when_there_is_a_difference() -> None:
    assert not tb.diff(DEMO, DEMO)
    assert tb.diff(DEMO, DATA / "saver")


# --- a table of pandas ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", NAMED)
def test_frame_has_a_row_for_each_tensor(path: str) -> None:
    ckpt = tb.open(DATA / path)
    frame = ckpt.to_frame()
    assert list(frame.index) == list(ckpt)
    assert frame["nbytes"].sum() == ckpt.nbytes
    for info in ckpt.infos():
        row = frame.loc[info.name]
        assert (row["dtype"], row["shape"], row["size"]) == (info.tf_dtype, info.shape, info.size)
        for key in ("shard", "offset", "crc32c"):
            fact = getattr(info, key)
            assert pd.isna(row[key]) if fact is None else row[key] == fact
    assert ("path" in frame.columns) == (ckpt.objects is not None)


def test_frame_of_some_tensors() -> None:
    assert list(tb.open(DEMO).to_frame("dense/*s").index) == ["dense/bias"]


# --- other processes -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*NAMED[:4], "slices/dtypes", "names"])
@pytest.mark.parametrize("mode", ["r", "c", "read"])
def test_pickled_checkpoints_reopen(path: str, mode: Any) -> None:
    ckpt = tb.open(DATA / path, mode=mode, verify="never")
    for again in (pickle.loads(pickle.dumps(ckpt)), copy.deepcopy(ckpt), copy.copy(ckpt)):
        assert type(again) is type(ckpt)
        assert again.mode == ckpt.mode
        assert list(again) == list(ckpt)
        for name, array in ckpt.load().items():
            assert again[name].tolist() == array.tolist() or array.dtype != object
            assert array.dtype == object or again[name].tobytes() == array.tobytes()


def test_pickled_checkpoints_keep_their_policy_and_hold_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tb.save(tmp_path / "m", {"w": np.zeros(5)})
    monkeypatch.chdir(tmp_path)
    pickled = {policy: pickle.dumps(tb.open("m", verify=policy)) for policy in ("read", "never")}
    with open("m.data-00000-of-00001", "r+b") as file:
        file.write(b"\1")
    monkeypatch.chdir("/")
    assert pickle.loads(pickled["never"])["w"][0] != 0
    with pytest.raises(tb.ChecksumError, match="checksum mismatch"):
        pickle.loads(pickled["read"])["w"]


def norm(ckpt: tb.Checkpoint, name: str) -> float:
    return float(np.linalg.norm(ckpt[name]))


def test_checkpoints_are_passed_to_worker_processes() -> None:
    ckpt = tb.open(DEMO)
    names = ["dense/kernel", "conv1/kernel"]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.starmap(norm, [(ckpt, name) for name in names])
    assert found == [norm(ckpt, name) for name in names]


def test_a_pickled_checkpoint_that_is_gone_says_so(tmp_path: Path) -> None:
    tb.save(tmp_path / "m", {"w": np.zeros(5)})
    pickled = pickle.dumps(tb.open(tmp_path / "m"))
    (tmp_path / "m.index").unlink()
    with pytest.raises((tb.MissingFileError, FileNotFoundError), match=r"m\.index"):
        pickle.loads(pickled)
