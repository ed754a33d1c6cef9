"""The counters of log objects: they only grow, also where an object is replaced by a smaller version.

Covers: exporters.store.ledger.
"""

from dataclasses import replace
from pathlib import Path

from exporters.runner import Cache
from exporters.shared.counting import Series, zero_sums
from exporters.shared.records import COUNTING, DURATION, RECORDS
from exporters.store.ledger import LogLedger, Reading
from nervesys.stores.objects import ObjectInfo

FOLDER, KEY = "db/active_logs/srv1/2027-01-15/", "db/active_logs/srv1/2027-01-15/080000_grok_1.jsonl.gz"
COUNTER: Series = (RECORDS.name, "grok", "activity", "INFO")
HISTOGRAM: Series = (DURATION.name, "grok")


def reading(version: str, count: float) -> Reading:
    durations = zero_sums(DURATION)
    durations[0], durations[-1] = count, count / 20
    return Reading(FOLDER, ObjectInfo(KEY, version, 1, 0.0), {COUNTER: [count], HISTOGRAM: durations})


def totals(ledger: LogLedger) -> tuple[float, float, float]:
    """The counter's total, and count and sum of the histogram."""
    values = {sample.series(): sample.value for sample in ledger.totals.samples("grok")}
    return (
        values['nervesys_log_records_total{agent="grok",category="activity",level="INFO"}'],
        values['nervesys_log_action_duration_seconds_count{agent="grok"}'],
        values['nervesys_log_action_duration_seconds_sum{agent="grok"}'],
    )


def test_a_new_version_of_an_object_adds_only_what_it_has_more() -> None:
    ledger = LogLedger(Cache(), COUNTING, announced=True)
    ledger.count([reading("v1", 40)])
    ledger.count([reading("v2", 60)])
    assert totals(ledger) == (60, 60, 3)


def test_a_smaller_version_of_an_object_shrinks_no_counter(tmp_path: Path) -> None:
    ledger = LogLedger(Cache(tmp_path / "cache.sqlite3"), COUNTING, announced=True)
    ledger.count([reading("v1", 40)])
    ledger.count([reading("v2", 10)])
    assert totals(ledger) == (40, 40, 2)
    again = LogLedger(Cache(tmp_path / "cache.sqlite3"), COUNTING, announced=True)
    assert totals(again) == (40, 40, 2), "nor what an exporter finds after a restart"


def test_an_object_that_shrinks_and_grows_again_adds_only_what_exceeds_its_largest_version(tmp_path: Path) -> None:
    ledger = LogLedger(Cache(tmp_path / "cache.sqlite3"), COUNTING, announced=True)
    ledger.count([reading("v1", 40)])
    ledger.count([reading("v2", 10)])
    again = LogLedger(Cache(tmp_path / "cache.sqlite3"), COUNTING, announced=True)
    again.count([reading("v3", 50)])
    assert totals(again) == (50, 50, 2.5)


def test_a_series_that_a_smaller_version_lacks_is_not_counted_twice_when_it_comes_back() -> None:
    ledger = LogLedger(Cache(), COUNTING, announced=True)
    ledger.count([reading("v1", 40)])
    ledger.count([replace(reading("v2", 40), sums={HISTOGRAM: zero_sums(DURATION)})])
    ledger.count([reading("v3", 40)])
    assert totals(ledger) == (40, 40, 2)
