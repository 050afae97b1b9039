"""Object graphs that no program writes: each edit of one ends in a graph or in a typed error."""

import contextlib
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import tensorbundle as tb
from tensorbundle._objects.edit import move, without
from tensorbundle._objects.join import join
from tensorbundle._objects.message import Attribute, Slot, TrackedObject
from tensorbundle._objects.optimizers import kept_below, optimizers, origin, shadow_keys
from tensorbundle.errors import TensorBundleError

NAMES = ["a", "b", "x/y", "a.b", "", "0", "_variables", "_iterations", "_trainable_variables"]
NAMES += ["inner_optimizer", "iter", "decay"]
KEYS = ["k", "a/.ATTRIBUTES/VARIABLE_VALUE", "b/a/.ATTRIBUTES/VARIABLE_VALUE"]


@st.composite
def graphs(draw: Callable[[Any], Any]) -> tb.ObjectGraph:
    count = draw(st.integers(1, 8))
    number = st.integers(0, count - 1)
    node = st.builds(
        TrackedObject,
        children=st.lists(st.tuples(st.sampled_from(NAMES), number), max_size=4).map(tuple),
        attributes=st.lists(
            st.builds(
                Attribute,
                st.sampled_from(["VARIABLE_VALUE", "py_state"]),
                st.just(""),
                st.sampled_from(KEYS),
            ),
            max_size=2,
        ).map(tuple),
        slots=st.lists(st.builds(Slot, number, st.just("m"), number), max_size=2).map(tuple),
        has_values=st.sampled_from([None, True, False]),
    )
    return tb.ObjectGraph(draw(st.lists(node, min_size=count, max_size=count)))


@settings(max_examples=500)
@given(graphs(), graphs(), st.data())
def test_every_edit_ends_in_a_graph_or_in_an_error_of_ours(
    graph: tb.ObjectGraph, other: tb.ObjectGraph, data: st.DataObject
) -> None:
    found = optimizers(graph)
    kept = kept_below(graph, found)
    assert origin(graph) in ("keras2", "keras3", "tf.Module")
    shadow_keys(graph)
    paths = [each.path for each in graph.variables if each.path]
    new = data.draw(st.sampled_from(["z", "a", "a/b", "x/q"]))
    for edit in (
        lambda: without(graph, found - kept.keys(), kept)[0],
        lambda: without(graph, {data.draw(st.integers(0, len(graph.nodes) - 1))})[0],
        lambda: move(graph, {path: f"n/{path}" for path in paths})[0],
        lambda: move(graph, dict.fromkeys(paths[:1], new))[0],
        lambda: join(graph, other),
    ):
        with contextlib.suppress(TensorBundleError):
            result = edit()
            assert tb.ObjectGraph.decode(result.encode()) == result
