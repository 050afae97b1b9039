"""Running graphs on OpenVINO: what TensorFlow computes, names and shapes, and what is refused."""

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._freeze.freeze import freeze
from tensorbundle._graphdef.attributes import int_attr, type_attr
from tensorbundle._graphdef.nodes import const_node, make_node
from tensorbundle._graphdef.text import format_text
from tensorbundle._runner import engine
from tensorbundle._runner.runner import Runner, run
from tests.golden.cases import DATA
from tests.graph.small_graphs import graph_def, operation, placeholder
from tests.oracle.client import in_tensorflow

X = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Graphs that TensorFlow wrote, with what it computes of them."""
    folder = tmp_path_factory.mktemp("runner")
    in_tensorflow("tests.run.runner_programs", "write_all", folder)
    return folder


def stored(made: Path, name: str):
    with np.load(made / f"{name}.npz") as file:
        values = dict(file)
    feeds = {key[5:]: value for key, value in values.items() if key.startswith("feed:")}
    return feeds, {key[6:]: value for key, value in values.items() if key.startswith("fetch:")}


def graph_of(*nodes) -> bytes:
    return graph_def(nodes)


def doubled(dtype: int = 1, shape=(-1,)) -> bytes:
    add = make_node("y", "AddV2", ["x", "x"], {"T": type_attr(dtype)})
    return graph_of(placeholder("x", dtype, shape), add)


# --- as TensorFlow computes -------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "dense", "conv", "loop", "condition", "gather", "several", "unknown_rank", "default",
        "dense/model.ckpt.meta", "conv/model.ckpt", "loop/model.ckpt", "condition/model.ckpt",
        "gather/model.ckpt", "saved_model/",
    ],
)  # fmt: skip
def test_results_are_those_of_tensorflow(made: Path, name: str) -> None:
    base = name.split("/")[0]
    feeds, expected = stored(made, base)
    model = made / (name if "/" in name else f"{name}.pb")
    results = run(model, feeds, list(expected))
    for value, (key, wanted) in zip(results, expected.items(), strict=True):
        assert (value.dtype, value.shape) == (wanted.dtype, wanted.shape), key
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


def test_a_text_graph_bytes_and_a_frozen_result_run_alike(made: Path, tmp_path: Path) -> None:
    data = (made / "dense.pb").read_bytes()
    text = tmp_path / "dense.pbtxt"
    text.write_text(format_text(data))
    in_memory = freeze(str(made / "dense" / "model.ckpt"), outputs="y")
    on_disk = freeze(str(made / "dense" / "model.ckpt"), outputs="y", path=tmp_path / "f.pb")
    expected = run(made / "dense.pb", {"x": X}, "y")
    models = [data, memoryview(data), text, str(text), in_memory, on_disk, tb.load_graph(text)]
    for model in models:
        assert np.array_equal(run(model, {"x": X}, "y"), expected)


# --- what is fetched --------------------------------------------------------------------------


def test_results_come_in_the_form_that_was_asked_for(made: Path) -> None:
    model = made / "dense.pb"
    y = run(model, {"x": X}, "y:0")
    assert isinstance(y, np.ndarray)
    as_list = run(model, {"x": X}, ["y", "hidden"])
    assert isinstance(as_list, list)
    assert [each.shape for each in as_list] == [(2, 3), (2, 3)]
    assert list(run(model, {"x": X}, {"p": "y", "q": "y"})) == ["p", "q"]
    by_sink = run(model, {"x": X})
    assert by_sink.keys() == {"y", "label"}
    assert np.array_equal(by_sink["y"], y)


def test_signature_names_are_understood(made: Path) -> None:
    feeds, expected = stored(made, "saved_model")
    results = run(made / "saved_model", feeds)
    assert results.keys() == {"logits", "total"}
    np.testing.assert_allclose(results["logits"], expected["logits"], rtol=1e-5)
    by_node = run(made / "saved_model", {"serving_default_features:0": feeds["features"]}, "total")
    np.testing.assert_allclose(by_node, expected["total"], rtol=1e-5)


def test_tensors_within_the_graph_are_fetched_and_fed(made: Path) -> None:
    hidden = run(made / "dense.pb", {"x": X}, "hidden:0")
    fed = run(made / "dense.pb", {"hidden": hidden}, "y")
    np.testing.assert_allclose(fed, run(made / "dense.pb", {"x": X}, "y"), rtol=1e-6)
    second = np.ones((4, 2), np.float32)
    assert np.array_equal(run(made / "several.pb", {"parts:1": second}, "parts:1"), second)


def test_what_is_fed_goes_where_it_belongs_whatever_names_are_like() -> None:
    """The placeholder of a cut at ``a:1`` could be called as the node ``a_1`` is."""
    axis = const_node("axis", np.int32(0))
    split = make_node("a", "Split", ("axis", "x"), {"T": type_attr(1), "num_split": int_attr(2)})
    difference = make_node("y", "Sub", ("a:1", "a_1"), {"T": type_attr(1)})
    model = graph_of(
        placeholder("x", 1, (2,)), axis, split, placeholder("a_1", 1, (1,)), difference
    )
    for feeds in ({"a:1": [10.0], "a_1": [1.0]}, {"a_1": [1.0], "a:1": [10.0]}):
        assert run(model, feeds, "y").tolist() == [9.0]
    assert run(model, {"a_1": [1.0], "x": [0.0, 5.0]}, "y").tolist() == [4.0]


def test_constants_and_what_is_fed_need_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_core", lambda: pytest.fail("the engine was asked"))
    fine = np.array([1 / 3, 1e300])
    graph = graph_of(
        const_node("c", fine),
        const_node("s", np.array([b"a\0", b"\xff"], object)),
        placeholder("x", 1, (2,)),
        make_node("i", "Identity", ["c"], {"T": type_attr(2)}),
    )
    runner = Runner(graph)
    c, i, s, x = runner.run({"x": [1, 2]}, ["c", "i:0", "s", "x"])
    assert np.array_equal(c, fine)
    assert np.array_equal(i, fine)
    assert s.tolist() == [b"a\0", b"\xff"]
    assert (x.tolist(), x.dtype) == ([1, 2], np.float32)
    c[0] = 5
    assert runner.run(fetches="c")[0] == fine[0]


def test_computing_of_constants_alone_needs_no_feed() -> None:
    add = make_node("y", "AddV2", ["a", "a"], {"T": type_attr(1)})
    assert run(graph_of(const_node("a", np.float32([1, 2])), add), fetches="y").tolist() == [2, 4]


@pytest.mark.parametrize(("pred", "expected"), [(True, [1, 2]), (False, [3, 4])])
def test_a_condition_of_constants_is_fetched(pred, expected) -> None:
    """The engine puts a constant in the place of the condition, and forgets its name."""
    model = graph_of(
        const_node("p", np.array(pred)),
        const_node("a", np.float32([1, 2])),
        const_node("b", np.float32([3, 4])),
        operation("Switch", "at", "a", "p"),
        operation("Switch", "bt", "b", "p"),
        operation("Merge", "m", "bt", "at:1", N=int_attr(2)),
        operation("AddV2", "n", "m", "a"),
    )
    m, n = run(model, fetches=["m", "n"])
    assert m.tolist() == expected
    assert n.tolist() == [each + i for each, i in zip(expected, (1, 2), strict=True)]


def test_a_variable_of_a_checkpoint_is_fetched() -> None:
    variable = next(each for each in tb.load_graph(DATA / "saver").variables.values() if each.key)
    expected = tb.open(DATA / "saver")[variable.key]
    assert np.array_equal(run(DATA / "saver", fetches=variable.name), expected)


# --- what is fed ------------------------------------------------------------------------------


def test_a_default_is_used_or_replaced(made: Path) -> None:
    runner = Runner(made / "default.pb", "y")
    assert runner({"x": [2, 4]}).tolist() == [1, 2]
    assert runner({"x": [2, 4], "keep": 1.0}).tolist() == [2, 4]


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        (1, [1, 2], [2, 4]),
        (1, np.array([1.5, 2]), [3, 4]),
        (1, np.array([True, False]), [2, 0]),
        (2, np.float32([1.5]), [3]),
        (3, np.array([7], np.int64), [14]),
        (9, [1, -2], [2, -4]),
        (14, [1.5], [3]),
        (19, [1.5], [3]),
    ],
)
def test_values_that_fit_are_converted(dtype, value, expected) -> None:
    assert run(doubled(dtype), {"x": value}, "y").tolist() == expected


@pytest.mark.parametrize(
    ("dtype", "shape", "value", "match"),
    [
        (1, (-1, 4), np.ones((2, 3)), r"float64\[2, 3\], not float32\[\?, 4\]"),
        (1, (2,), np.float32(1), r"float32\[\], not float32\[2\]"),
        (1, (2,), ["a", "b"], r"text, not float32\[2\]"),
        (3, (2,), [1.5, 2], r"float64\[2\], not int32\[2\]"),
        (3, (2,), [1 << 40, 2], r"int64\[2\], not int32\[2\]"),
        (1, (2,), [[1], [1, 2]], "no array can be made of it"),
        (1, (2,), [None, 1], r"Python objects, not float32\[2\]"),
        (1, (2,), [1j, 1], r"complex128\[2\], not float32\[2\]"),
    ],
)
def test_values_that_do_not_fit_are_named(dtype, shape, value, match) -> None:
    with pytest.raises(tb.ConversionError, match=f"value for input 'x:0' does not fit: .*{match}"):
        run(doubled(dtype, shape), {"x:0": value}, "y")


def test_numbers_are_no_truth_values() -> None:
    graph = graph_of(placeholder("x", 10, (2,)), make_node("y", "LogicalNot", ["x"]))
    assert run(graph, {"x": [True, False]}, "y").tolist() == [False, True]
    with pytest.raises(tb.ConversionError, match=r"int64\[2\], not bool\[2\]"):
        run(graph, {"x": [1, 0]}, "y")


@pytest.mark.parametrize(
    ("dtype", "value", "match"),
    [
        (9, [1 << 40], "int64 and has values beyond 32 bits"),
        (8, [1j], "is complex64, which OpenVINO does not take"),
        (99, [1], "is .*, which OpenVINO does not take"),
    ],
)
def test_values_that_the_engine_would_change_are_refused(dtype, value, match) -> None:
    with pytest.raises(tb.UnsupportedError, match=match):
        run(doubled(dtype), {"x": value}, "y")


def test_what_is_not_fed_is_named(made: Path) -> None:
    with pytest.raises(
        tb.ConversionError, match=r"input x:0 float32\[\?, 4\] is not fed"
    ) as caught:
        run(made / "dense.pb", {}, "y")
    assert caught.value.path == str(made / "dense.pb")


def test_what_is_not_needed_may_be_fed(made: Path) -> None:
    hidden = np.zeros((1, 3), np.float32)
    y = run(made / "dense.pb", {"x": X, "hidden": hidden}, "y")
    np.testing.assert_allclose(y, np.full((1, 3), 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("feeds", [{"xx": X}, {"dense/x": X}])
def test_unknown_names_suggest_near_ones(made: Path, feeds) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"there is no input .*did you mean .*'x'"):
        run(made / "dense.pb", feeds, "y")
    with pytest.raises(tb.TensorNotFoundError, match=r"there is no output 'hiden'.*'hidden'"):
        run(made / "dense.pb", {"x": X}, ["y", "hiden"])


def test_a_name_like_no_other_leads_to_what_lists_inputs(made: Path) -> None:
    with pytest.raises(tb.TensorNotFoundError, match=r"input 'qqq.*expected one of 'x' float32"):
        run(made / "dense.pb", {"qqqqqqqqqqqq": X}, "y")


def test_inputs_are_fed_by_every_call(made: Path) -> None:
    runner = Runner(made / "dense.pb", "y", inputs="hidden:0")
    assert runner({"hidden": np.zeros((1, 3))}).shape == (1, 3)
    with pytest.raises(tb.ConversionError, match=r"not fed: \['hidden:0'\]"):
        runner()
    with pytest.raises(tb.ConversionError, match=r"fed beside inputs=: \['x'\]"):
        runner({"hidden": np.zeros((1, 3)), "x": X})
    with pytest.raises(tb.TensorNotFoundError, match="did you mean 'hidden'"):
        Runner(made / "dense.pb", "y", inputs=["hiddn"])


# --- again and again --------------------------------------------------------------------------


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each time that the engine compiles."""
    calls: list[object] = []
    compiled = engine._Compiled

    def counting(model):
        found = compiled(model)
        calls.append(found)
        return found

    monkeypatch.setattr(engine, "_Compiled", counting)
    return calls


