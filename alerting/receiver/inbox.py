"""Journals the alerts of webhooks: those that arrive in one turn of the event loop share their SQL and their commit."""

import asyncio
from collections.abc import Callable, Sequence

from alerting.journal import StateChange, Writer
from alerting.journal.receive import Arrival, receive
from nervesys.clock import Clock


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
        self._journalled(await self._writer.commit(lambda connection: receive(connection, batch, now)))
