"""The model of a report, independent of the output format."""

from dataclasses import dataclass
from enum import StrEnum

from reports.model import PageModel


class ValueKind(StrEnum):
    """Kind of a value, which decides its format."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"
    BYTES = "bytes"
    MONEY = "money"
    INSTANT = "instant"


class Tone(StrEnum):
    """Judgement of a value; `plain` for none."""

    PLAIN = "plain"
    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


class Better(StrEnum):
    """Which direction of change is better."""

    MORE = "more"
    LESS = "less"
    NEITHER = "neither"


Value = str | float | None
"""Unix seconds for an instant, 0 to 1 for a share; None if unknown."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        wide: takes the remaining width, and wraps lines.
    """

    title: str
    kind: ValueKind = ValueKind.TEXT
    wide: bool = False


@dataclass(frozen=True)
class ReportRow:
    """A row of a table.

    Attributes:
        link: URL of the first cell; empty for none.
    """

    values: tuple[Value, ...]
    tone: Tone = Tone.PLAIN
    link: str = ""


@dataclass(frozen=True)
class ReportTable:
    """A table, with sorted rows."""

    columns: tuple[Column, ...]
    rows: tuple[ReportRow, ...]


@dataclass(frozen=True)
class ReportSection:
    """A part of a report; one sheet of a workbook.

    Attributes:
        title: at most 31 letters, the limit of a sheet's name.
        how: what the numbers mean and where they come from.
        table: may have no rows.
        nothing: text in place of an empty table.
        text: paragraphs of text, such as an analysis.
    """

    title: str
    how: str
    table: ReportTable | None = None
    nothing: str = ""
    text: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A figure of the first page, with its value in the previous period; None if unknown."""

    title: str
    kind: ValueKind
    value: float | None
    before: float | None
    better: Better = Better.NEITHER


@dataclass(frozen=True)
class ReportAnswer:
    """One question of the first page, answered in a sentence or two."""

    question: str
    text: str
    tone: Tone


@dataclass(frozen=True)
class PeriodicReport:
    """A report.

    Attributes:
        title: such as `Daily report`.
        period: such as `Week 47 of 2026, …`.
        noun: `day`, `week` or `month`.
        made: when it was made, in Unix seconds.
        currency: of all amounts.
        notes: what could not be read, or that the period is not over.
        panels: key panels of the dashboards, for the period.
        highlights: further questions of the first page.
        trends: graphs of the figures over the period.
    """

    title: str
    period: str
    noun: str
    made: float
    currency: str
    answers: tuple[ReportAnswer, ...]
    figures: tuple[Figure, ...]
    sections: tuple[ReportSection, ...]
    notes: tuple[str, ...]
    panels: PageModel | None
    highlights: tuple[ReportAnswer, ...] = ()
    trends: PageModel | None = None
