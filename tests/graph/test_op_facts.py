"""The table of operations: what it says, and that TensorFlow says the same."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tensorbundle._graphdef.attributes import int_attr, type_list_attr
from tensorbundle._graphdef.functions import decode_op_def
from tensorbundle._graphdef.nodes import make_node
from tensorbundle._ops.facts import default_attrs, is_known, is_stateful, output_args, output_ports
from tensorbundle.errors import FormatError
from tests.house.source import PACKAGE, PROJECT

TABLE = PACKAGE / "_ops" / "op_facts.json"
MAKER = PROJECT / "tests" / "golden" / "make_op_facts.py"


@pytest.fixture(scope="module")
def table():
    return json.loads(TABLE.read_text("utf-8"))


def test_the_table_equals_what_tensorflow_registers(table, tmp_path: Path) -> None:
    made = tmp_path / "op_facts.json"
    subprocess.run([sys.executable, "-W", "ignore", MAKER, made], check=True, capture_output=True)
    there = json.loads(made.read_text("utf-8"))
    if there["tensorflow"] == table["tensorflow"]:
        assert made.read_text("utf-8") == TABLE.read_text("utf-8")
    # Another TensorFlow has other operations and more attributes, but outputs stay.
    common = there["ops"].keys() & table["ops"].keys()
    assert len(common) > 1500
    assert [
        op
        for op in sorted(common)
        if there["ops"][op].get("outputs") != table["ops"][op].get("outputs")
    ] == []


def test_every_line_of_the_table_is_understood(table) -> None:
    for op, facts in table["ops"].items():
        args = output_args(op, {})
        assert args is not None
        assert len(args) == len(facts.get("outputs", ()))
        for arg, text in zip(args, facts.get("outputs", ()), strict=True):
            assert text.startswith(f"{arg.name}: ")
            assert [bool(arg.type), bool(arg.type_attr), bool(arg.type_list_attr)].count(True) == 1
        assert default_attrs(op, {}).keys() == facts.get("defaults", {}).keys()
        assert is_stateful(op, {}) is facts.get("stateful", False)


def test_outputs_have_types_numbers_and_lists() -> None:
    (indices, y) = output_args("Where", {}) + output_args("VariableV2", {})
    assert (indices.name, indices.type, indices.type_attr, indices.is_ref) == (
        "index",
        9,
        "",
        False,
    )
    assert (y.name, y.type, y.type_attr, y.is_ref) == ("ref", 0, "dtype", True)
    (split,) = output_args("Split", {})
    assert (split.name, split.type_attr, split.number_attr) == ("output", "T", "num_split")
    (components,) = output_args("IteratorGetNext", {})
    assert (components.name, components.type_list_attr) == ("components", "output_types")
    assert output_args("NoOp", {}) == ()


def test_ports_are_counted_through_lists() -> None:
    def ports(op, **attrs):
        return output_ports(make_node("n", op, (), attrs))

    assert ports("Identity") == [("output", 0, 1)]
    assert ports("FusedBatchNormV3")[:3] == [
        ("y", 0, 1),
        ("batch_mean", 1, 1),
        ("batch_variance", 2, 1),
    ]
    assert ports("Split", num_split=int_attr(3)) == [("output", 0, 3)]
    assert ports("DynamicPartition", num_partitions=int_attr(0)) == [("outputs", 0, 0)]
    assert ports("IteratorGetNext", output_types=type_list_attr([1, 9])) == [("components", 0, 2)]
    assert ports(
        "ParseExample",
        Nsparse=int_attr(2),
        sparse_types=type_list_attr([1, 7]),
        Tdense=type_list_attr([3]),
    ) == [
        ("sparse_indices", 0, 2),
        ("sparse_values", 2, 2),
        ("sparse_shapes", 4, 2),
        ("dense_values", 6, 1),
    ]
    assert ports("MyOwn") is None


def test_a_count_that_was_left_out_is_the_default() -> None:
    with_default = decode_op_def(
        b"\n\x03Own"
        + b"\x1a\x0a\n\x03out\x18\x01*\x01N"
        + b'"\x0c\n\x01N\x12\x03int\x1a\x02\x18\x02'
    )
    assert output_ports(make_node("n", "Own"), {"Own": with_default}) == [("out", 0, 2)]


@pytest.mark.parametrize(
    "attrs", [{}, {"num_split": int_attr(-1)}, {"num_split": int_attr(1 << 40)}]
)
def test_a_count_that_is_none_raises_format_error(attrs) -> None:
    with pytest.raises(FormatError, match="node 'n' of op 'Split' does not say how many outputs"):
        output_ports(make_node("n", "Split", (), attrs))


def test_what_the_model_says_of_an_operation_comes_first() -> None:
    own = decode_op_def(b"\n\x06Unique\x1a\x05\n\x01u\x18\x01\x88\x01\x01")
    assert [arg.name for arg in output_args("Unique", {"Unique": own})] == ["u"]
    assert is_stateful("Unique", {"Unique": own}) is True
    assert default_attrs("Unique", {"Unique": own}) == {}


def test_an_operation_that_nobody_knows() -> None:
    assert output_args("MyOwn", {}) is None
    assert is_stateful("MyOwn", {}) is None
    assert default_attrs("MyOwn", {}) == {}
    assert not is_known("MyOwn")


def test_the_table_is_small() -> None:
    assert TABLE.stat().st_size < 250_000
