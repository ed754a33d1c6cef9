"""Counts what each area of the archive holds: its families, and the functions from files to samples."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from exporters.archive.catalogue import CachedCatalogue
from exporters.runner import TOLERATED, Refresh, SourceContext
from nervesys.contract.times import utc
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.settings.storage import Days
from nervesys.stores.archive import Archive, ArchiveFile
from nervesys.stores.archive_layout import ArchiveLayout, ArchivePath, is_overdue

ORIGIN = SourceArea("archive", "archive")
FILES = Family(
    "archive_files",
    "gauge",
    "Files in an area of the archive.",
    ("area",),
    Period.DAILY,
    conditions=(ConditionTerm(word="archived files", kind="level", labels=("area",), origin=ORIGIN),),
)
BYTES = Family(
    "archive_bytes",
    "gauge",
    "Size of the files in an area of the archive.",
    ("area",),
    Period.DAILY,
    conditions=(ConditionTerm(word="archived bytes", kind="level", labels=("area",), origin=ORIGIN),),
)
NEWEST = Family(
    "archive_newest_file_timestamp_seconds",
    "gauge",
    "Modification time of the newest file in an area of the archive.",
    ("area",),
    Period.DAILY,
    conditions=(
        ConditionTerm(
            word="full backup",
            kind="absence",
            origin=ORIGIN,
            matchers='{area="backups"}',
            threshold=lambda t: t.backup_late_hours * 3600,
            must_exist=True,
        ),
    ),
    optional={'{area="backups"}': "no backup has been made yet"},
)
OVERDUE = Family(
    "archive_overdue_files",
    "gauge",
    "Files older than the area's retention.",
    ("area",),
    Period.DAILY,
    conditions=(ConditionTerm(word="overdue files", kind="level", labels=("area",), origin=ORIGIN),),
)
MISSING = Family(
    "archive_missing_log_days",
    "gauge",
    "Days without a log in the archive, of the last 30 that should have one, counted from the server's first day.",
    ("server",),
    Period.DAILY,
    conditions=(ConditionTerm(word="missing archive days", kind="level", labels=("server",), origin=ORIGIN),),
    optional={"": "no server's logs have been archived yet"},
)
QUOTA = Family(
    "archive_quota_bytes",
    "gauge",
    "Archive quota by kind: limit, used, trash.",
    ("kind",),
    Period.DAILY,
    conditions=(
        ConditionTerm(
            word="archive quota",
            kind="level",
            origin=ORIGIN,
            matchers='{kind="used"}',
            unit="ratio",
            per=' / on (job, instance) nervesys_archive_quota_bytes{kind="limit"}',
        ),
        ConditionTerm(word="archive quota", kind="level", origin=ORIGIN, matchers='{kind="used"}'),
    ),
)

FAMILIES = (FILES, BYTES, NEWEST, OVERDUE, MISSING, QUOTA)

LOOKBACK = timedelta(days=30)


def area_samples(area: str, files: Sequence[tuple[ArchiveFile, ArchivePath]], today: date) -> Iterator[Sample]:
    """What an area holds."""
    yield FILES.sample(len(files), area)
    yield BYTES.sample(sum(file.size for file, _ in files), area)
    yield OVERDUE.sample(sum(is_overdue(file, filed, today) for file, filed in files), area)
    if files:
        yield NEWEST.sample(max(file.modified for file, _ in files), area)


def missing_days(days: Mapping[str, set[date]], today: date, kept_in_store: Days) -> dict[str, int]:
    """How many days of logs should lie in the archive and do not, by server.

    A day is due one day after the store's retention of it ended. A server without any log in the last 30 days that are
    due counts as decommissioned.

    Args:
        days: the days that each server has in the archive.
        today: in UTC.
        kept_in_store: days that the store itself keeps logs; with None nothing is ever due here.
    """
    if kept_in_store is None:
        return {}
    last = today - timedelta(days=kept_in_store + 2)
    first = last - LOOKBACK + timedelta(days=1)
    missing: dict[str, int] = {}
    for server, have in days.items():
        recent = sum(first <= day <= last for day in have)
        if recent:
            missing[server] = (last - max(first, min(have))).days + 1 - recent
    return missing


class ArchiveArea:
    """Counts what the archive holds.

    Args:
        archive: the archive.
        context: settings and clock.
    """

    def __init__(self, archive: Archive, context: SourceContext) -> None:
        self._archive = archive
        self._context = context
        self._layout = ArchiveLayout(context.settings.storage)
        self._catalogue = CachedCatalogue(archive, context)
        self._counted_on: date | None = None
        context.health.expect("quota")

    def refresh(self, out: Refresh) -> None:
        """One pass: update what changed; count anew where anything did, and on a new day."""
        now = self._context.clock()
        today = utc(now).date()
        if self._catalogue.update() or today != self._counted_on:
            samples = tuple(self._count(now, out))
            out.put("files", samples, samples)
            self._counted_on = today
        with self._context.health.request("quota"):
            room = tuple(QUOTA.sample(size, kind) for kind, size in self._archive.quota().items())
        out.put("room", room, room)

    def _count(self, now: float, out: Refresh) -> Iterator[Sample]:
        areas: dict[str, list[tuple[ArchiveFile, ArchivePath]]] = {area: [] for area in self._layout.areas}
        days: dict[str, set[date]] = defaultdict(set)
        for file in self._catalogue.files():
            try:
                location = self._classify(file, now)
            except BadObject as bad:
                out.reject(file.path, (file.size, file.modified), bad)
                continue
            areas[location.area].append((file, location))
            if location.area == "logs" and location.server and location.day:
                days[location.server].add(location.day)
        today, storage = utc(now).date(), self._context.settings.storage
        for area, files in areas.items():
            yield from area_samples(area, files, today)
        for server, count in sorted(missing_days(days, today, storage.retention.active_logs).items()):
            yield MISSING.sample(count, server)

    def _classify(self, file: ArchiveFile, now: float) -> ArchivePath:
        location = self._layout.classify(file.path)
        if file.modified > now + TOLERATED.total_seconds():
            raise BadObject(Reason.FUTURE, "written after today")
        if location.day and location.day > utc(now).date() + TOLERATED:
            raise BadObject(Reason.FUTURE, "its day is yet to come")
        return location
