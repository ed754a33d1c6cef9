"""The period of a report: a day, an ISO 8601 week or a month, in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from nervesys.contract import PathTemplate
from nervesys.contract.paths import time_fields
from nervesys.settings.reports import ReportFormat
from nervesys.settings.storage import ArchivePaths
from nervesys.stores.archive_layout import report_path

DAY = timedelta(days=1)


class Frequency(StrEnum):
    """How often a report is made."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True)
class ReportPeriod:
    """The period of a report.

    Attributes:
        every: kind of the period.
        first: its first day.
        after: the first day after it.
    """

    every: Frequency
    first: date
    after: date

    @classmethod
    def containing(cls, every: Frequency, day: date) -> "ReportPeriod":
        """The period that contains a day."""
        match every:
            case Frequency.DAILY:
                return cls(every, day, day + DAY)
            case Frequency.WEEKLY:
                monday = day - day.weekday() * DAY
                return cls(every, monday, monday + 7 * DAY)
            case Frequency.MONTHLY:
                first = day.replace(day=1)
                return cls(every, first, (first + 31 * DAY).replace(day=1))

    @classmethod
    def last_finished(cls, every: Frequency, today: date) -> "ReportPeriod":
        """The last period that is over."""
        return cls.containing(every, cls.containing(every, today).first - DAY)

    @property
    def before(self) -> "ReportPeriod":
        """The previous period of the same kind."""
        return ReportPeriod.containing(self.every, self.first - DAY)

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
    def label(self) -> str:
        """The period for people."""
        match self.every:
            case Frequency.DAILY:
                return f"{self.first:%A}, {self.first.day} {self.first:%B %Y}"
            case Frequency.WEEKLY:
                year, week, _ = self.first.isocalendar()
                last = self.after - DAY
                return f"Week {week} of {year}, {self.first.day} {self.first:%b} to {last.day} {last:%b %Y}"
            case Frequency.MONTHLY:
                return f"{self.first:%B %Y}"

    @property
    def noun(self) -> str:
        """Such as `day`."""
        return {Frequency.DAILY: "day", Frequency.WEEKLY: "week", Frequency.MONTHLY: "month"}[self.every]

    @property
    def name(self) -> str:
        """Name of a report's file, such as `weekly-2026-W47`."""
        year, week, _ = self.first.isocalendar()
        suffixes = {
            Frequency.DAILY: f"{self.first}",
            Frequency.WEEKLY: f"{year}-W{week:02}",
            Frequency.MONTHLY: f"{self.first:%Y-%m}",
        }
        return f"{self.every}-{suffixes[self.every]}"

    def path(self, paths: ArchivePaths, form: ReportFormat) -> str:
        """Path of its report in the archive."""
        template: str = getattr(paths, f"reports_{self.every}")
        return PathTemplate(report_path(template, form)).build(**time_fields(self.start))


def midnight(day: date) -> float:
    """When a day begins, in Unix seconds."""
    return datetime.combine(day, time(), UTC).timestamp()
