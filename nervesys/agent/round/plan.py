"""The plan of a daily round: a pure function of two listings, the settings and the day.

A day of logs is due once the store has kept it for `retention.active_logs` days; logs that were due yesterday and are
not archived today are what the archive's exporter calls missing. All other objects are deleted by the same table and
rule by which the exporters call them overdue.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from nervesys.contract import PathTemplate, server_name
from nervesys.contract.paths import parse_date
from nervesys.contract.times import utc
from nervesys.errors import BadObject
from nervesys.settings.storage import Days, Storage
from nervesys.stores.archive import ArchiveFile
from nervesys.stores.archive_layout import ArchiveLayout, is_overdue
from nervesys.stores.objects import ObjectInfo

EXPIRING = ("metrics", "config_backups")
"""Areas of the store whose expired objects are deleted."""
ARCHIVED = {"active_logs": "logs", "active_traces": "traces"}
"""Areas whose objects are only ever moved, and the areas of the archive that they are moved to."""


@dataclass(frozen=True)
class DayOfLogs:
    """Logs, or traces, of one server and one day, UTC.

    Attributes:
        server: in lower case.
        day: as in the keys of the objects.
        objects: in the order of their keys.
        area: of the store, one of `ARCHIVED`.
    """

    server: str
    day: date
    objects: tuple[ObjectInfo, ...]
    area: str = "active_logs"

    def __str__(self) -> str:
        return f"{self.server} {self.day}" + (" (traces)" if self.area == "active_traces" else "")


@dataclass(frozen=True)
class RoundPlan:
    """What a round has to do.

    Attributes:
        days: logs and traces to be archived, each oldest first.
        expired: keys past retention, by area of the store.
        overdue: paths in the archive past retention.
        left: number of further objects past retention, above the limit of one round.
        unfiled: keys of logs without a server or day; their age is unknown, so they stay.
    """

    days: tuple[DayOfLogs, ...] = ()
    expired: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overdue: tuple[str, ...] = ()
    left: int = 0
    unfiled: tuple[str, ...] = ()


def make_plan(
    storage: Storage, store: Mapping[str, Sequence[ObjectInfo]], archive: Iterable[ArchiveFile], today: date
) -> RoundPlan:
    """Make the plan of a day.

    Args:
        storage: paths, retention, and the limit of deletions in one round.
        store: the objects of the areas `ARCHIVED` and `EXPIRING`.
        archive: all files of the archive.
        today: in UTC.
    """
    days: list[DayOfLogs] = []
    unfiled: list[str] = []
    for area in ARCHIVED:
        due, unknown = _due_days(storage, area, store[area], today)
        days += due
        unfiled += unknown
    expired = [(area, info.key) for area in EXPIRING for info in _expired(storage, area, store[area], today)]
    overdue = sorted(_overdue(ArchiveLayout(storage), archive, today))
    granted = expired[: storage.round.delete_at_most]
    room = storage.round.delete_at_most - len(granted)
    return RoundPlan(
        tuple(days),
        {area: keys for area in EXPIRING if (keys := tuple(key for area_of, key in granted if area_of == area))},
        tuple(overdue[:room]),
        len(expired) - len(granted) + max(0, len(overdue) - room),
        tuple(unfiled),
    )


def _due_days(
    storage: Storage, area: str, objects: Sequence[ObjectInfo], today: date
) -> tuple[list[DayOfLogs], list[str]]:
    """The days of an area that are due, and keys without a server or day."""
    template, keep = PathTemplate(getattr(storage.storj.paths, area)), getattr(storage.retention, area)
    due: dict[tuple[date, str], list[ObjectInfo]] = defaultdict(list)
    unfiled: list[str] = []
    for info in sorted(objects, key=lambda info: info.key):
        filed = _server_and_day(template, info.key)
        if filed is None:
            unfiled.append(info.key)
        elif _is_expired(filed[1], keep, today):
            due[filed[1], filed[0]].append(info)
    return [DayOfLogs(server, day, tuple(due[day, server]), area) for day, server in sorted(due)], unfiled


def _server_and_day(template: PathTemplate, key: str) -> tuple[str, date] | None:
    fields = template.parse(key) or {}
    day = parse_date(fields.get("date", ""))
    try:
        return (server_name(fields.get("server", "")), day) if day else None
    except BadObject:
        return None


def _expired(storage: Storage, area: str, objects: Sequence[ObjectInfo], today: date) -> Iterator[ObjectInfo]:
    """Objects past retention, in the order of their keys; a key that does not match the template stays."""
    template, keep = PathTemplate(getattr(storage.storj.paths, area)), getattr(storage.retention, area)
    for info in sorted(objects, key=lambda info: info.key):
        fields = template.parse(info.key)
        if fields is not None and _is_expired(
            parse_date(fields.get("date", "")) or utc(info.modified).date(), keep, today
        ):
            yield info


def _overdue(layout: ArchiveLayout, files: Iterable[ArchiveFile], today: date) -> Iterator[str]:
    for file in files:
        try:
            if is_overdue(file, layout.classify(file.path), today):
                yield file.path
        except BadObject:
            continue  # its name breaks the contract: its age is unknown, so it stays


def _is_expired(day: date, keep: Days, today: date) -> bool:
    return keep is not None and (today - day).days > keep
