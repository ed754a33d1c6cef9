"""The input and output of the daily round: it lists store and archive, and carries out the plan.

Nothing is deleted from the store before the archive was read back, so an interrupted round loses nothing; the next
one finds what is archived already and continues. Of two concurrent rounds, one finds an object gone that the other has
archived, and skips that day.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from shutil import copyfileobj
from tempfile import TemporaryFile

from nervesys.agent.round.merge import category_of_line, merge, single_file
from nervesys.agent.round.plan import ARCHIVED, EXPIRING, DayOfLogs, RoundPlan, make_plan
from nervesys.clock import Clock
from nervesys.contract import Category, PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.contract.times import utc
from nervesys.errors import BadObject, NervesysError, Reason
from nervesys.plural import count
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive, files_of, put_verified
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectStore

DAMAGED = (Reason.BAD_AGE, Reason.BAD_GZIP, Reason.BAD_ZSTD, Reason.TOO_LARGE)
"""An object with one of these would keep its day in the store for ever, until the store's own expiry deletes it."""
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
            area: self.store.list(PathTemplate(getattr(paths, area)).prefix()) for area in (*ARCHIVED, *EXPIRING)
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
            Why some days of logs stay in the store, and which objects are damaged; empty in a round without problems.

        Raises:
            StoreUnavailable: the store does not answer; the next round continues from here.
            ArchiveUnavailable: likewise for the archive.
        """
        problems: list[str] = []
        for number, day in enumerate(plan.days, 1):
            try:
                damaged = self.archive_day(day)
            except BadObject as bad:
                problems.append(f"{day} stays in the store: {bad}")
            else:
                problems += [
                    f"{key} is damaged: archived as it is, with the lines before the damage" for key in damaged
                ]
                progress(f"archived {day} ({number} of {len(plan.days)})")
        for area, keys in plan.expired.items():
            self._delete(keys)
            progress(f"deleted {count(len(keys), 'object')} of {area}")
        for path in plan.overdue:
            self.archive.delete(path)
            progress(f"deleted {path} from the archive")
        return problems

    def archive_day(self, day: DayOfLogs) -> list[str]:
        """Merge a day of logs into the archive, and only then delete it from the store.

        Returns:
            Keys of damaged objects, which were archived as they are, beside the day.

        Raises:
            BadObject: an object or a file of the archive cannot be read; nothing was deleted.
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer, or the stored body differs from the one sent.
        """
        at = time_fields(datetime.combine(day.day, time(), UTC).timestamp())
        template = PathTemplate(getattr(self.storage.archive.paths, ARCHIVED[day.area]))
        sort = category_of_line if "category" in template.fields else single_file

        def path(category: Category) -> str:
            return template.build(**at, server=day.server, category=category)

        damaged: list[str] = []
        merge(self.archive, self._lines(day, damaged), path, self.storage.encryption.recipients, sort)
        for key in damaged:
            self._keep_damaged(key, {**at, "server": day.server})
        self._delete(info.key for info in day.objects)
        return damaged

    def _lines(self, day: DayOfLogs, damaged: list[str]) -> Iterator[bytes]:
        """The lines of a day; of a damaged object, those before the damage, and its key goes to `damaged`."""
        for info in day.objects:
            with self.store.open(info.key) as stream:
                try:
                    yield from lines_of(stream, info.key)
                except BadObject as bad:
                    if bad.reason not in DAMAGED:
                        raise
                    damaged.append(info.key)

    def _keep_damaged(self, key: str, fields: Mapping[str, str]) -> None:
        """Copy an object to the archive as it is: what is left of it may still be read by other means."""
        path = PathTemplate(self.storage.archive.paths.damaged_logs).build(**fields, object=key.rsplit("/", 1)[-1])
        with TemporaryFile() as body:
            with self.store.open(key) as stream:
                copyfileobj(stream, body)
            body.seek(0)
            put_verified(self.archive, path, body)

    def _delete(self, keys: Iterable[str]) -> None:
        """Delete keys one by one: a pool of threads would be joined when an agent stops, and keep it running."""
        for key in keys:
            self.store.delete(key)
