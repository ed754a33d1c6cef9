"""Reports to the brain: the last status and the newest errors, in one commit.

A Git host accepts about 80 writes a minute from a whole fleet: a report is pushed only when something changed, at
most once an interval, and with jitter.
"""

import logging
import random
from collections import deque
from collections.abc import Callable
from logging.handlers import QueueHandler
from typing import Any

from nervesys.agent.identity import Identity
from nervesys.agent.work import as_single_line
from nervesys.clock import Clock
from nervesys.contract import AgentState, format_time
from nervesys.contract.brain import ERROR_LOG, LAST_STATUS
from nervesys.stores.brain import Change, GitBrain
from nervesys.stores.state_text import encrypt_text

FIRST_SECONDS = 60.0
"""The first report is pushed at a random instant within these."""
JITTER = 0.2
"""Largest delay of the next report, as a share of the interval."""
PENDING_ERRORS = 200
"""Queued for the next report; older ones are in the shipped logs only."""
KEPT_LINES = 1000
"""Newest lines kept in the brain's error log."""


class Reporter:
    """Pushes an agent's reports to the brain's state branch.

    Args:
        brain: the repository; None if the brain is a plain folder, to which no reports are written.
        me: the agent, with the interval between reports.
        clock: timestamps the reports.
    """

    def __init__(self, brain: GitBrain | None, me: Identity, clock: Clock) -> None:
        self._brain, self._me, self._clock = brain, me, clock
        self._next = clock() + random.uniform(0, min(FIRST_SECONDS, self._interval))  # noqa: S311  # jitter, no secret
        self._reported: AgentState | None = None
        self._errors: deque[str] = deque(maxlen=PENDING_ERRORS)
        self.handler = ErrorLines(self._errors, me.redactor.text)
        """Logging handler that collects errors for the next report."""

    @property
    def _interval(self) -> float:
        return self._me.config.report.interval_minutes * 60

    def report(self, state: AgentState, *, leaving: bool = False) -> None:
        """Push this state and the errors since the last report, if one is due and anything changed.

        Args:
            state: the current one.
            leaving: whether it is the last report, which is always due.

        Raises:
            BrainUnavailable: they are pushed with the next report.
        """
        if self._brain is None:
            return
        now = self._clock()
        status = state.model_copy(update={"metrics": None, "buffer": None})
        if (now < self._next and not leaving) or (_equal_but_time(status, self._reported) and not self._errors):
            return
        self._next = now + self._interval * random.uniform(1, 1 + JITTER)  # noqa: S311  # jitter, no secret
        lines = list(self._errors)
        written = encrypt_text(status, self._me.settings.storage.encryption.recipients)
        changes: dict[str, Change] = {LAST_STATUS.build(agent=self._me.name): written.body() + b"\n"}
        if lines:
            changes[ERROR_LOG.build(agent=self._me.name)] = lambda before: append_lines(before, lines)
        self._brain.commit(changes, f"{self._me.name}: {status.status}", self._me.name)
        self._reported = status
        for _ in lines:
            self._errors.popleft()


class ErrorLines(QueueHandler):
    """Logging handler that appends each error to a queue as a line of text.

    Args:
        lines: the queue.
        redact: removes secrets from a text.
    """

    def __init__(self, lines: deque[str], redact: Callable[[str], str]) -> None:
        super().__init__(lines)  # type: ignore[arg-type]  # only `enqueue`, overridden below, uses it as a queue
        self._lines, self._redact = lines, redact
        self.setLevel(logging.ERROR)

    def prepare(self, record: logging.LogRecord) -> str:
        """Format the record as a single line."""
        cause = record.exc_info[1] if record.exc_info else None
        message = " ".join(self._redact(record.getMessage()).split())
        return f"{format_time(record.created)} {message}" + (
            f": {as_single_line(cause, self._redact)}" if cause else ""
        )

    def enqueue(self, record: Any) -> None:
        """Append the line."""
        self._lines.append(record)


def append_lines(before: bytes | None, lines: list[str]) -> bytes:
    """The error log with these lines appended, cut to the newest `KEPT_LINES`."""
    lines_after = [*(before or b"").splitlines(), *(line.encode(errors="replace") for line in lines)][-KEPT_LINES:]
    return b"".join(line + b"\n" for line in lines_after)


def _equal_but_time(status: AgentState, before: AgentState | None) -> bool:
    """Whether two reports differ in their timestamps only."""
    return before is not None and status == before.model_copy(update={"timestamp": status.timestamp})
