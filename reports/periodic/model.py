"""A report as a value: everything that is to be read in it, and nothing of how it looks."""

from dataclasses import dataclass
from enum import StrEnum

from reports.model import Page


class Kind(StrEnum):
    """What a value is, which decides how it is written."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"
    BYTES = "bytes"
    MONEY = "money"
    INSTANT = "instant"


class Tone(StrEnum):
    """Whether something is as it should be; `plain` where that is no question."""

    PLAIN = "plain"
    GOOD = "good"
    FAIR = "fair"
    BAD = "bad"


class Better(StrEnum):
    """Which way is the better one, for a figure that changes."""

    MORE = "more"
    LESS = "less"
    NEITHER = "neither"


Value = str | float | None
"""Unix seconds for an instant, 0 to 1 for a share; None for what is not known."""


@dataclass(frozen=True)
class Column:
    """A column of a table, or anything else that has a name and a kind.

    Attributes:
        wide: takes what room is left, and breaks into lines.
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
    """Rows of values, sorted as they should be read."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Section:
    """A part of a report; one sheet of a workbook.

    Attributes:
        title: at most 31 letters, for a sheet's name holds no more.
        how: what the numbers are and how they were found.
        table: without rows where there is nothing to tell.
        nothing: said in place of a table without rows.
        words: paragraphs of text, such as an analysis.
    """

    title: str
    how: str
    table: Table | None = None
    nothing: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One number of the first page, beside that of the period before; None for what is not known."""

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
        period: as people say it.
        noun: `day`, `week` or `month`.
        made: when, in Unix seconds.
        currency: of all money in it.
        notes: what could not be read, or is not over yet.
        panels: the dashboards' key panels, drawn for the period.
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
