"""Restarts of agents that are alive and get nowhere: their state must confirm it, and the proof is progress."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerting.conditions.progress_conditions import LOOPING, NO_PROGRESS, STUCK
from alerting.model import read_alerts
from alerting.receiver.causes import find_causes
from alerting.receiver.intake import arrivals
from alerting.receiver.progress import REFUTED_BY, has_nothing_to_do, has_progressed, refutes
from alerting.receiver.webhook import parse
from nervesys.contract import AgentState
from nervesys.settings import FolderTree
from nervesys.settings.agents import ThresholdOverrides
from tests.alerting.generate.rules.kit import SETTINGS
from tests.alerting.receiver.simulation import Simulation, a_fleet, shipped_alerts

LIMITS = SETTINGS.thresholds.progress
IDLE = {"status": "idle"}


def a_state(**fields: Any) -> AgentState:
    return AgentState.take({"agent_id": "grok", "status": "running", "timestamp": 10_000.0, **fields})


def a_task(seconds: float, **fields: Any) -> dict[str, Any]:
    """A running task of so many seconds."""
    return {"name": "review", "started_at": 10_000.0 - seconds, **fields}


def repeats(times: int) -> dict[str, Any]:
    return {"action": "search", "times": times}


@pytest.mark.parametrize(
    ("condition", "bad", "good"),
    [
        (STUCK, {"current_task": a_task(601, limit_seconds=600)}, {"current_task": a_task(599, limit_seconds=600)}),
        (STUCK, {"current_task": a_task(1, limit_seconds=0)}, {}),
        (NO_PROGRESS, {"current_task": a_task(1), "progressed_at": 9000.0}, {"progressed_at": 9000.0}),
        (LOOPING, {"repeated": repeats(10)}, {"repeated": repeats(9)}),
        (LOOPING, {"repeated": repeats(10)}, {}),
    ],
)
def test_the_state_confirms_or_refutes_an_alert(condition: str, bad: dict[str, Any], good: dict[str, Any]) -> None:
    only = frozenset({condition})
    assert not refutes(a_state(**bad), only, LIMITS)
    assert refutes(a_state(**good), only, LIMITS)
    assert not refutes(None, only, LIMITS)
    assert not refutes(a_state(**bad), frozenset(REFUTED_BY), LIMITS)


@pytest.mark.parametrize(
    ("fields", "progressed"),
    [
        ({}, False),
        ({"tasks": {"completed": 0, "failed": 9}}, False),
        ({"tasks": {"completed": 1}}, True),
        ({"current_task": a_task(1)}, False),
        ({"current_task": a_task(1, step="read")}, True),
        ({"current_task": a_task(1, progress=0.1)}, True),
        ({"current_task": a_task(1), "tokens_used": 7}, True),
    ],
)
def test_progress_of_a_new_instance(fields: dict[str, Any], progressed: bool) -> None:
    assert has_progressed(a_state(**fields), frozenset({STUCK})) is progressed


def test_tasks_that_a_loop_completes_are_no_progress() -> None:
    looping = frozenset({LOOPING})
    assert not has_progressed(a_state(tasks={"completed": 5}, repeated=repeats(5)), looping)
    assert has_progressed(a_state(tasks={"completed": 6}, repeated=repeats(5)), looping)


def test_an_idle_agent_with_a_queue_has_something_to_do() -> None:
    assert has_nothing_to_do(a_state(**IDLE))
    assert has_nothing_to_do(a_state(**IDLE, queue={"waiting": 0}))
    assert not has_nothing_to_do(a_state(**IDLE, queue={"waiting": 1}))
    assert not has_nothing_to_do(a_state())


def test_the_shipped_alerts_about_progress_are_known_as_such() -> None:
    found = find_causes(shipped_alerts(), SETTINGS, "restart_agent")
    assert {name: cause.subject for name, cause in found.items()} == {"AgentStuck": STUCK, "AgentLooping": LOOPING}


class Looping(Simulation):
    """An agent whose alert about progress fires, by default Agent Looping."""

    alertname = "AgentLooping"

    def loops(self, times: int = 30) -> None:
        self.work["grok"] = {"repeated": repeats(times), "tasks": {"completed": times}, "tokens_used": 9000}

    def fires(self, *, firing: bool = True) -> None:
        """The alert is delivered; Alertmanager agrees."""
        self.firing = frozenset({(self.alertname, "grok", False)} if firing else ())
        alert = {
            "status": "firing" if firing else "resolved",
            "labels": {"alertname": self.alertname, "agent": "grok"},
            "startsAt": "2027-01-15T08:00:00Z",
            "fingerprint": "grok",
        }
        body = json.dumps({"version": "4", "status": alert["status"], "alerts": [alert]})
        self.receive(*arrivals(parse(body.encode()), "alertmanager", self.fleet))
        self.turn()

    def restarts(self) -> dict[str, str]:
        """The state of the newest restart of each agent."""
        found = sorted(self.actions(action="restart_agent"), key=lambda row: row["id"])
        return {row["agent"]: row["state"] for row in found}

    def restarted(self, **work: Any) -> None:
        """What a restart leads to: a new instance, with this in its state."""

        def effect(agent: str) -> None:
            self.lives(agent, f"after {len(self.driver.calls)}")
            self.work[agent] = work

        self.driver.effect = effect


@pytest.fixture
def sim(tmp_path: Path) -> Looping:
    made = Looping(tmp_path, replace(a_fleet("grok", "gimai"), alerts=shipped_alerts()))
    for agent in made.fleet.agents:
        made.lives(agent, "one")
    made.loops()
    made.passes(200)
    return made


def test_a_loop_is_ended_by_a_restart_that_is_proven_by_progress(sim: Looping) -> None:
    sim.restarted()
    sim.fires()
    sim.passes(60)
    sim.fires(firing=False)
    assert sim.driver.calls == ["grok"]
    assert (sim.restarts(), sim.story()[-1]) == ({"grok": "succeeded"}, "no_progress"), "running is no proof"
    sim.work["grok"] = {"tasks": {"completed": 3}, "repeated": repeats(1)}
    sim.passes(10)
    assert sim.driver.calls == ["grok"]
    assert (sim.restarts(), sim.story()[-1]) == ({"grok": "recovered"}, "proven")


def test_an_agent_whose_state_shows_progress_is_left_alone_though_the_alert_fires(sim: Looping) -> None:
    sim.work["grok"] = {"tasks": {"completed": 40}, "repeated": repeats(1)}
    sim.passes(10)
    sim.fires()
    sim.passes(120)
    assert sim.driver.calls == []
    assert (sim.restarts(), sim.story()[-1]) == ({"grok": "skipped"}, "progressing")


def test_an_agent_that_loops_again_is_restarted_three_times_and_then_left_to_people(sim: Looping) -> None:
    sim.restarted(repeated=repeats(30), tasks={"completed": 30})
    sim.fires()
    sim.passes(600)
    assert (len(sim.driver.calls), sim.restarts()) == (3, {"grok": "escalated"})


def test_a_new_instance_that_gets_nowhere_is_no_proof(sim: Looping) -> None:
    sim.restarted(current_task={"name": "review"})
    sim.fires()
    sim.passes(60)
    sim.fires(firing=False)
    sim.passes(300)
    assert sim.story()[-1] != "proven"
    assert "recovered" not in sim.restarts().values()


def test_an_idle_instance_is_enough_where_there_is_nothing_to_do(sim: Looping) -> None:
    sim.restarted(**IDLE)
    sim.fires()
    sim.passes(15)
    sim.fires(firing=False)
    assert sim.restarts() == {"grok": "succeeded"}
    sim.passes(300)
    assert (sim.driver.calls, sim.restarts()) == (["grok"], {"grok": "recovered"})


def test_the_agents_own_threshold_decides(sim: Looping) -> None:
    config = sim.fleet.agents["grok"]
    own = ThresholdOverrides.model_validate({"progress": {"repeats": 100}})
    sim.fleet = replace(sim.fleet, agents={**sim.fleet.agents, "grok": config.model_copy(update={"thresholds": own})})
    sim.fires()
    sim.passes(120)
    assert sim.driver.calls == []


RESTARTS = """
alerts:
  - name: No Progress
    actions: [{notify: slack}, {auto_action: restart_agent}, {log_to: logs/alerts/}]
    because: its work does not move
