"""What a daily round has to do: pure, from two listings, the settings and the day.

A day of logs is due once the store has kept it as long as `retention.active_logs` says; what was due yesterday and is
not archived today is what the archive's exporter calls missing. All else is deleted by the same table and the same
rule that the exporters call overdue by.
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
from nervesys.stores.filing import Layout, is_overdue
from nervesys.stores.objects import ObjectInfo

EXPIRING = ("metrics", "config_backups")
"""Areas of the store whose objects retention deletes; logs leave it by way of the archive only."""


@dataclass(frozen=True)
class DayOfLogs:
    """What one server logged on one day, UTC.

    Attributes:
        server: in lower case.
        day: in the keys of the objects.
        objects: in the order of their keys.
    """

    server: str
    day: date
    objects: tuple[ObjectInfo, ...]

    def __str__(self) -> str:
        return f"{self.server} {self.day}"


@dataclass(frozen=True)
class Plan:
    """What there is to do.

    Attributes:
        days: to be archived, oldest first.
        expired: keys past retention, by area of the store.
        overdue: paths of the archive past retention.
        left: how many more are past retention than one round may delete.
        unfiled: keys of logs that tell no server or day; nobody knows when they are due, so they stay.
    """

    days: tuple[DayOfLogs, ...] = ()
    expired: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overdue: tuple[str, ...] = ()
    left: int = 0
    unfiled: tuple[str, ...] = ()


def planned(
    storage: Storage, store: Mapping[str, Sequence[ObjectInfo]], archive: Iterable[ArchiveFile], today: date
) -> Plan:
    """The plan of a day.

    Args:
        storage: paths, retention, and how much one round may delete.
        store: the objects of the areas `active_logs` and `EXPIRING`.
        archive: all of its files.
        today: in UTC.
    """
    days, unfiled = _logs(storage, store["active_logs"], today)
    expired = [(area, info.key) for area in EXPIRING for info in _expired(storage, area, store[area], today)]
    overdue = sorted(_overdue(Layout(storage), archive, today))
    granted = expired[: storage.round.delete_at_most]
    room = storage.round.delete_at_most - len(granted)
    return Plan(
        days,
        {area: keys for area in EXPIRING if (keys := tuple(key for of, key in granted if of == area))},
        tuple(overdue[:room]),
        len(expired) - len(granted) + max(0, len(overdue) - room),
        unfiled,
    )


def _logs(
    storage: Storage, objects: Sequence[ObjectInfo], today: date
) -> tuple[tuple[DayOfLogs, ...], tuple[str, ...]]:
    template, keep = PathTemplate(storage.storj.paths.active_logs), storage.retention.active_logs
    due: dict[tuple[date, str], list[ObjectInfo]] = defaultdict(list)
    unfiled: list[str] = []
    for info in sorted(objects, key=lambda info: info.key):
        filed = _server_and_day(template, info.key)
        if filed is None:
            unfiled.append(info.key)
        elif _past(filed[1], keep, today):
            due[filed[1], filed[0]].append(info)
    return tuple(DayOfLogs(server, day, tuple(due[day, server])) for day, server in sorted(due)), tuple(unfiled)


def _server_and_day(template: PathTemplate, key: str) -> tuple[str, date] | None:
    fields = template.parse(key) or {}
    day = parse_date(fields.get("date", ""))
    try:
        return (server_name(fields.get("server", "")), day) if day else None
    except BadObject:
        return None


def _expired(storage: Storage, area: str, objects: Sequence[ObjectInfo], today: date) -> Iterator[ObjectInfo]:
    """What is past retention, oldest name first; a key outside the template is nobody's, and stays."""
    template, keep = PathTemplate(getattr(storage.storj.paths, area)), getattr(storage.retention, area)
    for info in sorted(objects, key=lambda info: info.key):
        fields = template.parse(info.key)
        if fields is not None and _past(parse_date(fields.get("date", "")) or utc(info.modified).date(), keep, today):
            yield info


def _overdue(layout: Layout, files: Iterable[ArchiveFile], today: date) -> Iterator[str]:
    for file in files:
        try:
            if is_overdue(file, layout.filed(file.path), today):
                yield file.path
        except BadObject:
            continue  # its name breaks the contract: nobody knows when it is due, so it stays


def _past(day: date, keep: Days, today: date) -> bool:
    return keep is not None and (today - day).days > keep
