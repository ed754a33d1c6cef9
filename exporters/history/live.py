"""Asks Prometheus when its own data begins, how long it keeps data, and where: these bound the backfill."""

import re
from datetime import date, timedelta
from pathlib import Path

from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.contract.times import DAY_SECONDS, utc

EXPORTER_UP = "nervesys_exporter_up"
"""Exporters have it from their first scrape on, and history never has it."""
FINE_SECONDS = 300
"""How far back Prometheus looks for the value of an instant, by default."""
_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS, "y": 365 * DAY_SECONDS}


def find_live_start(prometheus: Prometheus, start: float, now: float) -> float | None:
    """Since when a Prometheus has scraped exporters; None where it never did since `start`.

    Args:
        prometheus: the server to query.
        start: Unix seconds, at midnight.
        now: Unix seconds.

    Raises:
        QueryFailed: it does not answer.
    """
    days = prometheus.range(f"count(present_over_time({EXPORTER_UP}[1d]))", start, now + DAY_SECONDS, DAY_SECONDS)
    if not days:
        return None
    end = days[0].points[0][0]
    fine = prometheus.range(f"count({EXPORTER_UP})", end - DAY_SECONDS, end, FINE_SECONDS)
    return fine[0].points[0][0] - FINE_SECONDS if fine else end - DAY_SECONDS


def first_kept_day(prometheus: Prometheus, now: float) -> date:
    """The first day that a Prometheus would keep; the first of all where it deletes by size alone, or does not say."""
    try:
        text = str(prometheus.status("runtimeinfo").get("storageRetention", ""))
    except QueryFailed:  # VictoriaMetrics has no such endpoint
        return date.min
    seconds = sum(int(count) * _UNITS[unit] for count, unit in _DURATION.findall(text.partition(" or ")[0]))
    if "iB" in text.partition(" or ")[0] or not seconds:
        return date.min
    return utc(max(0, now - seconds)).date() + timedelta(days=1)


def find_data_folder(prometheus: Prometheus) -> Path | None:
    """Where a Prometheus of this machine keeps its blocks; None where there is no such folder here.

    Raises:
        QueryFailed: it does not answer.
    """
    text = Path(str(prometheus.status("flags").get("storage.tsdb.path", "")))
    return text if text.is_absolute() and (text / "wal").is_dir() else None
