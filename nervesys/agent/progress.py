"""Notices whether an agent gets anywhere, and whether it does the same thing over and over."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from nervesys.clock import Clock
from nervesys.contract import RepeatedAction

OWN_LOGGERS = "nervesys."
"""Prefix of this library's loggers: its records say nothing about the author's work."""


@dataclass
class _Run:
    """Equal actions in a row."""

    newest: tuple[str, bytes] = "", b""
    times: int = 0

    def add(self, action: str, hashed: bytes) -> None:
        self.times = self.times + 1 if (action, hashed) == self.newest else 1
        self.newest = action, hashed


class ProgressTracker:
    """When the work last moved, and the run of equal actions. Calls come from one thread at a time.

    Args:
        clock: of all instants.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.at: float | None = None
        """Unix seconds; None before the first move."""
        self._actions, self._calls = _Run(), _Run()

    def moved(self) -> None:
        """Note that the work moved just now."""
        self.at = self._clock()

    def acted(self, action: str, details: Mapping[str, Any]) -> None:
        """Note an action; without details it is ignored, because nothing shows whether it is the same as before.

        Args:
            action: name of the task, step or tool.
            details: what it is done to; only their hash is kept.
        """
        try:
            text = json.dumps(sorted(details.items()), default=lambda value: type(value).__name__)
        except (TypeError, ValueError, RecursionError):  # circular, or keys of several types
            return
        if not details:
            return
        self._actions.add(action, blake2b(text.encode(), digest_size=16).digest())

    def called(self, tool: str, arguments_hash: str) -> None:
        """Note a call of a tool that a span reports; the author's own actions between two calls do not end a run.

        Args:
            tool: its name.
            arguments_hash: equal for equal arguments.
        """
        self._calls.add(tool, arguments_hash.encode())

    @property
    def repeated(self) -> RepeatedAction | None:
        """The longest run of equal actions that goes on; None before the first action with details."""
        run = max(self._actions, self._calls, key=lambda run: run.times)
        return RepeatedAction(action=run.newest[0], times=run.times) if run.times else None


class ProgressHandler(logging.Handler):
    """Takes each log record of the author's code as progress.

    Args:
        tracker: is called without a lock, since all it does is one assignment.
    """

    def __init__(self, tracker: ProgressTracker) -> None:
        super().__init__()
        self._tracker = tracker

    def handle(self, record: logging.LogRecord) -> bool:
        """Note the record, without the lock of `logging.Handler`."""
        if not record.name.startswith(OWN_LOGGERS):
            self._tracker.moved()
        return True
