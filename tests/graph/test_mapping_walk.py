"""How keys are found in graphs made by hand: through functions, in parts, in hostile graphs."""

import time

import numpy as np
import pytest

import tensorbundle as tb
from tensorbundle._format.wire import int_field, text_field
from tensorbundle._graph.mapping import find_variables, map_variables
from tensorbundle._graph.variables import parse_slice, slice_text
from tensorbundle._graphdef.attributes import tensor_attr, type_attr
from tensorbundle._graphdef.tensors import tensor_header
from tensorbundle._objects.saved_objects import SavedObjects
from tests.graph.mapping_graphs import (
    call,
    field,
    function,
    graph,
    hows,
    node,
    restoring,
    strings,
    variable,
)

# --- functions --------------------------------------------------------------------------------


def test_values_and_targets_are_followed_through_what_hands_them_on():
    nodes = [
        *restoring("v", "key")[:-1],
        node("i", "Identity", ["restore:0"]),
        node("n", "IdentityN", ["keys", "i:0", "^file"]),
        node("target", "RefIdentity", ["s:1"]),
        node("s", "RefSwitch", ["v", "keys"]),
        node("assign", "Assign", ["target", "n:1"]),
        node("all", "NoOp", ["^assign"]),
    ]
    assert hows(find_variables(graph(nodes, "all"))) == {"v": ("key", "restore op")}


def test_functions_are_followed_in_both_directions():
    """The keys come in as an argument, and the value comes out as a result."""
    fetch = function(
        "fetch",
        ["file", "keys"],
        [node("r", "RestoreV2", ["file", "keys", "keys"])],
        {"first": "r:tensors:0", "second": "r:tensors:1"},
    )
    write = function(
        "write",
        ["v", "w", "file", "keys"],
        [
            call("got", "fetch", ["file", "keys"]),
            node("direct", "fetch", ["file", "keys"]),
            node("a", "AssignVariableOp", ["v", "got:output:1"]),
            node("b", "AssignVariableOp", ["w", "direct:first:0"]),
        ],
    )
    nodes = [
        variable("v", (), op="VarHandleOp"),
        variable("w", (), op="VarHandleOp"),
        strings("file", b"model"),
        strings("keys", b"one", b"two"),
        call("run", "write", ["v", "w", "file", "keys"]),
    ]
    found = find_variables(graph(nodes, "run", [fetch, write]))
    assert {name: each.key for name, each in found.items()} == {"v": "two", "w": "one"}


# --- hostile graphs ---------------------------------------------------------------------------


def test_cycles_end():
    nodes = [
        variable("v", ()),
        node("x", "Identity", ["y"]),
        node("y", "Identity", ["x", "^all"]),
        node("a", "Assign", ["v", "x"]),
        node("b", "Assign", ["x", "y"]),
        node("all", "NoOp", ["^a", "^b", "^all", "^nowhere"]),
        node("s", "SaveV2", ["s", "s", "s", "s"]),
    ]
    assert hows(find_variables(graph(nodes, "all"))) == {"v": ("v", "node name")}


def test_a_restore_op_whose_names_are_not_constant_is_no_excuse_for_a_guess(tmp_path):
    tb.save(tmp_path / "m", {"v": np.zeros(2, np.float32)})
    nodes = restoring("v", "key")
    huge = tensor_header(7, (1 << 40,), 0)
    keys = node("keys", "Const", dtype=type_attr(7), value=tensor_attr(huge))
    for broken in (
        [*nodes[:4], node("restore", "RestoreV2"), nodes[5]],
        [*nodes[:4], node("restore", "RestoreV2", ["file", "nowhere", "parts"]), nodes[5]],
        [*nodes[:4], node("restore", "RestoreV2", ["file", "restore", "parts"]), nodes[5]],
        [*nodes[:5], node("assign", "Assign", ["v", "restore:7"])],
        [*nodes[:2], keys, *nodes[3:]],
    ):
        found = map_variables(graph(broken, "assign"), tb.open(tmp_path / "m"))["v"]
        assert (found.key, found.how, found.found) == (None, "restore op", False)
        assert found.problem == "the names that its restore op reads are not constant"


