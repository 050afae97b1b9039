"""Tasks that kill the process that runs them, once: before their work, within it, or after it."""

import functools
import os
from collections.abc import Callable
from typing import Any

from tensorbundle._checkpoint.far import tasks
from tensorbundle._edit.shared import averaging, comparing, rewriting
from tensorbundle._export import shared as exporting
from tensorbundle._write import commit

REAL = {
    "average": (averaging, "average_task", averaging.average_task),
    "rewrite": (rewriting, "rewrite_task", rewriting.rewrite_task),
    "export": (exporting, "export_task", exporting.export_task),
    "diff": (comparing, "compare_task", comparing.compare_task),
    "verify": (tasks, "verify_task", tasks.verify_task),
}
PHASES = ("before", "within", "after")


def die_once(marker: str) -> None:
    """Kill this process, the first time that anybody asks."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os._exit(9)


def task(verb: str, phase: str, marker: str, given: Any) -> Any:
    """Run a task, and die in a phase of it."""
    if phase == "before":
        die_once(marker)
    within = phase == "within"
    real_commit, real_replace = commit.PendingFiles.commit, os.replace
    try:
        if within:  # when all is written, and has not got its name
            commit.PendingFiles.commit = lambda *_: die_once(marker)  # type: ignore[method-assign]
            os.replace = lambda *_: die_once(marker)  # type: ignore[assignment]
            if os.path.exists(marker):
                commit.PendingFiles.commit, os.replace = real_commit, real_replace  # type: ignore[method-assign]
        done = REAL[verb][2](given)
    finally:
        commit.PendingFiles.commit, os.replace = real_commit, real_replace  # type: ignore[method-assign]
    if phase != "before":
        die_once(marker)
    return done


def dying(verb: str, phase: str, marker: str) -> Callable[[Any], Any]:
    """The task function of a verb that dies in a phase."""
    return functools.partial(task, verb, phase, marker)
