"""The page: what it shows to everybody, and what it does only with the token.

Covers: alerting.journal.sessions, alerting.receiver.session.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pyrage
import pytest
from pydantic import SecretStr

from alerting.journal import Writer
from alerting.receiver.fleet import FleetSource
from alerting.receiver.local import LocalFile
from alerting.receiver.page import TEMPLATES, verdict_and_detail
from alerting.receiver.program import Receiver
from alerting.receiver.session import SESSION_SECONDS, Sessions, session_name
from alerting.receiver.sign_in import FREE_FAILURES
from nervesys.contract import AgentState, Status
from nervesys.look.colours import SHADES, base_style
from nervesys.settings.rotating_secret import SecretFromFile
from nervesys.settings.rotation import OwnSecret, rotate
from nervesys.stores.encryption import set_identity
from nervesys.stores.state_text import encrypt_text
from tests.alerting.receiver.simulation import Simulation, a_fleet, agent_down
from tests.audit_events import audited_events

TOKEN = "a-secret-token-of-tests"
Story = Callable[[httpx.AsyncClient], Awaitable[None]]
Run = Callable[[Story], None]


@pytest.fixture
def sim(tmp_path: Path) -> Simulation:
    """One agent escalated, one that waits, and an alert that nobody knows."""
    sim = Simulation(tmp_path, a_fleet("grok", "gimai", max_restart_attempts=0), blast_at_least=9)
    sim.lives("grok", "one")
    sim.lives("gimai", "one")
    sim.passes(20)
    state = AgentState(agent_id="grok", status=Status.RUNNING, timestamp=sim.now, last_error="<b>out of memory</b>")
    sim.dies("grok")
    sim.store.put("db/agents/grok_state.json", state.body())
    sim.passes(20)
    sim.receive(agent_down("grok", annotations='{"summary": "<script>alert(1)</script>"}'))
    sim.passes(15)
    sim.receive(agent_down("gimai"), agent_down("", alertname="Odd", rejected="unknown_alert", remedies=()))
    return sim


@pytest.fixture
def run(sim: Simulation) -> Run:
    local = LocalFile().model_copy(update={"token": SecretStr(TOKEN)})
    receiver = Receiver(FleetSource(lambda: sim.fleet), local, sim.journal, sim.store, None, clock=sim.clock)
    transport = httpx.ASGITransport(receiver.application())

    async def run(story: Story) -> None:
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            await story(client)

    return lambda story: asyncio.run(run(story))


async def sign_in(client: httpx.AsyncClient) -> str:
    """Sign in; returns the key of this session's forms."""
    answer = await client.post("/sign-in", data={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    found = re.search(r'name="key" value="(\w+)"', (await client.get("/")).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        pytest.param("", {"grok", "gimai", "Odd"}, id="everything"),
        pytest.param("?state=escalated", {"grok"}, id="by state"),
        pytest.param("?agent=gimai&state=", {"gimai"}, id="by agent; an empty field filters nothing"),
        pytest.param("?alert=Odd", {"Odd"}, id="by alert"),
        pytest.param("?action=log_to", set(), id="by action"),
        pytest.param("?alert=%22%3E%3Cscript%3E", set(), id="something odd"),
    ],
)
def test_the_journal_is_a_table_with_filters(run: Run, query: str, shown: set[str]) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"/{query}")
        assert answer.status_code == 200
        table = answer.text.partition("<tbody>")[2]
        assert {name for name in ("grok", "gimai", "Odd") if f">{name}<" in table} == shown
        assert "<script>" not in answer.text
        assert 'action="/orders"' not in answer.text

    run(story)


def test_a_verdict_without_a_detail_stands_alone_and_durations_have_units() -> None:
    assert verdict_and_detail({"verdict": "recorded", "detail": ""}) == "recorded"
    assert verdict_and_detail({"verdict": "proven", "detail": "a new instance"}) == "proven: a new instance"
    assert TEMPLATES.filters["duration"](1502.3) == "25m 2s"


