"""Alerts as lines in the brain: one commit for many, none lost to another writer or an unreachable brain.

Covers: alerting.receiver.alert_log_writer.
"""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.actions import log_to
from alerting.drivers.outcome import Cause, Done, Failed, Retry
from alerting.journal import ActionState, Journal, Writer, view
from alerting.journal.receive import receive
from alerting.journal.records import Record
from alerting.receiver.alert_log_writer import AlertLogWriter
from alerting.receiver.metrics import INSTRUMENTS
from nervesys.metrics import Instruments
from nervesys.stores.brain import GitBrain
from tests import brains
from tests.alerting.journal.kit import DOWN

NOON = float(brains.NOON)
RECORD = Record(
    id=1,
    action="log_to",
    target="logs/alerts/",
    received_at=NOON,
    alertname="AgentDown",
    fingerprint="f1",
    starts_at="2026-01-01T11:59:00Z",
    status="firing",
    sender="alertmanager",
    agent="grok",
    labels={"severity": "critical", "odd": 'a "quote", a\nnewline and a /'},
    annotations={"summary": "schläft"},
)
FILE = "logs/alerts/2026-01-01.jsonl"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    brains.write(tmp_path / "brain.git", {"config/agents/grok.yaml": b"{}"})
    return tmp_path / "brain.git"


def open_brain(repository: Path, name: str = "receiver") -> GitBrain:
    return GitBrain(str(repository), repository.parent / "mirrors" / name, timeout_seconds=20)


def lines(repository: Path, file: str = FILE) -> list[dict[str, object]]:
    return [json.loads(line) for line in brains.read(repository, file).splitlines()]


def test_a_line_holds_the_whole_alert() -> None:
    line = log_to.format_line(RECORD)
    assert line.count(b"\n") == 1
    entry = json.loads(line)
    assert (entry["timestamp"], entry["alert"], entry["agent"]) == ("2026-01-01T12:00:00.000Z", "AgentDown", "grok")
    assert (entry["severity"], entry["labels"], entry["annotations"]) == ("critical", RECORD.labels, RECORD.annotations)


def test_many_alerts_are_one_commit_in_one_file_a_day(repository: Path) -> None:
    brain = open_brain(repository)
    tomorrow = [replace(RECORD, received_at=NOON + 86400)]
    assert log_to.send(brain, [RECORD] * 3 + tomorrow) == Done()
    assert len(list(brain.log("state"))) == 1
    assert (len(lines(repository)), len(lines(repository, "logs/alerts/2026-01-02.jsonl"))) == (3, 1)


def test_another_writer_loses_no_line(repository: Path) -> None:
    ours, theirs = open_brain(repository), open_brain(repository, "another")
    log_to.send(ours, [RECORD])
    log_to.send(theirs, [replace(RECORD, fingerprint="theirs")])
    log_to.send(ours, [replace(RECORD, fingerprint="ours again")])
    assert [line["fingerprint"] for line in lines(repository)] == ["f1", "theirs", "ours again"]


def test_an_unreachable_brain_is_worth_another_try(repository: Path) -> None:
    brain = open_brain(repository)
    repository.rename(repository.with_name("away"))
    outcome = log_to.send(brain, [RECORD])
    assert isinstance(outcome, Retry)
    assert outcome.cause is Cause.UNREACHABLE


def test_a_plain_folder_is_never_written_to() -> None:
    assert isinstance(log_to.send(None, [RECORD]), Failed)


def test_while_the_brain_is_away_records_wait_in_the_journal(repository: Path, tmp_path: Path) -> None:
    brain, journal = open_brain(repository), Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    with journal.transaction() as connection:
        receive(connection, [DOWN, replace(DOWN, status="resolved")], NOON)
    scribe = AlertLogWriter(
        brain, journal, Writer(journal), Instruments("r", INSTRUMENTS), lambda: NOON, lambda _: None
    )

    def shown(state: ActionState) -> int:
        with journal.transaction() as connection:
            return len(view.actions(connection, view.ActionFilter(action="log_to", state=state)))

    away = repository.rename(repository.with_name("away"))
    asyncio.run(scribe.turn())
    assert (shown(ActionState.PENDING), shown(ActionState.SUCCEEDED)) == (2, 0)
    away.rename(repository)
    for _ in range(2):
        asyncio.run(scribe.turn())
    assert (shown(ActionState.PENDING), shown(ActionState.SUCCEEDED)) == (0, 2)
    assert [line["status"] for line in lines(repository)] == ["firing", "resolved"]
