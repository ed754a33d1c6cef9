"""How much is taken in at once.

Covers: exporters.history.run.
"""

from datetime import date, timedelta

from exporters.history.plan import HistoryUnit, ReadJob
from exporters.history.run import BATCH_DAYS, BATCH_FILES, batch_sizes


def jobs(days: int, files: int) -> list[ReadJob]:
    dates = [date(2026, 1, 1) + timedelta(days=day) for day in range(days)]
    return [ReadJob(HistoryUnit(f"{day} {file}", day, "", "", 0, "")) for day in dates for file in range(files)]


def test_batches_end_with_a_day_and_hold_all() -> None:
    assert list(batch_sizes(jobs(16, 2))) == [BATCH_DAYS * 2, BATCH_DAYS * 2, 2 * 2]
    assert list(batch_sizes(jobs(5, 50))) == [50] * 5
    assert list(batch_sizes(jobs(2, 3 * BATCH_FILES))) == [3 * BATCH_FILES] * 2
    assert list(batch_sizes([])) == []
