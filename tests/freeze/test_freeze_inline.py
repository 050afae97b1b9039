"""Calls inlined: programs of TensorFlow, and calls made by hand that no program would make."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest

from tensorbundle._format.wire import Raw
from tensorbundle._freeze.stages.inline import Inlined, inline_calls
from tensorbundle._graphdef.attributes import (
    DataType,
    function_attr,
    int_attr,
    placeholder_attr,
    string_attr,
    string_list_attr,
    type_attr,
    type_list_attr,
)
from tensorbundle._graphdef.functions import Arg, Function, OpDef
from tensorbundle._graphdef.nodes import Node, Nodes, const_node, make_node
from tensorbundle.errors import FormatError, UnsupportedError
from tests.freeze.stages.running import WORKER, Programs, by_hand, in_tensorflow

FLOAT = 1
EQUAL = [
    "by_name_of_operation",
    "called_in_branch_False",
    "called_in_branch_True",
    "called_in_loop",
    "deep",
    "doubling",
    "functions_that_stay",
    "gathers_with_batches",
    "gradients",
    "handles_through_functions",
    "lists_of_outputs",
    "loops_of_functions",
    "nested_with_captures",
    "waiting",
]
MODES = ("inline", "keep")
CALLS = {"PartitionedCall", "StatefulPartitionedCall"}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Every program, frozen in both modes and run by TensorFlow."""
    folder = tmp_path_factory.mktemp("inline")
    programs = Programs.build("inline", folder)
    for program in programs.values():
        for mode in MODES:
            program.freeze_and_write(mode)
    in_tensorflow(WORKER, "run", folder)
    return programs


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EQUAL)
def test_graph_computes_the_same_bits(programs: Programs, name: str, mode: str) -> None:
    programs[name].ran(mode)


def test_programs_are_all_tested(programs: Programs) -> None:
    assert sorted(programs) == EQUAL


@pytest.mark.parametrize("name", EQUAL)
def test_no_call_is_left_in_the_main_graph(programs: Programs, name: str) -> None:
    frozen = programs[name].freeze()
    assert frozen.ops().isdisjoint({*CALLS, *programs[name].meta.functions})


# --- made by hand -------------------------------------------------------------------------------


def call(name: str, function: str, *inputs: str, device: str = "", **attrs: Raw) -> Node:
    own = {"f": function_attr(function, attrs), "Tout": type_list_attr([FLOAT])}
    return make_node(name, "PartitionedCall", inputs, own, device)


def identity(name: str, *inputs: str) -> Node:
    return make_node(name, "Identity", inputs, {"T": type_attr(FLOAT)})


def function(
    name: str,
    arguments: str,
    *nodes: Node,
    control: tuple[str, ...] = (),
    attrs: Mapping[str, Raw | None] | None = None,
    **results: str,
) -> Function:
    signature = OpDef(
        name,
        tuple(Arg(each, FLOAT) for each in arguments.split()),
        tuple(Arg(each, FLOAT) for each in results),
        attrs or {},
    )
    return Function(signature, by_hand(*nodes), results, {each: each for each in control})


def library(*functions: Function) -> dict[str, Function]:
    return {each.name: each for each in functions}


def inline(nodes: Nodes, *functions: Function, roots: str = "out") -> Inlined:
    return inline_calls(nodes, library(*functions), roots.split(), {})


def edges(nodes: Nodes) -> Iterator[tuple[str, ...]]:
    return ((node.name, *node.inputs) for node in nodes.values())


def test_body_stands_in_the_place_of_the_call() -> None:
    nodes = by_hand(const_node("x", 1.0), call("c", "f", "x"), identity("out", "c"))
    body = [
        identity("a", "p"),
        make_node("s", "Split", ("a:output:0", "p"), {"num_split": int_attr(3)}),
    ]
    made = inline(nodes, function("f", "p", *body, r="s:output:2", q="p"))
    assert list(edges(made.nodes)) == [
        ("x",),
        ("c/a", "x"),
        ("c/s", "c/a", "x"),
        ("out", "c/s:2"),
    ]
    assert made.tensors == {"c:0": "c/s:2", "c:1": "x"}
    assert [made.tensor(name) for name in ("c", "c:0", "c:1", "x:0")] == [
        "c/s:2",
        "c/s:2",
        "x",
        "x:0",
    ]


