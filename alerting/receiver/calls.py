"""Runs attempts of actions: each in a thread, its lease renewed while it lasts, its result written to the journal."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

from sqlalchemy import Connection

from alerting.actions import REMEDIES
from alerting.drivers import Driver
from alerting.drivers.outcome import Done, Failed, NotTried, Outcome
from alerting.drivers.shortage import call_driver
from alerting.journal import ActionState, Episode, EpisodeVerdict, StateChange, Writer, episodes
from alerting.receiver import metrics
from alerting.receiver.attempt_limits import back_off
from alerting.receiver.tasks import log_errors
from nervesys.clock import Clock
from nervesys.metrics import Instruments
from nervesys.settings import AgentConfig

AT_ONCE = 16
SHORTAGE_SECONDS = 15.0
"""Until a call is made again that failed because the receiver's own machine lacked something."""


class AttemptRunner:
    """Runs the attempts of actions; a driver that hangs holds up its own agent only.

    Args:
        drivers: those of this receiver, by name.
        on_changes: called with what changed, once it is on disk.
        lease_seconds: after which another receiver takes over what this one has in its hands, unless it is renewed.

    Attributes:
        in_progress: ids of the episodes whose driver is being called; they are not claimed a second time, even where
            their lease looks expired because the clock was set.
    """

    def __init__(
        self,
        drivers: Mapping[str, Driver],
        writer: Writer,
        instruments: Instruments,
        clock: Clock,
        on_changes: Callable[[list[StateChange]], None],
        lease_seconds: float,
    ) -> None:
        self.owner = uuid4().hex
        self.lease_seconds = lease_seconds
        self._drivers, self._writer = drivers, writer
        self._instruments, self._clock, self._on_changes = instruments, clock, on_changes
        self._pool = ThreadPoolExecutor(AT_ONCE, "driver")
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self.in_progress: set[int] = set()

    def start(self, episode: Episode, attempt_id: int, config: AgentConfig) -> None:
        """Attempt the episode's action in the background; the attempt is in the journal already."""
        name = f"{episode.action} of {episode.agent}"
        self.in_progress.add(episode.id)
        task = asyncio.create_task(log_errors(name, self._call(episode, attempt_id, config)), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self.in_progress.discard(episode.id))
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._renew_leases())

    async def close(self) -> None:
        """Stop without waiting for calls under way: the receiver that takes their lease over looks for proof first."""
        tasks = [*self._tasks, *([self._keeper] if self._keeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _call(self, episode: Episode, attempt_id: int, config: AgentConfig) -> None:
        began = self._clock()
        try:
            loop = asyncio.get_running_loop()
            attempt = partial(REMEDIES[episode.action].attempt, self._drivers, config, episode.server)
            outcome = await loop.run_in_executor(self._pool, call_driver, attempt)
        except RuntimeError as err:  # no thread could be started
            outcome = call_driver(partial(_raise, err))
        now = self._clock()
        self._instruments.observe(metrics.DURATION, now - began, episode.action, episode.driver)
        self._on_changes(
            await self._writer.commit(lambda connection: _record_outcome(connection, episode, attempt_id, outcome, now))
        )

    async def _renew_leases(self) -> None:
        """Renew the leases of all calls in progress, together: thousands may wait for their turn."""
        while self.in_progress:
            await asyncio.sleep(self.lease_seconds / 3)
            extend = partial(
                episodes.extend_leases,
                ids=tuple(self.in_progress),
                owner=self.owner,
                until=self._clock() + self.lease_seconds,
            )
            await log_errors("leases", self._writer.commit(extend))


def _record_outcome(
    connection: Connection, episode: Episode, attempt_id: int, outcome: Outcome | NotTried, now: float
) -> list[StateChange]:
    """Write down how a driver call ended."""
    if isinstance(outcome, NotTried):
        return _withdraw(connection, episode, attempt_id, outcome, now)
    detail = outcome.detail if isinstance(outcome, Done) else f"{outcome.cause}: {outcome.detail}"
    episodes.end_attempt(
        connection, attempt_id, now, type(outcome).__name__.lower(), f"{detail}\n{outcome.output}".strip()
    )
    errors, due_at = episode.driver_errors + 1, now
    if isinstance(outcome, Done):
        state, verdict, errors = ActionState.SUCCEEDED, EpisodeVerdict.CALLED, 0
    elif isinstance(outcome, Failed):
        state, verdict = ActionState.ESCALATED, EpisodeVerdict.DRIVER_FAILED
    else:
        state, verdict, due_at = ActionState.PENDING, EpisodeVerdict.DRIVER_ERROR, now + back_off(errors)
    free = {"lease_owner": None, "lease_until": None, "driver_errors": errors, "due_at": due_at}
    return episodes.decide(connection, episode, state, verdict, detail, now, **free)


def _withdraw(
    connection: Connection, episode: Episode, attempt_id: int, outcome: NotTried, now: float
) -> list[StateChange]:
    """Take an attempt back that never was one: it does not count, neither for the agent nor for the fleet."""
    before = episodes.withdraw_attempt(connection, episode, attempt_id)
    free = {"lease_owner": None, "lease_until": None, "due_at": now + SHORTAGE_SECONDS, **before}
    return episodes.decide(
        connection, episode, ActionState.PENDING, EpisodeVerdict.NO_RESOURCES, outcome.detail, now, **free
    )


def _raise(err: Exception) -> Outcome:
    raise err
