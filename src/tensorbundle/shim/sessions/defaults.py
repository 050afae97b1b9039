"""Defaults of a thread: the graphs and sessions that programs mean when they name none."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .graph import Graph
    from .session import Session


class Defaults(threading.local):
    """Graphs and sessions of a thread, the innermost last.

    Attributes:
        own: The graph of the program itself, once it was asked for.
        graphs: Those that were made the default for a while.
        sessions: Likewise.
    """

    def __init__(self) -> None:
        self.own: Graph | None = None
        self.graphs: list[Graph] = []
        self.sessions: list[Session] = []


DEFAULTS: Final = Defaults()
