"""Variables made constants: every kind of use, computed by TensorFlow before and after."""

import pytest

from tensorbundle._freeze.variables.constants import Constant, freeze_variables
from tensorbundle._graphdef.attributes import (
    DataType,
    function_attr,
    int_attr,
    type_attr,
    type_list_attr,
)
from tensorbundle._graphdef.functions import Arg, Function, OpDef
from tensorbundle._graphdef.nodes import Nodes, const_node, make_node
from tensorbundle._graphdef.shapes import ShapeValue
from tensorbundle._graphdef.tensors import encode_tensor
from tensorbundle.errors import FormatError, UnsupportedError
from tests.freeze.stages.running import WORKER, Frozen, Program, Programs, by_hand, in_tensorflow

FLOAT, INT32, RESOURCE = 1, 3, 20
KINDS = ("ref", "resource")
PLAIN = (
    "dense",
    "nested_loops",
    "counter_in_loop",
    "group_of_updates",
    "gathers",
    "gather_in_loop",
    "facts",
    "initialized_value",
    "scattered",
)
EQUAL = [
    "both_kinds_of_flow",
    "counter_in_function_False",
    "counter_in_function_True",
    *(f"{name}_{kind}" for name in PLAIN for kind in KINDS),
    *(f"loop_{kind}_v{version}" for kind in KINDS for version in (1, 2)),
    *(
        f"branches_{kind}_v{version}_{taken}"
        for kind in KINDS
        for version in (1, 2)
        for taken in (True, False)
    ),
    *(
        f"{name}_{kind}_{taken}"
        for name in ("batch_norm", "constant_after_update", "facts_in_branch")
        for kind in KINDS
        for taken in (True, False)
    ),
]
OTHERS = {
    "generator",
    "read_after_update_ref",
    "read_after_update_resource",
    "written_on_the_way_count",
    "written_on_the_way_ref",
}
MODES = ("inline", "keep")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    """Every program, frozen in both modes and run by TensorFlow."""
    folder = tmp_path_factory.mktemp("constants")
    programs = Programs.build("constants", folder)
    for name in EQUAL:
        for mode in MODES:
            programs[name].freeze_and_write(mode)
        denied = programs[name].freeze(keep=lambda name: name.startswith(("b", "t")))
        programs[name].write(denied, "denied", programs[name].arrays("values"))
    in_tensorflow(WORKER, "run", folder)
    return programs


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", EQUAL)
def test_frozen_graph_computes_the_same_bits(programs: Programs, name: str, mode: str) -> None:
    programs[name].ran(mode)


@pytest.mark.parametrize("name", EQUAL)
def test_variables_that_are_not_frozen_go_on_working(programs: Programs, name: str) -> None:
    # Of most programs this freezes one variable of two, which pass through the same functions.
    programs[name].ran("denied")


def test_programs_are_all_tested(programs: Programs) -> None:
    assert programs.keys() == {*EQUAL, *OTHERS}


@pytest.mark.parametrize("name", EQUAL)
def test_nothing_of_variables_is_left(programs: Programs, name: str) -> None:
    frozen = programs[name].freeze()
    left = {
        op for op in frozen.ops() if op.startswith(("Var", "Read", "Resource", "Ref", "Assign"))
    }
    assert left == set()
    for function in frozen.functions.values():
        assert all(each.type != RESOURCE for each in function.signature.inputs)


# --- updates ------------------------------------------------------------------------------------


