"""Agents take turns, and the dear ones come last.

Covers: exporters.store.turns.
"""

import pytest

from exporters.store import turns as module
from exporters.store.turns import CpuBudget, Turns


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
