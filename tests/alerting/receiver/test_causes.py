"""Restarts for other causes than silence, from the alert to the proof.

Covers: alerting.receiver.firing, alerting.receiver.limits.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerting.drivers.outcome import Done
from alerting.journal import Journal
from alerting.model import AlertsFile
from alerting.receiver.causes import RestartCause, find_causes
from alerting.receiver.firing import FiringReader
from alerting.receiver.intake import arrivals
from alerting.receiver.webhook import parse
from nervesys.clients.alertmanager import Alertmanager, AlertmanagerUnavailable, Cluster
from tests.alerting.receiver.simulation import START, Simulation, a_fleet, agent_down, shipped_alerts

RESTART = [{"auto_action": "restart_agent"}]
ERRORS = {
    "name": "Many Errors",
    "condition": "errors > 20 in 10 minutes",
    "actions": RESTART,
    "because": "its client leaks sockets",
}
SILENCE = {"name": "Agent Down", "condition": "no heartbeat > threshold", "actions": RESTART}
AGENTS = ("grok", "gimai", "copilot", "chatgpt")


def an_alerts_file(*alerts: dict[str, Any]) -> AlertsFile:
    return AlertsFile.model_validate({"engine": "prometheus", "channels": {}, "alerts": alerts})


@pytest.fixture
def sim(tmp_path: Path) -> Simulation:
    made = Simulation(tmp_path, replace(a_fleet(*AGENTS), alerts=an_alerts_file(ERRORS, SILENCE)))
    for agent in made.fleet.agents:
        made.lives(agent, "one")
    made.passes(30)
    return made


def errors(sim: Simulation, *agents: str, status: str = "firing", **labels: str) -> None:
    """The alert fires, or is resolved, by Alertmanager, and is delivered."""
    test = labels.get("nervesys_test") == "true"
    now = {("ManyErrors", agent, test) for agent in agents}
    before = sim.firing or frozenset()
    sim.firing = before | now if status == "firing" else before - now
    deliver(sim, *agents, status=status, **labels)


def deliver(sim: Simulation, *agents: str, status: str = "firing", **labels: str) -> None:
    alerts = [
        {
            "status": status,
            "labels": {"alertname": "ManyErrors", "agent": agent, **labels},
            "startsAt": "2027-01-15T08:00:00Z",
            "fingerprint": agent,
        }
        for agent in agents
    ]
    body = json.dumps({"version": "4", "status": status, "alerts": alerts})
    sim.receive(*arrivals(parse(body.encode()), "alertmanager", sim.fleet))
    sim.turn()


def test_an_agent_with_a_fresh_heartbeat_is_restarted_while_its_alert_fires_and_proven_once_it_is_quiet(
    sim: Simulation,
) -> None:
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    errors(sim, "grok")
    sim.passes(60)
    assert sim.driver.calls == ["grok"]
    assert sim.states() == {"grok": "succeeded"}, "a new instance alone is no proof"
    assert sim.story()[-1] == "still_firing"
    errors(sim, "grok", status="resolved")
    sim.passes(10)
    assert sim.driver.calls == ["grok"]
    assert sim.story() == ["received", "settling", "act", "called", "first_sign", "still_firing", "proven"]


def test_the_journal_holds_the_reason(sim: Simulation) -> None:
    errors(sim, "grok")
    sim.passes(20)
    with sim.journal.transaction() as connection:
        lines = [str(row[0]) for row in connection.exec_driver_sql("SELECT detail FROM history ORDER BY id")]
    assert lines[0] == "ManyErrors is firing: its client leaks sockets"
    assert "attempt 1 by supervisor; ManyErrors is firing: its client leaks sockets" in lines


def test_an_alert_that_was_resolved_before_the_look_restarts_nobody(sim: Simulation) -> None:
    deliver(sim, "grok")
    sim.passes(60)
    assert sim.driver.calls == []
    assert (sim.states(), sim.story()[-1]) == ({"grok": "skipped"}, "quiet")


def test_nobody_is_restarted_while_no_alertmanager_answers(sim: Simulation) -> None:
    sim.firing = None
    deliver(sim, "grok")
    sim.passes(120)
    assert (sim.driver.calls, sim.story()[-1]) == ([], "blind")
    sim.dies("grok")
    sim.passes(60)
    assert sim.driver.calls[:1] == ["grok"], "silence needs no Alertmanager"


def test_a_restart_that_does_not_help_is_tried_again_after_the_window_of_the_alert_and_then_escalated(
    sim: Simulation,
) -> None:
    sim.driver.effect = lambda agent: sim.lives(agent, f"after {len(sim.driver.calls)}")
    errors(sim, "grok")
    sim.passes(600)
    assert len(sim.driver.calls) == 1, "the errors from before the restart are still in the window"
    sim.passes(1200)
    assert len(sim.driver.calls) > 1
    sim.passes(1800)
    assert (len(sim.driver.calls), sim.states()) == (3, {"grok": "escalated"})


def test_an_old_instance_that_writes_on_after_the_call_is_no_proof(sim: Simulation) -> None:
    sim.driver.script = [Done("started")] * 9
    errors(sim, "grok")
    sim.passes(120)
    assert "proven" not in sim.story()
    assert len(sim.driver.calls) > 1


def test_an_agent_down_alert_for_an_agent_that_is_well_still_does_nothing(sim: Simulation) -> None:
    sim.firing = frozenset({("AgentDown", "grok", False)})
    sim.receive(agent_down("grok"))
    sim.passes(30)
    assert (sim.driver.calls, sim.story()[-1]) == ([], "fresh")


def test_a_common_cause_trips_the_blast_radius(sim: Simulation) -> None:
    sim.driver.effect = lambda agent: sim.lives(agent, "two")
    errors(sim, *AGENTS)
    sim.passes(120)
    assert len(sim.driver.calls) == 1, "one trial, whose alert does not become quiet"
    assert sim.states()["*"] == "escalated"


def test_a_test_of_the_alert_is_only_observed(sim: Simulation) -> None:
    errors(sim, "grok", nervesys_test="true")
    sim.passes(30)
    assert (sim.driver.calls, sim.story()[-1]) == ([], "observed")
    deliver(sim, "grok")
    sim.passes(30)
    assert sim.driver.calls == [], "a test that fires is no alert that fires"


@pytest.mark.parametrize(
    ("alert", "window"),
    [
        ({"condition": "no heartbeat > threshold"}, None),
        ({"condition": "agent stuck stopping"}, None),
        ({"expr": "time() - nervesys_agent_heartbeat_timestamp_seconds > 600", "by": ["agent"]}, None),
        ({"condition": "no completed tasks > 1 hour"}, 0),
        ({"condition": "cpu > 90% for 10 minutes and errors > 5 in 1 hour"}, 3600),
        ({"expr": "rate(nervesys_agent_errors_total[5m]) > 1", "by": ["agent"]}, 300),
    ],
)
def test_the_expression_shows_what_an_alert_is_about(alert: dict[str, Any], window: float | None) -> None:
    settings = a_fleet().settings
    found = find_causes(an_alerts_file({"name": "Tried", "actions": RESTART, **alert}), settings, "restart_agent")
    lasting = RestartCause("Tried").quiet_seconds + settings.thresholds.heartbeat.grace_seconds
    assert found == ({} if window is None else {"Tried": RestartCause("Tried", "", window + lasting)})


def test_the_shipped_alerts_restart_for_silence_and_lack_of_progress_only() -> None:
    causes = find_causes(shipped_alerts(), a_fleet().settings, "restart_agent")
    assert all(cause.subject for cause in causes.values())


def test_because_needs_an_action_that_it_explains() -> None:
    with pytest.raises(ValueError, match="goes with an auto_action"):
        an_alerts_file(ERRORS | {"actions": []})


def test_with_grafana_the_journal_shows_what_fires(sim: Simulation, tmp_path: Path) -> None:
    grafana = replace(sim.fleet, alerts=sim.fleet.alerts.model_copy(update={"engine": "grafana"}))
    reader = FiringReader(lambda: grafana, Cluster(()), sim.journal, sim.clock)
    deliver(sim, "grok", "gimai")
    deliver(sim, "gimai", status="resolved")
    assert asyncio.run(reader.read({"ManyErrors"})) == frozenset({("ManyErrors", "grok", False)})
    sim.now += 601
    assert asyncio.run(reader.read({"ManyErrors"})) == frozenset(), "nobody repeats it"


def test_every_alertmanager_is_asked_and_one_that_answers_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: dict[str, list[dict[str, str]] | None] = {"a": [{"alertname": "X", "agent": "Grok"}], "b": None}

    def firing(member: Alertmanager, names: object) -> list[dict[str, str]]:
        answer = answers[member.url]
        if answer is None:
            raise AlertmanagerUnavailable(member.url)
        return answer

    monkeypatch.setattr(Alertmanager, "firing", firing)
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    cluster = Cluster((Alertmanager("a"), Alertmanager("b")))
    reader = FiringReader(lambda: a_fleet("grok"), cluster, journal, lambda: START)
    assert asyncio.run(reader.read({"X"})) == frozenset({("X", "grok", False)})
    answers["a"] = None
    assert asyncio.run(reader.read({"X"})) is None
