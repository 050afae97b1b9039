"""The project's own source as data: modules, imports, includes, functions and their lengths.

What `test_architecture` judges is read here. Python is parsed; C++ is followed by its braces.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.places import PROJECT

PACKAGE = PROJECT / "src" / "tensorbundle"


class Import(NamedTuple):
    """One `import` statement's target, as an absolute name."""

    target: str
    line: int
    at_module_level: bool


class Function(NamedTuple):
    """One function of either language."""

    name: str
    line: int
    lines: int


# --- reading Python ---------------------------------------------------------------------------


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py")) if folder.is_dir() else []


ALL_PYTHON = [
    path for name in ("src", "tests", "benchmarks") for path in python_files(PROJECT / name)
]


@functools.cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def place(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(PROJECT)}:{line}"


def module_of(path: Path) -> str:
    """`src/tensorbundle/cli/show.py` is `tensorbundle.cli.show`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """`tensorbundle.cli.show` lies in the room `cli`; the package itself is `__init__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


MODULES = {module_of(path): path for path in python_files(PACKAGE)}
EXTENSION = "tensorbundle._core"


def is_type_checking(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST, at_module_level: bool = True) -> Iterator[tuple[ast.AST, bool]]:
    """Walk the code that runs, i.e. without `if TYPE_CHECKING:`, noting what runs on import."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and is_type_checking(child):
            for other in child.orelse:
                yield other, at_module_level
                yield from statements(other, at_module_level)
            continue
        yield child, at_module_level
        inside_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from statements(child, at_module_level and not inside_function)


def absolute(path: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module_of(path).split(".")
    if path.stem != "__init__":
        package.pop()
    parents = package[: len(package) - (node.level - 1)]
    return ".".join([*parents, *([node.module] if node.module else [])])


@functools.cache
def imports_of(path: Path) -> tuple[Import, ...]:
    found = []
    for node, at_module_level in statements(parse(path)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = absolute(path, node)
            # `from . import x` imports the module x when there is one.
            names = [f"{source}.{alias.name}" for alias in node.names]
            targets = [name if name in MODULES or name == EXTENSION else source for name in names]
        else:
            continue
        found += [Import(target, node.lineno, at_module_level) for target in targets]
    return tuple(found)


def own_imports(path: Path) -> list[Import]:
    return [each for each in imports_of(path) if each.target.split(".")[0] == "tensorbundle"]


def python_functions(path: Path) -> Iterator[Function]:
    """Yield every function; its docstring is documentation and does not count."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                docstring = node.body[0]
                lines -= (docstring.end_lineno or 0) - docstring.lineno + 1
            yield Function(node.name, node.lineno, lines)


# --- reading C++ ------------------------------------------------------------------------------

CPP_FILES = sorted(
    path
    for folder in ("cpp", "tests/cpp", "tests/fuzz")
    for path in (PROJECT / folder).rglob("*")
    if path.suffix in {".cpp", ".hpp"}
)

NOT_CODE = re.compile(
    r'R"(?P<tag>[^\s()]*)\(.*?\)(?P=tag)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # a character, not a digit separator
    r"|//[^\n]*|/\*.*?\*/"
    r"|^[ \t]*#(?:\\\n|[^\n])*"  # preprocessor line
    r"|\b(?:public|protected|private)\s*:(?!:)",
    re.DOTALL | re.MULTILINE,
)


def only_newlines(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")


def opens_function(head: str) -> bool:
    """Tell whether the text before a `{` at namespace or class scope heads a function."""
    head = re.sub(r"alignas\([^)]*\)|template\s*<[^{}]*?>(?=\s*\w)|\[\[.*?\]\]", "", head)
    before_parameters, parenthesis, _ = head.partition("(")
    initialised = re.search(r"(?<!operator)=\s*\w", before_parameters)
    return bool(parenthesis) and not initialised


def included(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', path.read_text("utf-8"), re.MULTILINE)


def cpp_functions(text: str) -> Iterator[Function]:
    """Yield the outermost functions, found by their braces: `head { ... }`."""
    text = NOT_CODE.sub(only_newlines, text)
    scopes: list[bool] = []  # of each open brace: does it belong to a function?
    head_start = 0
    function_start = 0
    for match in re.finditer(r"[{};]", text):
        inside = any(scopes)
        if match.group() == "{":
            head = text[head_start : match.start()]
            is_function = not inside and opens_function(head)
            if is_function:
                function_start = head_start + len(head) - len(head.lstrip())
            scopes.append(is_function)
        elif match.group() == "}" and scopes and scopes.pop():
            name = text[function_start : match.start()].partition("(")[0].split()[-1]
            line = text.count("\n", 0, function_start) + 1
            yield Function(name, line, text.count("\n", function_start, match.end()) + 1)
        if not any(scopes):
            head_start = match.end()
