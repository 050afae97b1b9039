"""Which checkpoints stay: the rules alone, given times. `compat/` compares with TensorFlow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorbundle._format.state import CheckpointState
from tensorbundle.train.retention import ManagerRetention, SaverRetention

HOUR = 3600.0
START = 1_000_000.0


def saved_by_saver(max_to_keep: int | None, hours: float | None, times: list[float]) -> list[str]:
    """What remains of checkpoints named after the hours at which they were saved."""
    rule = SaverRetention(max_to_keep, hours, START)
    files = []
    for time in times:
        rule.record(f"{time:g}", START + time * HOUR)
        files.append(f"{time:g}")
        leaving = rule.take_leaving()
        files = [each for each in files if each not in leaving]
    return files


def saved_by_manager(
    max_to_keep: int | None, hours: float | None, times: list[float]
) -> tuple[list[str], ManagerRetention]:
    rule = ManagerRetention(max_to_keep, hours, None, START)
    files = []
    for time in times:
        rule.record(f"{time:g}", START + time * HOUR)
        files.append(f"{time:g}")
        leaving = rule.sweep()
        files = [each for each in files if each not in leaving]
    return files, rule


# --- Saver ------------------------------------------------------------------------------------


def test_saver_keeps_the_newest() -> None:
    assert saved_by_saver(4, 10000, list(range(30))) == ["26", "27", "28", "29"]


@pytest.mark.parametrize("everything", [None, 0])
def test_saver_without_a_limit_keeps_all_and_lists_none(everything: int | None) -> None:
    rule = SaverRetention(everything, 10000, START)
    for number in range(9):
        rule.record(str(number), START)
    assert (rule.paths, rule.take_leaving()) == ([], [])


def test_saver_keeps_one_every_two_hours_beside_the_newest() -> None:
    # One leaves as soon as it is later than 2 h, 4 h, … after the start: 2 itself is not.
    assert saved_by_saver(1, 2, [1, 2, 2.5, 3, 4.5, 5, 6.5, 7]) == ["2.5", "4.5", "6.5", "7"]


@pytest.mark.parametrize("never", [None, 0])
def test_saver_with_no_interval_keeps_each(never: float | None) -> None:
    assert saved_by_saver(1, never, [1, 2, 3]) == ["1", "2", "3"]


def test_saver_measures_hours_in_single_precision() -> None:
    rule = SaverRetention(1, 0.1, 0.0)
    rule.record("early", 360.000005)  # 0.1 as a float32 is 360.00000536 seconds
    rule.record("newest", 400)
    assert rule.take_leaving() == ["early"]


def test_saver_does_not_remove_what_is_saved_again() -> None:
    rule = SaverRetention(2, 10000, START)
    for name in ["a", "b", "a"]:
        rule.record(name, START)
    assert (rule.paths, rule.take_leaving()) == (["b", "a"], [])


def test_saver_lets_one_go_for_each_one_saved() -> None:
    rule = SaverRetention(2, 10000, START)
    rule.recover((name, START) for name in "abcdef")
    rule.record("g", START)
    assert (rule.paths, rule.take_leaving()) == (list("bcdefg"), ["a"])
    assert rule.take_leaving() == []


def test_saver_never_lets_go_what_has_no_time() -> None:
    rule = SaverRetention(1, 10000, START)
    rule.recover([("a", math.inf)])
    rule.record("b", START)
    assert (rule.paths, rule.take_leaving()) == (["b"], [])


def test_saver_with_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="must be None, 0 or more, not -1"):
        SaverRetention(-1, 10000, START)


# --- CheckpointManager ------------------------------------------------------------------------


def test_manager_keeps_the_newest() -> None:
    files, rule = saved_by_manager(3, None, list(range(30)))
    assert files == rule.paths == ["27", "28", "29"]


def test_manager_without_a_limit_keeps_and_lists_all() -> None:
    files, rule = saved_by_manager(None, None, [1, 2, 3])
    assert files == rule.paths == ["1", "2", "3"]


def test_manager_keeps_one_every_two_hours_beside_the_newest() -> None:
    files, rule = saved_by_manager(1, 2, [1, 2, 2.5, 3, 4.5, 5, 6.5, 7])
    assert files == ["2", "4.5", "6.5", "7"]
    assert rule.state().last_preserved_timestamp == START + 6.5 * HOUR


def test_manager_begins_a_second_before_now() -> None:
    assert ManagerRetention(1, None, None, START).state().last_preserved_timestamp == START - 1


def test_manager_takes_back_what_is_later_than_the_last_kept() -> None:
    state = CheckpointState("c", ("a", "b", "c"), (START - 9, START - 5, START - 1), START - 5)
    rule = ManagerRetention(5, None, state, START)
    assert (rule.latest, rule.paths) == ("c", ["c"])


def test_manager_leaves_alone_what_has_no_times() -> None:
    rule = ManagerRetention(1, None, CheckpointState("b", ("a", "b")), START)
    assert (rule.latest, rule.paths, rule.state().last_preserved_timestamp) == ("b", [], 0.0)


def test_manager_whose_clock_was_set_back_keeps_what_was_kept() -> None:
    state = CheckpointState("b", ("a", "b"), (START + 50, START + 99), START + 40)
    rule = ManagerRetention(1, 2, state, START)
    assert (rule.paths, rule.state().last_preserved_timestamp) == ([], START)


@pytest.mark.parametrize("limit", [0, -1])
def test_manager_with_a_limit_that_is_not_positive_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=f"must be None or positive, not {limit}"):
        ManagerRetention(limit, None, None, START)


# --- both -------------------------------------------------------------------------------------

GAPS = st.lists(st.integers(0, 5), max_size=30)


@given(st.integers(1, 5), st.sampled_from([0.5, 1, 2, 100]), GAPS)
def test_newest_ones_always_stay(max_to_keep: int, hours: float, gaps: list[int]) -> None:
    times = [float(n) + sum(gaps[: n + 1]) for n in range(len(gaps))]
    names = [f"{time:g}" for time in times]
    assert saved_by_saver(max_to_keep, hours, times)[-max_to_keep:] == names[-max_to_keep:]
    assert saved_by_manager(max_to_keep, hours, times)[0][-max_to_keep:] == names[-max_to_keep:]


@given(st.integers(1, 5), st.sampled_from([0.5, 1, 2, 100]), GAPS)
def test_manager_stopped_at_any_moment_goes_on_as_if_it_had_not(
    max_to_keep: int, hours: float, gaps: list[int]
) -> None:
    times = [START + HOUR * (n + sum(gaps[: n + 1])) for n in range(len(gaps))]
    steady = ManagerRetention(max_to_keep, hours, None, START)
    resumed = ManagerRetention(max_to_keep, hours, None, START)
    for number, time in enumerate(times):
        steady.record(str(number), time)
        resumed.record(str(number), time)
        assert steady.sweep() == resumed.sweep()
        assert steady.state() == resumed.state()
        resumed = ManagerRetention(max_to_keep, hours, resumed.state(), time)
