"""What is written of a day, to the byte.

Covers: exporters.history.text.
"""

from datetime import date

from exporters.history.days import Steps
from exporters.history.text import SeriesOrigin, gauges_text, sums_text
from exporters.shared import summaries
from exporters.shared.counting import Series
from exporters.shared.records import DURATION, RECORDS
from nervesys.contract import DailySummary

DAY = date(2026, 1, 31)
MIDNIGHT = 1_769_817_600
NEVER = 1e12
SERIES = (RECORDS.name, "grok", "errors", "ERROR")


def points(text: bytes) -> dict[str, list[tuple[float, float]]]:
    series: dict[str, list[tuple[float, float]]] = {}
    for line in text.decode().splitlines():
        name, value, at = line.rsplit(" ", 2)
        series.setdefault(name, []).append((float(at), float(value)))
    return series


def test_a_day_begins_at_zero_and_ends_within_itself() -> None:
    (name, series), *others = points(
        sums_text({SERIES: {1: [2], 70: [3]}}, SeriesOrigin("host-1/errors", DAY, NEVER))
    ).items()
    labels = 'agent="grok",category="errors",level="ERROR",instance="host-1/errors",job="history"'
    assert (name, others) == (f"nervesys_log_records_total{{{labels}}}", [])
    assert series[:4] == [(MIDNIGHT, 0), (MIDNIGHT + 1199, 0), (MIDNIGHT + 2399, 2), (MIDNIGHT + 3599, 2)]
    assert series[-1] == (MIDNIGHT + 86_399, 5)
    assert [at for at, _ in series] == sorted(at for at, _ in series)


def test_a_histogram_is_written_as_a_scrape_shows_it() -> None:
    counts = [0.0] * len(DURATION.buckets) + [1.0]
    series = points(sums_text({(DURATION.name, "grok"): {0: [*counts, 700.0]}}, SeriesOrigin("host-1/all", DAY, NEVER)))
    last = {name.partition("{")[0] + name[name.find("le=") :][:9]: values[-1][1] for name, values in series.items()}
    assert len(series) == len(DURATION.buckets) + 3
    assert sorted(last.values())[-3:] == [1, 1, 700], "+Inf, count and sum"
    assert all(values[0][1] == 0 for values in series.values())


def test_no_samples_from_where_live_data_begins() -> None:
    cut = SeriesOrigin("host-1/errors", DAY, MIDNIGHT + 2399)
    sums: dict[Series, Steps] = {SERIES: {0: [1], 1: [7]}, (*SERIES[:1], "gimai", *SERIES[2:]): {5: [7]}}
    assert list(points(sums_text(sums, cut)).values()) == [[(MIDNIGHT, 0), (MIDNIGHT + 1199, 1)]]
    assert sums_text(sums, SeriesOrigin("host-1/errors", DAY, MIDNIGHT)) == b""


def test_endpoints_get_milliseconds() -> None:
    series = points(sums_text({SERIES: {0: [1]}}, SeriesOrigin("host-1/errors", DAY, NEVER, ticks=1000)))
    assert {at % 1000 for values in series.values() for at, _ in values} == {0}
    assert next(iter(series.values()))[0][0] == MIDNIGHT * 1000


def test_a_summary_holds_all_day() -> None:
    samples = summaries.samples("2026-01-30", DailySummary(date="2026-01-30", agents=3, tokens_used=9))
    series = points(gauges_text(samples, SeriesOrigin("brain", DAY, NEVER)))
    assert series['nervesys_brain_daily_summary_agents{instance="brain",job="history"}'][0] == (MIDNIGHT, 3)
    assert {len(values) for values in series.values()} == {73}


def test_of_so_many_steps_one_may_be_kept() -> None:
    sums: dict[Series, Steps] = {SERIES: {1: [2.0], 70: [3.0]}}
    rare = points(sums_text(sums, SeriesOrigin("host-1/errors", DAY, NEVER, every=3)))
    (values,) = rare.values()
    assert [len(values), values[0][1], values[1][1], values[-1][1]] == [25, 0, 2, 5]
    cut = points(sums_text(sums, SeriesOrigin("host-1/errors", DAY, MIDNIGHT + 3 * 3600, every=3)))
    assert [value for _, value in next(iter(cut.values()))] == [0, 2, 2, 2]
