"""Journals the alerts of webhooks: those that arrive in one turn of the event loop share SQL and commits."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from alerting.journal import StateChange, Writer
from alerting.journal.receive import Arrival, receive
from nervesys.clock import Clock

PART = 500
"""Most alerts in one transaction, so that pages are answered between two of them."""


class Inbox:
    """Takes alerts in.

    Args:
        writer: of the journal.
        journalled: called with what changed, once it is on disk.
    """

    def __init__(self, writer: Writer, clock: Clock, journalled: Callable[[list[StateChange]], None]) -> None:
        self._writer, self._clock, self._journalled = writer, clock, journalled
        self._waiting: list[Arrival] = []
        self._batch: asyncio.Task[None] | None = None

    async def put(self, arrivals: Sequence[Arrival]) -> None:
        """Journal alerts; returns once they are on disk.

        Raises:
            JournalUnavailable: nothing may be promised to the sender.
        """
        if not arrivals:
            return
        self._waiting += arrivals
        if self._batch is None:
            self._batch = asyncio.create_task(self._commit())
        await asyncio.shield(self._batch)  # a sender that hangs up must not take the others' alerts with it

    async def _commit(self) -> None:
        batch, self._waiting, self._batch = self._waiting, [], None
        now = self._clock()
        for part in (batch[begin : begin + PART] for begin in range(0, len(batch), PART)):
            self._journalled(await self._writer.commit(partial(receive, arrivals=part, now=now)))
