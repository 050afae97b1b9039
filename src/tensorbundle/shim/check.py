"""Checking programs before they run: what of TensorFlow they use that the stand-in lacks."""

from __future__ import annotations

import ast
import os
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..errors import FormatError
from .missing import purpose_of
from .surface import COMPARED, ROOT, surface

# Packages that are made of TensorFlow.
_DEPENDENT: Final = ("tensorflow_", "tf_slim", "tf_keras", "tensor2tensor", "tf2onnx", "tf_agents")


@dataclass(frozen=True, slots=True)
class Use:
    """Use of a part of TensorFlow in a program.

    Attributes:
        path: The file of the program.
        line: The line.
        name: The part, as ``tensorflow.train.load_variable``.
        there: Whether the stand-in has it.
        why: Why it has it not; empty when it has.
    """

    path: str
    line: int
    name: str
    there: bool
    why: str = ""


def check_script(path: str | os.PathLike[str], *, follow: bool = True) -> tuple[Use, ...]:
    r"""Read a program and tell what of TensorFlow it uses; nothing of it is run.

    Names that a program puts together when it runs are not seen.

    Args:
        path: Its file.
        follow: Whether to read modules as well that it imports from its own folder.

    Returns:
        Uses in the order of files and lines.

    Raises:
        FormatError: It is no Python 3.
        OSError: It cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> from tensorbundle import shim
        >>> script = pathlib.Path(tempfile.mkdtemp(), "convert.py")
        >>> _ = script.write_text("import tensorflow as tf\nx = tf.placeholder(tf.float32)\n")
        >>> [(use.line, use.name, use.there) for use in shim.check_script(script)][1:]
        [(2, 'tensorflow.float32', True), (2, 'tensorflow.placeholder', False)]
    """
    first = os.fspath(path)
    folder = os.path.dirname(os.path.abspath(first))
    found: list[Use] = []
    waiting, seen = [first], set[str]()
    while waiting:
        each = waiting.pop(0)
        if (real := os.path.realpath(each)) in seen:
            continue
        seen.add(real)
        program = _Program(each, _parsed(each))
        found += program.uses()
        if follow:
            waiting += program.neighbours(folder)
    return tuple(found)


def is_there(name: str) -> bool:
    """Tell whether the stand-in has a part.

    Example:
        >>> is_there("tensorflow.train.load_variable"), is_there("tensorflow.layers.dense")
        (True, False)
    """
    return _place(name) is not None


def _place(name: str) -> str | None:
    """The place of a part on the surface, if it is there."""
    place: str | None = f"module:{ROOT}"
    for part in name.split(".")[1:]:
        if place is None or not place.startswith("module:"):
            break
        place = surface()[place.removeprefix("module:")].get(part)
    return place


def _parsed(path: str) -> ast.Module:
    try:
        with tokenize.open(path) as file:
            return ast.parse(file.read(), path)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise FormatError(
            f"not Python 3{f', line {line}' if line else ''}: {error}; "
            "programs of Python 2 are translated by 2to3",
            path=path,
        ) from None


class _Program:
    """One file: which names stand for parts of TensorFlow, and where they are used."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self._path = path
        self._tree = tree
        self._aliases: dict[str, set[str]] = defaultdict(set)
        self._imports: list[tuple[int, str]] = []
        for node in ast.walk(tree):
            self._learn(node)
        # What is assigned may be made of what is assigned elsewhere.
        for _ in range(3):
            for node in ast.walk(tree):
                self._learn_assigned(node)

    def _learn(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] == ROOT:
                    self._aliases[each.asname or ROOT].add(each.name if each.asname else ROOT)
                    self._imports.append((node.lineno, each.name))
                elif each.name.startswith(_DEPENDENT):
                    self._imports.append((node.lineno, each.name))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] == ROOT:
                for each in node.names:
                    name = f"{node.module}.{each.name}" if each.name != "*" else node.module
                    self._aliases[each.asname or each.name].add(name)
                    self._imports.append((node.lineno, name))
            elif node.module.startswith(_DEPENDENT):
                self._imports.append((node.lineno, node.module))

    def _learn_assigned(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            for name in self._meant(node.value):
                if _is_module(name):
                    self._aliases[node.targets[0].id].add(name)

    def _meant(self, node: ast.AST) -> list[str]:
        """Parts of TensorFlow that an expression stands for: several where imports differ."""
        rest: list[str] = []
        while isinstance(node, ast.Attribute):
            rest.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return []
        return [".".join([name, *rest]) for name in sorted(self._aliases.get(node.id, ()))]

    def uses(self) -> list[Use]:
        """Uses in this file, each part once a line."""
        inner = {id(node.value) for node in ast.walk(self._tree) if isinstance(node, ast.Attribute)}
        found = {self._use(line, [name]) for line, name in self._imports}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and (names := self._compared(node.func)):
                found.add(self._use(node.lineno, names, made=True))
            elif _is_read(node) and id(node) not in inner and (names := self._meant(node)):
                found.add(self._use(getattr(node, "lineno", 0), names))
        doubted = {(use.line, use.name) for use in found if not use.there}
        kept = [use for use in found if not (use.there and (use.line, use.name) in doubted)]
        return sorted(kept, key=lambda use: (use.line, use.name))

    def _compared(self, node: ast.AST) -> list[str]:
        """Classes that are there only to be compared with, of which something is to be made."""
        return [name for name in self._meant(node) if name.rpartition(".")[2] in COMPARED]

    def _use(self, line: int, names: list[str], made: bool = False) -> Use:
        name = next((each for each in names if is_there(each)), names[0])
        if name.partition(".")[0] != ROOT:
            return Use(self._path, line, name, False, "it is made of TensorFlow, and needs it")
        beyond = any(part in COMPARED for part in name.split(".")[1:-1])
        if is_there(name) and not made and not beyond:
            return Use(self._path, line, name, True)
        return Use(self._path, line, name, False, purpose_of(name.partition(".")[2]))

    def neighbours(self, folder: str) -> Iterator[str]:
        """Files of modules that this one imports from the program's own folder."""
        here = os.path.dirname(os.path.abspath(self._path))
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Import):
                asked = [(folder, each.name) for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = folder
                if node.level:
                    base = os.path.normpath(os.path.join(here, *[os.pardir] * (node.level - 1)))
                module = node.module or ""
                asked = [(base, module)] if module else []
                asked += [(base, f"{module}.{each.name}".lstrip(".")) for each in node.names]
            else:
                continue
            for base, name in asked:
                stem = os.path.join(base, *name.split("."))
                for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):
                    if os.path.isfile(path):
                        yield os.path.relpath(path) if not os.path.isabs(self._path) else path


def _is_read(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Load)


def _is_module(name: str) -> bool:
    """Whether a part is a module of the stand-in, or one that it has not."""
    return (_place(name) or "module:").startswith("module:")