def test_an_episode_shows_all_details(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        text = (await client.get("/episodes/1")).text
        for words in (
            "attempts_exhausted",
            "AgentDown is firing",
            "&lt;b&gt;out of memory&lt;/b&gt;",
            "&lt;script&gt;",
        ):
            assert words in text
        assert "<b>" not in text
        assert "<script>" not in text

    run(story)


def test_encrypted_text_of_a_state_is_shown_with_the_identity_and_else_as_encrypted(run: Run, sim: Simulation) -> None:
    ours = pyrage.x25519.Identity.generate()
    state = AgentState(agent_id="grok", status=Status.RUNNING, timestamp=sim.now, last_error="customer 4711 is missing")
    sim.store.put("db/agents/grok_state.json", encrypt_text(state, (str(ours.to_public()),)).body())

    async def story(client: httpx.AsyncClient) -> None:
        text = (await client.get("/episodes/1")).text
        assert "[encrypted]" in text
        assert "4711" not in text
        set_identity(SecretStr(str(ours)))
        try:
            assert "customer 4711 is missing" in (await client.get("/episodes/1")).text
        finally:
            set_identity(None)

    run(story)


def test_accesses_are_audited_with_the_session_and_without_secrets(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        await client.post("/sign-in", data={"token": "a wrong token of the page"})
        form = {"order": "restart", "agent": "grok"}
        await client.post("/orders", data=form)
        key = await sign_in(client)
        session = client.cookies["nervesys_receiver"]
        with audited_events() as orders:
            await client.post("/orders", data={**form, "key": key})
            await client.post("/orders", data={"key": key, "order": "restart", "agent": "nobody"})
            await client.post(
                "/api/v1/restart", params={"agent": "gimai"}, headers={"authorization": f"Bearer {TOKEN}"}
            )
            await client.post("/api/v1/restart", params={"agent": "gimai"}, headers={"authorization": "Bearer wrong"})
            await client.post("/sign-out", data={"key": key})
        who = session_name(session)
        assert [event for event in orders if event[0] != "action"] == [
            ("order", "ok", who, "restart grok"),
            ("order", "failed", who, "restart nobody"),
            ("order", "ok", "token of the receiver", "/api/v1/restart agent=gimai"),
            ("sign_in", "denied", "unknown", "/api/v1/restart"),
            ("sign_out", "ok", who, "page of the receiver"),
        ]
        assert session not in str(orders)
        metrics = (await client.get("/metrics")).text
        assert re.search(r'nervesys_audit_events_total\{action="order",result="ok"\} [1-9]', metrics)

    with audited_events() as events:
        run(story)
    assert [event[:3] for event in events[:2]] == [("sign_in", "denied", "unknown"), ("order", "denied", "unknown")]
    assert "a wrong token" not in str(events)


def test_a_store_that_cannot_be_read_costs_the_last_words_only(run: Run, sim: Simulation) -> None:
    sim.store.broken = True

    async def story(client: httpx.AsyncClient) -> None:
        text = (await client.get("/episodes/1")).text
        assert "The store cannot be read" in text
        assert "attempts_exhausted" in text

    run(story)


@pytest.mark.parametrize("path", ["/?agent=grok", "/episodes/1"])
def test_an_agent_leads_to_its_dashboard_at_that_time(run: Run, sim: Simulation, path: str) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        text = (await client.get(path)).text
        [(address, query)] = set(re.findall(r'<a href="([^"?]*)\?([^"]*)" title="Its page at that time">grok<', text))
        assert address == "http://127.0.0.1:17080/d/agent-details"
        asked = {name: values[0] for name, values in parse_qs(unescape(query)).items()}
        opened, *_ = (await client.get("/actions/1")).json()["history"]
        assert asked["var-agent_name"] == "grok"
        assert int(asked["from"]) / 1000 < opened["at"] < sim.now < int(asked["to"]) / 1000
        assert '<a href="http://127.0.0.1:17080">Dashboards</a>' in text

    run(story)


def test_the_style_sheet_is_that_of_all_pages_and_its_own(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        text = (await client.get("/style.css")).text
        assert text.startswith(base_style())
        assert ".recovered" in text
        assert set(re.findall(r"var\(--([a-z0-9-]+)\)", text)) <= SHADES.keys()

    run(story)


@pytest.mark.parametrize("path", ["/", "/episodes/1", "/episodes/99", "/episodes/x"])
def test_headers_forbid_scripts_and_caching(run: Run, path: str) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script|\son\w+=|style=", answer.text)

    run(story)


@pytest.mark.parametrize(
    ("order", "agent", "episode", "state", "to"),
    [
        pytest.param("restart", "grok", 1, "pending", "/?agent=grok", id="retry what was escalated"),
        pytest.param("acknowledge", "grok", 1, "failed", "/episodes/1", id="take it over"),
        pytest.param("cancel", "gimai", 2, "failed", "/episodes/2", id="cancel what waits"),
    ],
)
def test_who_holds_the_token_orders(
    run: Run, sim: Simulation, order: str, agent: str, episode: int, state: str, to: str
) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        key = await sign_in(client)
        assert f'value="{order}"' in (await client.get(f"/episodes/{episode}")).text
        fields = {"key": key, "order": order, "agent": agent, "episode": str(episode)}
        answer = await client.post("/orders", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, to)

    run(story)
    assert sim.states()[agent] == state


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"key": ""}, 403, id="no key"),
        pytest.param({"key": "0" * 64}, 403, id="a forged key"),
        pytest.param({"order": "reboot"}, 400, id="an unknown order"),
        pytest.param({"agent": "nobody"}, 400, id="an unknown agent"),
        pytest.param({"order": "cancel"}, 409, id="cancelling what was escalated"),
        pytest.param({"order": "acknowledge", "episode": "2"}, 409, id="taking over what was not escalated"),
        pytest.param({"order": "acknowledge", "episode": "x"}, 409, id="no number"),
        pytest.param({"agent": "x" * 5000}, 413, id="too long"),
    ],
)
def test_nothing_else_is_done(run: Run, sim: Simulation, fields: dict[str, str], status: int) -> None:
    before = sim.states()

    async def story(client: httpx.AsyncClient) -> None:
        key = await sign_in(client)
        form = {"key": key, "order": "restart", "agent": "grok", "episode": "1", **fields}
        assert (await client.post("/orders", data=form)).status_code == status
        assert (await client.get("/orders", params=form)).status_code == 405
        client.cookies.clear()
        assert (await client.post("/orders", data={**form, "key": key})).status_code in (403, 413), "the cookie is gone"

    run(story)
    assert sim.states() == before


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_a_session_that_began_by_tls_is_never_sent_without(run: Run, scheme: str, secure: bool) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        answer = await client.post(f"{scheme}://receiver/sign-in", data={"token": TOKEN})
        assert ("Secure" in answer.headers["set-cookie"].split("; ")) is secure

    run(story)


