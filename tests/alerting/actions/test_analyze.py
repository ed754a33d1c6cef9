"""Alerts judged by a model: a critical verdict is posted while the alert fires, and no notification waits for it.

Covers: alerting.receiver.llm_triage.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from alerting.journal import ActionState, Journal, Writer, view
from alerting.journal.receive import receive
from alerting.receiver.llm_triage import AlertTriage
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

    def advisor(self) -> AlertTriage:
        """One, as after a start."""
        settings = load().settings
        cloud = settings.alibaba.alibaba_cloud.model_copy(update={"enabled": True, "base_url": self.model.url})
        analyst = make_analyst(cloud, self.folder / "memory.sqlite3", str, lambda: self.now)
        assert analyst
        cluster = Cluster((Away("http://127.0.0.1:1"), self.sink))
        words = {"grok": "OSError: no space left"}.get
        instruments = Instruments("r", INSTRUMENTS)
        writer = Writer(self.journal)
        return AlertTriage(
            analyst, cluster, settings, words, self.journal, writer, instruments, lambda: self.now, lambda _: None
        )

    def receives(self, *what: Any) -> None:
        with self.journal.transaction() as connection:
            receive(connection, what, self.now)

    def shown(self) -> list[tuple[str, str]]:
        with self.journal.transaction() as connection:
            found = view.actions(connection, view.ActionFilter(action="analyze"))
        return [(item["state"], item["detail"]) for item in found]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Desk]:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    with model_server() as model:
        yield Desk(journal, model, Sink(), tmp_path)
    journal.close()


def turn(work: Callable[[], Any]) -> None:
    asyncio.run(work())


def test_a_critical_alert_is_posted_until_it_is_over_across_a_restart(bench: Desk) -> None:
    bench.model.content = CRITICAL
    bench.receives(FLAPPING)
    turn(bench.advisor().judge)
    assert bench.shown() == [(ActionState.SUCCEEDED, "critical: its disk is full")]
    asked = json.loads(bench.model.asked[0]["messages"][1]["content"])
    assert asked["last_error"] == "OSError: no space left"
    after = bench.advisor()  # of a receiver that was started anew
    turn(after.post)
    ((alert,),) = bench.sink.posts
    assert alert["labels"] == {"alertname": "JudgedCritical", "severity": "critical", "agent": "grok"}
    assert alert["annotations"]["description"] == "its disk is full"
    assert alert["endsAt"] == "2026-09-21T14:18:20.000Z"  # five minutes from now
    bench.now += 60
    bench.receives(replace(FLAPPING, status="resolved", records=()))
    turn(after.post)
    assert bench.sink.posts[-1][0]["endsAt"] == "2026-09-21T14:14:20.000Z"  # now
    turn(after.post)
    assert len(bench.sink.posts) == 2


def test_what_is_no_longer_received_is_over(bench: Desk) -> None:
    bench.model.content = CRITICAL
    bench.receives(FLAPPING)
    advisor = bench.advisor()
    turn(advisor.judge)
    bench.now += 500
    bench.receives(FLAPPING)  # Alertmanager repeats it
    bench.now += 500
    turn(advisor.post)
    assert len(bench.sink.posts) == 1
    bench.now += 500
    turn(advisor.post)
    turn(advisor.post)
    assert len(bench.sink.posts) == 2


def test_a_normal_alert_is_journalled_and_not_posted(bench: Desk) -> None:
    bench.receives(FLAPPING)
    advisor = bench.advisor()
    turn(advisor.judge)
    turn(advisor.post)
    assert bench.shown() == [(ActionState.SUCCEEDED, "normal: it tries again")]
    assert bench.sink.posts == []


def test_a_model_that_is_away_is_asked_again_and_then_left(bench: Desk) -> None:
    bench.model.status = 500
    bench.receives(FLAPPING)
    advisor = bench.advisor()
    turn(advisor.judge)
    ((state, detail),) = bench.shown()
    assert state == ActionState.PENDING
    assert detail.startswith("not judged: ask qwen-plus")
    bench.now += 700
    turn(advisor.judge)
    ((state, detail),) = bench.shown()
    assert state == ActionState.FAILED
    assert "status 500" in detail


def test_where_no_alertmanager_answers_it_is_posted_again(bench: Desk) -> None:
    bench.model.content = CRITICAL
    bench.receives(FLAPPING)
    advisor = bench.advisor()
    turn(advisor.judge)
    advisor.cluster = Cluster((Away("http://127.0.0.1:1"),))
    with pytest.raises(AlertmanagerUnavailable):
        turn(advisor.post)
    advisor.cluster = Cluster((bench.sink,))
    turn(advisor.post)
    assert len(bench.sink.posts) == 1
