"""Splits the keys of an area into folders by date, so that only the folders in use need be listed.

    db/active_logs/srv1/2026-01-31/101500_grok_1.jsonl.gz
    └──── root ───────┘└─ period ─┘

A *root* is everything above the first date, here a server's folder. A *period* is the folder of one day, or of one
hour. Roots and periods are found by listing one level at a time. A period that is over gets no more objects, except
late ones.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from nervesys.contract.paths import PathTemplate, time_fields
from nervesys.contract.times import parse_time
from nervesys.errors import BadObject, Reason
from nervesys.stores.objects import ObjectReader

DAY = frozenset({"date", "year", "month", "iso_year", "week"})
HOUR = DAY | {"hour"}


class Folders:
    """The layout of one area, folder by folder.

    Args:
        template: its key template; one without a date in a folder has a single period, which is never over.
        unit: the fields that distinguish periods, `DAY` or `HOUR`.
    """

    def __init__(self, template: PathTemplate, unit: frozenset[str] = DAY) -> None:
        self._segments = template.text.split("/")[:-1]
        fields = [set(PathTemplate(segment).fields) for segment in self._segments]
        self._root = next((at for at, names in enumerate(fields) if names & unit), len(fields))
        self._period = self._root
        while self._period < len(fields) and fields[self._period] <= unit:
            self._period += 1

    @property
    def dated(self) -> bool:
        """Whether there is more than one period."""
        return self._period > self._root

    def roots(self, store: ObjectReader) -> list[str]:
        """Every root there is; one LIST for each level of folders with a name in it."""
        return self._below(store, [""], 0, self._root)

    def periods(self, store: ObjectReader, root: str) -> list[str]:
        """Every period of a root that has an object."""
        return self._below(store, [root], self._root, self._period)

    def period(self, root: str, seconds: float) -> str:
        """The period of a root that is written to at an instant."""
        below = [segment.format_map(time_fields(seconds)) for segment in self._segments[self._root : self._period]]
        return root + "".join(f"{segment}/" for segment in below)

    def fields(self, folder: str) -> dict[str, str]:
        """What the names of a root or a period say, such as its server."""
        return self._template(folder.count("/")).parse(folder.removesuffix("/")) or {}

    def _below(self, store: ObjectReader, folders: list[str], begin: int, end: int) -> list[str]:
        for level in range(begin, end):
            if "{" in self._segments[level]:
                folders = list(self._listed(store, folders, level + 1))
            else:
                folders = [f"{folder}{self._segments[level]}/" for folder in folders]
        return folders

    def _listed(self, store: ObjectReader, folders: list[str], depth: int) -> Iterable[str]:
        template = self._template(depth)
        for folder in folders:
            for found in store.list(folder, recursive=False).folders:
                if template.parse(found.removesuffix("/")) is not None:
                    yield found

    def _template(self, depth: int) -> PathTemplate:
        return PathTemplate("/".join(self._segments[:depth]))


def instant_of(fields: Mapping[str, str]) -> float | None:
    """The instant that a key names, in Unix seconds; None where its template has no `{date}`.

    Raises:
        BadObject: `bad_key` where there is no such day or time.
    """
    if "date" not in fields:
        return None
    time = fields.get("time", "000000")
    try:
        return _midnight(fields["date"]) + _second_of_day(time)
    except BadObject as err:
        raise BadObject(Reason.BAD_KEY, f"no such instant: {fields['date']} {time}") from err


@lru_cache(maxsize=1024)
def _midnight(date: str) -> float:
    return parse_time(f"{date}T00:00:00Z")


@lru_cache(maxsize=1 << 14)  # listings hold each second of a day many times, and parsing takes 5 µs
def _second_of_day(time: str) -> float:
    return parse_time(f"1970-01-01T{time[:2]}:{time[2:4]}:{time[4:]}Z")
