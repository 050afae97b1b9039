"""Docstrings: they begin with what somebody would search for, and folders list their rooms."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tensorbundle as tb
from tests.house.source import MODULES, PACKAGE, parse, place

UNSEARCHABLE = re.compile(r"(The|A|An|What|Whether|How|Where|Which)\b")
# These are their own face: their docstrings are for users, and ARCHITECTURE.md has their rooms.
FACES = {PACKAGE, PACKAGE / "cli", PACKAGE / "shim", PACKAGE / "train"}
FOLDERS = sorted({path.parent for path in MODULES.values()} - FACES)


def first_line(docstring: str | None) -> str:
    return (docstring or "").strip().partition("\n")[0]


def test_rooms_begin_with_their_noun_or_verb() -> None:
    lines = {place(path): first_line(ast.get_docstring(parse(path))) for path in MODULES.values()}
    assert {where: line for where, line in lines.items() if UNSEARCHABLE.match(line)} == {}
    assert "" not in lines.values()


def public() -> Iterator[tuple[str, Any]]:
    """What users call or ask, with its name: functions, classes, their methods and properties."""
    for face in (tb, tb.train):
        for name in face.__all__:
            found = getattr(face, name)
            if not callable(found):
                continue
            yield name, found
            for member, value in vars(found).items() if isinstance(found, type) else ():
                inner = getattr(value, "fget", None) or getattr(value, "func", None) or value
                inner = getattr(inner, "__func__", inner)
                if not member.startswith("_") and inspect.isfunction(inner):
                    yield f"{name}.{member}", inner


def test_public_names_begin_with_their_noun_or_verb() -> None:
    lines = {name: first_line(found.__doc__) for name, found in public()}
    assert {name: line for name, line in lines.items() if UNSEARCHABLE.match(line)} == {}
    assert len(lines) > 140


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda each: str(each.relative_to(PACKAGE)))
def test_a_folder_lists_its_rooms(folder: Path) -> None:
    docstring = ast.get_docstring(parse(folder / "__init__.py")) or ""
    title, *_, rooms = docstring.split("\n\n")
    assert title.endswith(".")
    listed = [line.split()[0] for line in rooms.splitlines()]
    there = [path.stem for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    there += [f"{path.parent.name}/" for path in sorted(folder.glob("*/__init__.py"))]
    assert listed == there


@pytest.mark.parametrize("folder", ["_crosscheck", "_graph", "_graphdef", "_ops"])
def test_functions_and_classes_of_a_folder_begin_with_their_noun_or_verb(folder: str) -> None:
    lines = [
        (place(path, node.lineno), first_line(ast.get_docstring(node)))
        for path in (PACKAGE / folder).rglob("*.py")
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert [each for each in lines if UNSEARCHABLE.match(each[1])] == []