def test_a_wrong_token_opens_nothing(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        for token in ("", "wrong", TOKEN + "x", "ü"):
            answer = await client.post("/sign-in", data={"token": token})
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers
            assert TOKEN not in answer.text

    run(story)


def test_signing_out_ends_the_session_wherever_its_cookie_is(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert (await client.post("/sign-out")).status_code == 403, "another site may not even do this"
        key = await sign_in(client)
        cookie = client.cookies["nervesys_receiver"]
        assert (await client.post("/sign-out", data={"key": key})).status_code == 303
        assert "Sign in" in (await client.get("/")).text
        client.cookies.set("nervesys_receiver", cookie)
        assert "Sign in" in (await client.get("/")).text, "a copy of the cookie opens nothing"
        form = {"key": key, "order": "restart", "agent": "grok"}
        assert (await client.post("/orders", data=form)).status_code == 403

    run(story)


def test_a_session_ends_by_itself_and_cannot_be_made_up(sim: Simulation) -> None:
    def sessions(token: str = TOKEN) -> Sessions:
        return Sessions(SecretStr(token), sim.journal, Writer(sim.journal), sim.clock)

    async def story() -> None:
        session = await sessions().open()
        assert await sessions().is_valid(session), "of another receiver, or after a restart"
        assert await sessions().is_form_key(session, sessions().form_key(session))
        for forged in ("", "x", session[:-1], session + "x", "\udcff", "9" * 5000, "x" * 43, f"{session[:-1]}%"):
            assert not await sessions().is_valid(forged)
            assert not await sessions().is_form_key(forged, sessions().form_key(session))
        assert not await sessions().is_form_key(session, "")
        assert not await sessions("another token of a receiver").is_valid(session)
        sim.now += SESSION_SECONDS
        assert not await sessions().is_valid(session)
        await sessions().open()

    asyncio.run(story())
    with sim.journal.reading() as connection:
        rows = connection.exec_driver_sql("SELECT id, signature FROM sessions").all()
    assert len(rows) == 1, "what ended is deleted"
    assert TOKEN not in str(rows)


def test_a_session_outlives_a_rotation_until_the_old_token_is_refused(sim: Simulation, tmp_path: Path) -> None:
    file = tmp_path / "receiver_token"
    file.write_text(TOKEN)
    sessions = Sessions(SecretFromFile(file, sim.clock), sim.journal, Writer(sim.journal), sim.clock)

    async def story() -> None:
        before = await sessions.open()
        key = sessions.form_key(before)
        rotate(OwnSecret("receiver_token", file), sim.now, 600)
        assert sessions.is_token(TOKEN)
        assert sessions.is_token(file.read_text())
        assert await sessions.is_form_key(before, key)
        after = await sessions.open()
        sim.now += 601
        assert not sessions.is_token(TOKEN)
        assert not await sessions.is_valid(before)
        assert await sessions.is_valid(after)

    asyncio.run(story())


def test_who_fails_to_sign_in_is_counted_slowed_and_shown(run: Run, sim: Simulation) -> None:
    async def guess(client: httpx.AsyncClient, token: str) -> int:
        return (await client.post("/sign-in", data={"token": token})).status_code

    async def story(client: httpx.AsyncClient) -> None:
        statuses = [await guess(client, f"guess-{number}") for number in range(800)]
        assert (statuses.count(403), statuses.count(429)) == (FREE_FAILURES, 800 - FREE_FAILURES)
        assert await guess(client, TOKEN) == 429, "else a right guess would be recognized at full speed"
        text = (await client.get("/metrics")).text
        assert f'nervesys_sign_in_failures_total{{reason="wrong_token"}} {FREE_FAILURES}.0' in text
        assert 'nervesys_sign_in_failures_total{reason="too_many"} 796.0' in text
        assert "failed attempts" not in (await client.get("/")).text, "for operators only"
        sim.now += 2
        await sign_in(client)
        assert f"{FREE_FAILURES} failed attempts to sign in" in (await client.get("/")).text

    run(story)


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        pytest.param({"cookie": "nervesys_receiver=' OR 1=1 --"}, {}, id="SQL in the cookie"),
        pytest.param({"cookie": "nervesys_receiver=" + "9" * 5000}, {}, id="a cookie of 5000 digits"),
        pytest.param({"authorization": f"Bearer {TOKEN}"}, {}, id="the token as a header is no session"),
        pytest.param({"origin": "https://evil.example"}, {"key": "0" * 64}, id="a form of another site"),
    ],
)
def test_attacks_on_sessions_fail(run: Run, sim: Simulation, headers: dict[str, str], fields: dict[str, str]) -> None:
    before = sim.states()

    async def story(client: httpx.AsyncClient) -> None:
        form = {"order": "restart", "agent": "grok", **fields}
        response = await client.post("/orders", data=form, headers=headers)
        assert response.status_code == 403
        assert "Sign in" in response.text
        assert (await client.get("/", headers=headers)).status_code == 200

    run(story)
    assert sim.states() == before


def test_nothing_of_a_request_becomes_a_header(run: Run) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        key = await sign_in(client)
        agent = "grok\r\nSet-Cookie: a=b"
        form = {"key": key, "order": "acknowledge", "agent": agent, "episode": "1\r\nX: y"}
        response = await client.post("/orders", data=form)
        assert "a=b" not in str(response.headers)
        response = await client.get("/", params={"agent": agent})
        assert "a=b" not in str(response.headers)

    run(story)
