"""Bounds how many queries read at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from nervesys.errors import NervesysError
from nervesys.logs.budget import ReadBudget
from nervesys.settings.logs import LogQuerySettings

WAIT_SECONDS = 10.0
MEGABYTE = 1_000_000


class TooManyQueries(NervesysError):
    """All places are taken, and none became free."""


class QuerySlots:
    """Places for queries.

    Args:
        limits: of one query, and how many there are.
    """

    def __init__(self, limits: LogQuerySettings) -> None:
        self._limits = limits
        self._free = BoundedSemaphore(limits.concurrent)

    @contextmanager
    def take(self) -> Iterator[ReadBudget]:
        """The budget of one query, whose place is free again afterwards.

        Raises:
            TooManyQueries: no place became free in time.
        """
        if not self._free.acquire(timeout=WAIT_SECONDS):
            raise TooManyQueries(f"all places are taken ({self._limits.concurrent}); try again in a moment")
        try:
            size = round(self._limits.max_megabytes * MEGABYTE)
            yield ReadBudget(max_bytes=size, max_seconds=self._limits.max_seconds)
        finally:
            self._free.release()