def test_calls_that_nothing_needs_stay() -> None:
    nodes = by_hand(const_node("x", 1.0), call("c", "missing", "x"), identity("out", "x"))
    assert inline(nodes) == (nodes, {})


def test_what_is_passed_through_is_followed_through_all_calls() -> None:
    nodes = by_hand(
        const_node("x", 1.0), call("c", "f", "x"), call("d", "f", "c"), identity("out", "d")
    )
    inner = function("g", "p", r="p")
    made = inline(nodes, function("f", "p", call("e", "g", "p"), r="e:output:0"), inner)
    assert list(edges(made.nodes)) == [("x",), ("out", "x")]
    assert made.tensors["d/e:0"] == "x"


def test_names_that_the_graph_has_already_are_not_taken() -> None:
    nodes = by_hand(
        const_node("x", 1.0), const_node("c/a", 1.0), call("c", "f", "x"), identity("out", "c")
    )
    made = inline(
        nodes, function("f", "p", identity("a", "p"), identity("a_1", "p"), r="a:output:0")
    )
    assert made.nodes["out"].inputs == ("c/a_2",)
    assert set(made.nodes) == {"x", "c/a", "c/a_1", "c/a_2", "out"}


def test_control_edges_lead_into_the_body_and_out_of_it() -> None:
    nodes = by_hand(
        const_node("x", 1.0),
        make_node("w", "NoOp"),
        call("c", "f", "x", "^w"),
        identity("out", "x", "^c"),
    )
    body = [identity("a", "p"), identity("b", "a:output:0"), make_node("n", "NoOp", ("^p", "^b"))]
    made = inline(
        nodes, function("f", "p", *body, const_node("k", 1.0), control=("n",), r="a:output:0")
    )
    assert list(edges(made.nodes))[2:] == [
        ("c/a", "x", "^w"),
        ("c/b", "c/a"),
        ("c/n", "^x", "^c/b"),
        ("c/k", "^w"),
        ("out", "x", "^c/n", "^c/a"),
    ]


def test_many_control_edges_go_through_one_node() -> None:
    many = [f"w{number}" for number in range(200)]
    waits = [f"^{name}" for name in many]
    body = [const_node(f"k{number}", 1.0) for number in range(200)]
    done = function("f", "", *body, control=tuple(node.name for node in body), r="k0:output:0")
    nodes = by_hand(
        *(make_node(name, "NoOp") for name in many),
        make_node("c", "f", waits),
        *(identity(f"i{number}", "w0", "^c") for number in range(200)),
        make_node("out", "NoOp", [f"^i{number}" for number in range(200)]),
    )
    made = inline(nodes, done)
    count = sum(len(node.inputs) for node in made.nodes.values())
    assert count < 7 * 200
    assert made.nodes["i7"].inputs == ("w0", "^c/done")
    assert made.nodes["c/k3"].inputs == ("^c/ready",)


def test_body_inherits_the_device_and_keeps_its_own_places() -> None:
    placed = identity("a", "p").replace(
        attrs={"_class": string_list_attr([b"loc:@b", b"loc:@elsewhere"])}
    )
    own = identity("b", "p").replace(device="/cpu:1")
    nodes = by_hand(const_node("x", 1.0), call("out", "f", "x", device="/cpu:0"))
    made = inline(nodes, function("f", "p", placed, own, r="a:output:0"))
    assert made.nodes["out/a"].device == "/cpu:0"
    assert made.nodes["out/b"].device == "/cpu:1"
    assert made.nodes["out/a"].attr("_class") == [b"loc:@out/b"]


