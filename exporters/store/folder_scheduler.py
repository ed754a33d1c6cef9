"""Orders the folders that a refresh lists: those in use, and a few past ones, those first that waited longest."""

import math
from collections.abc import Callable, Mapping
from heapq import nsmallest

from nervesys.stores.folders import Folders
from nervesys.stores.objects import ObjectReader

NEVER = -math.inf
LISTS_A_PASS = 500
"""Folders that are listed for the first time, in one pass, at most."""


class FolderScheduler:
    """Schedules roots and periods: first those never listed, then those whose last listing is oldest.

    Args:
        store: the store.
        folders: the area's layout.
        listed_at: when each period that is over was last looked at, as an earlier start remembered it; Unix seconds.
        grace_seconds: for how long a period that is over still counts as current.
        rechecks: how many a pass looks at again.
        look_back_seconds: how far back the first pass lists, whatever is over.
        owns: whether a root is this exporter's, where several divide the area.
    """

    def __init__(
        self,
        store: ObjectReader,
        folders: Folders,
        listed_at: Mapping[str, float],
        *,
        grace_seconds: float,
        rechecks: int,
        look_back_seconds: float = 0,
        owns: Callable[[str], bool] = bool,
    ) -> None:
        self._store = store
        self._folders = folders
        self._listed_at = dict(listed_at)
        self._grace_seconds = grace_seconds
        self._rechecks = rechecks
        self._look_back_seconds = look_back_seconds
        self._owns = owns
        self._roots: set[str] = set()
        self._current: dict[str, float] = {}

    @property
    def unlisted(self) -> int:
        """Roots and periods that no pass has looked at yet."""
        return sum(at == NEVER for listed_at in (self._listed_at, self._current) for at in listed_at.values())

    @property
    def knows_current(self) -> bool:
        """Whether every period that is written to was listed."""
        return NEVER not in self._current.values()

    def current_periods(self, now: float) -> list[str]:
        """The period of each root that is written to now, the one first that was listed longest ago.

        Costs the LISTs that find the roots.
        """
        roots = set(filter(self._owns, self._folders.roots(self._store)))
        for root in self._roots - roots:
            self._listed_at.pop(root, None)
        for root in roots - self._roots:
            self._listed_at[root] = NEVER
        ages = {0, self._grace_seconds} if self._current else {0, self._grace_seconds, self._look_back_seconds}
        current_periods = {self._folders.period(root, now - ago) for root in roots for ago in ages}
        for over in self._current.keys() - current_periods:
            self._listed_at[over] = NEVER
        self._roots = roots
        self._current = {period: self._current.get(period, NEVER) for period in sorted(current_periods)}
        return sorted(self._current, key=self._current.__getitem__)

    def due_periods(self, now: float) -> list[str]:
        """The periods that are over and whose turn it is; a root whose turn it is, is searched for periods."""
        turn = self._turn()
        for root in self._roots.intersection(turn):
            periods = set(self._folders.periods(self._store, root)) - self._current.keys()
            self._listed_at.update(dict.fromkeys(periods - self._listed_at.keys(), NEVER))
            self._listed_at[root] = now
        return [folder for folder in turn if folder not in self._roots]

    def mark_listed(self, folder: str, now: float) -> None:
        """Record that a period was listed."""
        (self._current if folder in self._current else self._listed_at)[folder] = now

    def forget(self, folder: str) -> None:
        """Drop a period that is empty."""
        del self._listed_at[folder]

    def _turn(self) -> list[str]:
        never = [folder for folder, at in self._listed_at.items() if at == NEVER]
        return never[:LISTS_A_PASS] or nsmallest(self._rechecks, self._listed_at, key=self._listed_at.__getitem__)
