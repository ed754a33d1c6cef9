"""The event loop is never blocked: a database that does not answer delays only its own requests.

Covers: alerting.receiver.exposition, alerting.receiver.series.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from alerting.journal import Journal, JournalUnavailable, view
from alerting.journal.receive import receive
from alerting.receiver.exposition import Exposition
from alerting.receiver.fleet import FleetSource
from alerting.receiver.local import LocalFile
from alerting.receiver.metrics import DURATION, INSTRUMENTS, RECOVERY
from alerting.receiver.program import Receiver
from alerting.receiver.series import KEPT_SECONDS, AgentSeries
from nervesys.metrics import Instruments, MetricsSnapshot
from tests.alerting.receiver.simulation import START, a_fleet, agent_down
from tests.alerting.receiver.test_webhook import FIRING, body
from tests.servers.postgres import Postgres
from tests.stores import FolderStore

TOKEN = "a-secret-token-of-tests"


@pytest.fixture
def journal(postgresql: Postgres) -> Iterator[Journal]:
    journal = Journal.open(postgresql.database())
    yield journal
    journal.close()


def test_a_database_that_stands_still_holds_up_nothing_else(
    journal: Journal, postgresql: Postgres, tmp_path: Path
) -> None:
    local = LocalFile().model_copy(update={"token": SecretStr(TOKEN)})
    fleet = FleetSource(lambda: a_fleet("grok"))
    receiver = Receiver(fleet, local, journal, FolderStore(tmp_path), None, clock=lambda: START)
    transport = httpx.ASGITransport(receiver.application())

    async def story() -> list[int]:
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver", headers=headers) as client:
            with postgresql.frozen():
                asked = [client.post("/api/v1/alertmanager", content=body(FIRING))]
                asked += [client.get(path) for path in ("/", "/actions", "/actions/1", "/metrics")]
                waiting = [asyncio.create_task(item) for item in asked]
                for _ in range(20):
                    await asyncio.sleep(0.01)  # lets them begin
                    assert (await client.get("/-/healthy")).status_code == 200
                assert not any(item.done() for item in waiting)
            return [(await item).status_code for item in waiting]

    assert asyncio.run(story()) in ([200, 200, 200, 404, 200], [200, 200, 200, 200, 200])


def test_a_server_that_never_answers_costs_the_time_limit_and_no_thread(postgresql: Postgres) -> None:
    journal = Journal.open(postgresql.database(), answer_seconds=0.5)
    assert journal._threads
    with postgresql.frozen():
        with pytest.raises(JournalUnavailable, match="use the journal: the server does not respond"):
            asyncio.run(journal.run(view.pending))
        deadline = time.monotonic() + 10
        while journal._threads._connections and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not journal._threads._connections
    asyncio.run(journal.run(lambda connection: receive(connection, [agent_down("grok")], START), alone=True))
    assert asyncio.run(journal.run(view.pending)) == (1, START)
    journal.close()


def test_the_text_of_a_large_fleet_is_rendered_beside_the_event_loop(tmp_path: Path) -> None:
    others_were_served = threading.Event()

    class Slow(Instruments):
        def snapshot(self) -> MetricsSnapshot:
            assert others_were_served.wait(30), "rendered where everybody waits for it"
            return super().snapshot()

    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")
    exposition = Exposition(journal, Slow("receiver", INSTRUMENTS), AgentSeries(lambda: START))

    async def story() -> bytes:
        scrape = asyncio.create_task(exposition.snapshot())
        await asyncio.sleep(0)
        others_were_served.set()
        return (await scrape).plain

    assert b"nervesys_journal_pending_actions 0\n" in asyncio.run(story())


def render(series: AgentSeries, *counts: tuple[str, str, str, int]) -> set[str]:
    """What a scrape gets about agents."""
    series.set_open(counts)
    lines = series.render(series.changed()).plain.decode().splitlines()
    return {line.removeprefix("nervesys_") for line in lines if not line.startswith("#")}


def test_an_agent_has_series_once_something_is_done_for_it_and_a_day_longer_than_that() -> None:
    now = [START]
    series = AgentSeries(lambda: now[0])
    assert render(series) == set()
    series.add("grok", "restart_agent", "pending")
    counter = 'actions_total{agent="grok",action="restart_agent",state="pending"}'
    opened = 'open_actions{agent="grok",action="restart_agent",state="pending"} 1'
    pending = ("grok", "restart_agent", "pending", 1)
    assert render(series, pending) == {f"{counter} 0", opened}, "an increase from nothing would not be seen"
    assert render(series, pending) == {f"{counter} 1", opened}
    now[0] += KEPT_SECONDS + 1
    assert render(series, pending) == {f"{counter} 1", opened}, "it is still open"
    assert render(series) == set()
    series.add("grok", "restart_agent", "pending")
    assert render(series) == {f"{counter} 0"}
    assert render(series) == {f"{counter} 1"}


def test_only_those_of_whom_there_is_news_are_rendered_anew() -> None:
    series, fleet = AgentSeries(lambda: START), [f"agent-{number}" for number in range(300)]
    opened = [(agent, "restart_agent", "pending", 1) for agent in fleet]
    for agent in fleet:
        series.add(agent, "restart_agent", "pending")
    for _ in range(2):
        series.set_open(opened)
        assert len(series.changed()) == 300, "at first as 0"
    series.set_open(opened)
    assert series.changed() == []
    series.add("agent-7", "restart_agent", "pending")
    series.set_open(opened[:-1])
    assert {item.agent for item in series.changed()} == {"agent-7", "agent-299"}


def test_what_is_about_no_agent_counts_from_zero() -> None:
    series = AgentSeries(lambda: START)
    series.start("none", "log_to", ["pending"])
    line = 'actions_total{agent="none",action="log_to",state="pending"}'
    assert render(series) == {f"{line} 0"}
    series.add("none", "log_to", "pending")
    assert render(series) == {f"{line} 1"}


def test_the_histograms_reach_from_5_seconds_to_15_minutes() -> None:
    assert {(family.buckets[0], family.buckets[-1]) for family in (DURATION, RECOVERY)} == {(5, 900)}
