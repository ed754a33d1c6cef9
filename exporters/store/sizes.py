"""Area `sizes`: objects and bytes in each part of the store, the newest one, and those past their retention.

Reads   a pass: what is written to now is listed whole, of a day with folders of hours the hour that runs; folders of
        days and hours that are over once, those of days again in turn.
Units   objects, bytes, Unix seconds by the store's clock.
Errors  StoreUnavailable is raised. A part shows nothing until all of its folders were listed once.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from exporters.runner import Refresh, Shard, SourceContext
from exporters.store.folder_scheduler import FolderScheduler
from exporters.store.folder_size import FolderSize
from exporters.store.running_days import RunningDays
from exporters.store.shared_state import SharedState
from nervesys.contract import PathTemplate
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.settings.storage import StorePaths
from nervesys.stores.folders import HOUR, Folders, instant_of
from nervesys.stores.objects import ObjectInfo, ObjectReader

PART = ("area",)
ORIGIN = SourceArea("store", "sizes")
OBJECTS = Family(
    "store_objects",
    "gauge",
    "Objects in an area of the store.",
    PART,
    Period.SHIP,
    conditions=(ConditionTerm(word="stored objects", kind="level", labels=PART, origin=ORIGIN),),
)
BYTES = Family(
    "store_bytes",
    "gauge",
    "Size of the objects in an area of the store.",
    PART,
    Period.SHIP,
    conditions=(ConditionTerm(word="stored bytes", kind="level", labels=PART, origin=ORIGIN),),
)
NEWEST = Family(
    "store_newest_object_timestamp_seconds",
    "gauge",
    "Modification time of the newest object in an area of the store.",
    PART,
    Period.SHIP,
    conditions=(
        ConditionTerm(
            word="config backup",
            kind="absence",
            origin=ORIGIN,
            matchers='{area="config_backups"}',
            threshold=lambda t: t.backup_late_hours * 3600,
            must_exist=True,
        ),
    ),
    optional={'{area="config_backups"}': "no backup has been made yet"},
)
OVERDUE = Family(
    "store_overdue_objects",
    "gauge",
    "Objects older than the area's retention.",
    PART,
    Period.SHIP,
    conditions=(ConditionTerm(word="overdue objects", kind="level", labels=PART, origin=ORIGIN),),
)

FAMILIES = (OBJECTS, BYTES, NEWEST, OVERDUE)

RECHECKS = 50


def size_samples(part: str, size: FolderSize, days: int | None) -> Iterator[Sample]:
    """What is shown of a part; overdue only where something is ever due, an instant only where there is one."""
    yield OBJECTS.sample(size.objects, part)
    yield BYTES.sample(size.bytes, part)
    if size.newest:
        yield NEWEST.sample(size.newest, part)
    if days is not None:
        yield OVERDUE.sample(size.overdue, part)


def is_overdue(at: float, days: int | None, now: float) -> bool:
    """Whether retention should have deleted something of this time; a day is added, because retention runs daily."""
    return days is not None and now - at > (days + 1) * DAY_SECONDS


class StorePart:
    """One part of the store, and what was measured of its folders.

    Args:
        name: the label value of `area`.
        store: the store.
        context: settings and cache.
    """

    def __init__(self, name: str, store: ObjectReader, context: SourceContext) -> None:
        storage = context.settings.storage
        self.name = name
        self.days: int | None = getattr(storage.retention, name, None)
        self._store = store
        self._cache = context.cache
        self._template = PathTemplate(getattr(storage.storj.paths, name))
        folders = Folders(self._template)
        self._folders = folders if folders.dated else Folders(PathTemplate(self._template.prefix()))
        with self._cache.transaction() as db:
            rows = db.execute(
                "SELECT folder, checked, objects, bytes, newest FROM size WHERE area = ?", (name,)
            ).fetchall()
        self._over = {folder: FolderSize(*size) for folder, _, *size in rows}
        listed_at = {folder: checked for folder, checked, *_ in rows}
        self._scheduler = FolderScheduler(store, self._folders, listed_at, grace_seconds=0, rechecks=RECHECKS)
        hours = Folders(self._template, HOUR)
        self._running = None
        if hours.period("", 0) != self._folders.period("", 0) and folders.dated:
            self._running = RunningDays(name, folders, hours, self._list_size, self._cache)

    @property
    def unlisted(self) -> int:
        """Folders that were never listed."""
        return self._scheduler.unlisted

    def measure(self, now: float) -> FolderSize:
        """List what may have changed, and add up."""
        current = {folder: self._measure_current(folder, now) for folder in self._scheduler.current_periods(now)}
        for folder in current:
            self._scheduler.mark_listed(folder, now)
        if self._running:
            self._running.keep_only(current.keys())
        for folder in self._scheduler.due_periods(now):
            self._remember(folder, self._list_size(folder, now), now)
        over = {folder: self._update_overdue(folder, size, now) for folder, size in self._over.items()}
        return sum({**over, **current}.values(), FolderSize())

    def _measure_current(self, folder: str, now: float) -> FolderSize:
        return self._running.measure(folder, now) if self._running else self._list_size(folder, now)

    def _update_overdue(self, folder: str, size: FolderSize, now: float) -> FolderSize:
        """A remembered size as of now: a folder's objects fall due together, by the day in its name."""
        at = _instant_or(self._folders.fields(folder), size.newest)
        return replace(size, overdue=size.objects if is_overdue(at, self.days, now) else 0)

    def _list_size(self, folder: str, now: float | None = None) -> FolderSize:
        """The size of a folder; without a time, nothing in it is overdue."""
        objects = self._store.list(folder).objects
        return FolderSize(
            len(objects),
            sum(info.size for info in objects),
            max((info.modified for info in objects), default=0),
            0 if now is None else self._overdue(folder, objects, now),
        )

    def _overdue(self, folder: str, objects: Sequence[ObjectInfo], now: float) -> int:
        """How many retention should have deleted: all or none where the folder's name has the day."""
        if "date" in self._folders.fields(folder):
            at = _instant_or(self._folders.fields(folder), math.inf)
            return len(objects) if is_overdue(at, self.days, now) else 0
        dates = (_instant_or(self._template.parse(info.key) or {}, info.modified) for info in objects)
        return sum(is_overdue(at, self.days, now) for at in dates)

    def _remember(self, folder: str, size: FolderSize, now: float) -> None:
        """Remember a folder of a day that is over, or forget it once it is empty."""
        with self._cache.transaction() as db:
            db.execute("DELETE FROM size WHERE area = ? AND folder = ?", (self.name, folder))
            if size.objects:
                row = (self.name, folder, size.objects, size.bytes, size.newest, now)
                db.execute("INSERT INTO size VALUES (?, ?, ?, ?, ?, ?)", row)
        if size.objects:
            self._over[folder] = size
            self._scheduler.mark_listed(folder, now)
        else:
            self._over.pop(folder, None)
            self._scheduler.forget(folder)


def _instant_or(fields: Mapping[str, str], otherwise: float) -> float:
    """The instant in the name, or another where the name has none."""
    try:
        at = instant_of(fields)
    except BadObject:
        return otherwise
    return otherwise if at is None else at


def parts_of(shard: Shard) -> list[str]:
    """The parts that a shard lists: in turns, so that those with the most objects, which are neighbours, lie apart."""
    return list(StorePaths.model_fields)[shard.number - 1 :: shard.count]


class SizesArea:
    """The parts of the store that this shard lists.

    Args:
        store: the store.
        context: settings and cache.
        shared: knows the store's clock.
    """

    def __init__(self, store: ObjectReader, context: SourceContext, shared: SharedState) -> None:
        self._context = context
        self._shared = shared
        self._parts = [StorePart(name, store, context) for name in parts_of(context.shard)]

    def refresh(self, out: Refresh) -> None:
        """One pass."""
        now = self._shared.now(self._context.clock)
        for part in self._parts:
            size = part.measure(now)
            if not part.unlisted:
                out.put(part.name, size, size_samples(part.name, size, part.days))
        out.backlog = sum(part.unlisted for part in self._parts)
