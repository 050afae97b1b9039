"""Graphs pruned and cleaned, and the last look at what is to be written."""

import pytest

from tensorbundle._freeze.stages.needed import check_graph, clean, prune, reachable
from tensorbundle._graphdef.attributes import (
    FunctionRef,
    function_attr,
    function_list_attr,
    int_attr,
    string_list_attr,
    type_attr,
)
from tensorbundle._graphdef.functions import Arg, Function, OpDef
from tensorbundle._graphdef.nodes import const_node, make_node
from tensorbundle.errors import FormatError
from tests.freeze.stages.running import by_hand

FLOAT, FLOAT_REF = 1, 101


def function(name: str, *nodes: object, ret: str = "p") -> Function:
    signature = OpDef(name, (Arg("p", FLOAT),), (Arg("r", FLOAT),))
    return Function(signature, by_hand(*nodes), {"r": ret})


def library(*functions: Function) -> dict[str, Function]:
    return {each.name: each for each in functions}


# --- pruning --------------------------------------------------------------------------------------


def test_nodes_that_roots_need_are_kept_in_their_order() -> None:
    nodes = by_hand(
        make_node("out", "AddN", ("b:1", "^c")),
        const_node("a", 1.0),
        const_node("c", 1.0),
        make_node("unused", "Identity", ("out",)),
        make_node("b", "Unique", ("a",)),
    )
    assert list(prune(nodes, {}, ["out"]).nodes) == ["out", "a", "c", "b"]
    assert reachable(nodes, ["b"]) == {"a", "b"}


def test_colocation_is_no_need() -> None:
    placed = make_node("out", "NoOp", (), {"_class": string_list_attr([b"loc:@a"])})
    assert list(prune(by_hand(const_node("a", 1.0), placed), {}, ["out"]).nodes) == ["out"]


def test_functions_are_kept_that_kept_nodes_or_functions_name() -> None:
    nested = {"g": function_attr("inner")}
    nodes = by_hand(
        make_node("a", "Map", (), {"f": function_attr("one", nested)}),
        make_node("b", "Case", ("a",), {"branches": function_list_attr([FunctionRef("two", {})])}),
        make_node("out", "direct", ("b",)),
        make_node("unused", "Map", (), {"f": function_attr("unused")}),
    )
    functions = library(
        *(function(name) for name in ("one", "unused", "inner", "direct", "deep")),
        function("two", make_node("n", "Map", ("p",), {"f": function_attr("deep")})),
    )
    kept = prune(nodes, functions, ["out"]).functions
    assert list(kept) == ["one", "inner", "direct", "deep", "two"]


def test_functions_that_name_each_other_are_kept_once() -> None:
    functions = library(
        function("f", make_node("n", "g", ("p",))), function("g", make_node("n", "f", ("p",)))
    )
    kept = prune(by_hand(make_node("out", "f")), functions, ["out"]).functions
    assert list(kept) == ["f", "g"]


def test_root_or_input_that_is_not_there_is_a_format_error() -> None:
    with pytest.raises(FormatError, match="there is no node 'out' in the graph"):
        prune({}, {}, ["out"])
    with pytest.raises(FormatError, match="node 'out' has the input 'a:1': there is no node 'a'"):
        prune(by_hand(make_node("out", "NoOp", ("a:1",))), {}, ["out"])


def test_circle_and_long_chain_are_walked() -> None:
    nodes = {f"n{i}": make_node(f"n{i}", "Identity", (f"n{i + 1}",)) for i in range(300_000)}
    nodes["n300000"] = make_node("n300000", "Identity", ("n0",))
    assert len(prune(nodes, {}, ["n0"]).nodes) == 300_001


# --- cleaning -------------------------------------------------------------------------------------


def test_places_that_are_not_there_are_removed() -> None:
    nodes = by_hand(
        const_node("a", 1.0),
        make_node("b", "NoOp", (), {"_class": string_list_attr([b"loc:@a", b"loc:@gone"])}),
        make_node("c", "NoOp", (), {"_class": string_list_attr([b"loc:@gone"])}),
        make_node("d", "NoOp", (), {"_class": string_list_attr([b"loc:@a"])}),
    )
    cleaned = clean(nodes, {}).nodes
    assert cleaned["b"].attr("_class") == [b"loc:@a"]
    assert "_class" not in cleaned["c"].attrs
    assert cleaned["d"] is nodes["d"]


