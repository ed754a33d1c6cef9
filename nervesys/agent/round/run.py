"""The input and output of the daily round: it lists store and archive, and carries out the plan.

Nothing is deleted from the store before the archive was read back, so an interrupted round loses nothing; the next
one finds what is archived already and continues. Of two concurrent rounds, one finds an object gone that the other has
archived, and skips that day.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time

from nervesys.agent.round.merge import merge
from nervesys.agent.round.plan import EXPIRING, DayOfLogs, RoundPlan, make_plan
from nervesys.clock import Clock
from nervesys.contract import Category, PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.contract.times import utc
from nervesys.errors import BadObject, NervesysError
from nervesys.plural import count
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectStore

CLOCKS_APART_SECONDS = 3600.0
"""Largest clock difference between this machine and the store; beyond it, objects not yet due may be deleted."""


@dataclass(frozen=True)
class Round:
    """One daily round.

    Attributes:
        store: logs are moved from it.
        archive: logs are moved to it.
        storage: paths, retention, limits.
        clock: gives the current day.
    """

    store: ObjectStore
    archive: Archive
    storage: Storage
    clock: Clock

    def plan(self) -> RoundPlan:
        """List store and archive, and make the plan.

        Raises:
            StoreUnavailable: the store cannot be listed.
            ArchiveUnavailable: the archive cannot be listed.
            NervesysError: the clocks of store and machine are too far apart to say what is due.
        """
        now, paths = self.clock(), self.storage.storj.paths
        listings = {
            area: self.store.list(PathTemplate(getattr(paths, area)).prefix()) for area in ("active_logs", *EXPIRING)
        }
        for listing in listings.values():
            if listing.clock is not None and abs(listing.clock - now) > CLOCKS_APART_SECONDS:
                raise NervesysError(
                    f"the store's clock and this machine's are {abs(listing.clock - now):.0f} s apart: "
                    "set this machine's clock; nothing was archived or deleted"
                )
        objects = {area: listing.objects for area, listing in listings.items()}
        return make_plan(self.storage, objects, files_of(self.archive), utc(now).date())

    def carry_out(self, plan: RoundPlan, progress: Callable[[str], None]) -> list[str]:
        """Carry out a plan.

        Args:
            plan: see `plan`.
            progress: takes each step, as a line of text.

        Returns:
            Why some days of logs stay in the store; empty if none does.

        Raises:
            StoreUnavailable: the store does not answer; the next round continues from here.
            ArchiveUnavailable: likewise for the archive.
        """
        problems: list[str] = []
        for number, day in enumerate(plan.days, 1):
            try:
                self.archive_day(day)
            except BadObject as bad:
                problems.append(f"{day} stays in the store: {bad}")
            else:
                progress(f"archived {day} ({number} of {len(plan.days)})")
        for area, keys in plan.expired.items():
            self._delete(keys)
            progress(f"deleted {count(len(keys), 'object')} of {area}")
        for path in plan.overdue:
            self.archive.delete(path)
            progress(f"deleted {path} from the archive")
        return problems

    def archive_day(self, day: DayOfLogs) -> None:
        """Merge a day of logs into the archive, and only then delete it from the store.

        Raises:
            BadObject: an object or a file of the archive cannot be read; nothing was deleted.
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer, or the stored body differs from the one sent.
        """
        at = time_fields(datetime.combine(day.day, time(), UTC).timestamp())
        template = PathTemplate(self.storage.archive.paths.logs)

        def path(category: Category) -> str:
            return template.build(**at, server=day.server, category=category)

        merge(self.archive, self._lines(day), path, self.storage.encryption.recipients)
        self._delete(info.key for info in day.objects)

    def _lines(self, day: DayOfLogs) -> Iterator[bytes]:
        for info in day.objects:
            with self.store.open(info.key) as stream:
                yield from lines_of(stream, info.key)

    def _delete(self, keys: Iterable[str]) -> None:
        """Delete keys one by one: a pool of threads would be joined when an agent stops, and keep it running."""
        for key in keys:
            self.store.delete(key)
