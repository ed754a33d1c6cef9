"""Checks the selectors of PromQL queries against the known metric families."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import promql_parser
from promql_parser import Call, MatrixSelector, SubqueryExpr, VectorSelector

from nervesys.metrics import Family, Period
from nervesys.metrics.instruments import BUILD_INFO
from nervesys.metrics.periods import WINDOW_PERIODS, Periods

TARGET_LABELS = frozenset({"job", "instance", "le"})
"""Labels that any series may have in addition to its family's."""
LOOKBACK = "last_over_time"
"""The function whose range is a lookback; it need not span several periods."""
FOREIGN_SERIES: Mapping[str, bool] = {
    "ALERTS": False,
    "ALERTS_FOR_STATE": False,
    "alertmanager_alerts": False,
    "alertmanager_notifications_failed_total": True,
    "alertmanager_notifications_total": True,
    "process_cpu_seconds_total": True,
    "process_resident_memory_bytes": False,
    "prometheus_rule_evaluation_failures_total": True,
    "prometheus_rule_group_last_duration_seconds": False,
    "prometheus_tsdb_head_samples_appended_total": True,
    "prometheus_tsdb_head_series": False,
    "scrape_duration_seconds": False,
    "up": False,
}
"""Series of Prometheus, Alertmanager and client libraries that may be queried: True for counters."""


@dataclass(frozen=True)
class KnownSeries:
    """A known series.

    Attributes:
        counter: whether it is a counter.
        period: how often it is updated.
        labels: its labels; None for series of other programs, whose labels are not checked.
    """

    counter: bool
    period: Period
    labels: frozenset[str] | None


def known_series(families: Iterable[Family]) -> dict[str, KnownSeries]:
    """All known series by name: those of the families, and those of other programs."""
    series = {name: KnownSeries(counter, Period.SCRAPE, None) for name, counter in FOREIGN_SERIES.items()}
    for family in (BUILD_INFO, *families):
        of_kind = KnownSeries(family.kind != "gauge", family.period, frozenset(family.labels))
        suffixes = ("_bucket", "_count", "_sum") if family.kind == "histogram" else ("",)
        series |= {family.full_name + suffix: of_kind for suffix in suffixes}
    return series


@dataclass(frozen=True)
class Selection:
    """One selector of a query.

    Attributes:
        name: of the series.
        labels: labels that its matchers name.
        window: range in seconds; None for an instant selector.
        function: the function that it is an argument of; may be empty.
        text: name and matchers, which are a query of their own.
    """

    name: str
    labels: frozenset[str]
    window: float | None
    function: str
    text: str = field(default="", compare=False)


def selections(expr: str) -> list[Selection]:
    """All selectors of a query without variables.

    Raises:
        ValueError: the query is not valid PromQL.
    """
    return list(_selections(promql_parser.parse(expr), "", None))


def _selections(node: Any, function: str, window: float | None) -> Iterator[Selection]:
    match node:
        case VectorSelector():
            labels = frozenset(matcher.name for matcher in node.matchers.matchers)
            yield Selection(str(node.name), labels, window, function, node.prettify().partition(" offset ")[0])
        case MatrixSelector():
            yield from _selections(node.vector_selector, function, node.range.total_seconds())
        case SubqueryExpr(range=timedelta() as span):
            yield from _selections(node.expr, "", span.total_seconds())
        case Call():
            for argument in node.args:
                yield from _selections(argument, node.func.name, None)
        case _:
            for part in ("expr", "param", "lhs", "rhs"):
                if (below := getattr(node, part, None)) is not None:
                    yield from _selections(below, "", window)


def problems(selection: Selection, known: Mapping[str, KnownSeries], periods: Periods) -> Iterator[tuple[str, str]]:
    """The problems of a selector: the violated rule, and a message.

    Args:
        selection: the selector.
        known: all known series.
        periods: update periods, in seconds.
    """
    family = known.get(selection.name)
    if family is None:
        yield "family", f"there is no family {selection.name}"
        return
    unknown = selection.labels - family.labels - TARGET_LABELS if family.labels is not None else set()
    if unknown:
        yield "labels", f"{selection.name} has no label {', '.join(sorted(unknown))}"
    if selection.window is None or selection.function == LOOKBACK or family.period is Period.DAILY:
        return
    least = WINDOW_PERIODS * periods[family.period]
    if selection.window < least:
        yield "window", f"{selection.window:g} s over {selection.name} is less than {least:g} s, four of its periods"
