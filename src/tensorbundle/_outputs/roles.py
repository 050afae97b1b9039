"""Roles of a training graph's parts: variables, their reads, layers, sources, labels.

A source is data if something it reaches uses a trained variable directly; otherwise it is a label,
which meets the network only in the loss (freeze.md §4.2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .._format.dtypes import BOOL, HANDLES
from .._graphdef.meta_graph import MetaGraph
from .._graphdef.nodes import parse_input
from .._graphdef.roles import ACTIVATIONS, PLACEHOLDERS, VARIABLES
from . import words
from .topology import Topology, dtype_of, shape_of, variable_shape_of

_GROUPS = 8  # optimizers told apart; more of them are one
_RATE_STEPS = 4  # between a rate and the random numbers that it is compared with
_FILLING = 64  # nodes between a placeholder and the queue that it fills


@dataclass(frozen=True, slots=True)
class Source:
    """One output of a node that brings values in.

    Attributes:
        place: The node.
        port: Which of its outputs.
        takers: The nodes that take it.
        role: ``data``, ``label``, ``switch``, ``unused``, or ``fills``: a queue or a dataset.
    """

    place: int
    port: int
    takers: tuple[int, ...]
    role: str


class Roles:
    """The parts of a graph, as marks by node.

    Attributes:
        excluded: Training, saving, summaries: never a result, and nothing is followed through it.
        side: Scopes of losses and metrics, but for what is a network there all the same.
        trainables: The variables that count, in stored order.
        groups: The same, by the optimizer that trains them; one group when nothing does.
        reads: Variables that count, and the chain of nodes that only hands their value on.
        weights: The same, and what is computed from nothing else: quantized, folded, normalised.
        layers: Nodes that use the value of a trained variable together with data.
        sources: What the graph is fed.
        label_cone, data_cone, read_cone: What depends on labels, on data, on variables.
    """

    def __init__(self, meta: MetaGraph, graph: Topology, lacking: Collection[int] = ()) -> None:
        """Find them; variables that a checkpoint lacks do not count."""
        self.graph = graph
        self.lacking = frozenset(lacking)
        self.in_side_scope = bytearray(len(graph))
        self.excluded = bytearray(len(graph))
        self._mark_scopes()
        self._mark_saver(meta)
        self.barred = self._barred()
        self.variables = [i for i, op in enumerate(graph.ops) if op in VARIABLES]
        self.trainables = self._trainables(meta)
        self.groups = self._groups()
        self._trained = sorted({place for group in self.groups for place in group})
        self.reads = self._reads(self._trained)
        self.all_reads = self._reads(self._model_variables())
        self.weights = self._weights()
        self._origins: dict[int, frozenset[int]] = {}
        self.users = self._users()
        self.sources = tuple(self._sources())
        self._mark_cones()
        self.side = self._side()

    def _mark_scopes(self) -> None:
        verdicts: dict[str, tuple[bool, bool]] = {"": (False, False)}
        written = {op: words.writes(op) for op in set(self.graph.ops)}
        for place, (name, op) in enumerate(zip(self.graph.names, self.graph.ops, strict=True)):
            scope = name.rpartition("/")[0]
            verdict = verdicts.get(scope)
            if verdict is None:
                parts = [part[-words.LONG :] for part in scope.split("/")]
                verdict = verdicts[scope] = (
                    any(words.TRAINING.match(part) for part in parts),
                    any(words.SIDE.match(part) for part in parts),
                )
            self.excluded[place] = verdict[0]
            self.in_side_scope[place] = verdict[1]
            if written[op]:
                self.excluded[place] = 1

    def _mark_saver(self, meta: MetaGraph) -> None:
        """What saves and restores, where no scope and no operation tells it (TensorFlow 2)."""
        for saver in meta.savers:
            for name in (saver.filename_tensor, saver.save_tensor, saver.restore_op):
                place = self.graph.index.get(parse_input(name).name)
                if place is None:
                    continue
                self.excluded[place] = 1
                for each in self.graph.consumers[place]:
                    self.excluded[each] = 1

    def _barred(self) -> bytearray:
        """Where no cone goes: what is excluded, and what only tells sizes."""
        barred = bytearray(self.excluded)
        for place, op in enumerate(self.graph.ops):
            if op in words.SHAPES:
                barred[place] = 1
        return barred

    def _trainables(self, meta: MetaGraph) -> list[int]:
        find = self.graph.index.get
        named = {
            place
            for each in meta.variable_defs
            if "trainable_variables" in each.collections
            and (place := find(each.variable_name.partition(":")[0])) is not None
        }
        if named - self.lacking:
            return sorted(named - self.lacking)
        return self._model_variables()

    def _model_variables(self) -> list[int]:
        names = self.graph.names
        return [i for i in self.variables if not words.SLOTS.search(names[i][-words.LONG :])]

    def _groups(self) -> list[frozenset[int]]:
        """The trainables that some optimizer changes, by optimizer."""
        graph = self.graph
        wanted = set(self.trainables) - self.lacking or set(self._model_variables()) - self.lacking
        trained: dict[str, set[int]] = {}
        applies = {op for op in set(graph.ops) if words.APPLIES.match(op)}
        for place, op in enumerate(graph.ops):
            if op in applies and graph.inputs[place]:
                variable = self.variable_of(graph.inputs[place][0])
                if variable in wanted:
                    key = graph.names[place].partition("/update_")[0]
                    trained.setdefault(key, set()).add(variable)
        groups = list(dict.fromkeys(frozenset(group) for group in trained.values()))
        if not groups:
            return [frozenset(wanted)] if wanted else []
        if len(groups) > _GROUPS:
            return [frozenset().union(*groups)]
        return groups

    def variable_of(self, place: int) -> int:
        """The variable behind a handle that went through a chain of reads."""
        graph = self.graph
        for _ in range(8):
            if graph.ops[place] not in words.READ_CHAIN or not graph.inputs[place]:
                break
            place = graph.inputs[place][0]
        return place

    def _reads(self, variables: Sequence[int]) -> bytearray:
        graph = self.graph
        reads = bytearray(len(graph))
        stack = list(variables)
        for place in stack:
            reads[place] = 1
        while stack:
            for consumer in graph.consumers[stack.pop()]:
                if reads[consumer] or self.excluded[consumer]:
                    continue
                if graph.ops[consumer] in words.READ_CHAIN and reads[graph.inputs[consumer][0]]:
                    reads[consumer] = 1
                    stack.append(consumer)
        return reads

    def variables_of(self, place: int) -> frozenset[int]:
        """The trained variables that a node uses directly."""
        sources = [each for each in self.graph.inputs[place] if self.weights[each]]
        return frozenset().union(*map(self.origins, sources))

    def chains_of(self, variables: Iterable[int]) -> bytearray:
        """Variables of any kind, and the chains of nodes that only hand on their values."""
        return self._reads(sorted(variables))

    def origins(self, place: int) -> frozenset[int]:
        """The trained variables that a weight is computed from."""
        found = self._origins.get(place)
        if found is None:
            behind = self.graph.backward([place], self._no_weights)
            found = frozenset(each for each in self._trained if behind[each])
            self._origins[place] = found
        return found

    def reads_of(self, group: frozenset[int]) -> bytearray:
        """The variables of a group, and what is computed from them alone."""
        return self.graph.forward(sorted(group), self._no_weights)

    def _weights(self) -> bytearray:
        """What has the values of variables in it and nothing that is fed."""
        graph = self.graph
        feeds = {op for op in set(graph.ops) if words.FEEDS.search(op)}
        feeds |= PLACEHOLDERS
        weights = bytearray(self.reads)
        self._no_weights = bytearray(not marked for marked in weights)
        fed = [i for i, op in enumerate(graph.ops) if op in feeds and not self.barred[i]]
        if not fed:
            return weights  # its data are constants, and cannot be told from a layer's
        fed += [i for i, op in enumerate(graph.ops) if op in words.NOISE]
        changing = graph.forward(fed, self.barred)
        stack = [place for place, isread in enumerate(weights) if isread]
        while stack:
            for each in graph.consumers[stack.pop()]:
                if weights[each] or changing[each] or self.barred[each]:
                    continue
                if graph.ops[each] in words.LINEAR and not all(
                    map(weights.__getitem__, graph.inputs[each])
                ):
                    continue  # constants may be data
                weights[each] = 1
                stack.append(each)
        self._no_weights = bytearray(not marked for marked in weights)
        return weights

    def _users(self) -> bytearray:
        """Nodes that use the value of a variable: before it is known whether they see data."""
        graph = self.graph
        users = bytearray(len(graph))
        for place, isweight in enumerate(self.weights):
            if isweight:
                for consumer in graph.consumers[place]:
                    if self.weights[consumer] or self.barred[consumer]:
                        continue
                    # Of weights that were computed a sum may be a penalty; a product is a layer.
                    # So is noise that is fed, and made as large as the weights say.
                    scaled = graph.ops[consumer] == "Mul" and any(
                        graph.ops[each] in PLACEHOLDERS and shape_of(graph, each)
                        for each in graph.inputs[consumer]
                    )
                    if self.reads[place] or scaled or graph.ops[consumer] in words.LINEAR:
                        users[consumer] = graph.ops[consumer] != "L2Loss"
        # Labels look up in the scores of a tag after a tag, too: a layer is of other variables.
        used = [place for place, marked in enumerate(users) if marked]
        chains = frozenset().union(
            *(self.variables_of(place) for place in used if self._adds_transitions(place))
        )
        for place in used if chains else ():
            if self.variables_of(place) <= chains:
                users[place] = 0
        return users

    def _sources(self) -> Iterator[Source]:
        graph = self.graph
        starts = [place for place, used in enumerate(self.users) if used]
        reaching = graph.backward(starts, self.barred)
        self.noise = [i for i, op in enumerate(graph.ops) if op in words.NOISE and reaching[i]]
        feeds = {op for op in set(graph.ops) if words.FEEDS.search(op)}
        for place, op in enumerate(graph.ops):
            if self.excluded[place]:
                continue
            if op in PLACEHOLDERS:
                takers = dict.fromkeys(graph.consumers[place])
                yield self._source(place, 0, tuple(takers), reaching)
            elif op in feeds:
                for port, found in graph.used_ports(place).items():
                    if dtype_of(graph, place, port) not in HANDLES:
                        yield self._source(place, port, tuple(found), reaching)

    def _source(
        self, place: int, port: int, takers: tuple[int, ...], reaching: bytearray
    ) -> Source:
        graph = self.graph
        node = graph.nodes[place]
        shape = shape_of(graph, place, port)
        named = (shape is None or len(shape) < 2) and words.SWITCH_NAMES.search(
            words.last_part(node.name)
        )
        if dtype_of(graph, place, port) == BOOL or named or self._is_rate(place):
            role = "switch"
        elif any(reaching[taker] for taker in takers) or not self.variables:
            role = "data"
        elif self._fills(takers):
            role = "fills"
        elif all(self.excluded[taker] for taker in takers):
            role = "unused"
        else:
            role = "label"
        return Source(place, port, takers, role)

    def _is_rate(self, place: int) -> bool:
        """Whether a number meets chance: what dropout keeps, how much is explored, or disturbed."""
        graph = self.graph
        if shape_of(graph, place) not in ((), None, (1,)):
            return False
        level = [place]
        for _ in range(_RATE_STEPS):
            users = [each for start in level for each in graph.consumers[start]]
            for each in users:
                others = [other for other in graph.inputs[each] if other not in level]
                if graph.ops[each] in words.COMPARED and any(map(self._is_chance, others)):
                    return True
                if graph.ops[each] == "Mul" and any(map(self._is_noise, others)):
                    return True
            level = [each for each in users if graph.ops[each] in words.RATES][:16]
        return False

    def _is_noise(self, place: int) -> bool:
        """Whether a node is random numbers, moved and scaled by constants alone."""
        graph = self.graph
        for _ in range(_RATE_STEPS):
            if graph.ops[place] in words.NOISE:
                return True
            sources = [each for each in graph.inputs[place] if graph.ops[each] != "Const"]
            if graph.ops[place] not in words.SCALES or len(sources) != 1:
                return False
            place = sources[0]
        return False

    def _is_chance(self, place: int) -> bool:
        graph, level = self.graph, [place]
        for _ in range(_RATE_STEPS):
            if any(graph.ops[each] == "RandomUniform" for each in level):
                return True
            level = [
                source
                for each in level
                if graph.ops[each] in words.SCALES
                for source in graph.inputs[each]
            ][:16]
        return False

    def _fills(self, takers: tuple[int, ...]) -> bool:
        """Whether values go into a queue or a dataset, of which others take them."""
        seen, stack = set(takers), list(takers)
        while stack and len(seen) < _FILLING:
            place = stack.pop()
            if words.FILLS.search(self.graph.ops[place]):
                return True
            new = [each for each in self.graph.consumers[place] if each not in seen]
            seen.update(new)
            stack += new
        return False

    def _mark_cones(self) -> None:
        graph = self.graph
        closed = bytearray(self.barred)
        for source in self.sources:
            closed[source.place] = 1  # values begin here: each output on its own

        def starts(role: str) -> list[int]:
            return [taker for each in self.sources if each.role == role for taker in each.takers]

        self.closed = closed
        samplers = [i for i, op in enumerate(graph.ops) if words.SAMPLERS.search(op)]
        self.label_cone = graph.forward([*starts("label"), *samplers], closed)
        self.data_cone = graph.forward([*starts("data"), *self.noise], closed)
        if not any(source.role == "data" for source in self.sources):
            self.data_cone = graph.forward(starts("switch"), closed)
        self.read_cone = graph.forward(
            [place for place, isread in enumerate(self.all_reads) if isread], closed
        )
        self.has_data = any(self.data_cone)
        self.layers = bytearray(len(graph))
        for place, used in enumerate(self.users):
            if used and not self.label_cone[place]:
                data = self.data_cone[place] or not self.has_data
                self.layers[place] = data

    def _adds_transitions(self, place: int) -> bool:
        """Whether a node adds the scores of a tag after a tag: a chain's loss, not a layer."""
        graph = self.graph
        if graph.ops[place] not in ("Add", "AddV2"):
            return False
        shapes = (variable_shape_of(graph, each) for each in self.variables_of(place))
        return any(shape and len(shape) == 2 and shape[0] == shape[1] > 1 for shape in shapes)

    def _side(self) -> bytearray:
        """Nodes in scopes of losses, but for layers there and what only shapes their result."""
        graph = self.graph
        side = bytearray(self.in_side_scope)
        shaping = words.POST | ACTIVATIONS | {"BiasAdd", "Add", "AddV2"}
        stack = [
            place
            for place, marked in enumerate(side)
            if marked and self.layers[place] and graph.ops[place] in words.PRODUCTS
        ]  # what only adds a variable, as the transitions of a chain of tags, is the loss
        for place in stack:
            side[place] = 0
        # What leads to such a layer inside the scope is the network as well.
        stack += [
            place
            for place, leads in enumerate(graph.backward(stack, self.closed))
            if leads and side[place]
        ]
        while stack:
            place = stack.pop()
            side[place] = 0
            for consumer in graph.consumers[place]:
                if side[consumer] and graph.ops[consumer] in shaping:
                    side[consumer] = 0
                    stack.append(consumer)
        return side
