"""Reports back to the brain: the last status and the newest errors, in one commit, rarely.

A Git host takes about eighty writes a minute from a whole fleet: a report goes out only when something changed, at
most once an interval, and not all agents' at the same moment.
"""

import logging
import random
from collections import deque
from collections.abc import Callable
from logging.handlers import QueueHandler
from typing import Any

from nervesys.agent.identity import Identity
from nervesys.agent.work import in_one_line
from nervesys.clock import Clock
from nervesys.contract import AgentState, format_time
from nervesys.contract.brain import ERROR_LOG, LAST_STATUS
from nervesys.stores.brain import Change, GitBrain

FIRST_SECONDS = 60.0
"""Within which the first report goes out, at a random instant."""
JITTER = 0.2
"""Share of the interval by which the next report is put off at most."""
PENDING_ERRORS = 200
"""Held for the next report; older ones stand in the shipped logs."""
KEPT_LINES = 1000
"""In the brain's error log, the newest."""


class Reporter:
    """Pushes an agent's reports to the brain's state branch.

    Args:
        brain: the repository; None where the brain is a plain folder, which takes no reports.
        me: who reports, and how often at most.
        clock: dates the reports.
    """

    def __init__(self, brain: GitBrain | None, me: Identity, clock: Clock) -> None:
        self._brain, self._me, self._clock = brain, me, clock
        self._next = clock() + random.uniform(0, min(FIRST_SECONDS, self._interval))  # noqa: S311  # jitter, no secret
        self._reported: AgentState | None = None
        self._errors: deque[str] = deque(maxlen=PENDING_ERRORS)
        self.handler = ErrorLines(self._errors, me.redactor.text)
        """Takes the errors from the logging module."""

    @property
    def _interval(self) -> float:
        return self._me.config.report.interval_minutes * 60

    def report(self, state: AgentState, *, leaving: bool = False) -> None:
        """Push this state and the errors since the last report, where it is time and anything changed.

        Args:
            state: as it is now.
            leaving: it is the last, for which it is always time.

        Raises:
            BrainUnavailable: they are pushed with the next report.
        """
        if self._brain is None:
            return
        now = self._clock()
        status = state.model_copy(update={"metrics": None, "buffer": None})
        if (now < self._next and not leaving) or (_same(status, self._reported) and not self._errors):
            return
        self._next = now + self._interval * random.uniform(1, 1 + JITTER)  # noqa: S311  # jitter, no secret
        lines = list(self._errors)
        changes: dict[str, Change] = {LAST_STATUS.build(agent=self._me.name): status.body() + b"\n"}
        if lines:
            changes[ERROR_LOG.build(agent=self._me.name)] = lambda before: appended(before, lines)
        self._brain.commit(changes, f"{self._me.name}: {status.status}", self._me.name)
        self._reported = status
        for _ in lines:
            self._errors.popleft()


class ErrorLines(QueueHandler):
    """Keeps each error as one line of text.

    Args:
        lines: that it appends to.
        redact: takes the secrets out of a text.
    """

    def __init__(self, lines: deque[str], redact: Callable[[str], str]) -> None:
        super().__init__(lines)  # type: ignore[arg-type]  # `enqueue` is the only one that touches it
        self._lines, self._redact = lines, redact
        self.setLevel(logging.ERROR)

    def prepare(self, record: logging.LogRecord) -> str:
        """The record in one line."""
        cause = record.exc_info[1] if record.exc_info else None
        message = " ".join(self._redact(record.getMessage()).split())
        return f"{format_time(record.created)} {message}" + (f": {in_one_line(cause, self._redact)}" if cause else "")

    def enqueue(self, record: Any) -> None:
        """Keep the line."""
        self._lines.append(record)


def appended(before: bytes | None, lines: list[str]) -> bytes:
    """The error log with these lines at its end, cut to the newest `KEPT_LINES`."""
    kept = [*(before or b"").splitlines(), *(line.encode(errors="replace") for line in lines)][-KEPT_LINES:]
    return b"".join(line + b"\n" for line in kept)


def _same(status: AgentState, before: AgentState | None) -> bool:
    """Whether two reports differ in nothing but their time."""
    return before is not None and status == before.model_copy(update={"timestamp": status.timestamp})
