"""Graphs that nobody would make: every stage of freezing ends, with a result or a typed error."""

import random

import pytest

from tensorbundle._freeze.stages.inline import inline_calls
from tensorbundle._freeze.stages.needed import check_graph, clean, prune
from tensorbundle._freeze.stages.tables import keep_tables
from tensorbundle._freeze.variables.constants import Constant, freeze_variables
from tensorbundle._graphdef.attributes import (
    FunctionRef,
    bool_attr,
    function_attr,
    function_list_attr,
    int_attr,
    placeholder_attr,
    shape_list_attr,
    string_attr,
    string_list_attr,
    type_attr,
    type_list_attr,
)
from tensorbundle._graphdef.functions import Arg, Function, OpDef
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import Node, Nodes, const_node, make_node
from tensorbundle.errors import TensorBundleError
from tests.freeze.stages.running import by_hand

FLOAT, STRING, RESOURCE = 1, 7, 20
OPS = (
    *("VarHandleOp", "VariableV2", "Variable", "Const", "Placeholder", "NoOp", "Unheard"),
    *("Identity", "IdentityN", "Switch", "RefSwitch", "Merge", "RefMerge", "Enter", "RefEnter"),
    *("Exit", "NextIteration", "_SwitchN", "RefSelect", "AddN", "Split", "Unique"),
    *("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VariableShape", "DisableCopyOnRead"),
    *("VarIsInitializedOp", "IsVariableInitialized", "AssignVariableOp", "AssignSub", "ApplyAdam"),
    *("CountUpTo", "ScatterAdd", "While", "StatelessWhile", "If", "Case", "SymbolicGradient"),
    *("PartitionedCall", "StatefulPartitionedCall", "f0", "f1", "f2", "RestoreV2"),
    *("HashTableV2", "HashTable", "MutableHashTableV2", "InitializeTableV2", "LookupTableFindV2"),
    *("InitializeTableFromTextFileV2", "LookupTableImportV2"),
)
FUNCTIONS = ("f0", "f1", "f2", "f3", "gone")
ATTRS = {
    "T": [type_attr(FLOAT), type_attr(RESOURCE), type_list_attr([FLOAT, RESOURCE, RESOURCE])],
    "Tin": [type_list_attr([RESOURCE]), type_list_attr([]), type_attr(FLOAT)],
    "Tout": [type_list_attr([FLOAT]), type_list_attr([RESOURCE, RESOURCE]), int_attr(3)],
    "N": [int_attr(2), int_attr(-1), int_attr(1 << 40), string_attr(b"x"), placeholder_attr("N")],
    "num_split": [int_attr(3), bool_attr(True)],
    "num_outs": [int_attr(4), int_attr(1 << 60)],
    "dtype": [type_attr(FLOAT), type_attr(RESOURCE), b"", b"\xff"],
    "batch_dims": [int_attr(1), int_attr(-1), string_attr(b"x")],
    "output_shapes": [shape_list_attr([(2,), None]), int_attr(1)],
    "_class": [string_list_attr([b"loc:@n1", b"x"]), string_attr(b"loc:@n2"), int_attr(1)],
    "_output_shapes": [shape_list_attr([(2,)])],
    "frame_name": [string_attr(b"frame"), int_attr(0)],
    "key_dtype": [type_attr(STRING)],
    "value_dtype": [type_attr(FLOAT), int_attr(1)],
}
NAMED = ("f", "cond", "body", "then_branch", "else_branch", "branches")


def attrs(draw: random.Random) -> dict[str, bytes]:
    chosen = {key: draw.choice(values) for key, values in ATTRS.items() if draw.random() < 0.6}
    for key in NAMED:
        if draw.random() < 0.8:
            function = function_attr(draw.choice(FUNCTIONS), {"T": type_attr(FLOAT)})
            listed = function_list_attr([FunctionRef(draw.choice(FUNCTIONS), {})])
            chosen[key] = draw.choice([function, function, listed, int_attr(1)])
    return chosen


def main_edge(draw: random.Random, count: int) -> str:
    name = f"n{draw.randrange(count + (draw.random() < 0.02))}"
    return draw.choice([name, name, name, f"{name}:1", f"{name}:0"])


