"""The pages behind the links that ask for approval: what they do, and what attackers cannot make them do.

Covers: alerting.receiver.approval_links.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from alerting.journal.approvals import CHOICES, Answer
from alerting.receiver.approval_links import ApprovalLink, LinkSigner
from alerting.receiver.fleet import FleetSource
from alerting.receiver.local import ApprovalSettings, LocalFile
from alerting.receiver.program import Receiver
from tests.alerting.receiver.asking import KEY, SLACK, Asking, asking
from tests.alerting.receiver.test_page import TOKEN, sign_in
from tests.audit_events import audited_events
from tests.servers.chats import Chats, chat_servers

WAITING = {"grok": "waiting_for_approval"}
Story = Callable[[httpx.AsyncClient], Awaitable[None]]


@pytest.fixture
def chats() -> Iterator[Chats]:
    with chat_servers() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, chats: Chats) -> Asking:
    made = asking(tmp_path, chats, {"slack": SLACK}, approval_seconds=120)
    made.falls()
    made.send()
    return made


def receiver_of(world: Asking) -> Receiver:
    """A receiver on what is there, as after a restart."""
    key = ApprovalSettings.model_construct(
        key=SecretStr(KEY), secrets_folder=str(world.folder), telegram_url=world.chats.url
    )
    local = LocalFile().model_copy(update={"token": SecretStr(TOKEN), "approvals": key})
    sim = world.sim
    receiver = Receiver(FleetSource(lambda: sim.fleet), local, sim.journal, sim.store, None, clock=sim.clock)
    object.__setattr__(receiver._desk, "cluster", world.cluster)
    return receiver


def visit(world: Asking, story: Story) -> None:
    """Let somebody use a receiver that was started just now."""

    async def run() -> None:
        transport = httpx.ASGITransport(receiver_of(world).application())
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            await story(client)

    asyncio.run(run())


def link(world: Asking, label: str) -> str:
    """The path of a link of the message."""
    buttons = world.chats.slack[0]["blocks"][1]["elements"]
    url: str = next(button["url"] for button in buttons if label in button["text"]["text"])
    return "/approvals/" + url.rpartition("/")[2]


async def answer(client: httpx.AsyncClient, path: str, **headers: str) -> httpx.Response:
    """Open a link, and press the button of its page."""
    page = await client.get(path)
    assert page.status_code == 200, page.text
    found = re.search(r'name="form_key" value="([\w-]+)"', page.text)
    assert found
    return await client.post(path, data={"form_key": found[1], "seconds": "14400"}, headers=headers)


@pytest.mark.parametrize(
    ("label", "state", "calls"),
    [("Approve", "recovered", ["grok"]), ("Refuse", "rejected", []), ("Silence", "rejected", [])],
)
def test_opening_a_link_changes_nothing_and_its_button_answers_once(
    label: str, state: str, calls: list[str], world: Asking
) -> None:
    path = link(world, label)

    async def story(client: httpx.AsyncClient) -> None:
        for method in ("GET", "HEAD", "GET"):
            opened = await client.request(method, path)
            assert opened.status_code == 200
            assert opened.headers["referrer-policy"] == "no-referrer"
            assert opened.headers["cache-control"] == "no-store"
            assert "script-src" not in opened.headers["content-security-policy"]
        assert world.sim.states() == WAITING
        done = await answer(client, path, origin="null")
        assert (done.status_code, "by channel slack" in done.text) == (200, True)

    visit(world, story)
    world.sim.passes(60)
    assert (world.sim.states()["grok"], world.sim.driver.calls) == (state, calls)
    assert world.cluster.silences == (
        [({"alertname": "AgentDown", "agent": "grok"}, 14400, "receiver, channel slack")] if label == "Silence" else []
    )

    async def again(client: httpx.AsyncClient) -> None:
        for other in ("Approve", "Refuse", "Silence"):
            for method in ("GET", "POST"):
                used = await client.request(method, link(world, other))
                assert used.status_code == (410 if method == "GET" else 403)
                assert method == "POST" or "by channel slack at 2027-" in used.text

    visit(world, again)
    assert len(world.cluster.silences) == (label == "Silence")


def test_an_expired_link_is_explained(world: Asking) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        world.sim.now += 121
        for _ in range(2):
            late = await client.get(link(world, "Approve"))
            assert (late.status_code, "it has expired" in late.text) == (410, True)
            await asyncio.to_thread(lambda: None)

    visit(world, story)
    assert world.sim.driver.calls == []


def test_a_link_of_an_agent_that_is_well_again_is_explained(world: Asking) -> None:
    world.sim.lives("grok", "one")
    world.sim.passes(30)

    async def story(client: httpx.AsyncClient) -> None:
        late = await client.get(link(world, "Approve"))
        assert (late.status_code, "no longer needs an approval" in late.text) == (410, True)

    visit(world, story)


def forged(world: Asking) -> Iterator[str]:
    """What an attacker may try, who has the link that refuses."""
    path = link(world, "Refuse")
    payload, _, mac = path.rpartition("/")[2].partition(".")
    question = world.question()
    wanted = ApprovalLink(1, "restart_agent", question.nonce, Answer.APPROVE, "slack", int(question.expires_at))
    other = LinkSigner(SecretStr("another-key-of-links")).sign(wanted)
    assert world.signer is not None
    yield other
    yield f"{other.partition('.')[0]}.{mac}"
    yield f"{payload}.{mac[:-1]}"
    yield f"{payload}."
    yield payload
    yield f"{payload}.{world.signer.form_key(path.rpartition('/')[2])}"
    yield "." + mac
    yield "%00.%ff"
    yield "a" * 5000
    yield f"{payload}.{mac}é"


def test_a_forged_link_is_refused(world: Asking) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        for token in forged(world):
            for method in ("GET", "POST"):
                refused = await client.request(method, f"/approvals/{token}")
                assert (refused.status_code, token) == (403, token)

    visit(world, story)
    assert world.sim.states() == WAITING


def test_a_link_answers_its_own_question_only(world: Asking) -> None:
    question = world.question()
    assert world.signer is not None
    wrong = ApprovalLink(7, "restart_agent", question.nonce, Answer.APPROVE, "slack", int(question.expires_at))
    strange = ApprovalLink(1, "stop_agent", question.nonce, Answer.APPROVE, "slack", int(question.expires_at))
    gone = ApprovalLink(1, "restart_agent", "of-another-journal", Answer.APPROVE, "slack", int(question.expires_at))
    signed = [world.signer.sign(each) for each in (wrong, strange, gone)]

    async def story(client: httpx.AsyncClient) -> None:
        found = [(await client.get(f"/approvals/{token}")).status_code for token in signed]
        assert found == [403, 403, 410]

    visit(world, story)


@pytest.mark.parametrize(
    ("headers", "with_key"),
    [
        pytest.param({}, False, id="a form without the key of the page"),
        pytest.param({"origin": "http://evil.example"}, True, id="another origin"),
        pytest.param({"sec-fetch-site": "cross-site"}, True, id="another site"),
        pytest.param({"sec-fetch-site": "same-site"}, True, id="a neighbour of the site"),
    ],
)
def test_another_site_cannot_answer(headers: dict[str, str], with_key: bool, world: Asking) -> None:
    path = link(world, "Approve")

    async def story(client: httpx.AsyncClient) -> None:
        refused = await answer(client, path, **headers) if with_key else await client.post(path, headers=headers)
        assert refused.status_code == 403

    visit(world, story)
    assert world.sim.states() == WAITING


def test_a_silence_has_one_of_the_times_of_the_page(world: Asking) -> None:
    path = link(world, "Silence")

    async def story(client: httpx.AsyncClient) -> None:
        key = re.search(r'name="form_key" value="([\w-]+)"', (await client.get(path)).text)
        assert key
        for seconds in ("1", "999999999999999999999", "000003600000", "-3600", "x", "٣"):
            wrong = await client.post(path, data={"form_key": key[1], "seconds": seconds})
            assert (wrong.status_code, seconds) == (400, seconds)

    visit(world, story)
    assert world.cluster.silences == []


@pytest.mark.parametrize("choice", CHOICES)
def test_operators_who_signed_in_answer_on_the_page_of_the_episode(choice: Answer, world: Asking) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        assert f'value="{choice}"' not in (await client.get("/episodes/1")).text
        refused = await client.post("/episodes/1/approval", data={"choice": str(choice)})
        assert refused.status_code == 403
        key = await sign_in(client)
        assert f'value="{choice}"' in (await client.get("/episodes/1")).text
        done = await client.post("/episodes/1/approval", data={"choice": str(choice), "key": key})
        assert (done.status_code, done.headers["location"]) == (303, "/episodes/1")
        late = await client.post("/episodes/1/approval", data={"choice": str(choice), "key": key})
        assert late.status_code == 410
        wrong = await client.post("/episodes/1/approval", data={"choice": "expired", "key": key})
        assert wrong.status_code == 400
        none = await client.post("/episodes/99/approval", data={"choice": "refuse", "key": key})
        assert none.status_code == 410

    visit(world, story)
    assert (world.question().outcome, world.question().ended_by) == (choice, "an operator who signed in")


def test_answers_and_forgeries_are_audited_with_the_session(world: Asking) -> None:
    async def story(client: httpx.AsyncClient) -> None:
        await client.post("/approvals/forged.link")
        key = await sign_in(client)
        await client.post("/episodes/1/approval", data={"choice": "refuse", "key": key})

    with audited_events() as events:
        visit(world, story)
    denied, answered = (event for event in events if event[0] == "order")
    assert denied == ("order", "denied", "unknown", "approval")
    assert re.fullmatch("session [0-9a-f]{12}", answered[2])
    assert answered[3] == "approval: refused by an operator who signed in"


def test_no_secret_of_a_link_is_in_metrics_journal_or_log(world: Asking, caplog: pytest.LogCaptureFixture) -> None:
    secret = link(world, "Approve").rpartition("/")[2]

    async def story(client: httpx.AsyncClient) -> None:
        await answer(client, link(world, "Approve"))
        shown = [(await client.get(path)).text for path in ("/metrics", "/actions", "/actions/1", "/", "/episodes/1")]
        for text in (*shown, caplog.text):
            assert secret not in text
            assert world.question().nonce not in text
        assert 'nervesys_approvals_answered_total{answer="approve"} 1' in shown[0]
        assert "nervesys_waiting_approvals 0" in shown[0]

    visit(world, story)
