"""Finds the objects and archived files that a query needs, listing only the folders of its days and servers.

Lists   one LIST finds the servers; one more for each server finds its days, if the range is long; then one for each
        server and day. Of the archive, the folders of those days.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import takewhile
from typing import NamedTuple

from nervesys.clock import Clock
from nervesys.contract import PathTemplate, agent_name, server_name
from nervesys.contract.paths import parse_date, time_fields
from nervesys.contract.times import DAY_SECONDS, parse_time, utc
from nervesys.errors import BadObject
from nervesys.logs.budget import ReadBudget
from nervesys.logs.query import LogQuery
from nervesys.settings.storage import Retention, Storage
from nervesys.stores.archive import Archive, ArchiveFile
from nervesys.stores.archive_layout import ArchiveLayout
from nervesys.stores.encryption import key_for
from nervesys.stores.folders import DAY, Folders, instant_of
from nervesys.stores.objects import ObjectInfo, ObjectReader

OpenArchive = Callable[[], Archive | None]
"""Opens the archive where it is needed; None if there is none."""
MOST_DAYS, SPARE_DAYS = 3660, 62
"""How far back logs are looked for where they are kept for ever; and beyond retention."""
LONG_RANGE_DAYS = 3
"""From so many days on, it is worth finding out first which of them have objects."""
FRESH_DAYS = 2
"""Days that are surely not archived yet, unless the store keeps logs for less."""


class LogSegment(NamedTuple):
    """An object of the store, or a file of the archive, with log records.

    Attributes:
        key: of the object, or path of the file.
        day: in its name, UTC.
        server: in its name; empty where it has none.
        agent: in its name; None for files of all agents.
        category: in its name; None for those of all categories.
        sealed: Unix seconds; its records are not later.
        size: packed bytes.
        archived: whether it lies in the archive.
    """

    key: str
    day: date
    server: str
    agent: str | None
    category: str | None
    sealed: float
    size: int
    archived: bool

    @property
    def chain(self) -> tuple[str, str | None, str | None, bool]:
        """What it is a part of: the parts of a chain, by `sealed`, continue each other."""
        return self.server, self.agent, self.category, self.archived


class SegmentFinder:
    """Finds segments day by day, for one query.

    Args:
        store: holds the last days.
        open_archive: opens the archive, which holds older ones, once such a day is asked for.
        storage: path templates and retention.
        clock: gives the current day.
        pool: runs listings at the same time.
        query: the question.
        budget: counts listings.
    """

    def __init__(
        self,
        store: ObjectReader,
        open_archive: OpenArchive,
        storage: Storage,
        clock: Clock,
        pool: ThreadPoolExecutor,
        query: LogQuery,
        budget: ReadBudget,
    ) -> None:
        self._store, self._open_archive, self._pool = store, open_archive, pool
        self._query, self._budget = query, budget
        self._template = PathTemplate(storage.storj.paths.active_logs)
        self._folders = Folders(self._template)
        self._archived_template = PathTemplate(storage.archive.paths.logs)
        self._layout = ArchiveLayout(storage)
        now = clock()
        earliest = utc(now).date() - timedelta(days=_kept_days(storage.retention))
        self.days = [day for day in query.days(now + DAY_SECONDS) if day >= earliest]
        """Days to look at, oldest first; the last may be tomorrow, for clocks differ."""
        keep = storage.retention.active_logs
        fresh = FRESH_DAYS if keep is None else min(keep, FRESH_DAYS)
        self._last_archived = utc(now).date() - timedelta(days=fresh)
        self._periods: set[str] | None = None
        self._roots: list[str] | None = None
        self._listings: dict[str, Sequence[ObjectInfo]] = {}
        self._files: dict[str, Sequence[ArchiveFile]] = {}

    def of_day(self, day: date) -> list[LogSegment]:
        """The segments of a day, sealed from the query's start on; store first, each part by time.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        found = [segment for segment in self._in_store(day) if segment.sealed >= self._query.since - 1]
        found.sort(key=lambda segment: (segment.sealed, segment.key))
        if day <= self._last_archived and (archive := self._open_archive()) is not None:
            found += sorted(self._in_archive(archive, day), key=lambda segment: segment.key)
        return found

    def servers(self) -> set[str]:
        """The servers with a folder in the store, whatever their days; and those of the archive's files.

        Raises:
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        found = {self._folders.fields(root).get("server", "").lower() for root in self._find_roots()}
        archived = [day for day in self.days if day <= self._last_archived]
        if archived and (archive := self._open_archive()) is not None:
            folders = dict.fromkeys(map(self._archive_folder, archived))
            for folder in takewhile(lambda _: self._budget.check_time(), folders):
                found |= {segment.server for file in archive.files(folder) if (segment := self._archived_segment(file))}
        return found - {""}

    def _archive_folder(self, day: date) -> str:
        fields = time_fields(parse_time(day.isoformat()))
        return self._archived_template.prefix(**{name: fields[name] for name in DAY})

    def _in_store(self, day: date) -> Iterator[LogSegment]:
        roots = self._find_roots()
        midnight = parse_time(day.isoformat())
        periods = {self._folders.period(root, midnight): root for root in roots}
        if self._folders.dated and len(self.days) >= LONG_RANGE_DAYS:
            if self._periods is None:
                self._budget.listed += len(roots)
                listed = self._pool.map(lambda root: self._folders.periods(self._store, root), roots)
                self._periods = {period for of_root in listed for period in of_root}
            periods = {period: root for period, root in periods.items() if period in self._periods}
        for infos in self._list(list(periods)):
            for info in infos:
                segment = self._segment(info)
                if segment is not None and segment.day == day:
                    yield segment

    def _find_roots(self) -> list[str]:
        """The folders above the days; one for each server in most layouts."""
        if self._roots is None:
            self._budget.listed += 1
            self._roots = [root for root in self._folders.roots(self._store) if self._may_hold(root)]
        return self._roots

    def _may_hold(self, root: str) -> bool:
        fields = self._folders.fields(root)
        server, agent = fields.get("server", "").lower(), fields.get("agent", "").lower()
        return (
            (not server or self._query.wants_server(server))
            and (not agent or self._query.wants_agent(agent))
            and self._query.may_be_in(fields.get("category"))
        )

    def _list(self, periods: Iterable[str]) -> Iterable[Sequence[ObjectInfo]]:
        """Listings, several at a time; those of the day before are used again, for a period may be a month."""
        periods = list(periods)
        new = [period for period in periods if period not in self._listings]
        self._budget.listed += len(new)
        listings = dict(zip(new, self._pool.map(lambda period: self._store.list(period).objects, new), strict=True))
        self._listings = {period: listings.get(period) or self._listings.get(period, ()) for period in periods}
        return self._listings.values()

    def _segment(self, info: ObjectInfo) -> LogSegment | None:
        """The segment of an object; None if it is of another agent, or its key is not of the template."""
        fields = self._template.parse(info.key)
        if fields is None:
            return None
        try:
            agent = agent_name(fields["agent"]) if "agent" in fields else None
            server = server_name(fields["server"]) if "server" in fields else ""
            sealed = instant_of(fields)
        except BadObject:  # counted by the exporter
            return None
        query, category = self._query, fields.get("category")
        wanted = (agent is None or query.wants_agent(agent)) and query.wants_server(server)
        if not (wanted and query.may_be_in(category)):
            return None
        if sealed is None:
            sealed = info.modified
        elif "time" not in fields:
            sealed += DAY_SECONDS
        day = parse_date(fields["date"]) if "date" in fields else utc(info.modified).date()
        if day is None:
            return None
        return LogSegment(info.key, day, server, agent, category, sealed, info.size, archived=False)

    def _in_archive(self, archive: Archive, day: date) -> Iterator[LogSegment]:
        folder = self._archive_folder(day)
        if folder not in self._files:
            self._budget.listed += 1
            self._files = {folder: tuple(archive.files(folder))}
        newest: dict[str, tuple[ArchiveFile, LogSegment]] = {}
        for file in self._files[folder]:
            segment = self._archived_segment(file)
            if segment is None or segment.day != day:
                continue
            plain = key_for(file.path, ())
            if plain not in newest or newest[plain][0].modified < file.modified:  # both forms, while one is replaced
                newest[plain] = file, segment
        yield from (segment for _, segment in newest.values())

    def _archived_segment(self, file: ArchiveFile) -> LogSegment | None:
        try:
            filed = self._layout.classify(file.path)
        except BadObject:
            return None
        if filed.area != "logs" or filed.day is None or not filed.server:
            return None
        if not (self._query.wants_server(filed.server) and self._query.may_be_in(filed.category)):
            return None
        sealed = parse_time(filed.day.isoformat()) + DAY_SECONDS
        return LogSegment(file.path, filed.day, filed.server, None, filed.category, sealed, file.size, archived=True)


def _kept_days(retention: Retention) -> int:
    """For how many days there may be logs at all; retention is applied late, and by whole days."""
    kept = [retention.active_logs, *retention.logs.values()]
    return MOST_DAYS if None in kept else max(filter(None, kept)) + SPARE_DAYS


def split_late(segments: Iterable[LogSegment], until: float) -> tuple[list[LogSegment], list[list[LogSegment]]]:
    """Segments sealed up to an instant, and chains of those sealed later, which may still hold earlier records.

    Of a chain, the later parts need to be read only as long as their records are early enough.
    """
    sealed: list[LogSegment] = []
    late: dict[object, list[LogSegment]] = defaultdict(list)
    for segment in segments:
        if segment.archived or segment.sealed < until:
            sealed.append(segment)
        else:
            late[segment.chain].append(segment)
    return sealed, list(late.values())
