"""Alerts judged by a model: what it calls critical is posted while the alert fires, and nothing waits for it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from alerting.journal import Journal, State, Writer, view
from alerting.journal.receive import receive
from alerting.receiver.llm_triage import Advisor
from alerting.receiver.metrics import INSTRUMENTS
from nervesys.analysis import make_analyst
from nervesys.clients.alertmanager import Alertmanager, AlertmanagerUnavailable, Cluster
from nervesys.metrics import Instruments
from nervesys.settings import load
from tests.alerting.journal.kit import DOWN
from tests.servers.model import ModelServer, model_server

NOON = 1_790_000_000.0
FLAPPING = replace(DOWN, alertname="AgentFlapping", remedies=(), records=(("analyze", "alibaba"),))
CRITICAL = '{"severity": "critical", "reason": "its disk is full"}'


@dataclass(frozen=True)
class Sink(Alertmanager):
    """Keeps what it is given; a real one is asked in `test_alertmanager`."""

    url: str = "http://sink"
    posts: list[list[dict[str, Any]]] = field(default_factory=list)

    def post(self, alerts: Any) -> None:
        self.posts.append(list(alerts))


class Away(Alertmanager):
    def post(self, alerts: Any) -> None:
        raise AlertmanagerUnavailable("away")


@dataclass
class Desk:
    """An advisor with all that it needs, and a clock set by hand."""

    journal: Journal
    model: ModelServer
    sink: Sink
    folder: Path
    now: float = NOON

    def advisor(self) -> Advisor:
        """One, as after a start."""
        settings = load().settings
        cloud = settings.alibaba.alibaba_cloud.model_copy(update={"enabled": True, "base_url": self.model.url})
        analyst = make_analyst(cloud, self.folder / "memory.sqlite3", str, lambda: self.now)
        assert analyst
        cluster = Cluster((Away("http://127.0.0.1:1"), self.sink))
        words = {"grok": "OSError: no space left"}.get
        instruments = Instruments("r", INSTRUMENTS)
        writer = Writer(self.journal)
        return Advisor(
            analyst, cluster, settings, words, self.journal, writer, instruments, lambda: self.now, lambda _: None
        )

    def receives(self, *what: Any) -> None:
        with self.journal.transaction() as connection:
            receive(connection, what, self.now)

    def shown(self) -> list[tuple[str, str]]:
        with self.journal.transaction() as connection:
            found = view.actions(connection, view.Filter(action="analyze"))
        return [(one["state"], one["detail"]) for one in found]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    with model_server() as model:
        yield Desk(journal, model, Sink(), tmp_path)
    journal.close()


def turn(work: Callable[[], Any]) -> None:
    asyncio.run(work())


def test_a_critical_alert_is_posted_until_it_is_over_across_a_restart(desk: Desk) -> None:
    desk.model.content = CRITICAL
    desk.receives(FLAPPING)
    turn(desk.advisor().judge)
    assert desk.shown() == [(State.SUCCEEDED, "critical: its disk is full")]
    asked = json.loads(desk.model.asked[0]["messages"][1]["content"])
    assert asked["last_error"] == "OSError: no space left"
    after = desk.advisor()  # of a receiver that was started anew
    turn(after.post)
    ((alert,),) = desk.sink.posts
    assert alert["labels"] == {"alertname": "JudgedCritical", "severity": "critical", "agent": "grok"}
    assert alert["annotations"]["description"] == "its disk is full"
    assert alert["endsAt"] == "2026-09-21T14:18:20.000Z"  # five minutes from now
    desk.now += 60
    desk.receives(replace(FLAPPING, status="resolved", records=()))
    turn(after.post)
    assert desk.sink.posts[-1][0]["endsAt"] == "2026-09-21T14:14:20.000Z"  # now
    turn(after.post)
    assert len(desk.sink.posts) == 2


def test_what_is_no_longer_received_is_over(desk: Desk) -> None:
    desk.model.content = CRITICAL
    desk.receives(FLAPPING)
    advisor = desk.advisor()
    turn(advisor.judge)
    desk.now += 500
    desk.receives(FLAPPING)  # Alertmanager repeats it
    desk.now += 500
    turn(advisor.post)
    assert len(desk.sink.posts) == 1
    desk.now += 500
    turn(advisor.post)
    turn(advisor.post)
    assert len(desk.sink.posts) == 2


def test_a_normal_alert_is_journalled_and_nobody_is_told(desk: Desk) -> None:
    desk.receives(FLAPPING)
    advisor = desk.advisor()
    turn(advisor.judge)
    turn(advisor.post)
    assert desk.shown() == [(State.SUCCEEDED, "normal: it tries again")]
    assert desk.sink.posts == []


def test_a_model_that_is_away_is_asked_again_and_then_left(desk: Desk) -> None:
    desk.model.status = 500
    desk.receives(FLAPPING)
    advisor = desk.advisor()
    turn(advisor.judge)
    ((state, said),) = desk.shown()
    assert state == State.PENDING
    assert said.startswith("not judged: ask qwen-plus")
    desk.now += 700
    turn(advisor.judge)
    ((state, said),) = desk.shown()
    assert state == State.FAILED
    assert "status 500" in said


def test_where_no_alertmanager_answers_it_is_posted_again(desk: Desk) -> None:
    desk.model.content = CRITICAL
    desk.receives(FLAPPING)
    advisor = desk.advisor()
    turn(advisor.judge)
    advisor.cluster = Cluster((Away("http://127.0.0.1:1"),))
    with pytest.raises(AlertmanagerUnavailable):
        turn(advisor.post)
    advisor.cluster = Cluster((desk.sink,))
    turn(advisor.post)
    assert len(desk.sink.posts) == 1
