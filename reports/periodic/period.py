"""The period of a report: a day, an ISO 8601 week or a month, in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.settings.reports import ReportFormat
from nervesys.settings.storage import ArchivePaths
from nervesys.stores.filing import report_path

DAY = timedelta(days=1)


class Every(StrEnum):
    """How often a report is made."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class Period:
    """The period of a report.

    Attributes:
        every: kind of the period.
        first: its first day.
        after: the first day after it.
    """

    every: Every
    first: date
    after: date

    @classmethod
    def holding(cls, every: Every, day: date) -> "Period":
        """The period that contains a day."""
        match every:
            case Every.DAILY:
                return cls(every, day, day + DAY)
            case Every.WEEKLY:
                monday = day - day.weekday() * DAY
                return cls(every, monday, monday + 7 * DAY)
            case Every.MONTHLY:
                first = day.replace(day=1)
                return cls(every, first, (first + 31 * DAY).replace(day=1))

    @classmethod
    def last(cls, every: Every, today: date) -> "Period":
        """The last period that is over."""
        return cls.holding(every, cls.holding(every, today).first - DAY)

    @property
    def before(self) -> "Period":
        """The previous period of the same kind."""
        return Period.holding(self.every, self.first - DAY)

    @property
    def days(self) -> Iterator[date]:
        """Its days, oldest first."""
        return (self.first + number * DAY for number in range((self.after - self.first).days))

    @property
    def start(self) -> float:
        """Its first instant, in Unix seconds."""
        return midnight(self.first)

    @property
    def end(self) -> float:
        """The first instant after it, in Unix seconds."""
        return midnight(self.after)

    @property
    def words(self) -> str:
        """The period for people."""
        match self.every:
            case Every.DAILY:
                return f"{self.first:%A}, {self.first.day} {self.first:%B %Y}"
            case Every.WEEKLY:
                year, week, _ = self.first.isocalendar()
                last = self.after - DAY
                return f"Week {week} of {year}, {self.first.day} {self.first:%b} to {last.day} {last:%b %Y}"
            case Every.MONTHLY:
                return f"{self.first:%B %Y}"

    @property
    def noun(self) -> str:
        """Such as `day`."""
        return {Every.DAILY: "day", Every.WEEKLY: "week", Every.MONTHLY: "month"}[self.every]

    @property
    def name(self) -> str:
        """Name of a report's file, such as `weekly-2026-W47`."""
        year, week, _ = self.first.isocalendar()
        told = {Every.DAILY: f"{self.first}", Every.WEEKLY: f"{year}-W{week:02}", Every.MONTHLY: f"{self.first:%Y-%m}"}
        return f"{self.every}-{told[self.every]}"

    def path(self, paths: ArchivePaths, form: ReportFormat) -> str:
        """Path of its report in the archive."""
        template: str = getattr(paths, f"reports_{self.every}")
        return PathTemplate(report_path(template, form)).build(**time_fields(self.start))


def midnight(day: date) -> float:
    """When a day begins, in Unix seconds."""
    return datetime.combine(day, time(), UTC).timestamp()
