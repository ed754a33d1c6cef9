"""Objectives: what a file may say."""

import pytest

from nervesys.errors import SettingsError
from nervesys.settings import load
from tests.nervesys.settings.conftest import MakeBrain


def test_a_brain_adds_objectives_and_leaves_out_shipped_ones(brain: MakeBrain) -> None:
    changed = "task success: {enabled: false}, fleet availability: {percent: 99}"
    added = "grok: {indicator: tasks, percent: 95, agent: grok}"
    enabled = load(brain(slos=f"objectives: {{{changed}, {added}}}")).settings.slos.enabled
    assert {name: slo.percent for name, slo in enabled.items()} == {"fleet availability": 99, "grok": 95}
    assert enabled["fleet availability"].budget == 0.01


@pytest.mark.parametrize(
    ("objective", "problem"),
    [
        ("{indicator: tasks, percent: 100}", "99.999"),
        ("{indicator: actions, percent: 95}", "`below_seconds` is needed"),
        ("{indicator: calls, percent: 95, below_seconds: 10}", "must be one of 0.01, 0.02"),
        ("{indicator: tasks, percent: 95, below_seconds: 10}", "only there"),
        ("{indicator: actions, percent: 95, below_seconds: 7}", "must be one of 0.1, 0.5, 1, 2.5, 5, 10, 30"),
        ("{indicator: tasks, percent: 95, agent: grok, per_agent: true}", "exclude each other"),
        ("{indicator: tasks, percent: 95, days: 91}", "90"),
        ("{indicator: tasks, percent: 95, agent: 'a\"} or vector(1) #'}", "agent"),
    ],
)
def test_a_wrong_objective_is_named(brain: MakeBrain, objective: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        load(brain(slos=f"objectives: {{mine: {objective}}}"))
