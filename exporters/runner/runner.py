"""Runs a source: a scheduled job for each area, with timing, error handling and counting in one place."""

import sqlite3
import time
from collections.abc import Callable
from threading import Lock

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from exporters.runner.health import join_problems
from exporters.runner.model import Area, Source, SourceContext
from exporters.runner.refresh import Refresh, SeriesBudget
from nervesys.clock import system_clock
from nervesys.contract.times import utc
from nervesys.errors import SourceError
from nervesys.metrics import MetricsSnapshot
from nervesys.metrics.pages import HttpProgram
from nervesys.settings.monitoring import fresh_seconds


class Runner:
    """Refreshes the areas of a source and serves their samples.

    Args:
        source: what to read.
        context: what it is opened with.
        timer: seconds that only ever grow, for durations.
    """

    def __init__(self, source: Source, context: SourceContext, timer: Callable[[], float] = time.perf_counter) -> None:
        self._source = source
        self._context = context
        self._timer = timer
        self._areas = {area.name: area for area in source.areas(context)}
        budget = SeriesBudget()
        self._out = {area.name: Refresh(area.families, context.health.reject, budget) for area in self._areas.values()}
        self._snapshots: dict[str, MetricsSnapshot] = {}
        self._durations: dict[str, float] = {}
        self._join_lock = Lock()
        self._problems = dict.fromkeys(self._areas, "not read yet")
        self._scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(len(self._areas))})
        self._join_snapshots()

    def run_once(self, name: str) -> bool:
        """Refresh an area; returns whether it succeeded. No exception leaves this function."""
        area, out, health = self._areas[name], self._out[name], self._context.health
        began, read_at = self._timer(), self._context.clock()
        out.serve_on_failure = out.continues = False
        try:
            area.refresh(out)
            self._snapshots[name] = out.snapshot()
            self._succeeded(area, read_at, self._timer() - began, complete=out.complete)
        except (SourceError, sqlite3.OperationalError) as err:  # the second is the cache's: a disk that is full
            self._problems[name] = str(err)
            health.record_failure(name, str(err))
            if out.serve_on_failure:
                self._snapshots[name] = out.snapshot()
        except Exception as err:  # noqa: BLE001  # a bug in one area must not end the others; it is logged with its trace
            self._problems[name] = f"a bug: {type(err).__name__}"
            health.record_failure(name, f"a bug: {err!r}", bug=True)
        else:
            self._problems.pop(name, None)
        series = sum(part.series for part in list(self._snapshots.values()))
        health.record_pass(name, self._timer() - began, out.backlog, series)
        self._join_snapshots()
        return name not in self._problems

    def _run_job(self, name: str) -> None:
        """Refresh an area, and again for as long as its passes ask for that."""
        while self.run_once(name) and self._out[name].continues and not self._context.stopping.is_set():
            pass

    def _succeeded(self, area: Area, at: float, duration: float, *, complete: bool) -> None:
        """A success that follows the last one closely enough continues its unbroken run, across a restart too.

        Args:
            area: what was read.
            at: when the pass began: what it read is at least as new.
            duration: of the pass, in seconds; the next begins no earlier than it ended, which is no gap.
            complete: an unbroken run begins anew with a pass that is not.
        """
        before = self._context.cache.last_success(area.name)
        limit = fresh_seconds(area.every_seconds, self._durations.get(area.name, 0))
        since = before[1] if complete and before and abs(at - before[0]) <= limit else at
        self._durations[area.name] = duration
        self._context.cache.record_success(area.name, at, since)
        self._context.health.record_success(area.name, at, since, fresh_seconds(area.every_seconds, duration))

    def read_everything(self) -> bool:
        """Refresh every area until none has a backlog; returns whether all succeeded."""
        succeeded = [self._read_area_fully(name) for name in self._areas]
        return all(succeeded)

    def _read_area_fully(self, name: str) -> bool:
        while self.run_once(name):
            if not self._out[name].backlog:
                return True
        return False

    def start(self) -> None:
        """Begin to refresh in the background, every area at once and then each at its own interval."""
        for area in self._areas.values():
            self._scheduler.add_job(
                self._run_job,
                "interval",
                args=[area.name],
                seconds=area.every_seconds,
                next_run_time=utc(system_clock()),  # the scheduler keeps the machine's time
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no further pass, and let those under way end soon."""
        self._context.stopping.set()
        self._scheduler.shutdown()

    def snapshot(self) -> MetricsSnapshot:
        """The response to a scrape: the exporter's own families, then each area's as of its last success."""
        return self._snapshot

    def parts(self) -> tuple[MetricsSnapshot, list[MetricsSnapshot]]:
        """What `snapshot` joins: the families that every exporter has, and those of each area, which it alone has."""
        return self._context.health.snapshot(), [*filter(None, map(self._snapshots.get, self._areas))]

    def _join_snapshots(self) -> None:
        """Join and compress all areas' text once, so that no scrape has to."""
        with self._join_lock:
            own, areas = self.parts()
            served = MetricsSnapshot.concatenate([own, *areas])
            served.gzipped  # noqa: B018  # finished here, for no scrape is to wait for it
            self._snapshot = served

    def not_ready(self) -> str | None:
        """Why nothing is served yet; None from the first snapshot of the first area on, which leads the source."""
        return None if next(iter(self._areas)) in self._snapshots else self.problems()

    def problems(self) -> str:
        """The problems of the areas that fail, each reason once; empty while all succeed."""
        return join_problems(self._problems)

    def program(self) -> HttpProgram:
        """The exporter's HTTP pages."""
        return HttpProgram(f"{self._source.name} exporter", self._source.about, self.snapshot, self.not_ready)