def test_one_compilation_serves_all_shapes(made: Path, compilations) -> None:
    runner = Runner(made / "dense.pb", "y")
    for count in (1, 2, 7, 0, 2):
        assert runner({"x": np.ones((count, 4))}).shape == (count, 3)
    assert len(compilations) == 1
    runner({"x": X}, ["y", "label"])
    assert len(compilations) == 2


def test_an_unknown_rank_is_compiled_for_each_shape(made: Path, compilations) -> None:
    runner = Runner(made / "unknown_rank.pb", "sum")
    values = [3.0, [1.0, 2.0], [[1.0], [4.0]], [5.0, 6.0]]
    assert [float(runner({"x": value})) for value in values] == [6, 6, 10, 22]
    assert len(compilations) == 3


def test_the_rank_that_is_fed_is_told_where_the_graph_says_none(compilations) -> None:
    """The engine multiplies no matrices of unknown rank."""
    product = operation("MatMul", "y", "x", "w")
    model = graph_of(placeholder("x"), const_node("w", np.float32([[2], [3]])), product)
    runner = Runner(model, "y")
    assert runner({"x": [[1, 1]]}).tolist() == [[5]]
    assert runner({"x": [[1, 0], [0, 1]]}).tolist() == [[2], [3]]
    assert len(compilations) == 1
    with pytest.raises(tb.ConversionError, match="input 'x' does not fit: no array can be made"):
        runner({"x": [[1], [1, 2]]})