def body_edge(draw: random.Random, count: int) -> str:
    name = f"n{draw.randrange(count + (draw.random() < 0.02))}"
    outputs = ("output:0", "value:0", "output", "y:0", "output:1", "resource:0", "output_false:0")
    return draw.choice(["a0", "a1", "a0", "a1:0", *(f"{name}:{each}" for each in outputs)])


def nodes(draw: random.Random, edge: object, ops: list[str]) -> dict[str, Node]:
    count = draw.randrange(2, 14)
    made = []
    for number in range(count):
        inputs = [edge(draw, count) for _ in range(draw.randrange(4))]  # type: ignore[operator]
        inputs += [f"^n{draw.randrange(count)}" for _ in range(draw.choice((0, 0, 1, 2)))]
        op = draw.choice(ops)
        if op in ("VarHandleOp", "VariableV2", "Const") and draw.random() < 0.8:
            inputs = []
        made.append(make_node(f"n{number}", op, inputs, attrs(draw)))
    return by_hand(*made)


def function(draw: random.Random, name: str, ops: list[str]) -> Function:
    body = nodes(draw, body_edge, ops)
    results = {f"r{number}": body_edge(draw, len(body)) for number in range(draw.randrange(3))}
    control = {"c": f"n{draw.randrange(len(body))}"} if draw.random() < 0.3 else {}
    number_attr = draw.choice(["", "", "", "N"])
    signature = OpDef(
        name,
        (Arg("a0", RESOURCE), Arg("a1", FLOAT, number_attr=number_attr)),
        tuple(Arg(each, FLOAT) for each in results),
        {"N": int_attr(1), "T": None},
    )
    return Function(signature, body, results, control)


def take_through(seed: int) -> str:
    """One graph through every stage; how far it came."""
    draw = random.Random(seed)
    some = [*draw.sample(OPS, draw.randrange(3, 12)), "VarHandleOp", "ReadVariableOp", "AddN"]
    graph = nodes(draw, main_edge, some)
    functions = {name: function(draw, name, some) for name in FUNCTIONS[: draw.randrange(5)]}
    came = ["nowhere"]
    try:
        freeze(draw, graph, functions, came)
    except TensorBundleError as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told
    assert len(told) < 5000
    return came[-1]


def freeze(
    draw: random.Random, graph: Nodes, functions: dict[str, Function], came: list[str]
) -> None:
    roots = ["n0"]
    if draw.random() < 0.6:
        inlined = inline_calls(graph, functions, roots, {})
        roots, graph = [inlined.tensor("n0").split(":")[0]], inlined.nodes
        came.append("inlined")
    tables = keep_tables(graph, functions, MetaGraph(b""), roots, contents={}, directory=None)
    roots += [tables.init] if tables.init else []
    came.append("tables")
    constants = {
        name: Constant(FLOAT, draw.choice([(2,), (3,), None]))
        for name, node in tables.nodes.items()
        if node.op in ("VarHandleOp", "Variable", "VariableV2") and draw.random() < 0.9
    }
    frozen = freeze_variables(tables.nodes, functions, constants, roots, {})
    came.append("frozen")
    pruned = clean(*prune(frozen.nodes, frozen.functions, roots))
    came.append("pruned")
    check_graph(*pruned, {})
    came.append("checked")
    for each in (*pruned.nodes.values(), *pruned.functions.values()):
        assert bytes(each.encode())


@pytest.mark.parametrize("first", range(0, 3000, 500))
def test_random_graphs_end_in_a_result_or_a_typed_error(first: int) -> None:
    came = [take_through(seed) for seed in range(first, first + 500)]
    # Each stage must have had something to do.
    assert {"nowhere", "tables", "pruned", "checked"} <= set(came)


def test_names_that_are_no_utf8_go_through() -> None:
    odd = b"\xff\xfe".decode("utf-8", "surrogateescape")
    graph = by_hand(
        make_node(odd, "VarHandleOp", (), {"dtype": type_attr(FLOAT)}),
        make_node("r", "ReadVariableOp", (odd,), {"_class": string_list_attr([b"loc:@\xff\xfe"])}),
        const_node("c", 1.0),
    )
    frozen = freeze_variables(graph, {}, {odd: Constant(FLOAT, ())}, ["r"], {})
    cleaned = clean(frozen.nodes, {}).nodes
    assert frozen.constants == (odd,)
    assert b"\xff\xfe" in bytes(cleaned["r"].encode())