def test_an_assignment_of_something_else_says_nothing():
    nodes = restoring("v", "key")
    for broken in (
        [*nodes[:4], node("restore", "Const"), nodes[5]],
        [*nodes[:5], node("assign", "Assign", ["v"])],
        [*nodes[:5], node("assign", "Assign", ["nowhere", "restore"])],
        [*nodes[:5], node("assign", "Assign", ["keys", "restore"])],
    ):
        assert hows(find_variables(graph(broken, "assign"))) == {"v": ("v", "node name")}


def test_a_function_that_calls_itself_is_refused():
    body = [call("again", "f", ["x"]), call("more", "f", ["again:output:0"])]
    loop = function("f", ["x"], body, {"x": "more:output:0"})
    nodes = [variable("v", ()), call("run", "f", ["v"])]
    with pytest.raises(tb.FormatError, match="functions call each other without end: 'f'"):
        find_variables(graph(nodes, "run", [loop]))


def test_functions_that_call_each_other_twice_end():
    """Forty of them make 2**40 calls, of which those with equal arguments are one."""
    functions = [
        function(f"f{at}", ["x"], [call("a", f"f{at + 1}", ["x"]), call("b", f"f{at + 1}", ["x"])])
        for at in range(40)
    ]
    nodes = [variable("v", ()), call("run", "f0", ["v"])]
    found = find_variables(graph(nodes, "run", [*functions, function("f40", ["x"], [])]))
    assert found["v"].how == "node name"


def test_long_chains_are_followed_in_no_time():
    length = 50_000
    nodes = restoring("v", "key")[:-1]
    nodes.append(node("c0", "Identity", ["restore", "^t0"]))
    nodes += (node(f"c{at}", "Identity", [f"c{at - 1}"]) for at in range(1, length))
    nodes.append(node("t0", "RefIdentity", ["v"]))
    nodes += (node(f"t{at}", "RefIdentity", [f"t{at - 1}"]) for at in range(1, length))
    nodes.append(node("assign", "Assign", [f"t{length - 1}", f"c{length - 1}"]))
    meta = graph(nodes, "assign")
    assert len(meta.nodes) == 2 * length + 6
    start = time.perf_counter()
    assert hows(find_variables(meta)) == {"v": ("key", "restore op")}
    assert time.perf_counter() - start < 10


# --- objects of a SavedModel ------------------------------------------------------------------


def saved_object(children=(), trainable=None):
    raw = b"".join(
        field(1, int_field(1, number) + text_field(2, name)) for name, number in children
    )
    if trainable is not None:
        raw += field(7, int_field(1, 1) + int_field(3, int(trainable)))
    return field(1, raw)


def test_objects_say_what_is_trainable():
    objects = SavedObjects(
        saved_object([("a.b", 1), ("lost", 77), ("self", 0)])
        + saved_object([("w", 2), ("again", 2), ("r", 3)])
        + saved_object(trainable=True)
        + saved_object(trainable=False)
    )
    assert objects.is_trainable("a..b/w/.ATTRIBUTES/VARIABLE_VALUE") is True
    assert objects.is_trainable("a..b/r/.ATTRIBUTES/VARIABLE_VALUE") is False
    assert objects.is_trainable("a..b/again/.ATTRIBUTES/VARIABLE_VALUE") is True
    assert objects.is_trainable("a..b/lost/.ATTRIBUTES/VARIABLE_VALUE") is None
    assert objects.is_trainable("a..b/w") is None
    slot = "a..b/w/.OPTIMIZER_SLOT/opt/m/.ATTRIBUTES/VARIABLE_VALUE"
    assert objects.is_trainable(slot) is False


def test_objects_that_are_malformed_or_endless_are_no_trouble():
    assert SavedObjects(b"\x0a\x05\x0a").is_trainable("w") is None
    assert SavedObjects(b"").is_trainable("w") is None
    chain = b"".join(saved_object([("n", at + 1)], trainable=True) for at in range(5_000))
    objects = SavedObjects(chain)
    assert objects.is_trainable("n/n/.ATTRIBUTES/VARIABLE_VALUE") is True
    assert objects.is_trainable("n/" * 6_000 + "n/.ATTRIBUTES/VARIABLE_VALUE") is None
    # Long names on a long way: no more is made of them than the key that is asked for.
    long = "n" * 10_000
    chain = b"".join(saved_object([(long, at + 1)], trainable=True) for at in range(5_000))
    objects = SavedObjects(chain)
    assert objects.is_trainable(f"{long}/{long}/.ATTRIBUTES/VARIABLE_VALUE") is True


