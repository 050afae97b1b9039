"""One program taken through the stages of freezing, with values that a session had."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tensorbundle._format.wire import bytes_field
from tensorbundle._freeze.stages.inline import Inlined, inline_calls
from tensorbundle._freeze.stages.needed import check_graph, clean, prune
from tensorbundle._freeze.stages.tables import Tables, keep_tables
from tensorbundle._freeze.variables.constants import Constant, ConstantGraph, freeze_variables
from tensorbundle._graph.files import read_graph_file
from tensorbundle._graphdef.attributes import tensor_attr
from tensorbundle._graphdef.functions import Function
from tensorbundle._graphdef.meta_graph import MetaGraph
from tensorbundle._graphdef.nodes import Nodes, join_input, parse_input
from tensorbundle._graphdef.tensors import encode_tensor
from tensorbundle._ops.edges import main_source
from tests.freeze.programs.arrays import exact, read_arrays
from tests.oracle.client import in_tensorflow

WORKER = "tests.freeze.stages.worker"
VARIABLES = ("VarHandleOp", "Variable", "VariableV2")


def by_hand(*nodes: Any) -> Nodes:
    return {node.name: node for node in nodes}


@dataclass
class Frozen:
    """What came of one program."""

    nodes: Nodes
    functions: Mapping[str, Function]
    tensors: dict[str, str]
    graph: ConstantGraph
    inlined: Inlined
    tables: Tables

    def ops(self) -> set[str]:
        return {node.op for node in self.nodes.values()}


@dataclass
class Program:
    """A program that TensorFlow built."""

    folder: Path
    told: str = ""
    meta: MetaGraph = field(init=False)

    def __post_init__(self) -> None:
        error = self.folder / "error.txt"
        assert not error.exists(), error.read_text()
        self.directory = str(self.folder / "model") if (self.folder / "model").exists() else None
        path = self.directory or str(self.folder / "graph.meta")
        (self.meta,) = read_graph_file(path).meta_graphs

    @property
    def outputs(self) -> dict[str, str]:
        outputs: dict[str, str] = json.loads((self.folder / "outputs.json").read_text())
        return outputs

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        return read_arrays(self.folder / f"{name}.npz")

    def constants(self, keep: Callable[[str], bool] = lambda name: True) -> dict[str, Constant]:
        found = {}
        for name, node in self.meta.nodes.items():
            if node.op in VARIABLES and keep(name):
                shape = node.attr("shape")
                found[name] = Constant(int(node.attr("dtype")), shape.dims if shape else None)
        return found

    def freeze(
        self,
        mode: str = "inline",
        *,
        keep: Callable[[str], bool] = lambda name: True,
        contents: Mapping[str, tuple[str, str]] | None = None,
        outputs: Mapping[str, str] | None = None,
    ) -> Frozen:
        meta, wanted = self.meta, self.outputs if outputs is None else outputs
        roots = [main_source(each) for each in wanted.values()]
        inlined = Inlined(meta.nodes, {})
        if mode == "inline":
            inlined = inline_calls(meta.nodes, meta.functions, roots, meta.op_defs)
        tensors = {key: inlined.tensor(name) for key, name in wanted.items()}
        roots = [parse_input(each).name for each in tensors.values()]
        tables = keep_tables(
            inlined.nodes,
            meta.functions,
            meta,
            roots,
            contents=contents or {},
            directory=self.directory,
        )
        roots += [tables.init] if tables.init else []
        constants = {**self.constants(keep), **tables.constants}
        graph = freeze_variables(tables.nodes, meta.functions, constants, roots, meta.op_defs)
        pruned = prune(graph.nodes, graph.functions, roots)
        pruned = clean(*pruned)
        check_graph(*pruned, meta.op_defs)
        tensors = {key: join_input(*parse_input(each)) for key, each in tensors.items()}
        return Frozen(*pruned, tensors, graph, inlined, tables)

    def freeze_and_write(self, mode: str, **options: Any) -> None:
        self.write(self.freeze(mode, **options), mode, self.arrays("values"))

    def write(self, frozen: Frozen, name: str, values: Mapping[str, Any]) -> None:
        """Write a frozen graph with the values that it lacks, for the worker to run."""
        nodes = {}
        for key, node in frozen.nodes.items():
            if node.op == "Const" and "value" not in node.attrs:
                value = values[frozen.tables.streamed.get(key, key)]
                message = encode_tensor(value, int(node.attr("dtype")))
                node = node.replace(attrs={**node.attrs, "value": tensor_attr(message)})
            nodes[key] = node
        functions = (bytes_field(1, each.encode()) for each in frozen.functions.values())
        graph = b"".join(bytes_field(1, node.encode()) for node in nodes.values())
        graph += bytes_field(2, b"".join(functions))
        graph += bytes_field(4, self.meta.versions.raw)
        order = {
            "tensors": {
                key: each if ":" in each else f"{each}:0" for key, each in frozen.tensors.items()
            },
            "init": frozen.tables.init,
        }
        (self.folder / f"{name}.pb").write_bytes(graph)
        (self.folder / f"{name}.json").write_text(json.dumps(order))

    def ran(self, name: str) -> None:
        """Assert that what was written computes what the program did, bit for bit."""
        error = self.folder / f"{name}.error"
        assert not error.exists(), error.read_text()[-3000:]
        found, expected = self.arrays(name), self.arrays("expected")
        assert {key: exact(each) for key, each in found.items()} == {
            key: exact(each) for key, each in expected.items()
        }


class Programs(dict[str, Program]):
    """The programs of a group, by name."""

    @classmethod
    def build(cls, group: str, folder: Path) -> "Programs":
        in_tensorflow(WORKER, "build", group, folder)
        return cls({path.name: Program(path) for path in sorted(folder.iterdir())})
