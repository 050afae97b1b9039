"""Functions made again for arguments that are values where they were handles (freeze.md §2.3).

One function may be given a variable that is frozen here and one that is not there, or variables of
different types: each such set of arguments has a function of its own, made once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Final, NamedTuple

from ..._format.names import as_text
from ..._format.wire import bytes_field, fields, other_fields
from ..._graphdef.attributes import shape_list_attr
from ..._graphdef.functions import Arg, Function, OpDef
from ..._ops.edges import NewNames, Scope
from ...errors import FormatError, UnsupportedError
from .handles import Handle, Specialised, WantedFunction
from .rewrite import Rewritten, renamed_edge, rewrite_scope

# What may come of it: beyond that, a file is a bomb rather than a model.
_FREE_NODES: Final = 20_000
_GROWTH: Final = 20

_CONTROL_OUTPUT: Final = 20  # the field of an OpDef that names its control results

Work = Generator[WantedFunction, Specialised, Rewritten]


class _Task(NamedTuple):
    """A function that is being made, or with no request the main graph."""

    work: Work
    request: WantedFunction | None
    name: str


class Specialiser:
    """Makes functions for arguments that are values.

    Args:
        functions: The functions of the graph.

    Attributes:
        functions: Those that were made, by their new names.
        rewritten: What came of the bodies of these.
    """

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions: dict[str, Function] = {}
        self.rewritten: dict[str, Rewritten] = {}
        self._given = functions
        self._names = NewNames(functions)
        self._made: dict[object, Specialised] = {}
        self._unfinished: set[str] = set()
        self._presumed: set[str] = set()
        self._left = _FREE_NODES + _GROWTH * len(functions)
        self._counted: set[str] = set()

    def run(self, work: Work) -> Rewritten:
        """Finish the rewriting of a graph, making the functions that it asks for.

        Functions within functions wait for each other on a stack of their own: files nest them
        deeper than Python calls may be nested.
        """
        stack = [_Task(work, None, "")]
        answer: Specialised | None = None
        while True:
            task = stack[-1]
            try:
                request = next(task.work) if answer is None else task.work.send(answer)
            except StopIteration as stop:
                stack.pop()
                if task.request is None:
                    result: Rewritten = stop.value
                    return result
                answer = self._finished(task, stop.value)
                continue
            answer = self._made.get(_key(request))
            if answer is None:
                stack.append(self._begun(request))
            elif answer.name in self._unfinished:
                self._presumed.add(answer.name)

    def _begun(self, request: WantedFunction) -> _Task:
        function = self._given.get(request.function)
        if function is None:
            raise FormatError(f"there is no function {request.function!r}, which a node uses")
        if request.function not in self._counted:
            self._counted.add(request.function)
            self._left += _GROWTH * len(function.nodes)
        self._left -= len(function.nodes) + 1
        if self._left < 0:
            raise UnsupportedError(
                f"functions are used with too many sets of variables, at {request.function!r}: "
                f"expected at most {_GROWTH} times the nodes stored"
            )
        name = self._names.make(f"{request.function}_frozen")
        start = _start(function, request)
        outputs = tuple(each.name for each in function.signature.outputs)
        self._made[_key(request)] = Specialised(name, outputs, {})
        self._unfinished.add(name)
        work = rewrite_scope(Scope.of_function(function), start, self._given)
        return _Task(work, request, name)

    def _finished(self, task: _Task, rewritten: Rewritten) -> Specialised:
        assert task.request is not None
        function = self._given[task.request.function]
        scope = Scope.of_function(function)
        results = {}
        for number, output in enumerate(function.signature.outputs):
            handle = rewritten.handles.get(scope.spelled(function.ret.get(output.name, "")))
            if handle is not None:
                results[number] = handle
        if results and task.name in self._presumed:
            raise UnsupportedError(
                f"function {function.name!r} calls itself and gives variables back"
            )
        variables = rewritten.written
        made = Specialised(
            task.name,
            tuple(each.name for each in function.signature.outputs),
            results,
            frozenset(n for n, each in task.request.arguments if each.variable in variables),
        )
        self._unfinished.discard(task.name)
        self._made[_key(task.request)] = made
        self.rewritten[task.name] = rewritten
        self.functions[task.name] = _function(function, task, scope, rewritten, results)
        return made


def _key(request: WantedFunction) -> object:
    """What tells functions apart: the types and shapes of the values, not whose they are."""
    values = tuple((number, each.dtype, each.shape) for number, each in request.arguments)
    return request.function, values


def _start(function: Function, request: WantedFunction) -> dict[str, Handle]:
    inputs = function.signature.inputs
    start = {}
    for number, handle in request.arguments:
        # A list among the arguments would shift the numbers of those that follow.
        if number >= len(inputs) or any(_is_list(each) for each in inputs[: number + 1]):
            raise UnsupportedError(
                f"function {function.name!r} takes variable {handle.variable!r} in a list of "
                f"arguments, or has too few: expected an argument of its own"
            )
        start[inputs[number].name] = handle
    return start


def _is_list(argument: Arg) -> bool:
    return bool(argument.number_attr or argument.type_list_attr)


def _function(
    function: Function,
    task: _Task,
    scope: Scope,
    rewritten: Rewritten,
    results: Mapping[int, Handle],
) -> Function:
    """The function with its new body, arguments and results."""
    assert task.request is not None
    arguments = dict(task.request.arguments)
    control_ret = {
        key: name for key, name in function.control_ret.items() if name in rewritten.nodes
    }
    ret = {key: renamed_edge(scope, edge, rewritten.outputs) for key, edge in function.ret.items()}
    signature = _signature(function.signature, task.name, arguments, results, set(control_ret))
    return function.replace(
        signature=signature,
        nodes=rewritten.nodes,
        ret=ret,
        control_ret=control_ret,
        attrs={key: raw for key, raw in function.attrs.items() if key != "_input_shapes"},
        arg_attrs=dict(_argument_attrs(function, arguments)),
        resource_ids={},
    )


def _argument_attrs(
    function: Function, arguments: Mapping[int, Handle]
) -> Iterator[tuple[int, dict[str, bytes | memoryview]]]:
    for number, attrs in function.arg_attrs.items():
        kept = dict(attrs)
        if number in arguments:
            kept.pop("_handle_dtypes", None)
            if kept.pop("_output_shapes", None) is not None:
                kept["_output_shapes"] = shape_list_attr([arguments[number].shape])
        yield number, kept


def _signature(
    signature: OpDef,
    name: str,
    arguments: Mapping[int, Handle],
    results: Mapping[int, Handle],
    control: set[str],
) -> OpDef:
    raw = [other_fields(signature.raw, (1, 2, 3, 17, _CONTROL_OUTPUT))]
    for each in fields(signature.raw):
        if each.number == _CONTROL_OUTPUT and as_text(each.content()) in control:
            raw.append(bytes_field(_CONTROL_OUTPUT, each.content()))
    return signature.replace(
        name=name,
        inputs=tuple(
            _of_type(each, arguments.get(number)) for number, each in enumerate(signature.inputs)
        ),
        outputs=tuple(
            _of_type(each, results.get(number)) for number, each in enumerate(signature.outputs)
        ),
        raw=b"".join(raw),
    )


def _of_type(argument: Arg, handle: Handle | None) -> Arg:
    """An argument that is a value; what else was said of the handle does not hold for that."""
    return argument if handle is None else Arg(argument.name, handle.dtype)
