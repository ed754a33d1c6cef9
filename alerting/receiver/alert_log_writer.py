"""Writes the records of `log_to` to the brain: all that are open in one commit; what fails is tried again later."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from alerting.actions import LOG_TO, log_to
from alerting.drivers.outcome import Done, Failed
from alerting.journal import ActionState, Journal, StateChange, Writer, records
from alerting.receiver import metrics
from nervesys.clock import Clock
from nervesys.metrics import Instruments
from nervesys.stores.brain import GitBrain

DRIVER = "git"
LEASE_SECONDS = 120.0
"""Longer than a commit to the brain takes."""
STATES = (ActionState.PENDING, ActionState.SUCCEEDED, ActionState.FAILED)
"""The states that a record can be in."""


@dataclass(frozen=True)
class AlertLogWriter:
    """Writes records to the brain.

    Attributes:
        brain: None where it is a plain folder.
        on_changes: called with what changed, once it is on disk.
    """

    brain: GitBrain | None
    journal: Journal
    writer: Writer
    instruments: Instruments
    clock: Clock
    on_changes: Callable[[list[StateChange]], None]

    async def turn(self) -> None:
        """Write the open records."""
        began = self.clock()
        until = began + LEASE_SECONDS
        batch = await self.journal.run(lambda connection: records.claim(connection, LOG_TO, began, until=until))
        if not batch:
            return
        outcome = await asyncio.to_thread(log_to.send, self.brain, batch)
        now = self.clock()
        self.instruments.observe(metrics.DURATION, now - began, LOG_TO, DRIVER)
        state = {Done: ActionState.SUCCEEDED, Failed: ActionState.FAILED}.get(type(outcome), ActionState.PENDING)
        closed_at = None if state is ActionState.PENDING else now
        changes = await self.writer.commit(
            lambda connection: records.finish(connection, batch, state, outcome.detail, closed_at)
        )
        self.on_changes(changes)
