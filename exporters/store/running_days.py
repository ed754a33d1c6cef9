"""Sizes of the days that run, where a day has a folder for each hour.

An hour that is over is listed once; those that run, in each pass. The agents' measurements of one day can be fourteen
million objects.
"""

import math
from collections.abc import Callable, Collection

from exporters.runner import Cache
from exporters.store.folder_size import FolderSize
from nervesys.contract.times import DAY_SECONDS
from nervesys.stores.folders import Folders

HOUR_SECONDS = 3600
SETTLED_SECONDS = 600
"""After its end, an hour counts as over: what is written later is counted once the day is over."""


class RunningDays:
    """What was added up of each day that runs, remembered across restarts.

    Args:
        area: whose days they are.
        days: the layout, day by day.
        hours: the same, hour by hour.
        list_size: lists a folder and adds up.
        cache: where sums are remembered.
    """

    def __init__(
        self, area: str, days: Folders, hours: Folders, list_size: Callable[[str], FolderSize], cache: Cache
    ) -> None:
        self._area = f"{area}/running"
        self._days, self._hours = days, hours
        self._list_size = list_size
        self._cache = cache
        with cache.transaction() as db:
            rows = db.execute(
                "SELECT folder, checked, objects, bytes, newest FROM size WHERE area = ?", (self._area,)
            ).fetchall()
        self._over = {folder: (until, FolderSize(*size)) for folder, until, *size in rows}
        """Of each day: until when hours are added up, and their sum."""

    def measure(self, day: str, now: float) -> FolderSize:
        """The size of a folder of today."""
        midnight = now - now % DAY_SECONDS
        settled = max(midnight, (now - SETTLED_SECONDS) // HOUR_SECONDS * HOUR_SECONDS)
        until, size = self._over.get(day, (midnight, FolderSize()))
        if until < settled:
            size += self._sum(day, until, settled)
            self._remember(day, settled, size)
        return size + self._sum(day, max(until, settled), now)

    def keep_only(self, days: Collection[str]) -> None:
        """Forget all other days."""
        for day in self._over.keys() - days:
            del self._over[day]
            with self._cache.transaction() as db:
                db.execute("DELETE FROM size WHERE area = ? AND folder = ?", (self._area, day))

    def _sum(self, day: str, begin: float, end: float) -> FolderSize:
        """The sum of the hours that begin at or after an instant and before another."""
        hours = range(round(begin), math.ceil(end), HOUR_SECONDS)
        return sum((self._list_size(self._folder(day, hour)) for hour in hours), FolderSize())

    def _folder(self, day: str, at: float) -> str:
        return day + self._hours.period("", at).removeprefix(self._days.period("", at))

    def _remember(self, day: str, until: float, size: FolderSize) -> None:
        self._over[day] = until, size
        row = (self._area, day, size.objects, size.bytes, size.newest, until)
        with self._cache.transaction() as db:
            db.execute("INSERT OR REPLACE INTO size VALUES (?, ?, ?, ?, ?, ?)", row)
