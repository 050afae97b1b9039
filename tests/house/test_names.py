"""Names: a class is called what no other class of the package is called."""

import ast
from collections import defaultdict

from tests.house.source import MODULES, parse

# Two sides of one thing, or of TensorFlow's own naming.
TWICE = {
    "Bundle": "TensorFlow's index with its shards, and Magenta's file that holds one",
    "Cast": "what a user asks for in an edit, an export, and a rule of a conversion",
    "Checkpoint": "TensorFlow's name of what saves objects, in the face that is shaped like it",
    "Constant": "a value that a rule gives, and a variable that is one",
    "Content": "of a constant that is written, and of a tensor in another program's file",
    "Dataset": "of a file of HDF5's, and the name of TensorFlow's class in its stand-in",
    "Field": "of a protobuf message, and of a template of names",
    "Format": "of another program's file that is read, and of the file that a freeze writes",
    "Graph": "what a user opens, and TensorFlow's class in its stand-in",
    "Kind": "which message of graphs: told by bytes, and by text",
    "LoadedModel": "a Keras model of a SavedModel, and a graph in a session",
    "Missing": "what to do about variables without a value, as two floors are asked",
    "Operation": "of a rule for converting, and TensorFlow's class in its stand-in",
    "Oracle": "the two ends of one pipe",
    "Part": "of a file that holds others, and of a value that is written",
    "Plan": "of an edit, and of a run",
    "Program": "a compiled graph, and the command itself",
    "Request": "what an export is asked for, and a freeze",
    "Restored": "a key that a graph reads, and a variable that is written",
    "Saver": "of arrays, and of a session in the stand-in; TensorFlow's name",
    "SaverDef": "TensorFlow's message in a graph, and the same in the face that is shaped like it",
    "Source": "a path or an opened checkpoint, and a node that brings values in",
    "Span": "bytes of a shard that are written, and of another program's file that are read",
    "Step": "a training step in two folders that know nothing of each other",
    "Tensor": "one of two that are compared, and TensorFlow's class in its stand-in",
    "Values": "what a template's fields are, what a page shows, and what a session holds",
    "Variable": "of a graph, and TensorFlow's class in its stand-in",
    "Walk": "backward from restore ops, and forward from moving averages",
}


def test_a_name_of_a_class_or_type_means_one_thing() -> None:
    places = defaultdict(set)
    for module, path in MODULES.items():
        for node in parse(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].add(module)
            elif isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
                places[ast.unparse(node.target)].add(module)
    twice = {
        name: sorted(where)
        for name, where in places.items()
        if len(where) > 1 and not name.startswith("_")
    }
    assert {name: where for name, where in twice.items() if name not in TWICE} == {}
