"""Messages that ask for approval and report how it ended, and the buttons of Telegram, against servers as documented.

Covers: alerting.messages.message, alerting.messages.slack, alerting.messages.telegram, alerting.messages.mail,
alerting.receiver.telegram_buttons.
"""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from alerting.journal import approvals
from alerting.journal.approvals import Answer
from alerting.messages import mail, slack
from alerting.messages.message import Button, Message, MessageFailed, read_channel_secret
from alerting.messages.telegram import TelegramBot
from alerting.model import EmailChannel, TelegramChannel
from alerting.receiver.approval_messages import send
from tests.alerting.receiver.asking import CHAT, SLACK, TELEGRAM, Asking, asking
from tests.servers.chats import BOT_TOKEN, SLACK_PATH, Chats, chat_servers
from tests.servers.smtp import mail_server

LINKS = (Button("Approve", "http://receiver/approvals/a", "approve:0:n", "primary"),)


@pytest.fixture
def chats() -> Iterator[Chats]:
    with chat_servers() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, chats: Chats) -> Asking:
    made = asking(tmp_path, chats, {"slack": SLACK, "telegram": TELEGRAM}, approval_seconds=120)
    made.falls()
    made.send()
    return made


def test_slack_gets_the_question_with_a_link_for_each_choice_and_then_what_became_of_it(
    world: Asking, chats: Chats, caplog: pytest.LogCaptureFixture
) -> None:
    (body,) = chats.slack
    assert body["text"] == "Approve restart_agent of grok?"
    assert "it is silent" in body["blocks"][0]["text"]["text"]
    buttons = {button["text"]["text"]: button["url"] for button in body["blocks"][1]["elements"]}
    assert list(buttons) == ["Approve", "Refuse", "Silence for 1 hour"]
    assert world.signer is not None
    read = [world.signer.read(url.rpartition("/")[2]) for url in buttons.values()]
    assert [(link.choice, link.channel) for link in read if link] == [
        ("approve", "slack"),
        ("refuse", "slack"),
        ("silence", "slack"),
    ]
    world.send()
    assert len(chats.slack) == 1, "sent once"
    world.answer(Answer.APPROVE)
    world.send()
    assert chats.slack[1]["text"] == "restart_agent of grok: approved"
    assert "By grace" in chats.slack[1]["blocks"][0]["text"]["text"]
    assert not [word for word in ("secret", "approvals/") if word in caplog.text]


def test_a_button_of_telegram_approves_and_the_message_shows_the_result(world: Asking, chats: Chats) -> None:
    ((message_id, body),) = chats.telegram.items()
    assert "approvals/" not in body["text"], "only its approver may answer"
    chats.press(message_id, "Approve", CHAT)
    world.read_buttons()
    assert [answer["text"] for answer in chats.answers] == [f"approved by Telegram user {CHAT} (@grace)"]
    world.sim.passes(60)
    world.send()
    assert world.sim.driver.calls == ["grok"]
    assert chats.telegram[message_id]["text"].startswith("restart_agent of grok: approved")
    assert "reply_markup" not in chats.telegram[message_id]
    polls = len(chats.polls)
    world.read_buttons()
    assert len(chats.polls) == polls, "nothing is asked without an open question"


@pytest.mark.parametrize(
    ("user", "chat", "label"),
    [
        pytest.param(666, CHAT, "Approve", id="another user"),
        pytest.param(CHAT, 777, "Approve", id="another chat"),
    ],
)
def test_a_button_of_anybody_else_does_nothing(user: int, chat: int, label: str, world: Asking, chats: Chats) -> None:
    chats.press(next(iter(chats.telegram)), label, user, chat)
    world.read_buttons()
    assert "may not answer" in chats.answers[0]["text"]
    assert world.question().outcome == ""


@pytest.mark.parametrize("data", ["approve:0:guessed", "silence:5:x", "approve", "", "expired:0:x", "unneeded:0:x"])
def test_data_that_was_not_sent_from_here_does_nothing(data: str, world: Asking, chats: Chats) -> None:
    chats.press(next(iter(chats.telegram)), "Approve", CHAT)
    chats.updates[-1]["callback_query"]["data"] = data
    chats.updates.insert(0, {"update_id": 1, "message": {"text": "hello"}})
    chats.updates.insert(0, {"update_id": 2, "callback_query": {"id": 5}})
    world.read_buttons()
    assert world.question().outcome == ""


def test_what_was_read_is_kept_and_of_two_receivers_one_reads(world: Asking, chats: Chats) -> None:
    message_id = next(iter(chats.telegram))
    chats.press(message_id, "Silence", CHAT)
    object.__setattr__(world.cluster, "away", True)
    world.read_buttons("first")
    world.read_buttons("second")
    assert len(chats.polls) == 1, "the first has the lease"
    assert len(chats.answers) == 1
    world.sim.now += 10
    world.read_buttons("second")
    assert (chats.polls[-1]["offset"], len(chats.answers)) == (703, 1), "it goes on where the first ended"


def test_a_bot_that_cannot_be_read_is_left_alone_for_a_while_and_to_other_receivers(
    world: Asking, chats: Chats, caplog: pytest.LogCaptureFixture
) -> None:
    chats.press(next(iter(chats.telegram)), "Approve", CHAT)
    chats.refuse = (409, b'{"ok": false, "error_code": 409, "description": "Conflict"}')
    for _ in range(4):
        world.read_buttons("first")
        world.sim.now += 1
    assert caplog.text.count("409 Conflict") == 1
    chats.refuse = None
    world.read_buttons("second")
    assert world.question().outcome == Answer.APPROVE