def test_updates_that_only_control_edges_reach_are_left_out(programs: Programs) -> None:
    frozen = programs["group_of_updates_resource"].freeze()
    assert sorted((each.op, each.variable) for each in frozen.graph.updates) == [
        ("AssignAddVariableOp", "m"),
        ("AssignVariableOp", "m"),
    ]
    assert frozen.graph.constants == ("w",)
    assert frozen.graph.warnings == (
        "2 updates of 1 variable are left out, the results of which no output takes: 'm'",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_read_after_an_update_is_told(programs: Programs, kind: str) -> None:
    frozen = programs[f"read_after_update_{kind}"].freeze()
    assert frozen.graph.warnings[-1] == (
        "1 variable is read after an update that is left out, so that outputs may differ: the "
        "stored values are used of 'w'"
    )


def test_update_whose_value_is_wanted_is_refused_naming_who_takes_it(programs: Programs) -> None:
    message = (
        r"variables are written on the way to an output: 'w' by AssignAdd 'AssignAdd', which "
        r"'Identity' takes; .*of a graph for training choose outputs before these"
    )
    with pytest.raises(UnsupportedError, match=message):
        programs["written_on_the_way_ref"].freeze()
    with pytest.raises(UnsupportedError, match=r"'n' by ResourceCountUpTo .*, which 'add' takes"):
        programs["written_on_the_way_count"].freeze()


def test_use_without_constant_form_is_refused_with_op_and_variable(programs: Programs) -> None:
    message = r"no constant form: StatefulUniform 'StatefulUniform' of 'state'"
    with pytest.raises(UnsupportedError, match=message):
        programs["generator"].freeze()


# --- what the constants are ---------------------------------------------------------------------


def test_constants_have_a_type_and_no_value(programs: Programs) -> None:
    frozen = programs["dense_resource"].freeze()
    assert frozen.graph.constants == ("w", "b")
    node = frozen.nodes["w"]
    assert (node.op, node.inputs, list(node.attrs)) == ("Const", (), ["dtype"])
    assert node.attr("dtype") == DataType(FLOAT)


def test_constant_with_a_value_is_complete(programs: Programs) -> None:
    program = programs["dense_ref"]
    value = encode_tensor(program.arrays("values")["b"])
    constants = {**program.constants(), "b": Constant(FLOAT, (3,), value)}
    frozen = freeze_variables(program.meta.nodes, {}, constants, ["Softmax"])
    assert frozen.constants == ("w",)
    assert frozen.nodes["b"].attr("value").array().tolist() == (
        program.arrays("values")["b"].tolist()
    )


def test_unchanged_nodes_are_the_same_objects(programs: Programs) -> None:
    program = programs["dense_resource"]
    frozen = program.freeze()
    for name in ("x", "MatMul", "Softmax"):
        assert bytes(frozen.nodes[name].encode()) == bytes(program.meta.nodes[name].encode())


def test_axis_gets_a_name_that_nothing_has(programs: Programs) -> None:
    frozen = programs["gathers_resource"].freeze()
    assert frozen.nodes["rows"].op == "GatherV2"
    assert frozen.nodes["rows"].inputs[2] == "rows/axis_2"
    assert frozen.nodes["rows/axis_1"].attr("value").array() == 5.0


def test_variable_that_was_cut_is_passed_over(programs: Programs) -> None:
    program = programs["dense_resource"]
    nodes = {**program.meta.nodes, "b": const_node("b", 1.0)}
    frozen = freeze_variables(nodes, {}, program.constants(), ["MatMul", "b"])
    assert frozen.constants == ("w",)


# --- functions ----------------------------------------------------------------------------------


def test_functions_are_made_once_for_equal_arguments(programs: Programs) -> None:
    frozen = programs["both_kinds_of_flow"].freeze("keep")
    made = [name for name in frozen.functions if name.endswith("_frozen")]
    assert made
    assert not any(name.endswith("_frozen_1") for name in frozen.functions)


def calling(functions: int) -> tuple[Nodes, dict[str, Function]]:
    """A variable given to a function that gives it to another, and so on; the last one reads it."""
    nodes = by_hand(
        make_node("v", "VarHandleOp", (), {"dtype": type_attr(FLOAT)}),
        call("out", "f0", "v"),
    )
    library = {}
    for number in range(functions):
        inner = call("c", f"f{number + 1}", "h")
        if number == functions - 1:
            inner = make_node("c", "ReadVariableOp", ("h",), {"dtype": type_attr(FLOAT)})
        library[f"f{number}"] = one_result(
            f"f{number}", inner, "c:value:0" if number == functions - 1 else "c:output:0"
        )
    return nodes, library


def call(name: str, function: str, argument: str) -> object:
    attrs = {
        "f": function_attr(function),
        "Tin": type_list_attr([RESOURCE]),
        "Tout": type_list_attr([FLOAT]),
    }
    return make_node(name, "PartitionedCall", (argument,), attrs)


def one_result(name: str, node: object, ret: str) -> Function:
    signature = OpDef(name, (Arg("h", RESOURCE),), (Arg("r", FLOAT),))
    return Function(signature, by_hand(node), {"r": ret})


def test_functions_nest_deeper_than_python_calls() -> None:
    nodes, functions = calling(5000)
    frozen = freeze_variables(nodes, functions, {"v": Constant(FLOAT, (2,))}, ["out"])
    assert len(frozen.functions) == 10_000
    assert frozen.nodes["out"].attr("Tin") == [DataType(FLOAT)]
    assert frozen.functions["f4999_frozen"].ret == {"r": "c:output:0"}


def test_function_that_is_not_there_is_a_format_error() -> None:
    nodes, functions = calling(3)
    del functions["f2"]
    with pytest.raises(FormatError, match="there is no function 'f2'"):
        freeze_variables(nodes, functions, {"v": Constant(FLOAT, None)}, ["out"])


def test_function_that_takes_its_own_handle_in_a_call_ends() -> None:
    nodes, functions = calling(2)
    functions["f1"] = one_result("f1", call("c", "f0", "h"), "c:output:0")
    frozen = freeze_variables(nodes, functions, {"v": Constant(FLOAT, None)}, ["out"])
    assert set(frozen.functions) == {"f0", "f1", "f0_frozen", "f1_frozen"}


def test_one_function_for_each_shape_up_to_a_limit() -> None:
    """Each level swaps two of its arguments: there are as many functions as orders of them."""
    width, levels = 8, 30
    handles = [make_node(f"v{i}", "VarHandleOp", (), {}) for i in range(width)]
    types = type_list_attr([RESOURCE] * width)
    names = [f"a{i}" for i in range(width)]
    signature = tuple(Arg(name, RESOURCE) for name in names)
    functions = {}
    for level in range(levels):
        attrs = {"f": function_attr(f"f{level + 1}"), "Tin": types, "Tout": type_list_attr([FLOAT])}
        calls = [
            make_node(f"c{i}", "PartitionedCall", swapped(names, i), attrs)
            for i in range(width - 1)
        ]
        functions[f"f{level}"] = Function(
            OpDef(f"f{level}", signature, (Arg("r", FLOAT),)),
            by_hand(*calls, make_node("sum", "AddN", [f"{c.name}:output:0" for c in calls])),
            {"r": "sum:sum:0"},
        )
    last = make_node("r", "ReadVariableOp", ("a0",), {"dtype": type_attr(FLOAT)})
    functions[f"f{levels}"] = Function(
        OpDef(f"f{levels}", signature, (Arg("r", FLOAT),)), by_hand(last), {"r": "r:value:0"}
    )
    attrs = {"f": function_attr("f0"), "Tin": types, "Tout": type_list_attr([FLOAT])}
    out = make_node("out", "PartitionedCall", [node.name for node in handles], attrs)
    constants = {node.name: Constant(FLOAT, (i,)) for i, node in enumerate(handles)}
    with pytest.raises(UnsupportedError, match="functions are used with too many sets"):
        freeze_variables(by_hand(*handles, out), functions, constants, ["out"])


def swapped(names: list[str], at: int) -> list[str]:
    return [*names[:at], names[at + 1], names[at], *names[at + 2 :]]


# --- pieces made by hand ------------------------------------------------------------------------


def handle(name: str) -> object:
    return make_node(name, "VarHandleOp", (), {"dtype": type_attr(FLOAT)})


def test_merge_of_a_frozen_variable_and_another_is_refused() -> None:
    nodes = by_hand(
        handle("a"),
        handle("b"),
        make_node("m", "Merge", ("a", "b"), {"T": type_attr(RESOURCE), "N": int_attr(2)}),
        make_node("r", "ReadVariableOp", ("m",), {"dtype": type_attr(FLOAT)}),
    )
    with pytest.raises(UnsupportedError, match="Merge 'm' of 'a': it merges a variable"):
        freeze_variables(nodes, {}, {"a": Constant(FLOAT, ())}, ["r"])
    both = {"a": Constant(FLOAT, ()), "b": Constant(FLOAT, (2,))}
    frozen = freeze_variables(nodes, {}, both, ["r"])
    assert frozen.nodes["m"].attr("T") == DataType(FLOAT)


def test_problems_are_told_together() -> None:
    nodes = by_hand(
        handle("a"),
        *(make_node(f"n{i}", "Unheard", ("a",)) for i in range(14)),
        make_node("out", "NoOp", [f"^n{i}" for i in range(14)]),
    )
    with pytest.raises(UnsupportedError, match=r"Unheard 'n0' of 'a'.*Unheard 'n9'.*and 4 more$"):
        freeze_variables(nodes, {}, {"a": Constant(FLOAT, ())}, ["out"])


def test_what_no_output_needs_may_be_of_any_kind() -> None:
    nodes = by_hand(handle("a"), make_node("n", "Unheard", ("a",)), const_node("out", 1.0))
    assert list(freeze_variables(nodes, {}, {"a": Constant(FLOAT, ())}, ["out"]).nodes) == ["out"]


def test_handle_in_an_unexpected_place_is_refused() -> None:
    nodes = by_hand(handle("a"), const_node("c", 1.0), make_node("r", "ReadVariableOp", ("c", "a")))
    with pytest.raises(UnsupportedError, match="ReadVariableOp 'r' of 'a'"):
        freeze_variables(nodes, {}, {"a": Constant(FLOAT, ())}, ["r"])


def test_handles_in_a_circle_end() -> None:
    circle = [make_node(f"i{i}", "Identity", (f"i{(i + 1) % 3}",)) for i in range(3)]
    nodes = by_hand(
        handle("a"),
        *circle,
        make_node("m", "Merge", ("a", "n"), {"N": int_attr(2)}),
        make_node("n", "NextIteration", ("m",)),
        make_node("r", "ReadVariableOp", ("n",), {"dtype": type_attr(FLOAT)}, ""),
        make_node("out", "AddN", ("r", "i0")),
    )
    frozen = freeze_variables(nodes, {}, {"a": Constant(FLOAT, ())}, ["out"])
    assert frozen.nodes["m"].attr("T") == DataType(FLOAT)


def test_chain_of_a_million_nodes_takes_seconds() -> None:
    nodes = {"v": handle("v"), "n0": make_node("n0", "ReadVariableOp", ("v",))}
    attrs = {"T": type_attr(FLOAT)}
    for number in range(1, 1_000_000):
        name = f"n{number}"
        nodes[name] = make_node(name, "Identity", (f"n{number - 1}",), attrs)
    frozen = freeze_variables(nodes, {}, {"v": Constant(FLOAT, ())}, ["n999999"])
    assert len(frozen.nodes) == 1_000_001


def test_chain_of_handles_of_100_000_nodes_takes_seconds() -> None:
    nodes = {"v": handle("v")}
    for number in reversed(range(100_000)):
        nodes[f"n{number}"] = make_node(f"n{number}", "Identity", (f"n{number + 1}",))
    nodes["n99999"] = make_node("n99999", "Identity", ("v",))
    nodes["r"] = make_node("r", "ReadVariableOp", ("n0",))
    frozen = freeze_variables(nodes, {}, {"v": Constant(FLOAT, ())}, ["r"])
    assert frozen.nodes["n0"].attr("T") == DataType(FLOAT)


def test_missing_node_is_a_format_error() -> None:
    nodes = by_hand(handle("a"), make_node("r", "ReadVariableOp", ("b",)))
    with pytest.raises(FormatError, match="node 'r' has the input 'b': there is no node 'b'"):
        freeze_variables(nodes, {}, {}, ["r"])


def test_shapes_of_a_loop_are_those_of_the_variables(programs: Programs) -> None:
    frozen: Frozen = programs["loop_resource_v2"].freeze()
    program: Program = programs["loop_resource_v2"]
    loop = next(node for node in frozen.nodes.values() if node.op in ("While", "StatelessWhile"))
    shapes = loop.attr("output_shapes")
    assert ShapeValue((4, 4)) in shapes
    assert ShapeValue((4,)) in shapes
    assert DataType(RESOURCE) not in loop.attr("T")
    assert program.freeze().nodes[loop.name].encode() == loop.encode()
