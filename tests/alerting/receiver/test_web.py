"""The receiver's HTTP interface: what each request gets, and what stands in the journal after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request

from alerting.drivers import Drivers
from alerting.journal import Journal
from alerting.receiver.fleet import FleetSource
from alerting.receiver.local import LocalFile, ReceiverLimits
from alerting.receiver.program import Receiver
from nervesys.metrics.http_headers import bearer_token, is_secret
from tests.alerting.receiver.simulation import START, a_fleet
from tests.alerting.receiver.test_webhook import FIRING, body, labels
from tests.stores import FolderStore

TOKEN = "a-secret-token-of-tests"
PATH = "/api/v1/alertmanager"
Story = Callable[[httpx.AsyncClient], Awaitable[None]]
Run = Callable[[Story], None]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite3'}")


@pytest.fixture
def run(journal: Journal, tmp_path: Path) -> Run:
    """Runs a story against the receiver's pages, without what runs beside them."""
    drivers = Drivers.model_validate({"command": {"argv": ["/bin/true"], "servers": ["*"]}})
    local = LocalFile(limits=ReceiverLimits(body_bytes=4096), drivers=drivers).model_copy(
        update={"token": SecretStr(TOKEN)}
    )
    fleet = FleetSource(lambda: a_fleet("grok"))
    receiver = Receiver(fleet, local, journal, FolderStore(tmp_path), None, clock=lambda: START)
    transport = httpx.ASGITransport(receiver.application())

    async def run(story: Story) -> None:
        headers = {"authorization": f"Bearer {TOKEN}", "accept-encoding": "identity"}
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver", headers=headers) as client:
            await story(client)

    return lambda story: asyncio.run(run(story))


def test_alerts_are_journalled_and_shown(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        sent = body(FIRING, 7, labels(alertname="Nope", agent="grok"))
        answer = await client.post(PATH, content=sent)
        assert (answer.status_code, answer.json()) == (200, {"received": 3})
        shown = (await client.get("/actions")).json()["actions"]
        assert sorted((row["action"], row["state"]) for row in shown) == [
            ("log_to", "pending"),
            ("none", "rejected"),
            ("none", "rejected"),
            ("restart_agent", "pending"),
        ]
        (episode,) = (await client.get("/actions", params={"action": "restart_agent"})).json()["actions"]
        details = (await client.get(f"/actions/{episode['id']}")).json()
        assert details["evidence"][0]["annotations"] == {"summary": "it is silent"}

    run(story)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"authorization": ""}, id="none"),
        pytest.param({"authorization": "Bearer wrong"}, id="another"),
        pytest.param({"authorization": f"Basic {TOKEN}"}, id="of another kind"),
        pytest.param({"authorization": f"Bearer {TOKEN}x"}, id="one letter too many"),
        pytest.param({"authorization": b"Bearer \xff\xfe"}, id="no text"),
    ],
)
def test_without_the_token_nothing_is_taken(run: Run, headers: dict[str, Any]) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.post(PATH, content=body(FIRING), headers=headers)
        assert answer.status_code == 401
        assert TOKEN not in answer.text
        assert (await client.get("/actions")).json() == {"actions": []}

    run(story)


def test_a_token_with_an_umlaut_matches_however_it_is_encoded() -> None:
    token = "ein-schlüssel-mit-umlaut"
    request = Request({"type": "http", "headers": [(b"authorization", f"Bearer {token}".encode())]})
    latin = Request({"type": "http", "headers": [(b"authorization", f"bearer  {token}".encode("latin-1"))]})
    for sent in map(bearer_token, (request, latin)):
        assert sent is not None
        assert is_secret(sent, token)
        assert not is_secret(sent, token.replace("ü", "?"))
        assert not is_secret(sent, token.replace("ü", "u"))
    assert bearer_token(Request({"type": "http", "headers": []})) is None


async def _pieces(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 1024):
        yield b" " * 1024


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(lambda: b"{", 400, id="not JSON"),
        pytest.param(lambda: b" " * 5000, 413, id="too large, and says so"),
        pytest.param(lambda: _pieces(8192), 413, id="too large, without saying so"),
        pytest.param(lambda: body(), 200, id="no alerts at all"),
    ],
)
def test_what_the_sender_must_mend_gets_a_4xx(run: Run, content: Callable[[], Any], status: int) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert (await client.post(PATH, content=content())).status_code == status

    run(story)


def test_a_journal_that_cannot_commit_says_try_again_and_recovers(run: Run, journal: Journal) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        with journal.transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE alerts RENAME TO gone")
        assert (await client.post(PATH, content=body(FIRING))).status_code == 503
        assert (await client.get("/actions")).status_code == 503
        assert (await client.get("/-/ready")).status_code == 503
        assert "nervesys_journal_commit_failures_total 1.0" in (await client.get("/metrics")).text
        with journal.transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE gone RENAME TO alerts")
        assert (await client.post(PATH, content=body(FIRING))).status_code == 200
        assert (await client.get("/-/ready")).status_code == 200

    run(story)


def test_while_the_journal_cannot_be_read_its_gauges_stay_as_they_were(run: Run, journal: Journal) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        await client.post(PATH, content=body(FIRING))
        assert "nervesys_journal_pending_actions 2\n" in (await client.get("/metrics")).text
        with journal.transaction() as connection:
            connection.exec_driver_sql("ALTER TABLE episodes RENAME TO gone")
        answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert "nervesys_journal_pending_actions 2\n" in answer.text

    run(story)