def test_calls_of_many_results_and_identities_of_many_inputs_are_followed_in_linear_time():
    count = 3_000
    names = [f"r{i}" for i in range(count)]
    body = function(
        "fetch",
        ["file"],
        [
            strings("keys", *(name.encode() for name in names)),
            node("r", "RestoreV2", ["file", "keys:output:0", "keys:output:0"]),
        ],
        {name: f"r:tensors:{i}" for i, name in enumerate(names)},
    )
    nodes = [
        strings("file", b"model"),
        call("got", "fetch", ["file"]),
        node("all_of_them", "IdentityN", [f"got:{i}" for i in range(count)]),
    ]
    for i in range(count):
        nodes.append(variable(f"v{i}", ()))
        nodes.append(node(f"assign{i}", "Assign", [f"v{i}", f"all_of_them:{i}"]))
    nodes.append(node("run", "NoOp", [f"^assign{i}" for i in range(count)]))
    start = time.perf_counter()
    found = find_variables(graph(nodes, "run", [body]))
    assert time.perf_counter() - start < 10
    assert [each.key for each in found.values()] == names


# --- dtypes and shapes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "shape", "problem"),
    [
        (1, (3, 2), ""),
        (1, (-1, 2), ""),
        (1, None, ""),
        (1, (2, 3), "it is [2, 3] in the graph and [3, 2] in the checkpoint"),
        (1, (-1, 2, 1), "it is [?, 2, 1] in the graph and [3, 2] in the checkpoint"),
        (2, (3, 2), "it is float64 in the graph and float32 in the checkpoint"),
        (101, (3, 2), ""),
    ],
)
def test_what_is_stored_must_fit(tmp_path, dtype, shape, problem):
    tb.save(tmp_path / "m", {"v": np.zeros((3, 2), np.float32)})
    found = map_variables(graph([variable("v", shape, dtype)]), tb.open(tmp_path / "m"))["v"]
    assert (found.problem, found.in_checkpoint, found.found) == (problem, True, not problem)
    if not problem:
        assert found.shape == (3, 2)


def test_the_scalar_shape_of_an_old_variable_means_unknown(tmp_path):
    tb.save(tmp_path / "m", {"v": np.zeros((3, 2), np.float32)})
    old = graph([variable("v", (), op="Variable")])
    assert find_variables(old)["v"].shape is None
    assert map_variables(old, tb.open(tmp_path / "m"))["v"].shape == (3, 2)


def test_a_part_of_another_shape_does_not_fit(tmp_path):
    tb.save(tmp_path / "m", {"emb": np.zeros((9, 4), np.float32)})
    nodes = restoring("v", "emb", "10 4 4,3:0,4")
    found = map_variables(graph(nodes, "assign"), tb.open(tmp_path / "m"))["v"]
    assert found.problem == "it is a part of [10, 4] in the graph and [9, 4] in the checkpoint"


@pytest.mark.parametrize(
    "text", ["10 4", "10", "10 x 0,1:-", "10 4 0,11:-", "4,3", "10 4 4,3:0,4 "]
)
def test_a_part_that_is_not_understood_does_not_fit(tmp_path, text):
    with pytest.raises(tb.FormatError, match="part of a partitioned variable is not understood"):
        parse_slice(text)
    tb.save(tmp_path / "m", {"emb": np.zeros((10, 4), np.float32)})
    nodes = restoring("v", "emb", text)
    found = map_variables(graph(nodes, "assign"), tb.open(tmp_path / "m"))["v"]
    assert "is not understood" in found.problem


def test_parts_are_written_as_they_are_read():
    assert parse_slice("10 4 4,3:0,4") == ((10, 4), ((4, 3), (0, 4)))
    assert parse_slice("7 -") == ((7,), ((0, -1),))
    assert slice_text((10, 4), (4, 0), (3, 4)) == "10 4 4,3:0,4"
