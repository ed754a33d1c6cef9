"""Reads which buttons of Telegram were pressed, while questions are open; nothing needs to reach the receiver.

Of several receivers one reads at a time. What was read is stored in the journal with the lease, and each question takes
one answer, so that nothing counts twice.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from alerting.journal import Journal, Writer, approvals
from alerting.journal.approvals import CHOICES, Answer
from alerting.messages.message import MessageFailed, read_channel_secret, retry_wait
from alerting.messages.telegram import POLL_SECONDS, PressedButton, TelegramBot
from alerting.model import TelegramChannel
from alerting.receiver.approval_desk import SILENCES, ApprovalDesk, ApprovalOver, NoSilence
from alerting.receiver.channel_threads import ChannelThreads
from alerting.receiver.fleet import FleetConfig
from alerting.receiver.tasks import log_errors
from nervesys.clock import Clock

LEASE_SECONDS = 60.0
LONGEST_RETRY = 30.0
"""Seconds between two attempts to read a bot that fails; people wait for their button."""
DATA = re.compile(r"([a-z]{1,10}):(\d{1,9}):([\w-]{1,40})", re.ASCII)
USERNAME = re.compile(r"\w{1,32}", re.ASCII)


@dataclass(frozen=True)
class _FailedReads:
    """How often in a row a bot could not be read, when last, and for how long it is left alone since."""

    count: int = 0
    at: float = 0.0
    wait: float = 0.0


NO_FAILURE = _FailedReads()


@dataclass(frozen=True)
class TelegramButtons:
    """Reads the buttons of all Telegram channels that ask something.

    Attributes:
        owner: this receiver.
        secrets: folder with the tokens of the bots.
        url: of the Bot API.
        threads: in which the Bot API is asked.
    """

    journal: Journal
    writer: Writer
    fleet: Callable[[], FleetConfig]
    desk: ApprovalDesk
    owner: str
    secrets: Path
    url: str
    clock: Clock
    threads: ChannelThreads = field(default_factory=ChannelThreads)
    _failed: dict[str, _FailedReads] = field(default_factory=dict)
    """By file of the token, the bots that could not be read last."""

    async def turn(self) -> None:
        """Read the buttons of each bot once; without an open question, none is asked."""
        asked = await self.journal.read(approvals.channels_asked)
        by_token: dict[str, dict[int, TelegramChannel]] = defaultdict(dict)
        for name, channel in self.fleet().alerts.enabled.items():
            if name in asked and isinstance(channel, TelegramChannel) and channel.may_press:
                by_token[channel.bot_token_file][channel.chat_id] = channel
        await asyncio.gather(
            *(log_errors("Telegram", self._read_if_due(file, channels)) for file, channels in by_token.items())
        )

    async def _read_if_due(self, token_file: str, channels: Mapping[int, TelegramChannel]) -> None:
        """Read the buttons of a bot, unless it failed a moment ago."""
        failed, now = self._failed.get(token_file, NO_FAILURE), self.clock()
        if 0 <= now - failed.at < failed.wait:
            return
        try:
            await self._read(token_file, channels)
        except MessageFailed as err:
            wait = retry_wait(failed.count, err, LONGEST_RETRY)
            self._failed[token_file] = _FailedReads(failed.count + 1, self.clock(), wait)
            raise
        self._failed.pop(token_file, None)

    async def _read(self, token_file: str, channels: Mapping[int, TelegramChannel]) -> None:
        bot = TelegramBot(read_channel_secret(self.secrets, token_file), self.url)
        now = self.clock()
        next_update = await self.writer.commit(
            lambda connection: approvals.lease_updates(connection, bot.id, self.owner, now, now + LEASE_SECONDS)
        )
        if next_update is None:
            return
        first, requests = next_update, f"buttons {token_file}"
        try:
            updates = await self.threads.run(requests, partial(bot.read_updates, first))
        except MessageFailed:  # another receiver may reach Telegram
            await self.writer.commit(
                lambda connection: approvals.keep_updates(connection, bot.id, self.owner, now, first)
            )
            raise
        for update in updates:
            if update.callback_query is not None:
                text = await self._answer(update.callback_query, channels)
                answer = partial(bot.answer, update.callback_query.id, text)
                await log_errors("Telegram", self.threads.run(requests, answer))
            next_update = max(next_update, update.update_id + 1)
        until, read = self.clock() + POLL_SECONDS, next_update
        await self.writer.commit(lambda connection: approvals.keep_updates(connection, bot.id, self.owner, until, read))

    async def _answer(self, pressed: PressedButton, channels: Mapping[int, TelegramChannel]) -> str:
        """Do what a button stands for, where this person may press it; returns the text to show."""
        channel = channels.get(pressed.message.chat.id) if pressed.message else None
        if channel is None or pressed.user.id not in channel.may_press:
            return "You may not answer this: your user id is not among the approvers of this channel."
        found = DATA.fullmatch(pressed.data)
        if found is None or found[1] not in CHOICES or (found[1] == Answer.SILENCE and int(found[2]) not in SILENCES):
            return "This button is of another version."
        name = f" (@{pressed.user.username})" if USERNAME.fullmatch(pressed.user.username) else ""
        by = f"Telegram user {pressed.user.id}{name}"
        try:
            return await self.desk.answer(found[3], Answer(found[1]), by, int(found[2]))
        except (ApprovalOver, NoSilence) as err:
            return str(err)