def test_placeholders_are_filled_from_the_call_or_by_default() -> None:
    body = make_node(
        "s",
        "Split",
        ("p", "p"),
        {"T": placeholder_attr("T"), "num_split": placeholder_attr("n")},
    )
    attrs = {"T": None, "n": int_attr(2)}
    target = function("f", "p", body, attrs=attrs, r="s:output:1")
    nodes = by_hand(
        const_node("x", 1.0),
        call("c", "f", "x", T=type_attr(FLOAT)),
        make_node("d", "f", ("x",), {"T": type_attr(9), "n": int_attr(5)}),
        identity("out", "c", "^d"),
    )
    made = inline(nodes, target)
    assert made.nodes["c/s"].attr("T") == DataType(FLOAT)
    assert made.nodes["c/s"].attr("num_split") == 2
    assert made.nodes["d/s"].attr("T") == DataType(9)
    assert made.nodes["d/s"].attr("num_split") == 5


def test_loops_of_two_calls_have_frames_of_their_own() -> None:
    enter = make_node("e", "Enter", ("p",), {"frame_name": string_attr(b"frame")})
    nodes = by_hand(const_node("x", 1.0), call("c", "f", "x"), call("out", "f", "c"))
    made = inline(nodes, function("f", "p", enter, r="e:output:0"))
    assert made.nodes["c/e"].attr("frame_name") == b"c/frame"
    assert made.nodes["out/e"].attr("frame_name") == b"out/frame"


def test_arguments_that_are_lists_are_taken_apart() -> None:
    listed = Arg("many", type_list_attr="Ts")
    signature = OpDef("f", (listed, Arg("last", FLOAT)), (Arg("r", FLOAT),), {"Ts": None})
    body = make_node("a", "AddN", ("many:1", "last"))
    target = Function(signature, by_hand(body), {"r": "a:sum:0"})
    nodes = by_hand(
        const_node("x", 1.0),
        const_node("y", 1.0),
        make_node("out", "f", ("x", "y", "x:0"), {"Ts": type_list_attr([FLOAT, FLOAT])}),
    )
    made = inline(nodes, target)
    assert made.nodes["out/a"].inputs == ("y", "x:0")


def test_unknown_operation_may_have_one_output_name_only() -> None:
    nodes = by_hand(const_node("x", 1.0), call("out", "f", "x"))
    body = [make_node("u", "Unheard", ("p",)), identity("a", "u:first:1")]
    assert inline(nodes, function("f", "p", *body, r="a:output:0")).nodes["out/a"].inputs == (
        "out/u:1",
    )
    with pytest.raises(UnsupportedError, match="op 'Unheard' of node 'u' is not known"):
        inline(nodes, function("f", "p", *body, identity("b", "u:second:0"), r="a:output:0"))
    known = {"Unheard": OpDef("Unheard", (), (Arg("first"), Arg("second")))}
    target = library(function("f", "p", *body, r="u:second:0"))
    made = inline_calls(nodes, target, ["out"], known)
    assert made.tensor("out") == "out/u:1"


# --- hostile ------------------------------------------------------------------------------------


def test_functions_that_call_themselves_are_named() -> None:
    nodes = by_hand(const_node("x", 1.0), call("out", "f", "x"))
    with pytest.raises(FormatError, match="functions call themselves: f -> g -> f"):
        inline(
            nodes,
            function("f", "p", call("a", "g", "p"), r="a:output:0"),
            function("g", "p", call("b", "f", "p"), r="b:output:0"),
        )


def test_function_that_is_not_there_is_named() -> None:
    nodes = by_hand(const_node("x", 1.0), call("out", "f", "x"))
    with pytest.raises(FormatError, match="node 'out' calls 'f': there is no such function"):
        inline(nodes)
    with pytest.raises(FormatError, match="the call 'out' does not say what it calls"):
        inline(by_hand(make_node("out", "PartitionedCall")))


