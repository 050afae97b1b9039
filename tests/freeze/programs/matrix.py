"""The cases: freeze.md §11, row by row; those of SavedModels are in `module_matrix`."""

from typing import Any

from tests.freeze.programs.case import Case
from tests.freeze.programs.module_matrix import MODULES

RESTORED = "restore op"


def of_both_kinds(name: str, row: int, build: str, checks: str, **facts: Any) -> list[Case]:
    """The case with reference variables and with resource variables."""
    return [
        Case(f"{name} {kind}", row, build, checks, {"resource": kind == "resource"}, **facts)
        for kind in ("ref", "resource")
    ]


def restored(**keys: str) -> dict[str, tuple[str, str]]:
    return {name.replace("__", "/"): (key, RESTORED) for name, key in keys.items()}


NAMED = restored(W="W", b="b")
RENAMED = restored(W="other/kernel", b="other/bias")
AVERAGES = restored(W="W/ExponentialMovingAverage", b="b/ExponentialMovingAverage")

VARIABLES = [
    *of_both_kinds("softmax", 1, "variable_programs.softmax", "ABDEFG", mapping=NAMED),
    *of_both_kinds("odd outputs", 26, "variable_programs.odd_outputs", "AB"),
    Case("first op", 2, "variable_programs.first_op", "ABF", mapping=NAMED),
    Case("sharded saver", 3, "variable_programs.sharded", "ABF", mapping=NAMED),
    Case("first format", 3, "variable_programs.first_format", "ABF", mapping=NAMED),
    Case(
        "two savers",
        3,
        "variable_programs.two_savers",
        "ABF",
        mapping=restored(W="first/kernel", b="first/bias"),
    ),
    *of_both_kinds("renamed", 4, "variable_programs.renamed", "ABF", mapping=RENAMED),
    *of_both_kinds(
        "swapped", 5, "variable_programs.swapped", "ABF",
        mapping=restored(first="second", second="first"),
    ),
    Case(
        "averages restored", 6, "variable_programs.averaged", "ABF", {"plain_saver": False},
        mapping=AVERAGES,
    ),
    Case(
        "averages asked for", 6, "variable_programs.averaged", "ABF", {"plain_saver": True},
        mapping=AVERAGES,
        options={"ema": True},
        warnings=("moving averages",),
    ),
    *of_both_kinds("partitioned", 7, "variable_programs.partitioned", "ABEF"),
    *of_both_kinds("every type", 12, "variable_programs.every_type", "AB"),
    Case("gathers", 13, "variable_programs.gathers", "ABD"),
    Case("odd handles", 14, "variable_programs.odd_handles", "AB"),
    Case(
        "never saved", 16, "variable_programs.never_saved", "H",
        error="(?s)local.*",
    ),
    Case(
        "initial value", 16, "variable_programs.never_saved", "AB", options={"missing": "initial"}
    ),
    Case("updated output", 17, "variable_programs.updated_output", "H", error="(?s)out.*w"),
    Case("placed", 18, "variable_programs.placed", "ABD"),
    Case(
        "text only", 20, "variable_programs.text_only", "ABF",
        model="graph.pbtxt", ckpt="model.ckpt",
        mapping={
            "W": ("other/kernel", "other restore op"),
            "b": ("other/bias", "other restore op"),
        },
    ),
    Case("constants only", 21, "variable_programs.constants_only", "ABG", model="graph.pb"),
]  # fmt: skip


def flow(name: str, row: int, function: str, checks: str, **facts: Any) -> list[Case]:
    """The case with both kinds of variables, in nodes of the graph and in functions.

    Functions of the graph take no references, so some programs with those have one version only.
    """
    arguments = facts.pop("arguments", {})
    by_reference = facts.pop("by_reference", (1, 2))
    return [
        Case(
            f"{name} {kind} v{version}",
            row,
            f"control_flow_programs.{function}",
            checks,
            {"resource": kind == "resource", "version": version, **arguments},
            **facts,
        )
        for kind, versions in (("ref", by_reference), ("resource", (1, 2)))
        for version in versions
    ]


def both_ways(name: str, row: int, function: str, checks: str, **facts: Any) -> list[Case]:
    """The case with each branch taken."""
    return [
        case
        for taken in (True, False)
        for case in flow(
            f"{name} {taken}", row, function, checks, arguments={"taken": taken}, **facts
        )
    ]


CONTROL_FLOW = [
    *flow("loop", 8, "loop", "ABE"),
    *flow(
        "loop reading inside", 8, "loop", "ABE", arguments={"inside": True}, by_reference=(1,)
    ),
    *both_ways("branches", 9, "branches", "ABE"),
    *both_ways("variable branches", 9, "variable_branches", "ABE"),
    Case("handles true", 10, "control_flow_programs.handles", "ABE", {"taken": True}),
    Case("handles false", 10, "control_flow_programs.handles", "ABE", {"taken": False}),
    *flow("normalized", 11, "normalized", "ABE", warnings=("moving_",), by_reference=(1,)),
    Case("static table", 15, "table_programs.graph_static", "AB"),
    Case("mutable table", 15, "table_programs.graph_mutable", "AB"),
    Case("iterator", 19, "control_flow_programs.iterator", "AB", warnings=("IteratorGetNext",)),
    Case(
        "iterator cut", 19, "control_flow_programs.iterator", "AB",
        options={"inputs": ["IteratorGetNext:0"]},
    ),
    Case("queue", 19, "control_flow_programs.queue", "AB", warnings=("input pipeline.*'key'",)),
    Case("queue cut", 19, "control_flow_programs.queue", "AB", options={"inputs": ["key:0"]}),
]  # fmt: skip

TUTORIALS = [
    Case(f"tutorial {name}", 0, f"tutorial_programs.{name}", "AB")
    for name in (
        "restored_sum", "linear_fit", "digits", "two_variables", "vgg", "inception"
    )
]  # fmt: skip

# What TensorFlow's own freezers say of the cases that they cannot freeze, or whose frozen graph
# does not run. Everything else they freeze, too, and to the same numbers.
REFERENCE = "was passed float from .* incompatible with expected float_ref"
NO_TABLE = "Table not initialized|must feed a value for placeholder tensor 'unknown'"
NO_SCALAR_STRING = "AttributeError: 'bytes' object has no attribute 'shape'"
LEFT_IN_FUNCTION = "branch_executed|different frames"  # a gather from a variable
THEIRS = {
    **{f"branches {taken} ref v1": REFERENCE for taken in (True, False)},
    **{f"variable branches {taken} ref v1": REFERENCE for taken in (True, False)},
    "loop reading inside ref v1": REFERENCE,
    "normalized ref v1": REFERENCE,
    "normalized resource v1": "incompatible with expected resource",
    "normalized resource v2": "expected type resource != float",
    "every type ref": NO_SCALAR_STRING,
    "every type resource": NO_SCALAR_STRING,
    "first op": "uninitialized value",
    "gathers": "batch_dims must be 0",
    "static table": NO_TABLE,
    "mutable table": "other numbers",  # of an empty table
    "module table": NO_TABLE,
    "module mutable table": NO_TABLE,
    "module dense table": NO_TABLE,
    "vocabulary 0": NO_TABLE,
    "vocabulary 2": NO_TABLE,
    "strings": NO_TABLE,
    "strings kept": NO_TABLE,
    "nested": LEFT_IN_FUNCTION,
    "nested kept": LEFT_IN_FUNCTION,
    "counting": "incompatible with expected resource",
}

CASES = [*VARIABLES, *CONTROL_FLOW, *MODULES, *TUTORIALS]
