"""Types and shapes of outputs, of every operation that TensorFlow registers, as TensorFlow says."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tensorbundle as tb
from tensorbundle._format.dtypes import STRING, name_of
from tensorbundle._format.wire import bytes_field
from tensorbundle._graphdef import roles
from tensorbundle._graphdef.attributes import (
    int_attr,
    shape_attr,
    shape_list_attr,
    type_attr,
    type_list_attr,
)
from tensorbundle._graphdef.functions import Arg, OpDef
from tensorbundle._graphdef.nodes import by_name, make_node
from tensorbundle._ops.types import definitions, dtype_of, shape_of
from tests.oracle.client import TensorFlow

OPS = "tests.graph.op_programs"
# By turn the types that attributes have differ; in turn 0 what has a default is left out.
TURNS = {0: None, 1: None, 2: None, 3: [4, 4]}


@pytest.fixture(scope="module", params=TURNS)
def built(request: Any, oracle: TensorFlow, tmp_path_factory: Any) -> Any:
    folder = tmp_path_factory.mktemp("ops")
    made = oracle.module(OPS).build(folder, request.param, TURNS[request.param])
    return SimpleNamespace(made=made, graph=tb.load_graph(folder / "ops.pb"))


def test_types_of_all_outputs_of_all_operations_are_tensorflows(built: Any) -> None:
    assert len(built.made) > 1500
    wrong = {}
    for op, (registered, made) in built.made.items():
        node = built.graph.nodes[op]
        found = [dtype_of(node, port) for port in range(len(registered) + 1)]
        expected = [*registered, None]  # there is no output after the last one
        if made is not None:
            assert [dtype for dtype, _ in made] == registered
        if found != expected:
            wrong[op] = (found, expected)
    assert wrong == {}


def test_shapes_that_are_told_are_those_that_tensorflow_infers(built: Any) -> None:
    wrong, told = {}, 0
    for op, (_, made) in built.made.items():
        for port, (_, expected) in enumerate(made or ()):
            found = shape_of(built.graph.meta, built.graph.nodes, built.graph.nodes[op], port)
            told += found is not None
            # What enters a loop has its input's shape; TensorFlow asks what comes around.
            if found is not None and list(found) != expected and op not in roles.ENTRIES:
                wrong[op, port] = (found, expected)
    assert wrong == {}
    assert told > 25


def test_every_suggestion_about_one_node_has_the_type_that_tensorflow_gives_it(
    built: Any,
) -> None:
    from tensorbundle._outputs import topology as shapes
    from tensorbundle._outputs.topology import Topology

    topology = Topology(built.graph.meta)
    for op, (registered, _) in built.made.items():
        place = topology.index[op]
        assert [shapes.dtype_of(topology, place, i) for i in range(len(registered))] == registered


@pytest.mark.parametrize(
    ("op", "attrs", "port", "expected"),
    [
        ("Multinomial", {"output_dtype": type_attr(3), "T": type_attr(1)}, 0, "int32"),
        ("Multinomial", {"T": type_attr(1)}, 0, "int64"),
        ("Where", {"T": type_attr(10)}, 0, "int64"),
        ("Shape", {"T": type_attr(1)}, 0, "int32"),
        ("AsString", {"T": type_attr(1)}, 0, "string"),
        ("TopKV2", {"T": type_attr(1)}, 1, "int32"),
        ("FakeQuantWithMinMaxVars", {}, 0, "float32"),
        ("LookupTableFindV2", {"Tin": type_attr(7), "Tout": type_attr(9)}, 0, "int64"),
        ("Variable", {"dtype": type_attr(101)}, 0, "float32"),
    ],
)
def test_outputs_that_suggestions_name_have_their_type(
    op: str, attrs: Any, port: int, expected: str
) -> None:
    assert name_of(dtype_of(make_node("n", op, (), attrs), port) or 0) == expected


EMPTY: Any = SimpleNamespace(
    signatures={}, op_defs={}, functions={}, versions=SimpleNamespace(producer=1000)
)


def shape(*nodes: Any, port: int = 0, producer: int = 1000) -> Any:
    meta = SimpleNamespace(**{**vars(EMPTY), "versions": SimpleNamespace(producer=producer)})
    return shape_of(meta, by_name(nodes), nodes[-1], port)


@pytest.mark.parametrize("producer", [18, 21, 22, 1000])
@pytest.mark.parametrize("op", ["Placeholder", "Variable", "VariableV2"])
def test_a_scalar_is_one_from_the_version_on_in_which_tensorflow_takes_it_for_one(
    oracle: TensorFlow, op: str, producer: int
) -> None:
    node = make_node("n", op, (), {"dtype": type_attr(1), "shape": shape_attr(())})
    found = shape(node, producer=producer)
    expected = oracle.module(OPS).scalar(op, producer)
    assert (None if found is None else list(found)) == expected


def test_a_handle_is_a_scalar_and_what_is_read_by_it_has_the_variables_shape() -> None:
    handle = make_node("v", "VarHandleOp", (), {"dtype": type_attr(1), "shape": shape_attr((2, 3))})
    entered = make_node("e", "Enter", ("v",), {"T": type_attr(20)})
    read = make_node("r", "ReadVariableOp", ("e",), {"dtype": type_attr(1)})
    assert shape(handle) == ()
    assert shape(handle, entered, read) == (2, 3)
    product = make_node("p", "MatMul", ("x", "r"), {"T": type_attr(1)})
    assert shape(handle, entered, read, product) == (-1, 3)


def test_a_reshaped_weight_does_not_say_how_wide_a_product_is() -> None:
    weight = make_node("w", "VariableV2", (), {"dtype": type_attr(1), "shape": shape_attr((6, 4))})
    reshaped = make_node("r", "Reshape", ("w", "s"), {"T": type_attr(1)})
    product = make_node("p", "MatMul", ("x", "r"), {"T": type_attr(1)})
    assert shape(weight, reshaped, product) == (-1, -1)


def test_statistics_beside_a_normalised_tensor_do_not_have_its_shape() -> None:
    source = make_node(
        "x", "Placeholder", (), {"dtype": type_attr(1), "shape": shape_attr((2, 3, 3, 4))}
    )
    norm = make_node("n", "FusedBatchNormV3", ("x",), {"T": type_attr(1), "U": type_attr(1)})
    assert shape(source, norm) == (2, 3, 3, 4)
    assert shape(source, norm, port=1) is None


def test_the_elements_of_a_dataset_are_not_its_shape() -> None:
    attrs = {"output_types": type_list_attr([1]), "output_shapes": shape_list_attr([(5,)])}
    assert shape(make_node("d", "BatchDataset", (), attrs)) is None
    assert shape(make_node("i", "IteratorGetNext", (), attrs)) == (5,)


def test_a_function_called_by_its_name_gives_what_its_signature_says() -> None:
    signature = OpDef("mine", outputs=(Arg("a", type=3), Arg("b", number_attr="N", type_attr="T")))
    meta: Any = SimpleNamespace(
        op_defs={}, functions={"mine": SimpleNamespace(signature=signature)}
    )
    node = make_node("n", "mine", (), {"N": int_attr(2), "T": type_attr(9)})
    said = definitions(meta, node)
    assert [dtype_of(node, port, said) for port in range(4)] == [3, 9, 9, None]


def test_every_operation_that_takes_a_reference_to_numbers_has_a_role(oracle: TensorFlow) -> None:
    """Strings are handles of queues and tables; a new operation must be told apart first."""
    neither = {
        *("IsVariableInitialized", "RefSelect", "DebugGradientRefIdentity"),
        *("DestroyTemporaryVariable", "RefIn", "TwoRefsIn", "RefInputIntInput"),
        *("RefInputFloatInput", "RefInputFloatInputIntOutput"),  # TensorFlow's own tests
    }
    unknown = {
        op
        for op, kinds in oracle.module(OPS).references().items()
        if set(kinds) != {STRING} and not roles.writes_variable(op) and op not in roles.REF_CARRIERS
    }
    assert unknown == neither


def written(folder: Path, *nodes: Any) -> Path:
    path = folder / "graph.pb"
    path.write_bytes(b"".join(bytes_field(1, bytes(node.encode())) for node in nodes))
    return path


def test_an_iterator_is_no_input_but_what_it_gives_is(tmp_path: Path) -> None:
    types = {"output_types": type_list_attr([1]), "output_shapes": shape_list_attr([(-1, 3)])}
    found = tb.suggest_inputs(
        written(
            tmp_path,
            make_node("it", "OneShotIterator", (), types),
            make_node("next", "IteratorGetNext", ("it",), types),
            make_node("w", "VariableV2", (), {"dtype": type_attr(1), "shape": shape_attr((3, 2))}),
            make_node("y", "MatMul", ("next", "w"), {"T": type_attr(1)}),
        )
    )
    assert [(each.name, each.dtype, each.shape, each.role) for each in found] == [
        ("next", "float32", (-1, 3), "data")
    ]


@pytest.mark.parametrize(
    ("op", "attrs", "expected"),
    [
        ("FakeQuantWithMinMaxVars", {}, "float32"),
        ("ArgMax", {"T": type_attr(1), "output_type": type_attr(3)}, "int32"),
        ("Multinomial", {"T": type_attr(1)}, "int64"),
    ],
)
def test_a_suggested_output_has_the_type_of_its_operation(
    tmp_path: Path, op: str, attrs: Any, expected: str
) -> None:
    shaped = {"dtype": type_attr(1), "shape": shape_attr((3, 2))}
    path = written(
        tmp_path,
        make_node("x", "Placeholder", (), {**shaped, "shape": shape_attr((-1, 3))}),
        make_node("w", "VariableV2", (), shaped),
        make_node("product", "MatMul", ("x", "w"), {"T": type_attr(1)}),
        make_node("result", op, ("product",), attrs),
    )
    (best, *_) = tb.suggest_outputs(path)
    assert (best.name, best.dtype) == ("result", expected)
