"""Graphs: read, summarised, frozen."""

import tensorbundle as tb

# Imports are not counted, and ours come when a name is first used.
for _name in tb.__all__:
    getattr(tb, _name)


def freeze_meta(data):
    target = data.scratch / "frozen.pb"

    def run():
        tb.freeze(data.meta, outputs=["out"], path=target, overwrite=True)
        return target

    return run


def freeze_saved_model(data):
    target = data.scratch / "frozen.pb"

    def run():
        tb.freeze(data.prefix, path=target, overwrite=True)
        return target

    return run


def constants(path):
    """What was frozen: the matrices, by their values alone, since names are each freezer's own."""
    arrays = (array for array in tb.open(path).values() if array.nbytes > 1 << 20)
    return dict(enumerate(sorted(arrays, key=lambda array: array[0, :4].tolist())))


def summarise(data):
    def run():
        graph = tb.load_graph(data.meta)
        return {
            "ops": graph.ops,
            "variables": graph.variables,
            "signatures": graph.signatures,
            "collections": graph.collections,
            "functions": len(graph.functions),
        }

    return run


def counted(summary):
    return dict(summary["ops"])


def suggest(data):
    return lambda: [each.name for each in tb.suggest_outputs(data.meta)][:1]
