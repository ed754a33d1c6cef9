"""Asks people for approvals, and reports how they ended, by the channels of the alerts.

Messages wait in the journal until they are sent; of several receivers one sends each.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from alerting.journal import Journal, Writer, approvals, view
from alerting.journal.approvals import Answer, Approval, OutgoingMessage
from alerting.messages import mail, slack
from alerting.messages.message import Button, Message, MessageFailed, read_channel_secret, retry_wait
from alerting.messages.telegram import TelegramBot
from alerting.model import Channel, EmailChannel, SlackChannel, TelegramChannel
from alerting.receiver import metrics
from alerting.receiver.approval_desk import DONE, HOUR, SILENCES
from alerting.receiver.approval_links import PATH, ApprovalLink, LinkSigner
from alerting.receiver.channel_threads import ChannelThreads
from alerting.receiver.fleet import FleetConfig
from nervesys.clock import Clock
from nervesys.contract import format_time
from nervesys.logs.visible import visible
from nervesys.metrics import Instruments

LEASE_SECONDS = 60.0
"""After which another receiver sends what this one was sending when it was lost."""
SEND_SECONDS = 30.0
"""Time limit of one message."""
LONGEST_RETRY = 300.0
ATTEMPTS = 12
"""To report how an approval ended; a question is sent again until it expires."""
SUMMARY_CHARACTERS = 300
OUTCOMES = {**DONE, Answer.EXPIRED: "not approved in time", Answer.UNNEEDED: "no longer needed"}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ApprovalMessages:
    """Sends what is due.

    Attributes:
        fleet: returns the newest version of the brain, which has the channels.
        signer: makes the links; None where there is no key, so that people have to sign in.
        secrets: folder with those of the channels.
        telegram_url: of the Bot API.
        can_silence: whether alerts can be silenced.
        threads: in which messages are sent.
    """

    journal: Journal
    writer: Writer
    fleet: Callable[[], FleetConfig]
    signer: LinkSigner | None
    secrets: Path
    telegram_url: str
    can_silence: Callable[[], bool]
    instruments: Instruments
    clock: Clock
    threads: ChannelThreads = field(default_factory=ChannelThreads)

    async def turn(self) -> None:
        """Send the messages that are due, each within its time limit; a channel that fails delays no other."""
        now = self.clock()
        due = await self.writer.commit(
            lambda connection: approvals.claim_messages(connection, now, now + LEASE_SECONDS)
        )
        await asyncio.gather(*map(self._deliver, due))

    async def _deliver(self, outgoing: OutgoingMessage) -> None:
        reference, error, due_at = "", "", None
        try:
            if not (outgoing.asks and outgoing.approval.ended_at is not None):
                message = await self._compose(outgoing)
                sending = self.threads.run(outgoing.channel, partial(self._send, outgoing.channel, message))
                reference = await asyncio.wait_for(sending, SEND_SECONDS)
            outcome = "sent"
        except (MessageFailed, TimeoutError) as err:
            failure = err if isinstance(err, MessageFailed) else MessageFailed("timed out")
            error, due_at = str(failure), self._retry_at(outgoing, failure)
            outcome = "failed" if due_at is None else "retry"
            log.warning("message about an approval by %s: %s; %s", outgoing.channel, error, outcome)
        self.instruments.add(metrics.APPROVAL_MESSAGES, outgoing.channel, outcome)
        now = self.clock()
        await self.writer.commit(
            lambda connection: approvals.settle_message(
                connection, outgoing.id, now, reference=reference, error=error, due_at=due_at
            )
        )

    def _retry_at(self, outgoing: OutgoingMessage, failure: MessageFailed) -> float | None:
        """When to send it again; None where that is of no use."""
        at = self.clock() + retry_wait(outgoing.attempts, failure, LONGEST_RETRY)
        late = at >= outgoing.approval.expires_at if outgoing.asks else outgoing.attempts + 1 >= ATTEMPTS
        return None if failure.permanent or late else at

    async def _compose(self, outgoing: OutgoingMessage) -> Message:
        approval = outgoing.approval

        def read(connection: Connection) -> dict[str, Any]:
            return view.read_details(connection, approval.episode_id) or {}

        episode = await self.journal.read(read)
        what = f"{episode['action']} of {episode['agent']}"
        url = f"{self._base_url}/episodes/{approval.episode_id}"
        if not outgoing.asks:
            title = f"{what}: {OUTCOMES[Answer(approval.outcome)]}"
            by = f"By {approval.ended_by}" if approval.outcome in DONE else approval.ended_by
            return Message(title, visible(by)[:SUMMARY_CHARACTERS], url=url, reference=outgoing.reference)
        lines = [
            *_summaries(episode),
            f"Why: {visible(episode['detail'])[:SUMMARY_CHARACTERS]}",
            f"Nothing is done until you answer; the question ends at {format_time(approval.expires_at)[:19]}Z.",
        ]
        return Message(f"Approve {what}?", "\n".join(lines), self._buttons(outgoing.channel, episode, approval), url)

    def _buttons(self, channel: str, episode: dict[str, Any], approval: Approval) -> tuple[Button, ...]:
        choices = [(Answer.APPROVE, "Approve", 0, "primary"), (Answer.REFUSE, "Refuse", 0, "danger")]
        if self.can_silence():
            choices.append((Answer.SILENCE, f"Silence for {SILENCES[HOUR]}", HOUR, ""))
        buttons = []
        for choice, label, seconds, style in choices:
            url = ""
            if self.signer:
                link = ApprovalLink(
                    approval.episode_id, episode["action"], approval.nonce, choice, channel, int(approval.expires_at)
                )
                url = f"{self._base_url}{PATH}{self.signer.sign(link)}"
            buttons.append(Button(label, url, f"{choice}:{seconds}:{approval.nonce}", style))
        return tuple(buttons)

    @property
    def _base_url(self) -> str:
        return self.fleet().settings.monitoring.journal_url.rstrip("/")

    def _send(self, name: str, message: Message) -> str:
        """Send a message by a channel; blocks."""
        channel = self.fleet().alerts.enabled.get(name)
        if channel is None:
            raise MessageFailed(f"channel {name} is not enabled in config/alerts.yaml", permanent=True)
        return send(channel, message, self.secrets, self.telegram_url)


def send(channel: Channel, message: Message, secrets: Path, telegram_url: str) -> str:
    """Send a message by a channel; returns its name there, if the channel gives it one.

    Raises:
        MessageFailed: it was not sent.
    """
    linked = tuple(button for button in message.buttons if button.url)
    links_only = Message(message.title, message.text, linked, message.url)
    match channel:
        case SlackChannel():
            return slack.send(links_only, read_channel_secret(secrets, channel.api_url_file))
        case EmailChannel():
            needed = channel.auth_username is not None
            return mail.send(
                links_only, channel, read_channel_secret(secrets, channel.auth_password_file) if needed else None
            )
        case TelegramChannel():
            bot = TelegramBot(read_channel_secret(secrets, channel.bot_token_file), telegram_url)
            return bot.send(message, channel.chat_id, buttons=bool(channel.may_press))
        case _:
            raise MessageFailed("this kind of channel cannot carry a link to approve", permanent=True)


def _summaries(episode: dict[str, Any]) -> list[str]:
    """What the alerts of an episode say, each once; parts of it were written by agents."""
    texts = (alert["annotations"].get("summary", "") for alert in episode["evidence"])
    return list(dict.fromkeys(visible(str(text))[:SUMMARY_CHARACTERS] for text in texts if text))[:3]
