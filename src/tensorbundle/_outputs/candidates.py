"""Candidates for results: sinks of the network, last layers, and what is near or named so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import words
from .roles import Roles
from .topology import dtype_of, inside_loops, shape_of

_BACK = 4  # steps from a sink through what only shapes a result
_ONWARD = 6  # steps from a last layer to the form in which it is wanted
_WALK = 4000  # nodes of a loss that are looked at
_MOST = 512  # candidates of one kind: the last of them, and those with a name
_HELPERS = 3  # arrangements between a result and a loss
_LENGTHS = frozenset(
    ("Rsqrt", "Sqrt", "Maximum", "Reshape", "ExpandDims", "Squeeze", "Add", "AddV2")
)
_LENGTH_STEPS = 5  # from a length to what is as long
_HELPING = frozenset(("Reshape", "Slice", "StridedSlice", "Cast"))
_LOSS_STEPS = words.LOSS_ARITHMETIC | words.LOSS
_REDUCING = frozenset(("Mean", "Sum", "Sqrt", "Neg", "AddN"))


class Network:
    """The part of a graph that computes results, and where they come out.

    Attributes:
        inside: Nodes that depend on data and on variables, and on no label.
        last_layers: By group of variables, its layers that no other layer of it comes after.
        tails: The last layers, and what is done to them without another layer.
        candidates: The nodes that may be results, in stored order.
        sinks: Those of them that nothing else inside uses.
    """

    def __init__(self, roles: Roles, order: list[int]) -> None:
        self.roles = roles
        self.graph = roles.graph
        self.inside = self._inside()
        self._drop_summaries(order)
        self.last_layers = [self._last_layers(group) for group in roles.groups]
        self.fed_back = self._before_layers()
        self.named = {i for i, kept in enumerate(self.inside) if kept and self._is_named(i)}
        self.in_loops = inside_loops(self.graph)
        self.sinks = self._most(self._sinks())
        self.tails = self._of_layers()
        found = {*self.sinks, *self._beside_sinks(), *self.tails}
        found.update(self._most(sorted(self.named)))
        found.update(self._most(list(self._of_variables())))
        found.update(self._most(list(self._choices())))
        found.update(
            self._most([i for i, kept in enumerate(self.inside) if kept and self.is_unit(i)])
        )
        self.candidates = sorted(
            place for place in found if not self.in_loops[place] and not self._is_helper(place)
        )

    def _inside(self) -> bytearray:
        """Data and variables, no labels; without what the graph has none of."""
        roles = self.roles
        size = len(self.graph)
        full = b"\x01" * size
        data = roles.data_cone if roles.has_data else full
        read = roles.read_cone if roles.variables else full
        for labels, side in (
            (roles.label_cone, roles.side),
            (roles.label_cone, None),
            (None, None),
        ):
            inside = bytearray(size)
            for place in range(size):
                if (
                    data[place]
                    and read[place]
                    and not roles.closed[place]
                    and not roles.all_reads[place]
                    and not (labels and labels[place])
                    and not (side and side[place])
                ):
                    inside[place] = 1
            if any(inside):
                return inside
        reads = roles.reads_of(frozenset(roles.variables))
        return bytearray(
            not roles.closed[place] and not reads[place] and op != "Const"
            for place, op in enumerate(self.graph.ops)
        )

    def _drop_summaries(self, order: Iterable[int]) -> None:
        """Leave out what nobody but a summary asks for."""
        graph = self.graph
        for place in reversed(list(order)):
            if self.inside[place] and graph.ops[place] in words.CHEAP and graph.consumers[place]:
                wanted = any(
                    self.inside[each] or not words.SUMMARY.search(graph.ops[each])
                    for each in graph.consumers[place]
                    if not self._dropped(each)
                )
                if not wanted:
                    self.inside[place] = 2
        for place, mark in enumerate(self.inside):
            if mark == 2:
                self.inside[place] = 0

    def _dropped(self, place: int) -> bool:
        return self.inside[place] == 2

    def _last_layers(self, group: frozenset[int]) -> list[int]:
        graph, roles = self.graph, self.roles
        reads = roles.reads_of(group)
        layers = [
            place
            for place, marked in enumerate(roles.layers)
            if marked
            and self.inside[place]
            and any(reads[source] for source in graph.inputs[place])
        ]
        before = graph.backward({s for place in layers for s in graph.inputs[place]}, roles.closed)
        return [place for place in layers if not before[place]] or layers[-1:]

    def _before_layers(self) -> bytearray:
        """Nodes that some layer inside comes after."""
        graph = self.graph
        layers = [i for i, marked in enumerate(self.roles.layers) if marked and self.inside[i]]
        return graph.backward(
            {s for place in layers for s in graph.inputs[place]}, self.roles.closed
        )

    def _sinks(self) -> list[int]:
        """Nodes that nothing inside uses, but for those that only training uses."""
        graph, excluded = self.graph, self.roles.excluded
        sinks = []
        for place, kept in enumerate(self.inside):
            if not kept:
                continue
            users = graph.consumers[place]
            if any(self.inside[each] and graph.ops[each] not in words.SHAPES for each in users):
                continue
            updates = (
                excluded[each] and not words.SUMMARY.search(graph.ops[each]) for each in users
            )
            if not users or not all(updates):
                sinks.append(place)
        return sinks

    def _most(self, places: list[int]) -> list[int]:
        """As many of them as are looked at: those with a name, and the last."""
        if len(places) <= _MOST:
            return places
        chosen = [place for place in places if place in self.named][-_MOST // 2 :]
        return sorted({*chosen, *places[-_MOST // 2 :]})

    def _is_helper(self, place: int) -> bool:
        """A form that only the loss wants, which nobody gave a name."""
        graph = self.graph
        level = [place]
        for _ in range(_HELPERS):
            users = []
            for each in level:
                name, op = graph.names[each], graph.ops[each]
                if op not in _HELPING or words.is_hand_made(name, op) or self.rounds(each):
                    return False
                users += [user for user in graph.consumers[each] if not self.roles.barred[user]]
            if not users:
                return False
            level = [user for user in users if graph.ops[user] not in words.LOSS]
            if not level:
                return True
        return False

    def rounds(self, place: int) -> bool:
        """Whether numbers become whole ones: as pictures and classes are shown, not compared."""
        source, made = self.graph.nodes[place].attr("SrcT"), dtype_of(self.graph, place)
        return (
            self.graph.ops[place] == "Cast" and source in words.FLOATS and made not in words.FLOATS
        )

    def _choices(self) -> Iterator[int]:
        """The nearest, the most likely: a result, also where only an update takes it."""
        for place, op in enumerate(self.graph.ops):
            if op in words.CHOICES and self.inside[place]:
                yield place

    def _inputs(self, place: int) -> list[int]:
        return [each for each in self.graph.inputs[place] if self.inside[each]]

    def _beside_sinks(self) -> set[int]:
        """What lies a few steps before a sink: the same result in another form."""
        found = self._before_losses([sink for sink in self.sinks if self._is_verdict(sink)])
        level = self.sinks
        for _ in range(_BACK):
            level = [
                source
                for place in level
                if self.graph.ops[place] in words.POST
                for source in self._inputs(place)[:4]
                if source not in found
            ][:_MOST]
            found.update(level)
        return found

    def _is_verdict(self, sink: int) -> bool:
        op = self.graph.ops[sink]
        if op in words.LOSS or op in words.JUDGEMENTS or op == "Log":
            return True
        shape = shape_of(self.graph, sink)
        return op in words.LOSS_ARITHMETIC and (shape == () or (shape is None and op in _REDUCING))

    def _before_losses(self, sinks: list[int]) -> set[int]:
        """Where losses that need no label begin: going back over their arithmetic."""
        graph, layers = self.graph, self.roles.layers
        found: set[int] = set()
        seen = set(sinks)
        stack = sinks[::-1]
        while stack and len(seen) < _WALK:
            place = stack.pop()
            sources = self._inputs(place)
            if "CrossEntropy" in graph.ops[place]:
                sources = sources[:1]  # the second are labels
            for source in sources:
                if source in seen:
                    continue
                seen.add(source)
                arithmetic = graph.ops[source] in _LOSS_STEPS
                passes = (
                    arithmetic
                    and not layers[source]
                    and source not in self.named
                    and not self.is_unit(source)
                )
                if passes:
                    stack.append(source)
                if not passes or graph.ops[source] in words.LAYOUT:
                    found.add(source)
        return found

    def is_unit(self, place: int) -> bool:
        """Whether a node divides something by its own length: what embeddings end with."""
        graph = self.graph
        sources = graph.inputs[place]
        if graph.ops[place] not in ("Mul", "RealDiv", "Div") or len(sources) != 2:
            return False
        for length, divided in (sources, sources[::-1]):
            level = [length] if graph.ops[length] in _LENGTHS and length != divided else []
            for _ in range(_LENGTH_STEPS):
                level = [source for each in level for source in graph.inputs[each][:2]]
                if divided in level and any(graph.ops[each] != "Const" for each in level):
                    return True
        return False

    def _of_layers(self) -> set[int]:
        """The last layers, and what is done to them without another layer."""
        found: set[int] = set()
        for layers in self.last_layers:
            level = list(layers[-64:])
            seen = set(level)
            for _ in range(_ONWARD):
                level = [
                    each
                    for place in level
                    for each in self.graph.consumers[place]
                    if self.inside[each] and each not in seen and self.graph.ops[each] in words.TAIL
                ][:64]
                seen.update(level)
            found |= seen
        return found

    def _of_variables(self) -> Iterator[int]:
        """Results that need no data: the table of normalised embeddings, distances in it."""
        graph, roles = self.graph, self.roles
        if not roles.has_data:
            return
        for place, read in enumerate(roles.read_cone):
            if (
                read
                and not graph.consumers[place]
                and not roles.data_cone[place]
                and not roles.all_reads[place]
                and not roles.label_cone[place]
                and not roles.in_side_scope[place]
                and shape_of(graph, place)
            ):
                yield place
                if graph.inputs[place]:
                    before = graph.inputs[place][-1]
                    if roles.read_cone[before] and not roles.all_reads[before]:
                        yield before

    def _is_named(self, place: int) -> bool:
        name = self.graph.names[place]
        last = words.last_part(name)
        if not words.is_hand_made(name, self.graph.ops[place]):
            return False
        return bool(words.PREDICTION.match(last) or words.OUTPUT.match(last))
