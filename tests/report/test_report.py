"""`report`: its data against numpy's own, names that are hostile, and what is refused."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._report.distribution import QUANTILES, histogram, levels
from tests.freeze.program import document, run
from tests.golden.cases import DATA
from tests.report.pages import HOSTILE, checksum, column, data_of, made, many_kinds, rows


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("kinds")
    values = many_kinds()
    tb.save(folder / "model", values)
    return values, made(folder, folder / "model")[1]


NUMBERS = sorted(name for name, value in many_kinds().items() if value.dtype != object)


@pytest.mark.parametrize("name", NUMBERS)
def test_statistics_are_those_of_numpy(name: str, kinds: Any) -> None:
    values, data = kinds
    flat = values[name].reshape(-1)
    wide = flat.astype(np.complex128 if flat.dtype.kind == "c" else np.float64)
    finite = np.abs(wide) if flat.dtype.kind == "c" else wide
    finite = finite[np.isfinite(finite)]
    told = {key: column(data, key)[name] for key in data["values"]}
    if not flat.size:
        assert set(told.values()) == {None}
        return
    assert told["zeros"] == np.count_nonzero(wide == 0)
    assert told["nan"] == np.isnan(wide).sum()
    assert told["inf"] == np.isinf(wide).sum()
    if not finite.size:
        assert (told["min"], told["bins"], told["quantiles"]) == (None, None, None)
        return
    for key in ("min", "max", "mean"):
        assert told[key] == pytest.approx(getattr(finite, key)(), rel=1e-3)
    with np.errstate(over="ignore"):
        spread = finite.std()
    assert told["std"] == (pytest.approx(spread, rel=1e-3) if math.isfinite(spread) else None)
    wanted = np.quantile(finite / 4, QUANTILES) * 4  # numpy's own overflows
    assert told["quantiles"] == pytest.approx(wanted.tolist(), rel=1e-3, abs=1e-300)


@pytest.mark.parametrize("name", ["layer_1/w", "half", "brain", "double", "small"])
def test_histograms_are_those_of_numpy(name: str, kinds: Any) -> None:
    flat = kinds[0][name].reshape(-1).astype(np.float64)
    wanted = np.histogram(flat, 24)[0]
    assert histogram(kinds[0][name].reshape(-1), flat.min(), flat.max()) == wanted.tolist()
    assert column(kinds[1], "bins")[name] == levels(wanted.tolist())


@pytest.mark.parametrize(
    "name", ["huge", "most", "least", "unsigned", "wide", "constant", "scalar"]
)
def test_every_finite_element_is_in_one_bin(name: str, kinds: Any) -> None:
    flat = kinds[0][name].reshape(-1)
    counts = histogram(flat, float(flat.min()), float(flat.max()))
    assert sum(counts) == flat.size
    assert len(column(kinds[1], "bins")[name]) == 24


def test_what_is_not_zero_is_seen() -> None:
    shown = levels([0, 1, 10**6, 500_000])
    assert shown[0] == "0"
    assert shown[1] != "0"
    assert levels([0, 1, 10**6], 15)[1] != "0"
    assert levels([0, 0]) == ""


def test_all_values_together_are_counted_by_magnitude(kinds: Any) -> None:
    values, data = kinds
    whole = data["whole"]
    numbers = [values[name].reshape(-1) for name in NUMBERS]
    total = sum(each.size for each in numbers)
    assert whole["count"] == total
    counted = sum(whole["negative"]) + sum(whole["positive"])
    assert counted == total - whole["zeros"] - whole["nan"] - whole["inf"]
    one = 126  # from 1 to 2 there are the scalar's neighbours, and negative ones apart
    wide = np.concatenate([np.abs(e) if e.dtype.kind == "c" else e.astype("f8") for e in numbers])
    assert whole["positive"][one] == np.count_nonzero((wide >= 1) & (wide < 2))
    assert whole["negative"][one] == np.count_nonzero((wide <= -1) & (wide > -2))


def test_facts_are_those_of_the_index(kinds: Any, tmp_path: Path) -> None:
    _, data = made(tmp_path, DATA / "demo")
    ckpt = tb.open(DATA / "demo")
    tensors = data["tensors"]
    for info, n in zip(ckpt.infos(), range(len(ckpt)), strict=True):
        assert tensors["name"][n] == info.name
        assert tensors["dtype"]["words"][tensors["dtype"]["places"][n]] == info.tf_dtype
        assert tensors["nbytes"][n] == info.nbytes
        assert (tensors["shard"][n], tensors["offset"][n]) == (info.shard, info.offset)
        assert tensors["crc32c"][n] == info.crc32c
    assert ["step", "2,000"] in data["facts"]
    assert data["graph"]["inputs"][0][0] == "image"
    assert data["graph"]["outputs"][0][0] == "probabilities"
    assert data["verify"]["faults"] == []


def test_slots_are_told_with_their_variable(tmp_path: Path) -> None:
    _, data = made(tmp_path, DATA / "demo")
    row, owner = rows(data), data["tensors"]["owner"]
    assert owner[str(row["dense/kernel/Adam"])] == row["dense/kernel"]
    assert owner[str(row["beta1_power"])] == row["beta1_power"]
    assert str(row["dense/kernel"]) not in owner


def test_weights_that_keras_3_keeps_below_its_optimizer_are_the_models(tmp_path: Path) -> None:
    _, data = made(tmp_path, DATA / "objects/keras")
    row, owner = rows(data), data["tensors"]["owner"]
    end = "/.ATTRIBUTES/VARIABLE_VALUE"
    weight = row[f"optimizer/_trainable_variables/0{end}"]
    assert str(weight) not in owner
    assert owner[str(row[f"optimizer/_variables/2{end}"])] == weight
    assert data["tensors"]["path"][str(weight)] == "optimizer/_trainable_variables/0"
    assert {"model", "optimizer"} <= {name for name, _ in data["objects"]["nodes"][0][0]}


# --- names ---------------------------------------------------------------------------------------


def test_hostile_names_are_data_only(tmp_path: Path) -> None:
    tb.save(tmp_path / "</title><b>", {name: np.ones(2, np.float32) for name in HOSTILE})
    page, data = made(tmp_path, tmp_path / "</title><b>")
    text = Path(page.path).read_text("utf-8")
    without = re.sub(r"<script>.*?</script>\n", "", text, flags=re.DOTALL)
    assert "window.broken" not in text
    assert "</title><b>" not in without
    assert without.count("<script") == 1  # the data
    assert sorted(data["tensors"]["name"]) == sorted(
        tb.open(tmp_path / "</title><b>").to_frame().index.map(shown)
    )


def shown(name: str) -> str:
    from tensorbundle._printable import printable

    return printable(name, 1000)


def test_code_for_a_hostile_name_opens_that_tensor(tmp_path: Path) -> None:
    tb.save(tmp_path / "model", {name: np.full(2, n) for n, name in enumerate(HOSTILE)})
    _, data = made(tmp_path, tmp_path / "model")
    ckpt = tb.open(tmp_path / "model")
    for number, name in enumerate(ckpt):
        code = data["tensors"]["code"].get(str(number))
        plain = data["tensors"]["name"][number]
        assert eval(code if code is not None else f"'{plain}'") == name


def test_only_the_scripts_of_the_page_may_run(tmp_path: Path) -> None:
    page, _ = made(tmp_path, DATA / "demo")
    text = Path(page.path).read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>\n", text, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    allowed = re.findall(r"&#x27;sha256-([^&]+)&#x27;", policy)
    assert allowed == [checksum(script) for script in scripts]
    assert policy.startswith("default-src &#x27;none&#x27;")
    assert not re.search(
        r"(?:src|href)=[\"']?(?:https?:)?//",
        re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL),
    )


# --- two compared --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("compared")
    a = many_kinds()
    b = {**a, "fresh": np.ones(3, np.float32), "zero": np.zeros(8, np.float32)}
    b["half"] = a["half"].astype(np.float32)
    b["moved"] = b.pop("layer_2/w")
    b["layer_1/w"] = a["layer_1/w"] * np.float32(1.5) + 1
    b["flags"] = ~a["flags"]
    del b["constant"]
    tb.save(folder / "a", a)
    tb.save(folder / "b", b)
    page, data = made(folder, folder / "a", folder / "b")
    assert page.different
    return {"a": a, "b": b, **data}


def test_what_differs_is_told_by_row(compared: dict[str, Any]) -> None:
    row, changes = rows(compared), compared["diff"]["changes"]
    kinds = {name: changes[str(n)]["kind"] for name, n in row.items() if str(n) in changes}
    assert kinds == {
        "fresh": "added",
        "constant": "removed",
        "layer_2/w": "renamed",
        "moved": "renamed here",
        "half": "dtype",
        "zero": "shape",
        "layer_1/w": "values",
        "flags": "values",
    }
    assert changes[str(row["layer_2/w"])]["to"] == "moved"
    counts = compared["diff"]["counts"]
    assert (counts["added"], counts["removed"], counts["renamed"], counts["changed"]) == (
        1,
        1,
        1,
        4,
    )


def test_distances_are_those_of_numpy(compared: dict[str, Any]) -> None:
    change = compared["diff"]["changes"][str(rows(compared)["layer_1/w"])]
    a, b = (compared[side]["layer_1/w"].reshape(-1).astype(np.float64) for side in "ab")
    norms = np.linalg.norm(a), np.linalg.norm(b)
    assert change["max"] == pytest.approx(np.abs(b - a).max(), rel=1e-3)
    assert change["rms"] == pytest.approx(np.sqrt(np.square(b - a).mean()), rel=1e-3)
    assert change["cosine"] == pytest.approx(a @ b / (norms[0] * norms[1]), abs=1e-5)
    assert change["relative"] == pytest.approx(np.linalg.norm(b - a) / norms[0], rel=1e-3)
    ends = min(a.min(), b.min()), max(a.max(), b.max())
    assert change["range"] == pytest.approx(ends, rel=1e-3)
    for side, values in enumerate((a, b)):
        assert change["bins"][side] == levels(np.histogram(values, 24, ends)[0].tolist())
    assert change["second"]["mean"] == pytest.approx(b.mean(), rel=1e-3)


def test_the_same_twice_has_no_difference(tmp_path: Path) -> None:
    page, data = made(tmp_path, DATA / "demo", DATA / "demo")
    assert page.different is False
    assert data["diff"]["changes"] == {}


# --- what is damaged, lacking, or no checkpoint --------------------------------------------------


def test_a_damaged_tensor_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    tb.save(tmp_path / "model", many_kinds())
    ckpt = tb.open(tmp_path / "model")
    info = ckpt.info("layer_1/w")
    with open(f"{tmp_path}/model.data-00000-of-00001", "r+b") as file:
        file.seek(info.offset)
        file.write(b"\xff\xff\xff\xff")
    page, data = made(tmp_path, tmp_path / "model")
    assert page.faults == len(data["verify"]["faults"]) > 1
    fault = next(each for each in data["verify"]["faults"] if each["kind"] == "checksum")
    assert (fault["name"], fault["offset"], fault["nbytes"]) == ("layer_1/w", info.offset, 2400)
    assert list(data["unread"]) == [str(rows(data)["layer_1/w"])]
    assert column(data, "max")["layer_1/w"] is None
    assert column(data, "max")["layer_0/w"] is not None


def test_a_lost_shard_leaves_a_page_of_facts(tmp_path: Path) -> None:
    tb.save(tmp_path / "model", many_kinds())
    (tmp_path / "model.data-00000-of-00001").unlink()
    page, data = made(tmp_path, tmp_path / "model")
    assert page.faults
    assert page.tensors == len(many_kinds())
    assert set(column(data, "max").values()) == {None}


@pytest.mark.parametrize(
    "path", ["saved_model", "slices/incomplete", "v1/dtypes", "big_endian", "strings", "names"]
)
def test_every_kind_of_checkpoint_has_a_page(path: str, tmp_path: Path) -> None:
    page, data = made(tmp_path, DATA / path)
    assert page.tensors == len(tb.open(DATA / path)) == len(data["values"]["min"])
    assert data["schema"] == 1


def test_a_saved_model_is_called_by_its_directory(tmp_path: Path) -> None:
    _, data = made(tmp_path, DATA / "saved_model")
    assert data["title"] == str(DATA / "saved_model")
    assert data["graph"]["signatures"][1][0] == "serving_default"
    assert len(data["graph"]["drawn"]) == 1 + data["graph"]["functions"]


def test_a_graph_alone_has_a_page(tmp_path: Path) -> None:
    alone = tmp_path / "alone.meta"
    alone.write_bytes((DATA / "demo/model.ckpt-2000.meta").read_bytes())
    page, data = made(tmp_path, alone)
    assert (page.tensors, page.faults) == (0, None)
    assert data["graph"]["nodes"] == 397
    drawn = data["graph"]["drawn"][0]
    graph = tb.load_graph(alone)
    assert drawn["name"] == list(graph.nodes)
    place = {name: number for number, name in enumerate(drawn["name"])}
    sources = drawn["edges"][place["probabilities"]]
    assert [drawn["name"][n] for n in sources] == [*graph.nodes["probabilities"].inputs]


def test_a_graph_that_lies_elsewhere_is_told_which(tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    for suffix in ("index", "data-00000-of-00001"):
        (tmp_path / f"model.{suffix}").write_bytes(
            (DATA / f"demo/model.ckpt-2000.{suffix}").read_bytes()
        )
    (tmp_path / "away/g.meta").write_bytes((DATA / "demo/model.ckpt-2000.meta").read_bytes())
    assert "graph" not in made(tmp_path, tmp_path / "model")[1]
    _, data = made(tmp_path, tmp_path / "model", graph=tmp_path / "away/g.meta")
    assert data["graph"]["variables"]["dense/kernel"] == rows(data)["dense/kernel"]


def test_without_values_nothing_is_read(tmp_path: Path) -> None:
    tb.save(tmp_path / "model", many_kinds())
    (tmp_path / "model.data-00000-of-00001").unlink()
    page, data = made(tmp_path, tmp_path / "model", values=False, verify=False)
    assert page.faults is None
    assert "values" not in data
    assert len(data["tensors"]["name"]) == len(many_kinds())


def test_a_page_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        tb.report(DATA / "demo", path=target)
    assert target.read_text() == "mine"


def test_where_there_is_nothing_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(tb.MissingFileError, match="no checkpoint"):
        tb.report(tmp_path / "nothing", path=tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_with_all(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    tb.report(
        DATA / "demo", DATA / "demo", path=tmp_path / "r.html", progress=lambda *c: calls.append(c)
    )
    assert calls[-1][0] == calls[-1][1] > 0
    assert all(done <= total for done, total in calls)


# --- size, and the command -----------------------------------------------------------------------


def test_a_page_of_200_tensors_is_small(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    tb.save(
        tmp_path / "model", {f"block_{n}/kernel": random.normal(size=(8, 9)) for n in range(200)}
    )
    page, data = made(tmp_path, tmp_path / "model")
    assert page.nbytes == Path(page.path).stat().st_size < 1_600_000
    assert data["tensors"]["layer"]["words"] == ["block_#/kernel"]


def test_command_writes_a_page(tmp_path: Path) -> None:
    target = tmp_path / "deep/er/page.html"
    said = run("report", DATA / "demo", "-o", target).stdout
    assert "28 tensors, 0 faults" in said
    assert data_of(target)["title"] == str(DATA / "demo/model.ckpt-2000")
    again = run("report", DATA / "demo", "-o", target, code=2)
    assert "exists" in again.stderr
    assert "--force" in again.stderr
    told = document("report", DATA / "demo", DATA / "saver", "-o", target, "--force", "--no-verify")
    assert told["different"] is True
    assert told["faults"] is None
