"""Reading mutated bundles by TensorFlow; it ends the process on some, so children read them."""

import os
import pickle
import resource
import signal
from typing import Any

import numpy as np
import tensorflow as tf

from tests.differential.mutants import digest

SECONDS = 20  # for one bundle
ROOM = 6 << 30  # bytes that a child may ask for beyond what it begins with


def read(prefix: str, names: tuple[str, ...]) -> Any:
    """By name what there is: a digest, or False where it is refused; None if all is refused."""
    try:
        reader = tf.train.load_checkpoint(prefix)
        listed = set(reader.get_variable_to_shape_map())
    except Exception:
        return None
    found: dict[str, Any] = {}
    for name in sorted({*names, *sorted(listed)[:80]}):
        try:
            value = reader.get_tensor(name)
            value = np.asarray(value, object) if isinstance(value, (bytes, str)) else value
            found[name] = digest(value)
        except Exception:
            found[name] = False
    return listed, found


def judge(work: list[tuple[str, tuple[str, ...]]]) -> list[Any]:
    """As `read`, for each; ``"crash"`` where the process ended, ``"hang"`` where it did not."""
    told: list[Any] = []
    while len(told) < len(work):
        heard, telling = os.pipe()
        child = os.fork()
        if child == 0:
            _tell(work[len(told) :], telling)
        os.close(telling)
        with open(heard, "rb") as pipe:
            while True:
                try:
                    told.append(pickle.load(pipe))
                except (EOFError, pickle.UnpicklingError):
                    break
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if len(told) < len(work):
            told.append("hang" if status == -signal.SIGALRM else "crash")
    return told


def _tell(work: list[tuple[str, tuple[str, ...]]], telling: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, used + ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with open(telling, "wb") as pipe:
        for prefix, names in work:
            signal.alarm(SECONDS)
            pickle.dump(read(prefix, names), pipe)
            pipe.flush()
    os._exit(0)