def test_a_group_without_approvers_gets_links_for_those_who_read_it(tmp_path: Path, chats: Chats) -> None:
    world = asking(tmp_path, chats, {"telegram": {**TELEGRAM, "chat_id": -100}})
    world.falls()
    world.send()
    (body,) = chats.telegram.values()
    assert "reply_markup" not in body
    assert body["text"].count("/approvals/") == 3


def test_what_cannot_be_sent_waits_and_is_given_up_where_that_is_of_no_use(
    world: Asking, chats: Chats, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "alerting")
    chats.refuse = (
        429,
        b'{"ok": false, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": 9}}',
    )
    world.answer(Answer.REFUSE)
    world.send()
    world.sim.now += 6
    world.send()
    chats.refuse = None
    world.sim.now += 10
    world.send()
    assert len(chats.slack) == 2
    assert next(iter(chats.telegram.values()))["text"].startswith("restart_agent of grok: refused")
    (world.folder / "slack_url").unlink()
    world.falls("gimai", "09:00")
    world.send()
    with world.sim.journal.transaction() as connection:
        shown = approvals.list_messages(connection, 2)
    assert [(row["channel"], "slack_url: No such file" in row["error"]) for row in shown] == [
        ("slack", True),
        ("telegram", False),
    ]
    assert "secret" not in caplog.text.replace("secrets", "")


def test_a_question_that_expired_is_reported(world: Asking, chats: Chats) -> None:
    world.sim.passes(120)
    world.send()
    assert chats.slack[-1]["text"] == "restart_agent of grok: not approved in time"


def test_without_a_key_the_message_leads_to_the_page(tmp_path: Path, chats: Chats) -> None:
    world = asking(tmp_path, chats, {"slack": SLACK})
    world = Asking(world.sim, chats, tmp_path / "secrets", signer=None)
    world.falls()
    world.send()
    (body,) = chats.slack
    assert [block["type"] for block in body["blocks"]] == ["section"]
    assert "/episodes/1" in body["blocks"][0]["text"]["text"]


def test_a_mail_has_the_links_and_no_line_of_an_alert_becomes_a_header(tmp_path: Path) -> None:
    message = Message("Approve\r\nBcc: x@example.org restart?", "it is silent", LINKS, "http://receiver/episodes/1")
    with mail_server(tmp_path) as box:
        smarthost = f"127.0.0.1:{box.port}"
        fields = {"type": "email", "to": "grace@example.org", "from": "n@example.org", "require_tls": False}
        channel = EmailChannel.model_validate({**fields, "smarthost": smarthost})
        mail.send(message, channel, None)
        (taken,) = box.taken
        assert taken["Subject"] == "Approve Bcc: x@example.org restart?"
        assert taken["Bcc"] is None
        assert "Approve: http://receiver/approvals/a" in taken.get_content()
        with pytest.raises(MessageFailed, match="recipients rejected"):
            mail.send(message, channel.model_copy(update={"to": "nobody@example.org"}), None)
        with pytest.raises(MessageFailed):
            mail.send(message, channel.model_copy(update={"require_tls": True}), None)  # its certificate is unknown
    with pytest.raises(MessageFailed, match=r"cannot connect|refused"):
        mail.send(message, channel, None)


@pytest.mark.parametrize(
    ("refuse", "permanent"),
    [((403, b"invalid_token"), True), ((404, b"no_service"), True), ((500, b"rollup_error"), False)],
)
def test_slack_says_what_is_of_no_use(refuse: tuple[int, bytes], permanent: bool, chats: Chats) -> None:
    chats.refuse = refuse
    with pytest.raises(MessageFailed) as failed:
        slack.send(Message("a", "b"), SecretStr(f"{chats.url}{SLACK_PATH}"))
    assert (failed.value.permanent, "secret" in str(failed.value)) == (permanent, False)


def test_text_of_alerts_is_no_markup_for_slack() -> None:
    content = slack.content(Message("<!channel> & co", "<https://evil.example|click>", LINKS))
    assert content["text"] == "&lt;!channel&gt; &amp; co"
    assert {block["text"]["type"] for block in content["blocks"] if "text" in block} == {"plain_text"}


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"ok": false}', json.dumps({"ok": False}).encode()])
def test_what_is_no_bot_api_is_an_error_without_the_token(answer: bytes, chats: Chats) -> None:
    chats.refuse = (502, answer)
    with pytest.raises(MessageFailed) as failed:
        TelegramBot(SecretStr(BOT_TOKEN), chats.url).send(Message("a", "b"), CHAT, buttons=False)
    assert (failed.value.permanent, "bot-secret" in str(failed.value)) == (False, False)


@pytest.mark.parametrize(
    "name",
    [
        "receiver_token",
        "../receiver.yaml",
        "/etc/passwd",
        "approval_key",
        "sub/approval_key",
        ".receiver_token.previous",
        "artifacts/grok",
        "web_password",
        "store_secret_key",
    ],
)
def test_the_receivers_own_secrets_are_sent_nowhere(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "receiver_token").write_text("x")
    with pytest.raises(MessageFailed, match="is no secret of a channel"):
        read_channel_secret(folder, name)
    channel = TelegramChannel.model_validate({**TELEGRAM, "bot_token_file": name})
    with pytest.raises(MessageFailed) as failed:
        send(channel, Message("a", "b"), folder, "http://127.0.0.1:1")
    assert re.search("secret of a channel", str(failed.value))
