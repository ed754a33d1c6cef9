"""The model of a report, independent of the output format."""

from dataclasses import dataclass
from enum import StrEnum

from reports.model import Page


class Kind(StrEnum):
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
    kind: Kind = Kind.TEXT
    wide: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    values: tuple[Value, ...]
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Table:
    """A table, with sorted rows."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    """A part of a report; one sheet of a workbook.

    Attributes:
        title: at most 31 letters, the limit of a sheet's name.
        how: what the numbers mean and where they come from.
        table: may have no rows.
        nothing: text in place of an empty table.
        words: paragraphs of text, such as an analysis.
    """

    title: str
    how: str
    table: Table | None = None
    nothing: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A figure of the first page, with its value in the previous period; None if unknown."""

    title: str
    kind: Kind
    value: float | None
    before: float | None
    better: Better = Better.NEITHER


@dataclass(frozen=True)
class Answer:
    """One question of the first page, answered in a sentence or two."""

    question: str
    words: str
    tone: Tone


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        title: such as `Daily report`.
        period: such as `Week 47 of 2026, …`.
        noun: `day`, `week` or `month`.
        made: when it was made, in Unix seconds.
        currency: of all amounts.
        notes: what could not be read, or that the period is not over.
        panels: key panels of the dashboards, for the period.
    """

    title: str
    period: str
    noun: str
    made: float
    currency: str
    answers: tuple[Answer, ...]
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    panels: Page | None
