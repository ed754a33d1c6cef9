"""Answers LogQL queries with the reader of store and archive."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from nervesys.contract import Category, Level
from nervesys.logs.budget import ReadBudget
from nervesys.logs.entries import LogEntry
from nervesys.logs.logql.expressions import LabelMatcher, LogSelector, MetricExpression, RangeAggregation
from nervesys.logs.logql.metrics import MICROS, MetricEvaluation, SeriesLabels, Steps, Vector, series_labels
from nervesys.logs.logql.pipeline import Pipeline, compile_matcher
from nervesys.logs.query import LogQuery
from nervesys.logs.reader import LogReader

ALTERNATIVES = re.compile(r"\(?[a-z0-9-]+(?:\|[a-z0-9-]+)*\)?")
"""A regular expression that only lists names, as a variable of Grafana with several values becomes."""


@dataclass(frozen=True)
class LogStream:
    """Records with the same labels.

    Attributes:
        labels: of all of them.
        lines: time in nanoseconds and line, in the direction of the query.
    """

    labels: SeriesLabels
    lines: list[tuple[int, str]]


@dataclass(frozen=True)
class LogqlEngine:
    """Answers queries.

    Attributes:
        reader: of store and archive.
    """

    reader: LogReader

    def select(
        self, selector: LogSelector, start: float, end: float, limit: int, budget: ReadBudget, *, newest_first: bool
    ) -> list[LogStream]:
        """The first records of a log query, by stream.

        Args:
            selector: the query.
            start: Unix seconds, included.
            end: Unix seconds, excluded.
            limit: number of records.
            budget: limits of reading.
            newest_first: direction.

        Raises:
            LogqlError: a regular expression is wrong.
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """
        pipeline = Pipeline(selector)
        query = narrowed(selector.matchers, start, end, pipeline.accepts)
        if query is None:
            return []
        streams: dict[SeriesLabels, list[tuple[int, str]]] = {}
        for entry in self.reader.first(query, limit, budget, newest_first=newest_first):
            processed = pipeline.process(entry)
            assert processed is not None, "the query accepts only what matches"
            line, labels = processed
            streams.setdefault(series_labels(labels, None), []).append((nanoseconds(entry), line))
        return [LogStream(labels, lines) for labels, lines in streams.items()]

    def calculate(self, expression: MetricExpression, steps: Steps, budget: ReadBudget) -> Vector:
        """The series of a metric query.

        Raises:
            LogqlError: a regular expression is wrong, or there are too many series.
            StoreUnavailable: the store does not answer.
            ArchiveUnavailable: the archive does not answer.
        """

        def read(aggregation: RangeAggregation, after: int, until: int) -> Iterable[LogEntry]:
            query = narrowed(aggregation.logs.matchers, (after + 1) / MICROS, (until + 1) / MICROS)
            return () if query is None else self.reader.scan(query, budget)

        return MetricEvaluation(steps, read).evaluate(expression)


def narrowed(
    matchers: Sequence[LabelMatcher], start: float, end: float, accepts: Callable[[LogEntry], bool] | None = None
) -> LogQuery | None:
    """The question for the reader, as narrow as the matchers permit; None if nothing can match.

    Raises:
        LogqlError: a regular expression is wrong.
    """
    level_test, category_test = _test(matchers, "level"), _test(matchers, "category")
    levels = frozenset(level for level in Level if level_test is None or level_test(level.lower()))
    categories = frozenset(each for each in Category if category_test is None or category_test(each.value))
    if not levels or not categories:
        return None
    return LogQuery(
        start,
        end,
        agents=_names(matchers, "agent"),
        servers=_names(matchers, "server"),
        levels=frozenset() if len(levels) == len(Level) else levels,
        categories=frozenset() if len(categories) == len(Category) else categories,
        agent_test=_test(matchers, "agent"),
        server_test=_test(matchers, "server"),
        accepts=accepts,
    )


def nanoseconds(entry: LogEntry) -> int:
    """The time of a record; floats hold microseconds."""
    return round(entry.at * MICROS) * 1000


def _names(matchers: Sequence[LabelMatcher], label: str) -> frozenset[str]:
    """The only values that a label may have, where a matcher lists them."""
    for matcher in matchers:
        if matcher.label == label and matcher.value and matcher.op == "=":
            return frozenset({matcher.value})
        if matcher.label == label and matcher.op == "=~" and ALTERNATIVES.fullmatch(matcher.value):
            return frozenset(matcher.value.strip("()").split("|"))
    return frozenset()


def _test(matchers: Sequence[LabelMatcher], label: str) -> Callable[[str], bool] | None:
    tests = [compile_matcher(matcher) for matcher in matchers if matcher.label == label]
    return (lambda value: all(test(value) for test in tests)) if tests else None
