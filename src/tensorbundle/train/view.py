"""``tf.train.CheckpointView``: the objects of a checkpoint by number, beside a tree of arrays."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from .._checkpoint.opening import open
from .directory import Path, local_path
from .errors import MissingCheckpointError, raised_as_both


class CheckpointView:
    """Object graph of a checkpoint, to look at.

    Args:
        save_path: An object-based checkpoint, in any spelling.

    Raises:
        ValueError: It holds no object graph.
        MissingCheckpointError: There is none.

    Example:
        >>> import tensorbundle as tb
        >>> view = tb.train.CheckpointView(tb.demo("keras"))
        >>> sorted(view.children(0))[:2]
        ['model', 'optimizer']
    """

    def __init__(self, save_path: Path) -> None:
        with raised_as_both(MissingCheckpointError):
            graph = open(local_path(save_path)).objects
        if graph is None:
            raise ValueError(
                f"the checkpoint {save_path!r} is not object-based: its variables have names, "
                "and no objects"
            )
        self._graph = graph

    def children(self, node_id: int) -> dict[str, int]:
        """Children of an object: numbers by local name."""
        return dict(self._graph.nodes[node_id].children)

    def descendants(self) -> list[int]:
        """Numbers of all objects that the root leads to, breadth first, the root's first."""
        return list(_breadth_first(0, self._numbers))

    def _numbers(self, number: int) -> list[int]:
        return [child for _, child in self._graph.nodes[number].children]

    def match(self, obj: Mapping[str, Any]) -> dict[int, Any]:
        """Find what of a tree has its place in the checkpoint too.

        Args:
            obj: Nested mappings and lists, as of `Checkpoint`; or a `Checkpoint`.

        Returns:
            The tree's parts by number; the root is always matched.
        """
        root = _tree_of(obj)
        found: dict[int, Any] = {0: root}
        queue = deque([0])
        while queue:
            number = queue.popleft()
            ours = _children(found[number])
            for name, child in self._graph.nodes[number].children:
                if child not in found and name in ours:
                    found[child] = ours[name]
                    queue.append(child)
        return found

    def diff(self, obj: Mapping[str, Any]) -> tuple[dict[int, Any], list[int], list[Any]]:
        """Compare with a tree.

        Returns:
            What is in both, as `match` gives it; the numbers of what only the checkpoint has; what
            only the tree has.
        """
        both = self.match(obj)
        matched = {id(each) for each in both.values()}
        parts = _parts(_tree_of(obj))
        theirs = [number for number in self.descendants() if number not in both]
        return both, theirs, [part for part in parts if id(part) not in matched]


def _tree_of(obj: Any) -> Any:
    return getattr(obj, "tree", obj)


def _children(part: Any) -> dict[str, Any]:
    """The named parts of a part of a tree, as TensorFlow tracks them."""
    if isinstance(part, Mapping):
        return {str(name): inner for name, inner in part.items()}
    if isinstance(part, (list, tuple)):
        return {str(number): inner for number, inner in enumerate(part)}
    return {}


def _parts(root: Any) -> Iterator[Any]:
    """All parts of a tree, breadth first, the tree itself first."""
    queue = deque([root])
    while queue:
        part = queue.popleft()
        yield part
        queue.extend(_children(part).values())


def _breadth_first(start: int, following: Any) -> Iterator[int]:
    seen = {start}
    queue = deque([start])
    while queue:
        number = queue.popleft()
        yield number
        for each in following(number):
            if each not in seen:
                seen.add(each)
                queue.append(each)