def test_threads_share_a_runner(made: Path) -> None:
    runner = Runner(made / "dense.pb", "y")
    values = [np.full((n + 1, 4), n, np.float32) for n in range(8)]
    expected = [runner({"x": each}) for each in values]
    wrong: list[int] = []

    def work(n: int) -> None:
        for _ in range(50):
            if not np.array_equal(runner({"x": values[n]}), expected[n]):
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_results_are_not_changed_by_the_next_run(made: Path) -> None:
    runner = Runner(made / "dense.pb", "hidden")
    first = runner({"x": X})
    kept = first.copy()
    runner({"x": -X})
    assert np.array_equal(first, kept)
    assert first.flags.writeable


def test_no_files_are_left(made: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run(made / "dense.pb", {"x": X}, "y")
    assert list(tmp_path.iterdir()) == []


# --- what cannot run --------------------------------------------------------------------------


def test_operations_without_translation_are_named(made: Path) -> None:
    feeds, expected = stored(made, "refused")
    with pytest.raises(
        tb.UnsupportedError,
        match=r"cannot translate these operations: Erfinv \('inverse'\); "
        r"MatrixDeterminant \('determinant'\)",
    ):
        run(made / "refused.pb", feeds, list(expected))
    with pytest.raises(tb.UnsupportedError, match=r"these operations: AddV2 \('y'\)"):
        run(doubled(10), {"x": [True]}, "y")  # an operation that it has, but not of this type
    # What does not need them runs.
    assert np.array_equal(run(made / "refused.pb", feeds, "y"), expected["y:0"])


def test_without_the_engine_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    engine._core.cache_clear()
    with pytest.raises(tb.UnsupportedError, match="pip install openvino"):
        run(doubled(), {"x": [1]}, "y")
    engine._core.cache_clear()


def test_what_is_no_graph(made: Path, tmp_path: Path) -> None:
    with pytest.raises(tb.MissingFileError, match="no graph at"):
        Runner(tmp_path / "none.pb")
    saved = (made / "saved_model" / "saved_model.pb").read_bytes()
    with pytest.raises(tb.FormatError, match="no GraphDef, but another message: saved_model"):
        Runner(saved)
    with pytest.raises(tb.FormatError, match=r"cut off|past the end|nodes|no graph"):
        run((made / "dense.pb").read_bytes()[:-3], {"x": X}, "y")


def test_tensorflow_is_not_imported(made: Path) -> None:
    code = (
        "import sys; from tensorbundle._runner.runner import run;"
        f"run({str(made / 'dense.pb')!r}, {{'x': [[1, 2, 3, 4]]}}, 'y');"
        "assert 'tensorflow' not in sys.modules and 'google.protobuf' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
