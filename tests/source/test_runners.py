"""Tasks run by workers: those that fail for a reason that may pass are run again."""

import concurrent.futures
import errno
import threading

import pytest

from tensorbundle._parallel.groups import by_bytes
from tensorbundle._parallel.runners import run_tasks


def failing(number, times, error):
    """A function of numbers that fails for one, so many times; and how often it was called."""
    calls = []
    lock = threading.Lock()

    def function(item):
        with lock:
            calls.append(item)
            fails = item == number and calls.count(number) <= times
        if fails:
            raise error
        return item * item

    return function, calls


@pytest.mark.parametrize("pool", [False, True], ids=["threads", "executor"])
def test_task_that_fails_for_a_passing_reason_is_run_again(pool):
    function, calls = failing(3, 3, OSError(errno.EIO, "lost"))
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        done = sorted(run_tasks(function, range(6), executor if pool else 2))
    assert done == [0, 1, 4, 9, 16, 25]
    assert calls.count(3) == 4


@pytest.mark.parametrize(
    ("error", "times"),
    [(OSError(errno.EIO, "lost"), 4), (OSError(errno.ENOSPC, "full"), 1), (ValueError("bad"), 1)],
)
def test_task_that_goes_on_failing_ends_the_rest(error, times):
    function, calls = failing(1, 99, error)
    with pytest.raises(type(error), match=r"lost|full|bad"):
        list(run_tasks(function, range(1000), 1))
    assert calls.count(1) == times
    assert len(calls) < 20


def test_only_a_window_of_tasks_is_made_ahead():
    made = []

    def items():
        for n in range(1000):
            made.append(n)
            yield n

    for count, _ in enumerate(run_tasks(str, items(), 2), 1):
        assert len(made) <= count + 2


def test_groups_are_neighbours_of_so_many_bytes_and_a_larger_one_is_alone():
    sizes = [3, 3, 3, 50, 1, 1, 9]
    assert list(by_bytes(((n, size, 1) for n, size in enumerate(sizes)), 10)) == [
        [0, 1, 2], [3], [4, 5], [6],
    ]  # fmt: skip
    assert [len(group) for group in by_bytes((n, 0, 1000) for n in range(100))] == [48, 48, 4]
