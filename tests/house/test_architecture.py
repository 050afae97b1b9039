"""The rules of the house, read off the source: who may import whom, how long, and where.

Each test names one rule; a failure lists every place that breaks it.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.house.source import (
    ALL_PYTHON,
    CPP_FILES,
    MODULES,
    PACKAGE,
    PROJECT,
    Function,
    cpp_functions,
    imports_of,
    included,
    own_imports,
    parse,
    place,
    python_functions,
    room_of,
)

CORE = PROJECT / "cpp" / "tensorbundle"
BINDINGS = PROJECT / "cpp" / "bindings"

# A file that wants more than this holds two subjects, or says here why it holds one.
PYTHON_FILE_LINES, CPP_FILE_LINES, FUNCTION_LINES = 400, 300, 60
ROOMS = 11  # in one folder
LONG_FILES = {
    "benchmarks/tasks.py": "one table of tasks",
    "src/tensorbundle/_checkpoint/bundle.py": "one class, every way to a tensor",
    "src/tensorbundle/_checkpoint/checkpoint.py": "one face, every member documented",
}

# Floors, from the ground up: a folder imports only from folders of lower floors. A room that stands
# alone beside them is a floor's folder of one.
FLOORS = (
    ("_core", "_demo", "_printable", "_progress"),
    ("errors", "_look"),
    ("_format", "_source", "_parallel"),
    ("_graphdef", "_locate", "_objects", "_far"),
    ("_ops", "_checkpoint", "_write"),
    ("_graph", "_edit", "_export", "_crosscheck", "train", "keras"),
    ("_outputs", "_doctor", "_scan", "_convert"),
    ("_freeze", "_report"),
    ("_runner",),
    ("shim", "__init__"),
    ("cli",),
)
ENTRANCE = "__main__"  # stands before the house: `python -m tensorbundle`
FLOOR_OF = {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}

# Imported where first needed, so that `import tensorbundle` costs what numpy costs.
OPTIONAL_PACKAGES = {
    "brotli",
    "dask",
    "distributed",
    "fsspec",
    "google",
    "h5py",
    "jax",
    "keras",
    "ml_dtypes",
    "obstore",
    "openvino",
    "pandas",
    "rich",
    "safetensors",
    "tensorflow",
    "tomli",
    "torch",
    "zstandard",
}
LAZY_ROOMS = {
    "_convert",
    "_crosscheck",
    "_doctor",
    "_edit",
    "_export",
    "_far",
    "_freeze",
    "_graph",
    "_graphdef",
    "_outputs",
    "_report",
    "_ops",
    "_parallel",
    "_runner",
    "_scan",
    "_write",
    "cli",
    "keras",
    "shim",
    "train",
}
# The stand-in prints what the functions that it stands in for print.
PRINTING_ROOMS = {"_crosscheck", "cli", "shim", ENTRANCE}

BANNED_STEMS = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


# --- sizes and names --------------------------------------------------------------------------


def test_files_longer_than_400_or_300_lines_say_why() -> None:
    lines = {
        str(path.relative_to(PROJECT)): len(path.read_text("utf-8").splitlines())
        for path in (*ALL_PYTHON, *CPP_FILES)
    }
    long = {
        name
        for name, n in lines.items()
        if n > (PYTHON_FILE_LINES if name.endswith(".py") else CPP_FILE_LINES)
    }
    assert long == LONG_FILES.keys()


def test_no_python_function_is_longer_than_60_lines() -> None:
    found = [
        (place(path, function.line), function.name, function.lines)
        for path in ALL_PYTHON
        for function in python_functions(path)
        if function.lines > FUNCTION_LINES
    ]
    assert found == []


def test_no_cpp_function_is_longer_than_60_lines() -> None:
    found = [
        (place(path, function.line), function.name, function.lines)
        for path in CPP_FILES
        for function in cpp_functions(path.read_text("utf-8"))
        if function.lines > FUNCTION_LINES
    ]
    assert found == []


def test_cpp_functions_are_found_with_their_length() -> None:
    text = """
