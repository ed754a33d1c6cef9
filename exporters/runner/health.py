"""The metrics that every exporter has about itself, and its log lines about failures."""

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nervesys.clock import Clock
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Instruments, MetricsSnapshot, Period

AREA = ("source", "area")
UP = Family("exporter_up", "gauge", "1 if the last refresh of the area succeeded, else 0.", AREA, Period.SCRAPE)
LAST_SUCCESS = Family(
    "exporter_last_success_timestamp_seconds",
    "gauge",
    "Time at which the last successful refresh began: its data is at least as new.",
    AREA,
    Period.SCRAPE,
)
FRESH_LIMIT = Family(
    "exporter_fresh_limit_seconds",
    "gauge",
    "Age up to which the area's data counts as fresh: four refresh intervals, and more where a refresh takes long.",
    AREA,
    Period.SCRAPE,
)
UNBROKEN_SINCE = Family(
    "exporter_unbroken_since_timestamp_seconds",
    "gauge",
    "Start of the current run of complete refreshes, in which no gap exceeded the area's freshness limit.",
    AREA,
    Period.SCRAPE,
)
DURATION = Family(
    "exporter_refresh_duration_seconds",
    "gauge",
    "Duration of the last refresh.",
    AREA,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="refresh duration", kind="level", labels=AREA),),
)
BACKLOG = Family(
    "exporter_backlog_objects",
    "gauge",
    "Objects listed but not yet read.",
    AREA,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="backlog", kind="level", labels=AREA),),
)
REQUESTS = Family(
    "exporter_requests_total",
    "counter",
    "Requests to the source, by operation and outcome.",
    ("source", "operation", "outcome"),
    Period.SCRAPE,
    conditions=(
        ConditionTerm(
            word="failed requests", kind="increase", labels=("source", "operation"), matchers='{outcome="failed"}'
        ),
    ),
)
REJECTED = Family(
    "exporter_rejected_objects_total",
    "counter",
    "Objects rejected because they break the contract; each version is counted once.",
    ("source", "reason"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="rejected objects", kind="increase", labels=("source", "reason")),),
)
SERIES = Family(
    "exporter_series",
    "gauge",
    "Series exposed for the source's own families.",
    ("source",),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="series", kind="level", labels=("source",), threshold=lambda t: t.series),),
)

OWN_FAMILIES = (UP, LAST_SUCCESS, FRESH_LIMIT, UNBROKEN_SINCE, DURATION, BACKLOG, REQUESTS, REJECTED, SERIES)

REPEAT_SECONDS = 60
"""Failures are logged at most once in so many seconds, those of all areas in one line."""

log = logging.getLogger("exporters")


class Health:
    """Counts and logs for one source.

    Args:
        source: its name.
        clock: this machine's.
        shares_process: whether other sources have the same process, whose memory and CPU are then exposed elsewhere.
    """

    def __init__(self, source: str, clock: Clock, *, shares_process: bool = False) -> None:
        self._source = source
        self._clock = clock
        self._instruments = Instruments(f"{source} exporter", OWN_FAMILIES, of_process=not shares_process)
        self._failing: dict[str, str] = {}
        self._logged_at: dict[bool, float] = {}
        for reason in Reason:
            self._instruments.add(REJECTED, source, reason, by=0)

    @contextmanager
    def request(self, operation: str) -> Iterator[None]:
        """Count one request by its outcome: `ok`, also where the answer was a bad object, else `failed`."""
        outcome = "failed"
        try:
            yield
            outcome = "ok"
        except BadObject:
            outcome = "ok"
            raise
        finally:
            self.count(operation, outcome)

    def expect(self, *operations: str) -> None:
        """Expose the request counters of these operations at 0, so that `increase` sees the first request."""
        for operation in operations:
            for outcome in ("ok", "failed"):
                self.count(operation, outcome, by=0)

    def count(self, operation: str, outcome: str, by: int = 1) -> None:
        """Count requests by operation and outcome, `ok` or `failed`."""
        self._instruments.add(REQUESTS, self._source, operation, outcome, by=by)

    def reject(self, key: str, bad: BadObject) -> None:
        """Count a rejected object and name it in one line; its key may hold anything, so it is quoted."""
        self._instruments.add(REJECTED, self._source, bad.reason)
        log.warning("%s: rejected %r: %s", self._source, key[:200], bad)

    def record_success(self, area: str, at: float, unbroken_since: float, fresh_seconds: float) -> None:
        """A pass succeeded.

        Args:
            area: its name.
            at: when the pass began, Unix seconds.
            unbroken_since: when the first of the unbroken passes began, Unix seconds.
            fresh_seconds: how old the data may become.
        """
        self._set(UP, area, 1)
        self._set(LAST_SUCCESS, area, at)
        self._set(FRESH_LIMIT, area, fresh_seconds)
        self._set(UNBROKEN_SINCE, area, unbroken_since)
        if self._failing.pop(area, None) and not self._failing:
            log.info("%s: all areas are refreshed again", self._source)

    def record_failure(self, area: str, why: str, *, bug: bool = False) -> None:
        """A pass failed. At most once a minute the log names every area that fails; a bug has its traceback there."""
        self._set(UP, area, 0)
        self._failing[area] = why
        now = self._clock()
        if now - self._logged_at.get(bug, -math.inf) >= REPEAT_SECONDS:
            self._logged_at[bug] = now
            log.error("%s: %s", self._source, join_problems(dict(sorted(self._failing.items()))), exc_info=bug)

    def record_pass(self, area: str, seconds: float, backlog: int, series: int) -> None:
        """A refresh ended, with or without success."""
        self._set(DURATION, area, seconds)
        self._set(BACKLOG, area, backlog)
        self._instruments.set(SERIES, series, self._source)

    def snapshot(self) -> MetricsSnapshot:
        """These metrics, rendered now."""
        return self._instruments.snapshot()

    def _set(self, family: Family, area: str, value: float) -> None:
        self._instruments.set(family, value, self._source, area)


def join_problems(problems: Mapping[str, str]) -> str:
    """The problems of areas in one line; areas that fail for the same reason share it.

    Areas of one bucket list different folders: what follows ` in bucket ` is their common reason.

    Args:
        problems: by area.
    """
    areas: dict[str, list[str]] = {}
    for area, problem in problems.items():
        areas.setdefault(_shared_part(problem), []).append(area)
    return "; ".join(
        f"{', '.join(names)}: {problems[names[0]] if len(names) == 1 else shared}" for shared, names in areas.items()
    )


def _shared_part(problem: str) -> str:
    """What areas of one bucket share: `bucket nervesys at http://…: cannot connect`; else the whole problem."""
    _, found, shared = problem.partition(" in bucket ")
    return f"bucket {shared}" if found else problem