"""


@pytest.fixture
def resting(tmp_path: Path) -> Looping:
    """No Progress fires, and the brain adds a restart to it."""
    (tmp_path / "brain/config").mkdir(parents=True)
    (tmp_path / "brain/config/alerts.yaml").write_text(RESTARTS)
    alerts = read_alerts(FolderTree(tmp_path / "brain"))[0]
    cause = find_causes(alerts, SETTINGS, "restart_agent")["NoProgress"]
    assert (cause.subject, cause.because) == (NO_PROGRESS, "its work does not move")
    made = Looping(tmp_path, replace(a_fleet("grok", "gimai"), alerts=alerts))
    made.alertname = "NoProgress"
    for agent in made.fleet.agents:
        made.lives(agent, "one")
    made.work["grok"] = {"current_task": {"name": "review", "step": "read"}, "progressed_at": made.now}
    made.passes(200)
    return made


def test_no_progress_restarts_where_the_brain_says_so_and_the_proof_is_progress(resting: Looping) -> None:
    resting.restarted(current_task={"name": "review"}, progressed_at=resting.now)
    resting.fires()
    resting.passes(60)
    resting.fires(firing=False)
    assert resting.driver.calls == ["grok"]
    assert (resting.restarts(), resting.story()[-1]) == ({"grok": "succeeded"}, "no_progress"), "running is no proof"
    resting.work["grok"] = {"tasks": {"completed": 1}}
    resting.passes(10)
    assert (resting.restarts(), resting.story()[-1]) == ({"grok": "recovered"}, "proven")


def test_no_progress_restarts_nobody_whose_work_has_moved_again(resting: Looping) -> None:
    resting.work["grok"] |= {"progressed_at": resting.now}
    resting.fires()
    resting.passes(60)
    assert resting.driver.calls == []
    assert (resting.restarts(), resting.story()[-1]) == ({"grok": "skipped"}, "progressing")
