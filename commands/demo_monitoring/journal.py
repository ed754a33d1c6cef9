"""Writes the made-up incidents to the receiver's journal, as the receiver would have."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from alerting.journal import Journal
from alerting.journal.batches import EpisodeChange, begin_attempts
from alerting.journal.episodes import decide, end_attempt, latest
from alerting.journal.receive import Arrival, receive
from alerting.journal.states import FIRING, ActionState, Episode, EpisodeVerdict
from commands.demo_monitoring.incidents import CALL_LASTS, DemoIncident, DemoMonitoring
from commands.demo_monitoring.samples import ACTION, ALERT, DRIVER, SEVERITY
from nervesys.contract import format_time

SENDER, OWNER = "alertmanager", "demo"
REASONS = {
    ActionState.ESCALATED: (EpisodeVerdict.NO_PROOF, "no new instance after the restart; an operator is needed"),
    ActionState.RECOVERED: (EpisodeVerdict.PROVEN, "a new instance writes heartbeats"),
}
"""Verdict and sentence of the states after the driver's call."""


def write_journal(path: Path, monitored: DemoMonitoring, server: str) -> None:
    """Write all incidents, unless there is a journal already.

    Args:
        path: of the SQLite file.
        monitored: names the incidents.
        server: of the agents.

    Raises:
        JournalUnavailable: it cannot be written.
    """
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with closing(Journal.open(f"sqlite:///{partial}")) as journal, journal.transaction() as connection:
        for incident in monitored.incidents():
            _write(connection, incident, server)
    partial.rename(path)


def _write(connection: Connection, incident: DemoIncident, server: str) -> None:
    receive(connection, [_arrival(incident, FIRING)], incident.fired_at)
    episode = latest(connection, ACTION, incident.agent)
    assert episode, "it was opened a line above"
    kept: dict[str, Any] = {"server": server, "lease_owner": None, "lease_until": None, "due_at": None}
    lease = {"lease_owner": OWNER, "lease_until": incident.called_at}
    act = EpisodeChange(
        episode, ActionState.RUNNING, EpisodeVerdict.ACT, "", {"driver": DRIVER, "server": server, **lease}
    )
    ((episode, attempt),) = begin_attempts(connection, [act], incident.called_at)
    called = incident.called_at + CALL_LASTS
    end_attempt(connection, attempt, called, "ok", "")
    decide(connection, episode, ActionState.SUCCEEDED, EpisodeVerdict.CALLED, "the driver was called", called, **kept)
    for at, state in incident.states:
        if state in REASONS:
            episode = _newest(connection, incident)
            decide(connection, episode, ActionState(state), *REASONS[ActionState(state)], at, **kept)
    receive(connection, [_arrival(incident, "resolved")], incident.resolved_at)


def _newest(connection: Connection, incident: DemoIncident) -> Episode:
    episode = latest(connection, ACTION, incident.agent)
    assert episode, "it was opened before"
    return episode


def _arrival(incident: DemoIncident, status: str) -> Arrival:
    labels = {"alertname": ALERT, "agent": incident.agent, "severity": SEVERITY}
    summary = f"{incident.agent} has been silent for {incident.fired_at - incident.silent_at:.0f}s"
    return Arrival(
        alertname=ALERT,
        fingerprint=f"demo-{incident.agent}",
        starts_at=format_time(incident.fired_at),
        status=status,
        sender=SENDER,
        agent=incident.agent,
        labels=json.dumps(labels),
        annotations=json.dumps({"summary": summary}),
        remedies=(ACTION,) if status == FIRING else (),
    )
