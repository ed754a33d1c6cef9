"""Source `archive`: files in cold storage, days of logs that are missing there, and files past their retention.

Reads   one full listing; from then on the changes since, where the archive can tell them (a folder is listed each
        pass); one question for room.
Units   bytes, Unix seconds, counts. A file's day is the one in its name, in UTC, or else that of its last change.
Errors  ArchiveUnavailable is raised: the runner keeps the last snapshot and drops exporter_up.
        BadObject costs one file, whose name or date breaks the contract: counted by reason, left out of the rest.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TypeVar

from exporters.runner import TOLERATED, Area, Context, Refresh, Source
from nervesys.contract.times import utc
from nervesys.errors import BadObject, Reason
from nervesys.metrics import Family, Period, Sample
from nervesys.settings.storage import Days
from nervesys.stores.archive import Archive, ArchiveFile, Catalogue, Changes, Entry
from nervesys.stores.archives import open_archive
from nervesys.stores.filing import Filed, Layout, is_overdue

FILES = Family("archive_files", "gauge", "Files in the archive.", ("area",), Period.DAILY)
BYTES = Family("archive_bytes", "gauge", "Size of the files in the archive.", ("area",), Period.DAILY)
NEWEST = Family(
    "archive_newest_file_timestamp_seconds", "gauge", "When the newest file was written.", ("area",), Period.DAILY
)
OVERDUE = Family(
    "archive_overdue_files", "gauge", "Files kept for longer than they should be.", ("area",), Period.DAILY
)
MISSING = Family(
    "archive_missing_log_days",
    "gauge",
    "Days of the last 30 due of which the archive holds no log, from the server's first on.",
    ("server",),
    Period.DAILY,
)
QUOTA = Family("archive_quota_bytes", "gauge", "Room in the archive: limit, used, trash.", ("kind",), Period.DAILY)

FAMILIES = (FILES, BYTES, NEWEST, OVERDUE, MISSING, QUOTA)

AREA = "archive"
TOKEN = ""
"""Key of the change token in the cache; no entry of the archive has an empty id."""
LOOKBACK = timedelta(days=30)


def area_samples(area: str, files: Sequence[tuple[ArchiveFile, Filed]], today: date) -> Iterator[Sample]:
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


Told = TypeVar("Told", Changes, Changes | None)


class Kept:
    """The catalogue of the archive, kept up to date by its change feed where it has one, and cached across restarts.

    Args:
        archive: the archive.
        context: cache, and the count of requests.
    """

    def __init__(self, archive: Archive, context: Context) -> None:
        self._archive = archive
        self._cache = context.cache
        self._health = context.health
        self._catalogue: Catalogue | None = None
        self._token = ""
        self._health.expect("list", "changes")

    def learn(self) -> bool:
        """Bring the catalogue up to date; returns whether anything changed."""
        root = self._archive.root
        catalogue = self._catalogue or self._recalled(root)
        changes = self._ask("changes", lambda: self._archive.changes(self._token)) if self._token else None
        gone: Collection[str] = changes.removed if changes else [key for key, _, _ in self._cache.bodies(AREA)]
        first = self._catalogue is None or changes is None
        if changes is None:
            changes, catalogue = self._ask("list", self._archive.list), Catalogue(root)
        catalogue.apply(changes)
        self._remember(root, changes, gone)
        self._catalogue, self._token = catalogue, changes.token
        return first or bool(changes.entries or changes.removed)

    def files(self) -> Iterator[ArchiveFile]:
        """Every file, as last learnt."""
        return self._catalogue.files() if self._catalogue else iter(())

    def _ask(self, operation: str, request: Callable[[], Told]) -> Told:
        with self._health.request(operation):
            told = request()
        if told is not None:
            self._health.count(operation, "ok", by=told.pages - 1)
        return told

    def _recalled(self, root: str) -> Catalogue:
        """The cached catalogue, where it is of this root."""
        rows = {key: (version, body or b"") for key, version, body in self._cache.bodies(AREA)}
        token, of_root = rows.pop(TOKEN, ("", b""))
        if of_root.decode() != root:
            return Catalogue(root)
        self._token = token
        return Catalogue(root, (Entry(key, *json.loads(body)) for key, (_, body) in rows.items()))

    def _remember(self, root: str, changes: Changes, gone: Collection[str]) -> None:
        """Cache the changes for the next start; without a token the next start lists everything anyway."""
        if not changes.token:
            return
        rows = [(it.id, "", json.dumps([it.name, it.parent, it.size, it.modified]).encode()) for it in changes.entries]
        self._cache.keep_bodies(AREA, [*rows, (TOKEN, changes.token, root.encode())], gone)


class Holdings:
    """Counts what the archive holds.

    Args:
        archive: the archive.
        context: settings and clock.
    """

    def __init__(self, archive: Archive, context: Context) -> None:
        self._archive = archive
        self._context = context
        self._layout = Layout(context.settings.storage)
        self._kept = Kept(archive, context)
        self._counted_on: date | None = None
        context.health.expect("quota")

    def refresh(self, out: Refresh) -> None:
        """One pass: learn what changed; count anew where anything did, and on a new day."""
        now = self._context.clock()
        today = utc(now).date()
        if self._kept.learn() or today != self._counted_on:
            counted = tuple(self._counted(now, out))
            out.put("files", counted, counted)
            self._counted_on = today
        with self._context.health.request("quota"):
            room = tuple(QUOTA.sample(size, kind) for kind, size in self._archive.quota().items())
        out.put("room", room, room)

    def _counted(self, now: float, out: Refresh) -> Iterator[Sample]:
        areas: dict[str, list[tuple[ArchiveFile, Filed]]] = {area: [] for area in self._layout.areas}
        days: dict[str, set[date]] = defaultdict(set)
        for file in self._kept.files():
            try:
                filed = self._filed(file, now)
            except BadObject as bad:
                out.reject(file.path, (file.size, file.modified), bad)
                continue
            areas[filed.area].append((file, filed))
            if filed.server and filed.day:
                days[filed.server].add(filed.day)
        today, storage = utc(now).date(), self._context.settings.storage
        for area, files in areas.items():
            yield from area_samples(area, files, today)
        for server, count in sorted(missing_days(days, today, storage.retention.active_logs).items()):
            yield MISSING.sample(count, server)

    def _filed(self, file: ArchiveFile, now: float) -> Filed:
        filed = self._layout.filed(file.path)
        if file.modified > now + TOLERATED.total_seconds():
            raise BadObject(Reason.FUTURE, "written after today")
        if filed.day and filed.day > utc(now).date() + TOLERATED:
            raise BadObject(Reason.FUTURE, "its day is yet to come")
        return filed


def areas(context: Context) -> Sequence[Area]:
    """The archive that the settings name.

    Raises:
        SettingsError: they name none, or not the key to it.
    """
    return areas_of(open_archive(context.settings.storage.archive), context)


def areas_of(archive: Archive, context: Context) -> Sequence[Area]:
    """The one area of any archive."""
    every = context.settings.monitoring.every_seconds("archive", AREA)
    return (Area(AREA, FAMILIES, every, Holdings(archive, context).refresh),)


SOURCE = Source(
    name="archive",
    about="Logs, reports and backups in cold storage.",
    families=FAMILIES,
    areas=areas,
)
