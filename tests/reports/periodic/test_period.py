"""Days, weeks and months; and which reports the archive lacks.

Covers: reports.periodic.deliver, reports.periodic.formatting.
"""

import math
from datetime import date

import pytest

from nervesys.settings import load
from nervesys.settings.reports import ReportFormat
from reports.periodic.deliver import due_periods
from reports.periodic.formatting import duration, format_value, share, trend
from reports.periodic.model import Better, Figure, Tone, ValueKind
from reports.periodic.period import Frequency, ReportPeriod
from reports.units import MISSING

PATHS = load().settings.storage.archive.paths
W53, W11 = "Week 53 of 2026, 28 Dec to 3 Jan 2027", "Week 11 of 2026, 9 Mar to 15 Mar 2026"
BOTH = (ReportFormat.PDF, ReportFormat.HTML)


@pytest.mark.parametrize(
    ("every", "day", "first", "after", "path", "words"),
    [
        ("daily", "2026-03-10", "2026-03-10", "2026-03-11", "Daily/2026-03-10_summary", "Tuesday, 10 March 2026"),
        ("weekly", "2027-01-03", "2026-12-28", "2027-01-04", "Weekly/2026/week_53", W53),
        ("weekly", "2026-03-09", "2026-03-09", "2026-03-16", "Weekly/2026/week_11", W11),
        ("monthly", "2024-02-29", "2024-02-01", "2024-03-01", "Monthly/2024-02", "February 2024"),
        ("monthly", "2026-12-31", "2026-12-01", "2027-01-01", "Monthly/2026-12", "December 2026"),
    ],
)
def test_a_period_and_the_place_of_its_report(
    every: str, day: str, first: str, after: str, path: str, words: str
) -> None:
    period = ReportPeriod.containing(Frequency(every), date.fromisoformat(day))
    assert (str(period.first), str(period.after), period.label) == (first, after, words)
    assert [period.path(PATHS, form) for form in ReportFormat] == [f"Reports/{path}.{form}" for form in ReportFormat]
    assert period.before.after == period.first
    assert period.end - period.start == 86_400 * len(list(period.days))


def test_what_is_due_is_what_the_archive_lacks() -> None:
    monday_the_first = date(2026, 6, 1)
    wanted = due_periods(PATHS, BOTH, (), monday_the_first)
    assert [period.name for period in wanted] == ["daily-2026-05-31", "weekly-2026-W22", "monthly-2026-05"]
    there = {period.path(PATHS, form) for period in wanted for form in BOTH}
    assert due_periods(PATHS, BOTH, there, monday_the_first) == []
    tuesday = date(2026, 6, 2)
    assert [period.name for period in due_periods(PATHS, BOTH, there, tuesday)] == ["daily-2026-06-01"]
    missed = there - {"Reports/Weekly/2026/week_22.html"}
    assert [period.name for period in due_periods(PATHS, BOTH, missed, tuesday)] == [
        "daily-2026-06-01",
        "weekly-2026-W22",
    ], "what failed on Monday is made on Tuesday"


@pytest.mark.parametrize(
    ("kind", "value", "before", "better", "words", "tone"),
    [
        pytest.param(ValueKind.COUNT, 12, 9, Better.MORE, "▲ 3", Tone.GOOD, id="more of what is good"),
        pytest.param(ValueKind.COUNT, 12, 9, Better.LESS, "▲ 3", Tone.BAD, id="more of what is bad"),
        pytest.param(ValueKind.COUNT, 9, 12, Better.LESS, "▼ 3", Tone.GOOD, id="less of what is bad"),
        pytest.param(ValueKind.BYTES, 9, 12, Better.NEITHER, "▼ 25 %", Tone.PLAIN, id="neither good nor bad"),
        pytest.param(ValueKind.SHARE, 0.991, 0.996, Better.MORE, "▼ 0.5 points", Tone.BAD, id="shares in points"),
        pytest.param(ValueKind.COUNT, 300, 200, Better.MORE, "▲ 50 %", Tone.GOOD, id="large counts in percent"),
        pytest.param(ValueKind.COUNT, 300, 0, Better.MORE, "▲ from 0", Tone.GOOD, id="nothing to compare with"),
        pytest.param(ValueKind.COUNT, 1001, 1000, Better.MORE, "▲ under 1 %", Tone.GOOD, id="hardly any"),
        pytest.param(ValueKind.COUNT, 5, 5, Better.MORE, "unchanged", Tone.PLAIN, id="the same"),
        pytest.param(ValueKind.COUNT, 5, None, Better.MORE, "", Tone.PLAIN, id="not known before"),
    ],
)
def test_a_change_has_its_size_and_whether_it_is_good(
    kind: ValueKind, value: float, before: float | None, better: Better, words: str, tone: Tone
) -> None:
    assert trend(Figure("A figure", kind, value, before, better)) == (words, tone)


@pytest.mark.parametrize(("value", "text"), [(math.nan, MISSING), (math.inf, "+Inf"), (-math.inf, "-Inf")])
def test_numbers_that_are_not_finite_are_formatted_and_not_compared(value: float, text: str) -> None:
    assert {format_value(value, kind, "USD") for kind in ValueKind} == {text}
    assert trend(Figure("A figure", ValueKind.SECONDS, value, value)) == ("", Tone.PLAIN)


def test_numbers_in_words() -> None:
    assert [share(it) for it in (1, 0.999999, 0.5, 0)] == ["100 %", "99.99 %", "50 %", "0 %"]
    assert [duration(it) for it in (0, 59, 3600, 9_060, 180_000)] == ["0 s", "59 s", "1 h", "2 h 31 min", "2 d 2 h"]
