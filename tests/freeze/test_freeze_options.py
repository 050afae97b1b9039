"""The options of `freeze`: where graphs are cut, values that are bound, and which variables."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import bytes_field, text_field
from tensorbundle._graphdef.attributes import bool_attr, int_attr, type_attr
from tensorbundle._graphdef.nodes import make_node
from tests.graph.small_graphs import (
    INT32,
    STRING,
    VALUES,
    constant,
    graph_def,
    identity,
    loaded,
    names,
    network,
    placeholder,
    variable,
    write_meta,
    write_model,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("model")
    tb.save(folder / "model.ckpt", VALUES)
    return write_meta(folder / "model.ckpt.meta", network())


# --- cuts and bindings --------------------------------------------------------------------------


def test_cut_becomes_a_placeholder_of_the_same_name(model: str) -> None:
    frozen = tb.freeze(model, outputs="tower/probs", inputs="net/logits")
    assert names(frozen) == ["net/logits", "tower/probs"]
    assert [str(each) for each in frozen.inputs] == ["net/logits:0 float32[?, 3]"]
    shaped = tb.freeze(model, outputs="tower/probs", inputs={"net/logits:0": (None, 3)})
    assert [str(each) for each in shaped.inputs] == ["net/logits:0 float32[?, 3]"]
    assert frozen.variables == shaped.variables == ()


def test_cut_at_a_later_output_gets_a_name_of_its_own(model: str) -> None:
    frozen = tb.freeze(model, outputs="gated", inputs=["gate:1"])
    assert names(frozen) == ["gated", "gate_1"]
    assert [each.name for each in frozen.inputs] == ["gate_1:0"]
    both = tb.freeze(model, outputs={"a": "split:0", "b": "split:2"}, inputs=["split:0"])
    assert [each.name for each in both.inputs] == ["x:0", "split:0"]
    assert both.outputs == {"a": "a:0", "b": "b:0"}
    assert loaded(both).nodes["split/uncut"].op == "Split"


def test_cut_elsewhere_is_refused(model: str) -> None:
    with pytest.raises(tb.TensorNotFoundError, match="no tensor 'logits' in the graph: did you"):
        tb.freeze(model, outputs="tower/probs", inputs=["logits"])


def test_cut_at_an_op_of_unknown_type_is_refused(tmp_path: Path) -> None:
    nodes = [make_node("odd", "NobodysOp"), identity("out", "odd")]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    with pytest.raises(tb.ConversionError, match="type of output 0 of a NobodysOp is not known"):
        tb.freeze(tmp_path / "g.pb", outputs="out", inputs="odd")


def test_bound_placeholders_become_constants(model: str) -> None:
    frozen = tb.freeze(
        model, outputs=["dropped", "gated"], bind={"keep_prob": 1, "is_training:0": True}
    )
    nodes = loaded(frozen).nodes
    assert constant(loaded(frozen), "keep_prob").tolist() == 1.0
    assert constant(loaded(frozen), "is_training").tolist() is True
    assert "one" not in nodes
    assert [each.name for each in frozen.inputs] == ["x:0"]
    assert not any("switches" in each for each in frozen.warnings)


@pytest.mark.parametrize(
    ("bind", "message"),
    [
        ({"net/logits": 1.0}, "cannot bind 'net/logits': it is a BiasAdd, expected a Placeholder"),
        ({"keep_prob": [1.0, 2.0]}, r"its shape is \[\], the value's is \[2\]"),
        ({"keep_prob": "much"}, "it is float32, and 'much' is no such value"),
        ({"is_training": 1.0}, "it is bool, and 1.0 is no such value"),
        ({"x": np.zeros((2, 3))}, r"its shape is \[\?, 4\], the value's is \[2, 3\]"),
    ],
)
def test_values_that_do_not_fit_are_refused(model: str, bind: Any, message: str) -> None:
    with pytest.raises(tb.ConversionError, match=message):
        tb.freeze(model, outputs="dropped", bind=bind)


def test_unknown_placeholder_is_told(model: str) -> None:
    with pytest.raises(
        tb.TensorNotFoundError,
        match=r"no placeholder 'keep' in the graph: did you mean 'keep_prob'",
    ):
        tb.freeze(model, outputs="dropped", bind={"keep": 1.0})


def test_string_placeholder_is_bound(tmp_path: Path) -> None:
    nodes = [placeholder("s", STRING, ()), identity("out", "s", STRING)]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    frozen = tb.freeze(tmp_path / "g.pb", outputs="out", bind={"s": "text"})
    assert constant(loaded(frozen), "s").tolist() == b"text"
    with pytest.raises(tb.ConversionError, match="it is a string, 7 is none"):
        tb.freeze(tmp_path / "g.pb", outputs="out", bind={"s": 7})


# --- variables ----------------------------------------------------------------------------------


def test_keys_are_given_where_they_are_known_better(model: str) -> None:
    frozen = tb.freeze(model, outputs="net/logits", keys={"net/b": "ema/net/b"})
    assert constant(loaded(frozen), "net/b").tolist() == [0, 0, 0]
    assert {each.name: each.how for each in frozen.variables}["net/b"] == "given"


def test_denied_variables_stay_variables(model: str) -> None:
    for option in ({"deny": "net/b"}, {"allow": "*/w"}):
        frozen = tb.freeze(model, outputs="net/logits", **option)
        assert loaded(frozen).nodes["net/b"].op == "VariableV2"
        assert [each.name for each in frozen.variables] == ["net/w"]


def test_variables_that_are_not_saved_are_told_together(tmp_path: Path) -> None:
    meta = write_model(tmp_path, {"a": np.zeros(2, np.float32)})
    nodes = [variable("a", 1, (3,)), variable("b"), variable("c"), identity("y", "a")]
    nodes.append(make_node("all", "Pack", ("a", "b", "c"), {"T": type_attr(1), "N": int_attr(3)}))
    write_meta(meta, nodes)
    with pytest.raises(tb.TensorNotFoundError, match=r"2 of 3 variables are not in.*'b'.*'c'.*'a'"):
        tb.freeze(meta, outputs="all")
    with pytest.raises(tb.ConversionError, match=r"'a', it is \[3\] in the graph and \[2\] in"):
        tb.freeze(meta, outputs="y")


def test_graph_without_checkpoint_says_where_one_was_looked_for(tmp_path: Path) -> None:
    meta = write_meta(tmp_path / "lonely.meta", network())
    message = r"no values for the 2 variables of the graph \('net/w', 'net/b'\): .*lonely"
    with pytest.raises(tb.MissingFileError, match=message):
        tb.freeze(meta, outputs="net/logits")
    assert tb.freeze(meta, outputs="tower/probs", inputs="net/logits").num_nodes == 2
    (tmp_path / "g.pb").write_bytes(graph_def(network()))
    with pytest.raises(tb.MissingFileError, match="give a checkpoint"):
        tb.freeze(tmp_path / "g.pb", outputs="net/logits")


def test_missing_shard_says_which_variables_need_it(tmp_path: Path) -> None:
    meta = write_model(tmp_path, {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)})
    os.unlink(tmp_path / "model.ckpt.data-00000-of-00001")
    message = r"data shard 'model.ckpt.data-00000-of-00001' is missing .*needed by 'a', 'b'"
    with pytest.raises(tb.MissingFileError, match=message):
        tb.freeze(meta, outputs=["read_a", "read_b"], path=tmp_path / "f.pb")


def test_checkpoint_is_given_open_or_by_path(model: str, tmp_path: Path) -> None:
    (tmp_path / "g.pb").write_bytes(graph_def(network()))
    prefix = model.removesuffix(".meta")
    by_path = tb.freeze(tmp_path / "g.pb", prefix, outputs="net/logits")
    opened = tb.freeze(tb.load_graph(tmp_path / "g.pb"), tb.open(prefix), outputs="net/logits")
    assert by_path.data == opened.data == tb.freeze(model, outputs="net/logits").data


# --- the rest of the options --------------------------------------------------------------------


def test_frozen_graph_is_frozen_again_unchanged(model: str, tmp_path: Path) -> None:
    first = tb.freeze(model, outputs="tower/probs", path=tmp_path / "f.pb")
    again = tb.freeze(tmp_path / "f.pb", outputs="tower/probs")
    assert again.data == (tmp_path / "f.pb").read_bytes()
    assert again.variables == ()
    assert tb.freeze(tmp_path / "f.pb").outputs == first.outputs  # what nothing consumes


def test_devices_are_cleared_or_kept(model: str, tmp_path: Path) -> None:
    nodes = [each.replace(device="/job:ps") for each in network()]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    prefix = model.removesuffix(".meta")
    cleared = tb.freeze(tmp_path / "g.pb", prefix, outputs="net/logits")
    kept = tb.freeze(tmp_path / "g.pb", prefix, outputs="net/logits", clear_devices=False)
    assert {each.device for each in loaded(cleared).nodes.values()} == {""}
    assert {each.device for each in loaded(kept).nodes.values()} == {"/job:ps"}


def test_default_attributes_are_added_on_request(model: str) -> None:
    plain = loaded(tb.freeze(model, outputs="net/logits")).nodes["net/matmul"]
    full = loaded(tb.freeze(model, outputs="net/logits", add_default_attrs=True)).nodes[
        "net/matmul"
    ]
    assert plain.attr("transpose_a") is None
    assert full.attr("transpose_a") is False
    assert full.attrs["transpose_b"] == bool_attr(False)


OP_LIST = 'op { name: "NobodysOp" output_arg { name: "a" type: DT_FLOAT }' \
          ' output_arg { name: "b" type: DT_INT32 } }'  # fmt: skip


@pytest.mark.parametrize("text", [True, False])
def test_list_of_operations_tells_what_they_give(tmp_path: Path, text: bool) -> None:
    nodes = [make_node("odd", "NobodysOp"), identity("out", "odd:1", INT32)]
    (tmp_path / "g.pb").write_bytes(graph_def(nodes))
    args = [text_field(1, "a") + bytes([0x18, 1]), text_field(1, "b") + bytes([0x18, 3])]
    op = text_field(1, "NobodysOp") + b"".join(bytes_field(3, each) for each in args)
    ops = tmp_path / "ops"
    ops.write_bytes(OP_LIST.encode() if text else bytes_field(1, op))
    with pytest.raises(tb.ConversionError, match="type of output 1 of a NobodysOp"):
        tb.freeze(tmp_path / "g.pb", outputs="out", inputs=["odd:1"])
    frozen = tb.freeze(tmp_path / "g.pb", outputs="out", inputs=["odd:1"], op_list=ops)
    assert [str(each) for each in frozen.inputs] == ["odd_1:0 int32 of unknown shape"]


def test_what_is_no_list_of_operations_is_refused(tmp_path: Path, model: str) -> None:
    for content in (b"", b"\x0a\xff", b"op {"):
        (tmp_path / "ops").write_bytes(content)
        with pytest.raises(tb.FormatError, match="not a list of operations"):
            tb.freeze(model, outputs="net/logits", op_list=tmp_path / "ops")


@pytest.mark.parametrize("option", [{"functions": "both"}, {"missing": "zero"}])
def test_unknown_choices_are_refused(model: str, option: Any) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        tb.freeze(model, outputs="net/logits", **option)
