"""Collects the facts of a report from Prometheus, store, archive and brain."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from dashboards.build import datasource_seconds, pages
from nervesys.clients.prometheus import Prometheus, Series
from nervesys.clock import Clock
from nervesys.contract import DailySummary
from nervesys.contract.brain import DAILY_SUMMARY
from nervesys.contract.times import DAY_SECONDS
from nervesys.errors import BadObject
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import Loaded
from nervesys.stores.archive import Archive
from nervesys.stores.brain import GitBrain
from nervesys.stores.objects import ObjectReader
from nervesys.stores.trees import GitTree
from reports.draw import draw
from reports.fields import FormatContext
from reports.model import PageModel
from reports.periodic.availability import (
    HOUR_SECONDS,
    AgentAvailability,
    HourAvailability,
    agent_availabilities,
    available_query,
    fleet_hours,
    monitored_query,
)
from reports.periodic.facts import AreaSize, ConfigCommit, Facts, Runbook
from reports.periodic.incidents import ENTERED, FIRING, STEP_SECONDS, actions, incidents
from reports.periodic.logs import PeriodLogs
from reports.periodic.objectives import QUERIES, attained_objectives
from reports.periodic.panels import limit_timelines, select_panels
from reports.periodic.period import ReportPeriod, midnight

ReportProgress = Callable[[str], None]
CONFIG = "config"
MAX_COMMITS = 10_000
"""Most commits to search for changes of the configuration."""
MAX_SUMMARY_BYTES = 1 << 20
PANEL_WIDTH = 720
"""Width of a drawn panel, in pixels, so that its letters have the size of the text on A4."""
SIZES = {"store": "nervesys_store_bytes", "archive": "nervesys_archive_bytes"}


@dataclass(frozen=True)
class Sources:
    """The sources of a report.

    Attributes:
        archive: None if there is none; then only the store's logs are read.
        brain: None if it is a plain folder, which has neither history nor summaries.
        executor: runs as many queries at a time as it has workers.
        runbooks: what to do, by the name of an alert.
    """

    loaded: Loaded
    prometheus: Prometheus
    store: ObjectReader
    archive: Archive | None
    brain: GitBrain | None
    clock: Clock
    executor: Executor
    runbooks: Mapping[str, Runbook] = field(default_factory=dict)

    def facts(self, period: ReportPeriod, progress: ReportProgress) -> Facts:
        """Collect the facts of a period.

        Args:
            period: past or current.
            progress: is called with each step.

        Raises:
            SourceError: a source does not respond.
            QueryFailed: Prometheus does not respond.
        """
        now, notes = self.clock(), list[str]()
        progress("querying Prometheus")
        days = [(interval.start, interval.end) for interval in (period, period.before)]
        fleet, fleet_before = (self._fleet(start, end) for start, end in days)
        hours = self._hours(period, min(now, period.end))
        until = max(period.start, min(now, period.end + DAY_SECONDS))
        firing = self._minutes(FIRING, period.before.start, until)
        entered = self._minutes(ENTERED, period.before.start, until)
        sizes = self._sizes(period, min(now, period.end))
        objectives = attained_objectives(
            {name: self._at(query, min(now, period.end - 1)) for name, query in QUERIES.items()}
        )
        progress("reading the logs")
        settings = self.loaded.settings
        logs = PeriodLogs(settings.storage, self.store, self.archive, settings.prices)
        log_totals = logs.log_totals(list(period.days), notes)
        progress("reading the brain")
        self._fetch()
        summaries = self._summaries(period, notes)
        progress("drawing")
        return Facts(
            period=period,
            made=now,
            prices=settings.prices,
            fleet=fleet,
            fleet_before=fleet_before,
            incidents=incidents(firing, until - until % STEP_SECONDS),
            actions=actions(entered),
            log_totals=log_totals,
            summaries_before=self._summaries(period.before, notes),
            sizes=sizes,
            changes=tuple(self._changes(period)),
            analysis={day.date: day.analysis for day in summaries if day.analysis},
            objectives=objectives,
            hours=hours,
            runbooks=self.runbooks,
            panels=self._panels(period, now),
            notes=notes,
        )

    def _fleet(self, start: float, end: float) -> tuple[AgentAvailability, ...]:
        """Availability, queried day by day, so that a month needs no larger query than a day."""
        at = [start + DAY_SECONDS * number for number in range(1, round((end - start) / DAY_SECONDS) + 1)]
        queries = [query(self.loaded, DAY_SECONDS) for query in (available_query, monitored_query)]
        # One second before midnight, because Prometheus 2 and 3 differ in whether a range includes its start.
        available, monitored = (
            list(self.executor.map(self._at, [query] * len(at), [t - 1 for t in at])) for query in queries
        )
        return agent_availabilities(available, monitored)

    def _hours(self, period: ReportPeriod, end: float) -> tuple[HourAvailability, ...]:
        """Availability of the fleet in each whole hour, queried day by day."""
        starts = [midnight(day) + HOUR_SECONDS - 1 for day in period.days]  # before the full hour, as in `_fleet`
        starts = [at for at in starts if at < end]
        ends = [min(at + DAY_SECONDS - HOUR_SECONDS, end) for at in starts]
        available, monitored = (
            [
                series
                for answer in self.executor.map(
                    self.prometheus.range, [query] * len(starts), starts, ends, [HOUR_SECONDS] * len(starts)
                )
                for series in answer
            ]
            for query in (f"sum({query(self.loaded, HOUR_SECONDS)})" for query in (available_query, monitored_query))
        )
        return fleet_hours(available, monitored)

    def _minutes(self, query: str, start: float, end: float) -> list[Series]:
        """Points at one-minute intervals, each for the minute before it, queried day by day."""
        last = end - end % STEP_SECONDS
        starts, at = [], start + STEP_SECONDS
        while at <= last:
            starts.append(at)
            at += DAY_SECONDS
        ends = [min(last, at + DAY_SECONDS - STEP_SECONDS) for at in starts]
        count = len(starts)
        answers = self.executor.map(self.prometheus.range, [query] * count, starts, ends, [STEP_SECONDS] * count)
        return [series for answer in answers for series in answer]

    def _at(self, query: str, at: float) -> list[Series]:
        return self.prometheus.instant(query, at)

    def _sizes(self, period: ReportPeriod, end: float) -> tuple[AreaSize, ...]:
        return tuple(
            AreaSize(place, area, earlier.get(area), start.get(area), final.get(area))
            for place, family in SIZES.items()
            for earlier, start, final in [[self._areas(family, at) for at in (period.before.start, period.start, end)]]
            for area in sorted(start.keys() | final.keys())
        )

    def _areas(self, family: str, at: float) -> dict[str, float]:
        answer = self._at(f"max by (area) (last_over_time({family}[1h]))", at)
        return {series.labels["area"]: series.points[-1][1] for series in answer}

    def _fetch(self) -> None:
        if self.brain is not None:
            self.brain.fetch()

    def _summaries(self, period: ReportPeriod, notes: list[str]) -> tuple[DailySummary, ...]:
        """The daily summaries in the brain; an invalid one counts as missing."""
        tree = self.brain.tree(self.brain.state_branch) if self.brain else None
        return tuple(self._read(tree, period, notes)) if tree else ()

    @staticmethod
    def _read(tree: GitTree, period: ReportPeriod, notes: list[str]) -> Iterator[DailySummary]:
        for day in period.days:
            path = DAILY_SUMMARY.build(date=str(day))
            try:
                body = tree.read(path, max_bytes=MAX_SUMMARY_BYTES)
                if body is not None:
                    yield DailySummary.parse(body)
            except BadObject as bad:
                notes.append(f"{path} cannot be read: {bad}")

    def _changes(self, period: ReportPeriod) -> Iterator[ConfigCommit]:
        """Commits of the period and the previous one, newest first."""
        for commit in self.brain.log(self.brain.branch, MAX_COMMITS) if self.brain else ():
            at = float(commit.time)
            if period.before.start <= at < period.end and (files := commit.changed_files(CONFIG)):
                yield ConfigCommit(at, commit.author, tuple(files), commit.subject, commit.id[:12])

    def _panels(self, period: ReportPeriod, now: float) -> PageModel:
        end = min(now, period.end)
        live = QueryRunner(self.prometheus, datasource_seconds(self.loaded), end)
        page = select_panels(pages(self.loaded))
        model, _ = draw(page, live, {}, end - period.start, PANEL_WIDTH, FormatContext(end), self.executor)
        return limit_timelines(model)
