"""Reads the log records of some days from the store and the archive, each record once.

Not by `nervesys.logs`, which selects records by their own time: reports count by the day in the key, as summaries do.
It also parses each record, which the totals parse themselves: 200 000 records took 4.0 s of CPU instead of 2.7 s.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from nervesys.contract import PathTemplate
from nervesys.contract.paths import parse_date
from nervesys.errors import BadObject
from nervesys.settings.prices import Prices
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.archive_layout import ArchiveLayout
from nervesys.stores.lines import lines_of
from nervesys.stores.objects import ObjectReader
from reports.periodic.log_totals import LogTotals

MAX_INFLATED_BYTES = 16 << 30
"""Largest archived file, uncompressed; its lines are streamed."""
ServerDay = tuple[date, str]
"""A day and a server, in lower case."""


@dataclass(frozen=True)
class PeriodLogs:
    """The sources of log records.

    Attributes:
        archive: None if there is none.
        prices: of models; None adds up no costs.
    """

    storage: Storage
    store: ObjectReader
    archive: Archive | None
    prices: Prices | None = None

    def log_totals(self, days: Sequence[date], notes: list[str]) -> LogTotals:
        """Sum up the records of some days; a record belongs to the day in its object's key, as in the daily round.

        Args:
            days: in UTC.
            notes: what could not be read is added here, and left out.

        Raises:
            StoreUnavailable: the store does not respond.
            ArchiveUnavailable: the archive does not respond.
        """
        wanted, log_totals = set(days), LogTotals(self.prices)
        hot, cold = self._stored(wanted), self._archived(wanted, notes)
        for place in sorted(hot.keys() | cold.keys()):
            there: Counter[bytes] = Counter()
            for path in cold.get(place, ()):
                log_totals.add_lines(self._count_lines(self._archive_lines(path, notes), there, doubled=place in hot))
            for key in hot.get(place, ()):
                log_totals.add_lines(_unseen(self._store_lines(key, notes), there))
        return log_totals

    def _stored(self, wanted: set[date]) -> Mapping[ServerDay, list[str]]:
        template = PathTemplate(self.storage.storj.paths.active_logs)
        found: defaultdict[ServerDay, list[str]] = defaultdict(list)
        for info in self.store.list(template.prefix()).objects:
            fields = template.parse(info.key) or {}
            day = parse_date(fields.get("date", ""))
            if day in wanted:
                found[day, fields.get("server", "").lower()].append(info.key)
        return {place: sorted(keys) for place, keys in found.items()}

    def _archived(self, wanted: set[date], notes: list[str]) -> Mapping[ServerDay, list[str]]:
        found: defaultdict[ServerDay, list[str]] = defaultdict(list)
        if self.archive is None:
            return found
        layout = ArchiveLayout(self.storage)
        for file in files_of(self.archive):
            try:
                filed = layout.classify(file.path)
            except BadObject:
                continue  # unknown file; counted by the exporter
            if filed.area == "logs" and filed.day in wanted:
                found[filed.day, filed.server or ""].append(file.path)
        return {place: sorted(paths) for place, paths in found.items()}

    def _store_lines(self, key: str, notes: list[str]) -> Iterator[bytes]:
        try:
            with self.store.open(key) as stream:
                yield from lines_of(stream, key)
        except BadObject as bad:
            notes.append(f"The rest of a log could not be read: {bad}")

    def _archive_lines(self, path: str, notes: list[str]) -> Iterator[bytes]:
        assert self.archive is not None, "the path was found there"
        try:
            with self.archive.open(path) as body:
                yield from lines_of(body, path, max_bytes=MAX_INFLATED_BYTES)
        except BadObject as bad:
            notes.append(f"The rest of a log could not be read: {bad}")

    @staticmethod
    def _count_lines(lines: Iterator[bytes], there: Counter[bytes], *, doubled: bool) -> Iterator[bytes]:
        """The lines; counted if the store has that day too, because a round was interrupted between copy and delete."""
        for line in lines:
            if doubled:
                there[_digest(line)] += 1
            yield line


def _unseen(lines: Iterator[bytes], there: Counter[bytes]) -> Iterator[bytes]:
    """The lines that were not read yet; equal lines are counted, so that two equal records stay two."""
    for line in lines:
        digest = _digest(line)
        if there[digest]:
            there[digest] -= 1
        else:
            yield line


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line.rstrip(b"\r\n"), digest_size=16).digest()
