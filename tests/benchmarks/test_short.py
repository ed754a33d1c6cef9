"""The benchmarks in short form: that they run, and that counts hold; timings are for a calm machine.

Covers: benchmarks.__main__, benchmarks.artifacts, benchmarks.backfill, benchmarks.dashboards, benchmarks.fleet,
benchmarks.history, benchmarks.http_load, benchmarks.idle, benchmarks.intake, benchmarks.journal_rows,
benchmarks.listing, benchmarks.live_page, benchmarks.logging_agent, benchmarks.logging_cost, benchmarks.measure,
benchmarks.restore, benchmarks.scrape, benchmarks.servers, benchmarks.footprint, benchmarks.traces.
"""

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.measure import BenchmarkReport


@pytest.mark.parametrize(
    "name", [benchmark for benchmark in BENCHMARKS if benchmark != "restart"]
)  # which needs a stack; see tests/e2e
def test_it_runs_and_its_counts_hold(name: str) -> None:
    title, run = BENCHMARKS[name]
    report = BenchmarkReport(title)
    run(report, large=False, short=True)
    assert report.table.row_count
    assert [missed for missed in report.missed if "LISTs" in missed] == []
