"""The cases of SavedModels of TensorFlow 2: freeze.md §11, rows 22 to 29."""

from dataclasses import replace
from typing import Any

from tests.freeze.programs.case import Case


def module(name: str, row: int, build: str, checks: str, **facts: Any) -> Case:
    arguments = facts.pop("arguments", {})
    return Case(
        name, row, build, checks, arguments, signature="serving_default", model="model", **facts
    )


def kept(cases: list[Case]) -> list[Case]:
    """The same with functions kept: row 34."""
    return [
        replace(
            case,
            name=f"{case.name} kept",
            row=34,
            checks="".join(letter for letter in case.checks if letter in "AB"),
            options={**case.options, "functions": "keep"},
        )
        for case in cases
    ]


FUNCTIONS = [
    module("captures", 22, "function_programs.loop_with_captures", "ABE"),
    module("nested", 22, "function_programs.nested", "ABE"),
    *(
        module(f"switch {i}", 22, "function_programs.switch", "AB", arguments={"branch": i})
        for i in range(3)
    ),
    module("mapped", 22, "function_programs.mapped", "ABE"),
]
KERAS = [
    module("dense", 27, "keras_programs.dense", "ABE"),
    module("convolutions", 27, "keras_programs.convolutions", "ABE"),
    module("bidirectional", 27, "keras_programs.bidirectional", "ABE"),
    module("recurrent", 27, "keras_programs.recurrent", "ABE"),
    module("attention", 27, "keras_programs.attention", "ABE"),
    module("strings", 27, "keras_programs.strings", "AB"),
]
OTHERS = [
    *(
        module(
            f"returned variable {taken}", 22, "function_programs.returned_variable", "AB",
            arguments={"taken": taken},
        )
        for taken in (True, False)
    ),
    module(
        "same names", 23, "function_programs.same_names", "ABF",
        mapping={
            name: (f"layers/{number}/kernel/.ATTRIBUTES/VARIABLE_VALUE", "restore op")
            for number, name in enumerate(("kernel_2", "kernel_1", "kernel"))
        },
    ),
    module("module table", 24, "table_programs.module_static", "AB"),
    *(
        module(
            f"vocabulary {buckets}", 24, "table_programs.vocabulary", "AB",
            arguments={"buckets": buckets},
        )
        for buckets in (0, 2)
    ),
    module("module dense table", 24, "table_programs.module_dense", "AB"),
    module("module mutable table", 24, "table_programs.module_mutable", "AB"),
    module("counting", 25, "function_programs.counting", "AB", warnings=("calls",)),
    *(
        module(
            f"read after update, {where}", 25, "function_programs.read_after_update", "A",
            arguments={"times": times},
            warnings=("1 update of 1 variable is left out", "read after an update .* 'calls'"),
        )
        for where, times in (("once", 1), ("in a loop", 3))
    ),
    module("generator", 25, "function_programs.generator", "H", error="(?s)RngReadAndSkip"),
    module("odd outputs", 26, "function_programs.odd_outputs", "AB"),
]  # fmt: skip
FILES = [
    Case("several graphs", 28, "file_programs.several", ""),
    *(
        Case(
            f"unknown op {'listed' if listed else 'unlisted'} {outputs}", 31,
            "file_programs.unknown_op", "", {"listed": listed, "outputs": outputs},
        )
        for listed in (True, False)
        for outputs in (1, 2)
    ),
    Case("large", 30, "file_programs.large", "", {"layers": 20, "width": 2048}),
    Case("too large", 30, "file_programs.large", "", {"layers": 132, "width": 2048}),
    Case("deep calls", 29, "file_programs.deep_calls", "", {"depth": 200}),
    Case("recursive", 29, "file_programs.recursive", ""),
]  # fmt: skip
MODULES = [*FUNCTIONS, *KERAS, *OTHERS, *FILES, *kept(FUNCTIONS), *kept(KERAS)]
