"""Runs all queries of a dashboard, several at a time."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import pairwise
from time import monotonic

from nervesys.clients.prometheus import QueryFailed, Series
from nervesys.queries.dashboard_queries import (
    Json,
    PanelQuery,
    annotations_of,
    panels_of,
    queries_of_panel,
    query_of_annotation,
    variables_of,
)
from nervesys.queries.query_runner import QueryRunner
from nervesys.queries.variables import variables_in
from reports.colours import colour_name
from reports.model import Annotation

TITLES = 5
"""Most events that the label of one annotation names."""
_NAME = re.compile(r"\{\{ *(\w+) *\}\}")


@dataclass(frozen=True)
class QueryResult:
    """The result of one query of a panel.

    Attributes:
        target: the query in the panel's JSON.
        series: the result; may be empty.
        step: seconds between two points.
        failed: error message; empty if the query succeeded.
    """

    target: Json
    series: tuple[Series, ...]
    step: float
    failed: str = ""


@dataclass(frozen=True)
class TimeRange:
    """A time range that ends at `QueryRunner.now`.

    Attributes:
        seconds: its length.
        points: maximum number of points by panel id, according to the panel's width.
        limit: seconds for all queries; None for no limit.
        deadline: when they are over, by the monotonic clock.
    """

    seconds: float
    points: Mapping[int, int]
    limit: float | None = None
    deadline: float = 0


@dataclass(frozen=True)
class PageResults:
    """The results of a page: answers by panel id, annotations, and error messages of annotations."""

    answers: dict[int, list[QueryResult]]
    marks: tuple[Annotation, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PendingQuery:
    """A query that runs.

    Attributes:
        future: its result; None for a query that cannot run.
        reason: why it cannot.
        limit: seconds for all queries of the page; None for no limit.
        deadline: by the monotonic clock, in seconds; a query that takes longer counts as failed.
    """

    future: Future[list[Series]] | None
    reason: str
    limit: float | None
    deadline: float

    def result(self) -> list[Series]:
        """Wait for the result.

        Raises:
            QueryFailed: it cannot run, failed, or takes too long.
        """
        if self.future is None:
            raise QueryFailed(self.reason)
        try:
            return self.future.result(None if self.limit is None else max(0, self.deadline - monotonic()))
        except TimeoutError:
            self.future.cancel()  # one that runs goes on until its own time-out
            raise QueryFailed(f"Prometheus did not respond within {self.limit:g} s") from None


def query_page(
    page: Json, live: QueryRunner, values: Mapping[str, str], span: TimeRange, executor: Executor
) -> PageResults:
    """Run all queries of a dashboard.

    Args:
        page: the dashboard's JSON.
        live: runs the queries.
        values: of its variables.
        span: the time range.
        executor: runs as many queries at a time as it has workers.
    """
    unknown = {variable["name"] for variable in variables_of(page)} - values.keys()

    def later(question: PanelQuery, points: int) -> PendingQuery:
        missing = sorted(unknown & variables_in(question.expr))
        future = None if missing else executor.submit(live.ask, question, values, span.seconds, points)
        return PendingQuery(future, f"The values of ${', $'.join(missing)} are not known", span.limit, span.deadline)

    asked: dict[int, list[tuple[Json, float, PendingQuery]]] = {}
    for panel in panels_of(page):
        points = span.points[panel["id"]]
        asked[panel["id"]] = [
            (target, live.step(question, span.seconds, points), later(question, points))
            for target, question in zip(panel.get("targets", ()), queries_of_panel(page, panel), strict=True)
        ]
    most = max(span.points.values())
    marked = [(marks, query_of_annotation(page, marks)) for marks in annotations_of(page)]
    pending_marks = [(marks, live.step(query, span.seconds, most), later(query, most)) for marks, query in marked]
    answers = {name: [_answer(*query) for query in of_panel] for name, of_panel in asked.items()}
    found: list[Annotation] = []
    notes: list[str] = []
    for marks, step, pending in pending_marks:
        try:
            found += annotations_in(marks, pending.result(), step, live.now - span.seconds, live.now)
        except QueryFailed as err:
            notes.append(f"{marks['name']}: {err}")
    return PageResults(answers, tuple(found), tuple(notes))


def _answer(target: Json, step: float, pending: PendingQuery) -> QueryResult:
    try:
        return QueryResult(target, tuple(pending.result()), step)
    except QueryFailed as err:
        return QueryResult(target, (), step, str(err))


def annotations_in(marks: Json, series: list[Series], step: float, start: float, end: float) -> list[Annotation]:
    """The marks of one annotation: at the start of each run of points, or at the times given by the values.

    Args:
        marks: its JSON.
        series: its result.
        step: seconds between two points of a run.
        start: of the time range, in Unix seconds.
        end: of the time range, in Unix seconds.
    """
    titles: defaultdict[float, set[str]] = defaultdict(set)
    for result in series:
        for at in _annotation_times(marks, result.points, step):
            if start <= at <= end:
                titles[at].add(series_name(result.labels, marks["titleFormat"]))
    return [
        Annotation(at, _join_titles(sorted(names)), colour_name(marks["iconColor"]))
        for at, names in sorted(titles.items())
    ]


def _join_titles(titles: Sequence[str]) -> str:
    more = len(titles) - TITLES
    return "; ".join([*titles[:TITLES], *([f"and {more} more"] if more > 0 else [])])


def _annotation_times(marks: Json, points: tuple[tuple[float, float], ...], step: float) -> list[float]:
    if marks.get("useValueForTime"):
        return [value / 1000 for _, value in points]
    times = [at for at, _ in points]
    return times[:1] + [later for at, later in pairwise(times) if later - at > 1.5 * step]


def series_name(labels: Mapping[str, str], legend: str) -> str:
    """Name of a series: its legend format with labels inserted, or else its labels."""
    if legend:
        return _NAME.sub(lambda match: labels.get(match[1], ""), legend)
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")