def test_devices_are_removed_unless_they_are_wanted() -> None:
    placed = make_node("a", "Identity", ("p",), {}, "/gpu:0")
    functions = library(function("f", placed), function("g", make_node("a", "NoOp")))
    nodes = by_hand(make_node("a", "NoOp", (), {}, "/gpu:0"))
    cleaned = clean(nodes, functions)
    assert cleaned.nodes["a"].device == ""
    assert cleaned.functions["f"].nodes["a"].device == ""
    assert cleaned.functions["g"] is functions["g"]
    left = clean(nodes, functions, clear_devices=False)
    assert left.nodes["a"] is nodes["a"]
    assert left.functions["f"] is functions["f"]


# --- the last look --------------------------------------------------------------------------------


def check(*nodes: object, functions: tuple[Function, ...] = ()) -> None:
    check_graph(by_hand(*nodes), library(*functions), {})


def test_sound_graph_passes() -> None:
    uses = {"cond": function_attr("f"), "body": function_attr("f")}
    check(
        const_node("a", 1.0),
        make_node("e", "Enter", ("a",), {"T": type_attr(FLOAT)}),
        make_node("m", "Merge", ("e", "n"), {"T": type_attr(FLOAT)}),
        make_node("s", "Switch", ("m", "a"), {"T": type_attr(FLOAT)}),
        make_node("n", "NextIteration", ("s:1",), {"T": type_attr(FLOAT)}),
        make_node("out", "Exit", ("s", "^a"), {"T": type_attr(FLOAT)}),
        make_node("custom", "Unheard", ("out",)),
        make_node("more", "Identity", ("custom:7",)),
        make_node("w", "StatelessWhile", ("out",), uses),
        functions=(function("f", make_node("i", "Identity", ("p", "^p")), ret="i:output:0"),),
    )


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([make_node("a", "NoOp", ("^b",))], "node 'a' has the input '\\^b': there is no such node"),
        (
            [const_node("a", 1.0), make_node("b", "Identity", ("a:1",))],
            "node 'b' has the input 'a:1': Const has 1 outputs",
        ),
        (
            [const_node("a", 1.0), make_node("b", "AddN", ("^a", "a"))],
            "node 'b' has the input 'a' after a control edge",
        ),
        (
            [make_node("a", "Identity", ("b",)), make_node("b", "Identity", ("a",))],
            "nodes feed each other in a circle, at or before node 'a'",
        ),
        (
            [make_node("a", "Placeholder", (), {"dtype": type_attr(FLOAT_REF)})],
            "attribute 'dtype' of node 'a' is a reference type",
        ),
        (
            [const_node("a", 1.0), make_node("b", "ReadVariableOp", ("a",))],
            "node 'b' of op ReadVariableOp takes a variable: 'a' is a Const",
        ),
        (
            [const_node("a", 1.0), make_node("b", "AssignSub", ("a", "a"))],
            "node 'b' of op AssignSub takes a variable: 'a' is a Const",
        ),
        (
            [make_node("a", "While", (), {"cond": function_attr("f")})],
            "node 'a' uses 'f': there is no such function",
        ),
    ],
)
def test_what_could_not_be_imported_is_a_format_error(nodes: list[object], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        check(*nodes)


def test_body_that_could_not_be_imported_is_a_format_error() -> None:
    with pytest.raises(FormatError, match="'a' of function 'f' has the input 'b:y:0'"):
        check(functions=(function("f", make_node("a", "Identity", ("b:y:0",))),))
    with pytest.raises(FormatError, match="function 'f' does not say what its result 'r' is"):
        check(functions=(function("f", ret="nowhere:output:0"),))
    named = make_node("a", "If", ("p",), {"then_branch": function_attr("g")})
    with pytest.raises(FormatError, match="node 'a' uses 'g': there is no such function"):
        check(functions=(function("f", named),))


def test_list_of_outputs_may_be_of_any_length() -> None:
    split = make_node("s", "Split", ("a", "a"), {"num_split": int_attr(3)})
    check(const_node("a", 1.0), split, make_node("out", "Identity", ("s:2",)))
