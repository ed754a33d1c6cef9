"""Agents take turns, and the dear ones come last.

Covers: exporters.store.turns.
"""

import pytest

from exporters.store import turns as module
from exporters.store.turns import OBJECT_SECONDS, SHORT_SECONDS, CpuBudget, Meter, Turns


def test_no_agent_waits_for_all_objects_of_another() -> None:
    items = [("evil", number) for number in range(1000)] + [("good", -1), ("fine", -2)]
    assert Turns().order(items, 4) == [0, -1, -2, 1]


def test_who_cost_more_comes_later_until_it_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 3.0])
    monkeypatch.setattr(module, "thread_time", lambda: next(seconds))
    turns, budget = Turns(), CpuBudget(2)
    with turns.charged("evil", budget):
        assert not budget.used_up
    assert budget.used_up
    assert turns.order([("evil", 1), ("good", 2)], 2) == [2, 1]
    for _ in range(20):
        turns.end_pass()
    assert turns.order([("evil", 1), ("good", 2)], 2) == [1, 2]


def test_an_object_has_less_time_once_the_pass_has_overspent(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(module, "thread_time", lambda: clock[0])
    budget = CpuBudget(2 * OBJECT_SECONDS)
    first, second = Meter(budget), Meter(budget)
    clock[0] = OBJECT_SECONDS
    assert not first.is_used_up()
    assert second.is_used_up(), "both together have spent all"
    clock[0] = OBJECT_SECONDS + 0.1
    assert first.is_used_up()
    late = Meter(budget)
    clock[0] += SHORT_SECONDS
    assert not late.is_used_up(), "what is cheap is read to its end"
