"""Words are for readers: no decision hangs on the wording of a message."""

import ast
from collections.abc import Iterator

from tests.house.source import MODULES, parse, place

# They take words apart that others wrote, and that say it in no other way.
FOREIGN_WORDS = {
    "tensorbundle._source.client": "what stores say may hold signatures, which are left out",
    "tensorbundle._source.objects": "obstore adds its developers' view on lines of their own",
    "tensorbundle._runner.engine": "OpenVINO tells which operations it lacks in prose",
    "tensorbundle._crosscheck.worker": "TensorFlow appends the place to its messages",
}
ASKING = {"startswith", "endswith", "find", "index", "replace", "split", "partition", "count"}
# Functions that give phrases.
PHRASES = ("describe_", "explain", "_describe", "shown", "_shown")


def caught_names(tree: ast.AST) -> set[str]:
    handlers = (each for each in ast.walk(tree) if isinstance(each, ast.ExceptHandler))
    return {each.name for each in handlers if each.name}


def is_message(node: ast.AST, caught: set[str]) -> bool:
    """Whether an expression is the words of an error, or a phrase made for a user."""
    if isinstance(node, ast.Attribute):
        return node.attr in {"message", "args", "strerror", "phrase"}
    if isinstance(node, ast.BoolOp):
        return any(is_message(each, caught) for each in node.values)
    if isinstance(node, ast.Subscript):
        return is_message(node.value, caught)
    if not isinstance(node, ast.Call):
        return False
    function = ast.unparse(node.func).split(".")[-1]
    if function in {"str", "repr"} and node.args:
        return ast.unparse(node.args[0]) in caught | {"error"}
    return function.startswith(PHRASES)


def decisions_by_words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    caught = caught_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            method = node.func if isinstance(node.func, ast.Attribute) else None
            asked = [method.value] if method is not None and method.attr in ASKING else []
            if ast.unparse(node.func).startswith("re."):
                asked = list(node.args)
            if any(is_message(each, caught) for each in asked):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Compare):
            sides = (node.left, *node.comparators)
            none = any(ast.unparse(each) in {"None", "''"} for each in sides)
            if not none and any(is_message(each, caught) for each in sides):
                yield node.lineno, ast.unparse(node)


def test_no_decision_hangs_on_the_words_of_a_message() -> None:
    found = [
        f"{place(path, line)}: {code}"
        for module, path in MODULES.items()
        # The tree of errors puts its own words together.
        if module not in FOREIGN_WORDS and module != "tensorbundle.errors"
        for line, code in decisions_by_words(parse(path))
    ]
    assert found == []


def test_decisions_by_words_are_found() -> None:
    code = """
try: ...
except E as error:
    a = "x" in error.message
    b = str(error).replace("x", "y")
    c = describe_file(p).startswith("a graph")
    d = (describe_file(p) or "").startswith("a graph")
    e = explain_not_a_table(p) != "a table"
    f = re.search("x", error.message)
    g = error.args[0].partition(":")
    h = explain_not_a_table(p) is None
"""
    assert [line for line, _ in decisions_by_words(ast.parse(code))] == list(range(4, 11))