def test_calls_that_double_at_every_level_are_refused_in_time() -> None:
    levels = [
        function(
            f"f{level}",
            "p",
            call("a", f"f{level + 1}", "p"),
            call("b", f"f{level + 1}", "p"),
            make_node("s", "AddN", ("a:output:0", "b:output:0")),
            r="s:sum:0",
        )
        for level in range(60)
    ]
    last = function("f60", "p", identity("a", "p"), r="a:output:0")
    nodes = by_hand(const_node("x", 1.0), call("out", "f0", "x"))
    start = time.perf_counter()
    with pytest.raises(UnsupportedError, match="inlining calls makes the graph too large"):
        inline(nodes, *levels, last)
    assert time.perf_counter() - start < 20


def test_calls_that_nest_without_end_are_refused_in_time() -> None:
    """The names get longer at every level, so that all of them together are a square."""
    levels = [
        function(f"f{level}", "p", call("a", f"f{level + 1}", "p"), r="a:output:0")
        for level in range(20_000)
    ]
    last = function("f20000", "p", identity("a", "p"), r="a:output:0")
    nodes = by_hand(const_node("x", 1.0), call("out", "f0", "x"))
    start = time.perf_counter()
    with pytest.raises(UnsupportedError, match="inlining calls makes the graph too large"):
        inline(nodes, *levels, last)
    assert time.perf_counter() - start < 20


def test_chain_of_calls_that_pass_through_takes_seconds() -> None:
    passing = function("f", "p", r="p")
    nodes = {"c0": const_node("c0", 1.0)}
    for number in range(1, 20_000):
        nodes[f"c{number}"] = make_node(f"c{number}", "f", (f"c{number - 1}", f"^c{number - 1}"))
    nodes["out"] = identity("out", "c19999", "^c19999")
    start = time.perf_counter()
    assert inline(nodes, passing).nodes["out"].inputs == ("c0", "^c0")
    assert time.perf_counter() - start < 20


def test_calls_that_feed_each_other_in_a_circle_are_refused() -> None:
    passing = function("f", "p", r="p")
    nodes = by_hand(call("a", "f", "b"), call("b", "f", "a", "^a"), identity("out", "a", "^b"))
    with pytest.raises(FormatError, match=r"calls pass '[ab]:0' on to each other in a circle"):
        inline(nodes, passing)


@pytest.mark.parametrize(
    ("edge", "message"),
    [
        ("nowhere:output:0", "'a' of function 'f' has the input 'nowhere:output:0'"),
        ("^nowhere", r"'a' of function 'f' has the input '\^nowhere'"),
        ("b", "no output"),
        ("b:output:x", "'a' of function 'f' has the input 'b:output:x'"),
        ("b:wrong:0", "op 'Unique' of node 'b' has no output 'wrong': expected one of 'y', 'idx'"),
    ],
)
def test_edge_of_a_body_that_leads_nowhere_is_a_format_error(edge: str, message: str) -> None:
    nodes = by_hand(const_node("x", 1.0), call("out", "f", "x"))
    body = [make_node("b", "Unique", ("p",)), identity("a", edge)]
    with pytest.raises(FormatError, match=message):
        inline(nodes, function("f", "p", *body, r="a:output:0"))


def test_call_with_too_few_or_too_many_arguments_or_outputs_is_a_format_error() -> None:
    target = function("f", "p", r="p")
    with pytest.raises(FormatError, match="gives function 'f' 0 arguments: expected 1"):
        inline(by_hand(call("out", "f")), target)
    nodes = by_hand(const_node("x", 1.0), call("c", "f", "x"), identity("out", "c:4"))
    with pytest.raises(FormatError, match="node 'out' has the input 'c:4': no such output"):
        inline(nodes, target)
    with pytest.raises(FormatError, match="function 'f' does not say what 'r' is"):
        inline(nodes, Function(target.signature, {}, {}))
    with pytest.raises(FormatError, match="function 'f' waits for 'n'"):
        inline(nodes, Function(target.signature, {}, {"r": "p"}, {"n": "n"}))