def test_metrics_count_from_zero_for_each_agent(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        before = (await client.get("/metrics")).text
        for wanted in (
            'nervesys_actions_total{agent="none",action="log_to",state="pending"} 0',
            'nervesys_alerts_received_total{sender="alertmanager",status="firing"} 0.0',
            'nervesys_webhook_refused_requests_total{reason="no_token",sender="grafana"} 0.0',
            "nervesys_journal_pending_actions 0",
            "nervesys_rate_limited_actions 0",
            "nervesys_journal_commit_failures_total 0.0",
            'nervesys_action_recovery_duration_seconds_count{driver="command"} 0.0',
            'nervesys_action_recovery_duration_seconds_bucket{driver="command",le="5.0"} 0.0',
            'nervesys_action_recovery_duration_seconds_bucket{driver="command",le="900.0"} 0.0',
            'nervesys_action_duration_seconds_count{action="restart_agent",driver="command"} 0.0',
            'nervesys_action_duration_seconds_count{action="log_to",driver="git"} 0.0',
        ):
            assert f"{wanted}\n" in before
        for absent in ("journal_oldest_pending_timestamp_seconds", "webhook_last_received_timestamp_seconds{"):
            assert f"nervesys_{absent}" not in before, "there is no such time yet"
        assert 'agent="grok"' not in before, "of a large fleet, only those are served for which something was done"
        await client.post(PATH, content=body(FIRING, truncatedAlerts=3))
        await client.post("/api/v1/grafana", content=body(FIRING), headers={"authorization": ""})
        first, after = [(await client.get("/metrics")).text for _ in range(2)]
        assert 'nervesys_actions_total{agent="grok",action="restart_agent",state="pending"} 0\n' in first
        for wanted in (
            'nervesys_actions_total{agent="grok",action="restart_agent",state="pending"} 1',
            'nervesys_open_actions{agent="grok",action="restart_agent",state="pending"} 1',
            'nervesys_alerts_received_total{sender="alertmanager",status="firing"} 1.0',
            'nervesys_alerts_truncated_total{sender="alertmanager"} 3.0',
            'nervesys_webhook_refused_requests_total{reason="no_token",sender="grafana"} 1.0',
            "nervesys_journal_pending_actions 2",
            "nervesys_journal_oldest_pending_timestamp_seconds 1800000000",
            'nervesys_webhook_last_received_timestamp_seconds{sender="alertmanager"} 1.8e+09',
        ):
            assert f"{wanted}\n" in after
        assert 'nervesys_webhook_last_received_timestamp_seconds{sender="grafana"}' not in after, "it was refused"

    run(story)


def test_people_end_what_is_escalated_and_nothing_else(run: Run, journal: Journal) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        await client.post(PATH, content=body(FIRING))
        assert (await client.post("/api/v1/acknowledge?episode=1")).status_code == 404, "it is not escalated"
        with journal.transaction() as connection:
            connection.exec_driver_sql("UPDATE episodes SET state = 'escalated'")
        nobody = {"authorization": "Bearer wrong"}
        assert (await client.post("/api/v1/acknowledge?episode=1", headers=nobody)).status_code == 401
        assert (await client.post("/api/v1/acknowledge?episode=one")).status_code == 404
        assert (await client.post("/api/v1/acknowledge?episode=1")).json() == {"acknowledged": 1}
        details = (await client.get("/actions/1")).json()
        assert (details["state"], details["verdict"], details["due_at"]) == ("failed", "acknowledged", None)
        await client.post(PATH, content=body(FIRING))
        (after,) = (await client.get("/actions", params={"action": "restart_agent"})).json()["actions"]
        assert after["state"] == "failed", "the firing that people look after opens nothing new"

    run(story)


def test_a_program_with_the_token_orders_a_restart(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        nobody = {"authorization": "Bearer wrong"}
        for agent in ("grok", "unknown"):
            assert (await client.post(f"/api/v1/restart?agent={agent}", headers=nobody)).status_code == 401
        assert (await client.post("/api/v1/restart?agent=unknown")).status_code == 404
        assert (await client.get("/api/v1/restart?agent=grok")).status_code == 405, "no GET changes anything"
        assert (await client.post("/api/v1/restart?agent=grok")).json() == {"restarting": "grok"}
        (episode,) = (await client.get("/actions", params={"action": "restart_agent"})).json()["actions"]
        assert (episode["agent"], episode["verdict"]) == ("grok", "ordered")

    run(story)


def test_grafana_has_a_path_of_its_own(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert (await client.post("/api/v1/grafana", content=body(FIRING))).status_code == 200
        (episode,) = (await client.get("/actions", params={"action": "restart_agent"})).json()["actions"]
        assert (await client.get(f"/actions/{episode['id']}")).json()["evidence"][0]["sender"] == "grafana"

    run(story)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/actions?limit=0", 400),
        ("/actions?colour=red", 400),
        ("/actions/999", 404),
        ("/actions/x", 404),
        (f"/actions/{9**99}", 404),
    ],
)
def test_invalid_queries_are_refused_with_the_reason(run: Run, path: str, status: int) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert (await client.get(path)).status_code == status

    run(story)
