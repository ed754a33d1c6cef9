"""Agents whose budget is spent: stopped once, kept stopped, and started again by people or with the next period.

Covers: alerting.receiver.renewal.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerting.receiver.intake import arrivals
from alerting.receiver.webhook import parse
from nervesys.contract import Status
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings.budgets import Budgets
from tests.alerting.receiver.simulation import Simulation, a_fleet, agent_down, shipped_alerts

BUDGET = {"day": {"stop_at": 10}}
TWO_REFRESHES = 20
"""Seconds of two refreshes of the logs, by the profile local."""


WATCHDOG = ("Watchdog", "", False)


class Spending(Simulation):
    """A fleet whose agent grok may spend 10 a day."""

    def budget(self, **changed: Any) -> None:
        settings = self.fleet.settings
        values = settings.budgets.model_dump(exclude_none=True) | {"agents": {"grok": BUDGET}} | changed
        budgets = Budgets.model_validate(values)
        self.fleet = replace(self.fleet, settings=settings.model_copy(update={"budgets": budgets}))

    def spends(self, *agents: str, firing: bool = True, since: str = "08:00") -> None:
        """Budget Spent fires for these agents, or for none any more."""
        self.firing = frozenset({WATCHDOG, *(("BudgetSpent", agent, False) for agent in agents if firing)})
        alerts = [
            {
                "status": "firing" if firing else "resolved",
                "labels": {"alertname": "BudgetSpent", "agent": agent},
                "startsAt": f"2027-01-15T{since}:00Z",
                "fingerprint": agent,
            }
            for agent in agents
        ]
        body = json.dumps({"version": "4", "status": alerts[0]["status"], "alerts": alerts})
        self.receive(*arrivals(parse(body.encode()), "alertmanager", self.fleet))
        self.turn()

    def ends(self, agent: str) -> None:
        """The agent ends by itself, and says so."""
        self.beats(agent, self.alive.pop(agent), Status.STOPPED)

    def newest(self, action: str) -> dict[str, str]:
        found = sorted(self.actions(action=action), key=lambda row: row["id"])
        return {row["agent"]: row["state"] for row in found}


@pytest.fixture
def sim(tmp_path: Path) -> Spending:
    made = Spending(tmp_path, replace(a_fleet("grok", "gimai"), alerts=shipped_alerts()))
    made.budget()
    for agent in made.fleet.agents:
        made.lives(agent, "one")
    made.passes(30)
    made.driver.on_stop = made.ends
    return made


def test_an_agent_that_overspends_is_stopped_within_two_refreshes_and_that_is_proven(sim: Spending) -> None:
    sim.spends("grok")
    sim.passes(TWO_REFRESHES)
    assert sim.driver.stopped == ["grok"]
    assert sim.newest("stop_agent") == {"grok": "recovered"}
    assert sim.story()[-2:] == ["called", "proven"]


def test_silence_proves_a_stop_as_well_and_leads_to_no_restart(sim: Spending) -> None:
    sim.driver.on_stop = lambda agent: sim.dies(agent)
    sim.spends("grok")
    sim.passes(60)
    sim.receive(agent_down("grok"))
    sim.passes(120)
    assert sim.newest("stop_agent") == {"grok": "recovered"}
    assert (sim.driver.calls, sim.newest("restart_agent")) == ([], {"grok": "skipped"})
    with sim.journal.transaction() as connection:
        row = connection.exec_driver_sql("SELECT verdict FROM episodes WHERE action = 'restart_agent'").scalar()
    assert row == "held"


def test_another_alert_for_an_agent_that_is_stopped_leads_to_no_restart(sim: Spending) -> None:
    sim.driver.on_stop = lambda agent: sim.dies(agent)
    sim.spends("grok")
    sim.passes(120)
    sim.spends("grok", since="09:00")
    sim.passes(60)
    assert sim.newest("stop_agent") == {"grok": "skipped"}
    sim.receive(agent_down("grok"))
    sim.passes(120)
    assert (sim.driver.calls, sim.newest("restart_agent")) == ([], {"grok": "skipped"})


def test_an_agent_that_people_started_by_other_means_is_healed_again_and_ordered_to_start_once_at_most(
    sim: Spending,
) -> None:
    sim.budget(start_again=True)
    sim.spends("grok")
    sim.passes(20)
    sim.lives("grok", "two")
    sim.spends("grok", firing=False)
    sim.now += DAY_SECONDS
    sim.passes(120)
    assert len(sim.actions(action="start_agent")) <= 1
    sim.driver.effect = lambda agent: sim.lives(agent, "three")
    sim.dies("grok")
    sim.passes(60)
    sim.receive(agent_down("grok", starts_at="2027-01-16T09:00:00Z"))
    sim.passes(60)
    assert sim.driver.calls == ["grok"]


@pytest.mark.parametrize("agent", ["gimai", "grok"])
def test_a_forged_or_late_alert_stops_nobody(sim: Spending, agent: str) -> None:
    if agent == "gimai":
        sim.spends("gimai")
    else:
        sim.spends("grok", firing=True)
        sim.firing = frozenset()
        sim.driver.stopped.clear()
        sim.lives("grok", "two")
        sim.spends("grok", firing=False)
    sim.passes(60)
    assert sim.driver.stopped == []


def test_nobody_is_stopped_while_no_alertmanager_answers(sim: Spending) -> None:
    sim.spends("gimai", firing=False)
    sim.firing = None
    alert = {
        "status": "firing",
        "labels": {"alertname": "BudgetSpent", "agent": "grok"},
        "startsAt": "2027-01-15T08:00:00Z",
    }
    sim.receive(*arrivals(parse(json.dumps({"version": "4", "alerts": [alert]}).encode()), "alertmanager", sim.fleet))
    sim.passes(60)
    assert sim.driver.stopped == []
    sim.firing = frozenset({("BudgetSpent", "grok", False)})
    sim.passes(20)
    assert sim.driver.stopped == ["grok"]


def test_an_agent_that_goes_on_is_stopped_three_times_and_then_left_to_people(sim: Spending) -> None:
    sim.driver.on_stop = lambda agent: None
    sim.spends("grok")
    sim.passes(600)
    assert (sim.driver.stopped, sim.newest("stop_agent")) == (["grok"] * 3, {"grok": "escalated"})


@pytest.mark.parametrize(("days", "restarts"), [(0, []), (1, ["grok"])])
def test_an_agent_that_people_stopped_after_a_failed_stop_is_not_restarted_in_that_period(
    sim: Spending, days: int, restarts: list[str]
) -> None:
    sim.driver.on_stop = lambda agent: None
    sim.spends("grok")
    sim.passes(600)
    assert sim.newest("stop_agent") == {"grok": "escalated"}
    assert sim.order("acknowledge", "grok", 1) is not None
    sim.now += days * DAY_SECONDS
    sim.passes(60)
    sim.dies("grok")
    sim.passes(60)
    sim.receive(agent_down("grok", starts_at="2027-01-15T10:00:00Z"))
    sim.passes(60)
    assert sim.driver.calls[:1] == restarts


def test_an_hour_has_a_cap_of_stops(tmp_path: Path) -> None:
    fleet = a_fleet("grok", "gimai")
    sim = Spending(tmp_path, fleet, restarts_per_hour=1)
    sim.budget(fleet=BUDGET)
    sim.lives("grok", "one")
    sim.lives("gimai", "one")
    sim.passes(30)
    sim.driver.on_stop = sim.ends
    sim.spends("grok", "gimai")
    sim.passes(60)
    assert len(sim.driver.stopped) == 1
    assert sorted(sim.newest("stop_agent").values()) == ["deferred", "recovered"]


def test_people_start_it_and_while_the_budget_is_spent_it_is_stopped_again(sim: Spending) -> None:
    sim.spends("grok")
    sim.passes(20)
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    sim.order("start", "grok")
    sim.passes(30)
    assert (sim.driver.started, sim.newest("start_agent")) == (["grok"], {"grok": "recovered"})
    sim.spends("grok")
    sim.passes(30)
    assert sim.driver.stopped == ["grok", "grok"]


def test_started_again_it_is_healed_like_any_other(sim: Spending) -> None:
    sim.spends("grok")
    sim.passes(20)
    sim.driver.effect = lambda agent: sim.lives(agent, f"new {len(sim.driver.calls)}")
    sim.order("start", "grok")
    sim.spends("grok", firing=False)
    sim.passes(60)
    sim.dies("grok")
    sim.passes(60)
    sim.receive(agent_down("grok", starts_at="2027-01-15T09:00:00Z"))
    sim.passes(60)
    assert sim.driver.calls == ["grok"]


def test_an_agent_that_runs_is_not_started_again(sim: Spending) -> None:
    sim.order("start", "gimai")
    sim.passes(20)
    assert (sim.driver.started, sim.newest("start_agent")) == ([], {"gimai": "skipped"})


@pytest.mark.parametrize(("start_again", "started"), [(True, ["grok"]), (False, [])])
def test_the_next_period_starts_it_where_that_is_set(sim: Spending, start_again: bool, started: list[str]) -> None:
    sim.budget(start_again=start_again)
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    sim.spends("grok")
    sim.passes(20)
    sim.spends("grok", firing=False)
    sim.passes(60)
    assert sim.driver.started == [], "the day is not over"
    sim.now += DAY_SECONDS
    sim.passes(60)
    assert sim.driver.started == started


@pytest.mark.parametrize(
    ("period", "days", "started"),
    [("week", 2, []), ("week", 3, ["grok"]), ("month", 16, []), ("month", 17, ["grok"])],
)
def test_it_waits_for_the_begin_of_its_shortest_period(
    sim: Spending, period: str, days: int, started: list[str]
) -> None:
    sim.budget(start_again=True, agents={"grok": {period: {"stop_at": 10}}})
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    sim.spends("grok")
    sim.passes(20)
    sim.spends("grok", firing=False)
    sim.now += days * DAY_SECONDS
    sim.passes(60)
    assert sim.driver.started == started


def test_while_nothing_is_read_nobody_is_started(sim: Spending) -> None:
    sim.budget(start_again=True)
    sim.spends("grok")
    sim.passes(20)
    sim.spends("grok", firing=False)
    sim.firing = frozenset()
    sim.now += DAY_SECONDS
    sim.passes(60)
    assert sim.driver.started == []


def test_a_budget_of_more_than_a_day_keeps_it_stopped(sim: Spending) -> None:
    sim.budget(start_again=True)
    sim.spends("grok")
    sim.passes(20)
    sim.now += DAY_SECONDS
    sim.passes(60)
    assert sim.driver.started == []