namespace a {  // not a function {
class B final : public C {
 public:
  B(int x) : x_(x) {}
  bool operator==(const B& other) const { return x_ == other.x_; }
};
constexpr int kTable[] = {
    1, f(2)};
template <class T>
int longer(T x = T(1)) {
  auto inner = [](char c) { return c == '{' ? 1'000 : 2; };
  if (x) {
    return inner("}");
  }
}
}
"""
    assert list(cpp_functions(text)) == [
        Function("B", 5, 1),
        Function("operator==", 6, 1),
        Function("longer", 10, 7),
    ]


def test_every_file_is_named_after_what_it_is() -> None:
    files = [*ALL_PYTHON, *CPP_FILES]
    assert [place(path) for path in files if path.stem.strip("_") in BANNED_STEMS] == []


# --- who imports whom -------------------------------------------------------------------------


def test_every_folder_has_a_floor() -> None:
    homeless = {room_of(module) for module in MODULES} - FLOOR_OF.keys() - {ENTRANCE}
    assert homeless == set(), "give each new folder a place in FLOORS"


def test_imports_point_downward() -> None:
    upward = [
        f"{place(path, each.line)}: {room} imports {room_of(each.target)}"
        for module, path in MODULES.items()
        for each in own_imports(path)
        if (room := room_of(module)) not in (room_of(each.target), ENTRANCE)
        and FLOOR_OF[room_of(each.target)] >= FLOOR_OF[room]
    ]
    assert upward == []


def test_the_map_of_the_house_names_every_room() -> None:
    text = (PROJECT / "ARCHITECTURE.md").read_text("utf-8")
    named = set(re.findall(r"^\| `([\w/.]+?)/?` \|", text, re.MULTILINE))
    named |= set(re.findall(r"^\*\*[\d· ]*`([\w/]+?)/?`", text, re.MULTILINE))
    rooms = set()
    for path in (path for path in MODULES.values() if path.stem != ENTRANCE):
        place = path.relative_to(PACKAGE).with_suffix("")
        door = place.parent if place.name == "__init__" else place
        rooms.add("/".join(door.parts[1:]) or "/".join(door.parts) or "__init__")
    for path in (*CORE.rglob("*.hpp"), *BINDINGS.glob("*.cpp")):
        rooms.add(path.name)
    assert sorted(rooms - named) == []
    assert (
        sorted(
            named
            - rooms
            - {"_core", *(f"cpp/tensorbundle/{p.name}" for p in CORE.iterdir())}
            - {"cpp/bindings", *(p.name for p in CORE.rglob("*.cpp"))}
        )
        == []
    )


def test_no_folder_has_more_than_eleven_rooms() -> None:
    folders = [PACKAGE, *sorted(path for path in PACKAGE.rglob("*") if path.is_dir())]
    rooms = {
        place(folder): len([path for path in folder.glob("*.py") if path.stem[:2] != "__"])
        for folder in folders
    }
    assert {name: n for name, n in rooms.items() if n > ROOMS} == {}


def test_the_door_of_a_folder_is_its_docstring() -> None:
    faces = {
        *("tensorbundle", "tensorbundle.cli", "tensorbundle.keras"),
        *("tensorbundle.shim", "tensorbundle.train"),
    }
    found = [
        place(path)
        for module, path in MODULES.items()
        if path.stem == "__init__" and module not in faces and len(parse(path).body) != 1
    ]
    assert found == []


def test_one_underscore_at_the_door_and_none_inside() -> None:
    found = [
        place(path)
        for path in MODULES.values()
        if path.parent != PACKAGE
        and path.stem.startswith("_")
        and path.stem not in ("__init__", ENTRANCE)
    ]
    assert found == []


def test_no_import_cycles() -> None:
    graph = {
        module: {each.target for each in own_imports(path) if each.target != module}
        for module, path in MODULES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_optional_packages_are_imported_inside_functions() -> None:
    found = [
        f"{place(path, each.line)}: {each.target}"
        for module, path in MODULES.items()
        if room_of(module) not in LAZY_ROOMS
        for each in imports_of(path)
        if each.at_module_level and each.target.split(".")[0] in OPTIONAL_PACKAGES
    ]
    assert found == []


def test_import_of_the_package_loads_no_optional_package_and_no_lazy_room() -> None:
    heavy = OPTIONAL_PACKAGES | {"click"} | {f"tensorbundle.{room}" for room in LAZY_ROOMS}
    code = f"import sys, tensorbundle; print(*sorted(sys.modules.keys() & {heavy!r}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "", "")


# --- state and output -------------------------------------------------------------------------

MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_MAKERS = {"bytearray", "defaultdict", "deque", "dict", "list", "OrderedDict", "set"}


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).split(".")[-1] in MUTABLE_MAKERS
    return isinstance(value, MUTABLE_LITERALS)


def is_constant(target: ast.expr, annotation: str = "") -> bool:
    name = ast.unparse(target)
    return name.isupper() or name.startswith("__") or "Final" in annotation


def test_no_module_level_state() -> None:
    found = []
    for path in MODULES.values():
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Global):
                found.append(f"{place(path, node.lineno)}: global")
        for node in parse(path).body:
            if isinstance(node, ast.AnnAssign):
                targets, note = [node.target], ast.unparse(node.annotation)
            elif isinstance(node, ast.Assign):
                targets, note = node.targets, ""
            else:
                continue
            if is_mutable(node.value) and not all(is_constant(each, note) for each in targets):
                found.append(f"{place(path, node.lineno)}: {ast.unparse(targets[0])}")
    assert found == []


def test_the_library_never_prints() -> None:
    found = [
        f"{place(path, node.lineno)}: {ast.unparse(node)[:40]}"
        for module, path in MODULES.items()
        if room_of(module) not in PRINTING_ROOMS
        for node in ast.walk(parse(path))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) == "print")
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout", "sys.stderr"})
    ]
    assert found == []


# --- the border between C++ and Python --------------------------------------------------------


def test_the_core_includes_only_itself_and_the_system() -> None:
    foreign = re.compile(r"python|pybind11|numpy", re.IGNORECASE)
    allowed_folders = ("tensorbundle/", "asm/", "linux/", "sys/")
    found = [
        f"{place(path)}: {header}"
        for path in sorted(CORE.rglob("*.?pp"))
        for header in included(path)
        if foreign.search(header) or ("/" in header and not header.startswith(allowed_folders))
    ]
    assert found == []


def test_one_bindings_file_uses_the_c_api_of_numpy() -> None:
    users = [
        path.name
        for path in BINDINGS.iterdir()
        if any(header.startswith(("numpy/", "pybind11/numpy")) for header in included(path))
    ]
    assert users in ([], ["arrays.cpp"])


def stub_names(body: list[ast.stmt]) -> set[str]:
    names = {
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    names |= {
        ast.unparse(node.target)
        for node in body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) != "TypeAlias"
    }
    names |= {ast.unparse(t) for node in body if isinstance(node, ast.Assign) for t in node.targets}
    return public(names)


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_the_stub_names_what_the_built_module_has() -> None:
    from tensorbundle import _core

    stub = ast.parse((PACKAGE / "_core.pyi").read_text("utf-8"))
    assert stub_names(stub.body) == public(dir(_core))
    for node in stub.body:
        if isinstance(node, ast.ClassDef) and not issubclass(getattr(_core, node.name), Exception):
            members = public(vars(getattr(_core, node.name)))
            assert (node.name, stub_names(node.body)) == (node.name, members)
