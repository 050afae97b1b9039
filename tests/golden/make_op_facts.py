"""Writes `op_facts.json` of the package: what the graph rooms must know of TensorFlow's operations.

Run with any Python that has TensorFlow; prints to stdout, or writes the file named as argument:

    python -m tests.golden.make_op_facts src/tensorbundle/_ops/op_facts.json

One line an operation, sorted by name, so that the next TensorFlow shows as a readable difference.
What an operation lacks is left out:

- "outputs": in the words of TensorFlow's own registration: "indices: int64", "output: N * T",
  "components: list(output_types)", "ref: Ref(T)". A word that names no type names an attribute.
- "stateful": true.
- "defaults": attributes that have one, each the hexadecimal bytes of its AttrValue message.
"""

import json
import sys
from pathlib import Path


def main() -> None:
    text = dump()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, "utf-8", newline="\n")
    else:
        sys.stdout.write(text)


def dump() -> str:
    import tensorflow as tf
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    ops = op_def_pb2.OpList()
    ops.ParseFromString(bytes(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())))
    lines = [
        f"{json.dumps(op.name)}:{json.dumps(facts(tf, op), separators=(',', ':'))}"
        for op in sorted(ops.op, key=lambda op: op.name)
        if not op.name.startswith("__")  # what Python programs registered for themselves
    ]
    body = ",\n".join(lines)
    return f'{{"tensorflow":{json.dumps(tf.__version__)},"ops":{{\n{body}\n}}}}\n'


def facts(tf, op) -> dict:
    found = {}
    if op.output_arg:
        found["outputs"] = [output(tf, op, arg) for arg in op.output_arg]
    if op.is_stateful:
        found["stateful"] = True
    defaults = {
        attr.name: attr.default_value.SerializeToString(deterministic=True).hex()
        for attr in sorted(op.attr, key=lambda attr: attr.name)
        if attr.HasField("default_value")
    }
    if defaults:
        found["defaults"] = defaults
    return found


def output(tf, op, arg) -> str:
    if arg.type_list_attr:
        return f"{arg.name}: list({arg.type_list_attr})"
    kind = arg.type_attr or tf.as_dtype(arg.type).name
    # A reader tells attributes from types by their names.
    assert bool(arg.type_attr) != is_type(tf, kind), (op.name, kind)
    if arg.is_ref:
        kind = f"Ref({kind})"
    return f"{arg.name}: {arg.number_attr} * {kind}" if arg.number_attr else f"{arg.name}: {kind}"


def is_type(tf, word: str) -> bool:
    try:
        tf.as_dtype(word)
    except TypeError:
        return False
    return True


if __name__ == "__main__":
    main()
