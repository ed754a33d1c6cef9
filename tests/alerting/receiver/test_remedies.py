"""Actions that are no restarts, from the alert to the end of their episode.

Covers: alerting.actions.remedy, alerting.receiver.calls.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerting.actions import REMEDIES, Proof
from alerting.drivers import Driver
from alerting.drivers.outcome import Cause, Done, Failed, Outcome, Retry
from alerting.model import AlertsFile
from alerting.receiver.intake import arrivals
from alerting.receiver.webhook import parse
from nervesys.settings import AgentConfig
from tests.alerting.receiver.simulation import START, Simulation, a_fleet, agent_down

ACTION = "clear_cache"
ALERT = {
    "name": "Cache Full",
    "expr": "nervesys_agent_buffer_bytes > 1",
    "by": ["agent"],
    "severity": "warning",
    "actions": [{"auto_action": ACTION}],
    "summary": "x",
    "description": "x",
    "runbook": "x",
}


class ClearCache:
    """A made-up action; its outcomes come from a script, then `Done`."""

    PROOF = Proof.OUTCOME

    def __init__(self) -> None:
        self.attempts: list[tuple[str, str]] = []
        self.script: list[Outcome] = []

    def driver_name(self, config: AgentConfig) -> str:
        return "cache"

    def unreachable(self, drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> str:
        return "" if server else "the server is not known"

    def attempt(self, drivers: Mapping[str, Driver], config: AgentConfig, server: str) -> Outcome:
        self.attempts.append((config.name, server))
        return self.script.pop(0) if self.script else Done("cache cleared")


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> ClearCache:
    made = ClearCache()
    monkeypatch.setitem(REMEDIES, ACTION, made)
    return made


@pytest.fixture
def sim(tmp_path: Path, action: ClearCache) -> Simulation:
    alerts = AlertsFile.model_validate({"engine": "prometheus", "channels": {}, "alerts": [ALERT]})
    made = Simulation(tmp_path, replace(a_fleet("grok", "gimai", "copilot"), alerts=alerts))
    for agent in made.fleet.agents:
        made.lives(agent, "one")
    made.passes(30)
    return made


def fires(sim: Simulation, starts_at: str = "2027-01-15T08:00:00Z", **labels: str) -> None:
    """The alert arrives as a webhook's body."""
    all_labels = {"alertname": "CacheFull", "agent": "grok", **labels}
    body: dict[str, Any] = {
        "version": "4",
        "status": "firing",
        "alerts": [{"status": "firing", "labels": all_labels, "startsAt": starts_at, "fingerprint": "f"}],
    }
    sim.receive(*arrivals(parse(json.dumps(body).encode()), "alertmanager", sim.fleet))
    sim.turn()


def test_the_named_action_runs_for_an_agent_that_is_well_and_nothing_is_restarted(
    sim: Simulation, action: ClearCache
) -> None:
    fires(sim)
    sim.passes(10)
    assert action.attempts == [("grok", "alpha")]
    assert sim.driver.calls == []
    assert sim.story() == ["received", "act", "called", "proven"]
    assert [(row["action"], row["driver"], row["state"]) for row in sim.actions()] == [(ACTION, "cache", "recovered")]
    assert sim.measured("action_duration_seconds_count", action=ACTION, driver="cache") == 1


def test_it_runs_once_a_firing(sim: Simulation, action: ClearCache) -> None:
    for _ in range(3):
        fires(sim)
        sim.passes(100)
    assert len(action.attempts) == 1
    fires(sim, "2027-01-15T09:00:00Z")
    assert len(action.attempts) == 2


def test_it_is_tried_again_after_an_error_and_people_are_asked_where_it_cannot_succeed(
    sim: Simulation, action: ClearCache
) -> None:
    action.script = [Retry(Cause.TIMED_OUT, "late"), Failed(Cause.NOT_ALLOWED, "no")]
    fires(sim)
    sim.passes(20)
    assert sim.story() == ["received", "act", "driver_error", "act", "driver_failed", "waiting"]
    assert [row["state"] for row in sim.actions()] == ["escalated"]


def test_its_attempts_are_no_restarts(sim: Simulation, action: ClearCache) -> None:
    sim.limits = sim.limits.model_copy(update={"restarts_per_hour": 1})
    sim.start()
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    for hour in range(3):
        fires(sim, f"2027-01-15T0{hour}:00:00Z")
        sim.passes(10)
    sim.dies("grok")
    sim.passes(35)
    sim.receive(agent_down("grok"))
    sim.passes(60)
    assert sim.driver.calls == ["grok"], "neither the agent's attempts nor the hour's restarts are used up"


def test_a_test_only_journals_it(sim: Simulation, action: ClearCache) -> None:
    fires(sim, nervesys_test="true")
    assert action.attempts == []
    assert sim.story()[-1] == "observed"


def test_an_episode_of_an_action_that_is_gone_ends_alone(
    sim: Simulation, action: ClearCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    fires(sim, "2027-01-15T07:00:00Z", agent="gimai")
    sim.passes(5)
    assert sim.now > START
    sim.receive(agent_down("copilot", remedies=("gone",)))
    fires(sim)
    assert [row["agent"] for row in sim.actions(state="rejected")] == ["copilot"]
    assert action.attempts[-1] == ("grok", "alpha")
