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
from tests.alerting.receiver.world import START, World, a_fleet, agent_down

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
def world(tmp_path: Path, action: ClearCache) -> World:
    alerts = AlertsFile.model_validate({"engine": "prometheus", "channels": {}, "alerts": [ALERT]})
    made = World(tmp_path, replace(a_fleet("grok", "gimai", "copilot"), alerts=alerts))
    for agent in made.fleet.agents:
        made.lives(agent, "one")
    made.passes(30)
    return made


def fires(world: World, starts_at: str = "2027-01-15T08:00:00Z", **labels: str) -> None:
    """The alert arrives as a webhook's body."""
    said = {"alertname": "CacheFull", "agent": "grok", **labels}
    body: dict[str, Any] = {
        "version": "4",
        "status": "firing",
        "alerts": [{"status": "firing", "labels": said, "startsAt": starts_at, "fingerprint": "f"}],
    }
    world.receive(*arrivals(parse(json.dumps(body).encode()), "alertmanager", world.fleet))
    world.turn()


def test_the_named_action_runs_for_an_agent_that_is_well_and_nothing_is_restarted(
    world: World, action: ClearCache
) -> None:
    fires(world)
    world.passes(10)
    assert action.attempts == [("grok", "alpha")]
    assert world.driver.calls == []
    assert world.story() == ["received", "act", "called", "proven"]
    assert [(row["action"], row["driver"], row["state"]) for row in world.actions()] == [(ACTION, "cache", "recovered")]
    assert world.measured("action_duration_seconds_count", action=ACTION, driver="cache") == 1


def test_it_runs_once_a_firing(world: World, action: ClearCache) -> None:
    for _ in range(3):
        fires(world)
        world.passes(100)
    assert len(action.attempts) == 1
    fires(world, "2027-01-15T09:00:00Z")
    assert len(action.attempts) == 2


def test_it_is_tried_again_after_an_error_and_people_are_asked_where_it_cannot_succeed(
    world: World, action: ClearCache
) -> None:
    action.script = [Retry(Cause.TIMED_OUT, "late"), Failed(Cause.NOT_ALLOWED, "no")]
    fires(world)
    world.passes(20)
    assert world.story() == ["received", "act", "driver_error", "act", "driver_failed", "waiting"]
    assert [row["state"] for row in world.actions()] == ["escalated"]


def test_its_attempts_are_no_restarts(world: World, action: ClearCache) -> None:
    world.limits = world.limits.model_copy(update={"restarts_per_hour": 1})
    world.start()
    world.driver.effect = lambda agent: world.lives(agent, "two")
    for hour in range(3):
        fires(world, f"2027-01-15T0{hour}:00:00Z")
        world.passes(10)
    world.dies("grok")
    world.passes(35)
    world.receive(agent_down("grok"))
    world.passes(60)
    assert world.driver.calls == ["grok"], "neither the agent's attempts nor the hour's restarts are used up"


def test_a_test_only_journals_it(world: World, action: ClearCache) -> None:
    fires(world, nervesys_test="true")
    assert action.attempts == []
    assert world.story()[-1] == "observed"


def test_an_episode_of_an_action_that_is_gone_ends_alone(
    world: World, action: ClearCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    fires(world, "2027-01-15T07:00:00Z", agent="gimai")
    world.passes(5)
    assert world.now > START
    world.receive(agent_down("copilot", remedies=("gone",)))
    fires(world)
    assert [row["agent"] for row in world.actions(state="rejected")] == ["copilot"]
    assert action.attempts[-1] == ("grok", "alpha")
