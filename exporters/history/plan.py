"""The files that can be backfilled, and those that are left to do. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from nervesys.errors import BadObject
from nervesys.stores.archive import ArchiveFile
from nervesys.stores.archive_layout import ArchiveLayout

ALL = "all"
"""In place of a category, where a file holds the logs of all."""
LOGS, TRACES = "logs", "traces"
"""Areas of the archive that can be backfilled."""


@dataclass(frozen=True)
class HistoryUnit:
    """One file, and the day on which its samples lie. Units need nothing of each other.

    Attributes:
        name: what it is, whatever its path: the same file packed otherwise is no other unit.
        day: UTC.
        path: in the archive, or in the brain.
        version: changes when the file does.
        size: bytes to read.
        instance: label of its samples.
        body: of a daily summary; None for logs, which are read when their turn comes.
    """

    name: str
    day: date
    path: str
    version: str
    size: int
    instance: str
    body: bytes | None = None


@dataclass(frozen=True)
class FinishedUnit:
    """What is stored of a unit that was converted.

    Attributes:
        version: of its file.
        lines: that were read of it.
        parts: how often it was made; a file that grew is made again, of its new lines only.
    """

    version: str
    lines: int
    parts: int


@dataclass(frozen=True)
class ReadJob:
    """A unit to convert, or the part of it that is new.

    Attributes:
        unit: which.
        skip: lines that were made before.
        part: 1 at first.
    """

    unit: HistoryUnit
    skip: int = 0
    part: int = 1

    @property
    def is_traces(self) -> bool:
        """Whether the file holds traces, and no logs."""
        return self.unit.name.startswith(f"{TRACES}/")

    @property
    def instance(self) -> str:
        """Label of its samples: those of a later part would run into those of the first."""
        return self.unit.instance if self.part == 1 else f"{self.unit.instance}/{self.part}"


@dataclass
class BackfillPlan:
    """What a run is to do.

    Attributes:
        jobs: by day.
        made: units that lie within the days and were made before.
        too_early: units of days that the target would not keep.
        too_late: units of days that the target has by itself.
    """

    jobs: list[ReadJob] = field(default_factory=list)
    made: int = 0
    too_early: int = 0
    too_late: int = 0

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(job.unit.size for job in self.jobs)


def log_units(files: Iterable[ArchiveFile], layout: ArchiveLayout, refused: list[str]) -> Iterator[HistoryUnit]:
    """The units among the archive's files; those whose names break the contract are added to `refused`."""
    for file in files:
        try:
            filed = layout.classify(file.path)
        except BadObject as bad:
            refused.append(f"{file.path}: {bad}")
            continue
        if filed.area in (LOGS, TRACES) and filed.server and filed.day:
            origin = f"{filed.server}/{TRACES if filed.area == TRACES else filed.category or ALL}"
            version = f"{file.size} {file.modified}"
            yield HistoryUnit(f"{filed.area}/{filed.day}/{origin}", filed.day, file.path, version, file.size, origin)


def make_plan(
    units: Sequence[HistoryUnit], made: Mapping[str, FinishedUnit], first: date, end: date, first_kept_day: date
) -> BackfillPlan:
    """Which units are left to do.

    Args:
        units: all there are.
        made: what was made before, by name.
        first: day to begin with.
        end: the day after the last.
        first_kept_day: the first day that the target would keep.
    """
    plan = BackfillPlan()
    for unit in sorted(units, key=lambda unit: (unit.day, unit.name)):
        before = made.get(unit.name)
        if unit.day < first:
            continue
        if unit.day < first_kept_day:
            plan.too_early += 1
        elif unit.day >= end:
            plan.too_late += 1
        elif before is None:
            plan.jobs.append(ReadJob(unit))
        elif before.version == unit.version:
            plan.made += 1
        else:
            plan.jobs.append(ReadJob(unit, before.lines, before.parts + 1))
    return plan
