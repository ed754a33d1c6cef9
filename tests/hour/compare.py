"""Compares what two servers answer to the queries of all pages, and to the expressions of all rules.

`python -m tests.hour.compare` prints every difference, with the releases that VICTORIA_METRICS_PROGRAMS and PATH name.
"""

import math
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alerting.generate.rules import evaluated_rules
from alerting.model import read_alerts
from commands.conditions import condition_compiler
from commands.dashboards import world
from dashboards.build import datasource_seconds, pages
from dashboards.recording import rules as recording_rules
from dashboards.shared import TO_PAGE
from nervesys.clients.prometheus import Prometheus, QueryFailed, Series
from nervesys.metrics.periods import periods
from nervesys.queries.dashboard_queries import queries_of
from nervesys.queries.query_runner import QueryRunner
from nervesys.settings import FolderTree, shipped_root
from tests.hour import victoria
from tests.hour.history import HOUR_SECONDS, STEP_SECONDS, openmetrics
from tests.hour.prometheus import LOCAL, START, remembering

NOW = START + HOUR_SECONDS - STEP_SECONDS
"""The last sample's instant."""
SPAN, POINTS = 2400, 8
"""Seconds within the hour, so that no window reaches beyond its samples; few points make windows long."""
WINDOW_TOLERANCE = 0.1
"""A window of Prometheus 2 includes both its ends, and `increase` extrapolates: 13 samples in place of 12."""
Values = Mapping[tuple[tuple[str, str], ...], Mapping[float, float]]


@dataclass(frozen=True)
class QueryDifference:
    """An expression with different answers."""

    what: str
    expr: str
    detail: str


@contextmanager
def both(folder: Path) -> Iterator[tuple[QueryRunner, QueryRunner]]:
    """A Prometheus and a VictoriaMetrics with the same hour."""
    text = openmetrics(dict(world(LOCAL).known), START)
    with ExitStack() as stack:
        urls = (
            stack.enter_context(remembering(folder, text)),
            stack.enter_context(victoria.remembering(folder / "victoria", text)),
        )
        first, second = (QueryRunner(Prometheus(url), datasource_seconds(LOCAL), NOW) for url in urls)
        yield first, second


def page_differences(first: QueryRunner, second: QueryRunner) -> Iterator[QueryDifference]:
    """Of each query of each page."""
    for page in pages(LOCAL):
        values, others = first.variables(page), second.variables(page)
        if values != others:
            yield QueryDifference(page["uid"], "variables", f"{values} and {others}")
        for query in queries_of(page):
            answers = [_answer(partial(runner.ask, query, values, SPAN, POINTS)) for runner in (first, second)]
            if detail := _compare(query.expr, *answers):
                yield QueryDifference(str(query), query.expr, detail)


def rule_differences(first: QueryRunner, second: QueryRunner) -> Iterator[QueryDifference]:
    """Of each expression of an alert or a recorded series."""
    alerts = read_alerts(FolderTree(shipped_root()))[0]
    found = {
        f"alert {rule.alert.alertname} {rule.severity}": rule.expr
        for rule in evaluated_rules(condition_compiler(LOCAL), alerts)
    }
    for group in recording_rules(periods(LOCAL))["groups"]:
        found |= {f"record {rule['record']}": rule["expr"] for rule in group["rules"]}
    for what, expr in found.items():
        span = NOW - SPAN, NOW, SPAN / POINTS
        answers = [_answer(partial(runner.prometheus.range, expr, *span)) for runner in (first, second)]
        if detail := _compare(expr, *answers):
            yield QueryDifference(what, expr, detail)


def _answer(ask: Callable[[], Sequence[Series]]) -> Values | str:
    try:
        series = ask()
    except QueryFailed as err:
        return str(err)
    return {tuple(sorted(_labels(item))): dict(item.points) for item in series}


def _labels(series: Series) -> Iterator[tuple[str, str]]:
    """Without empty ones, which are none, and links, of which release 1.79 makes some for series without an agent."""
    return ((name, value) for name, value in series.labels.items() if value and name != TO_PAGE)


def _compare(expr: str, first: Values | str, second: Values | str) -> str:
    """What differs; empty where nothing does."""
    if isinstance(first, str) or isinstance(second, str):
        return (
            f"{first if isinstance(first, str) else 'answered'} / {second if isinstance(second, str) else 'answered'}"
        )
    if first.keys() != second.keys():
        return f"series {sorted(first.keys() ^ second.keys())[:2]}"
    for labels, points in first.items():
        for at in sorted(points.keys() | second[labels].keys()):
            mine, other = points.get(at), second[labels].get(at)
            if mine is None or other is None or not _alike(expr, mine, other):
                return f"{dict(labels)} at {at - NOW:+g}: {mine} and {other}"
    return ""


def _alike(expr: str, mine: float, other: float) -> bool:
    if math.isnan(mine) or math.isnan(other):
        return math.isnan(mine) and math.isnan(other)
    if "[" not in expr:
        return math.isclose(mine, other, rel_tol=1e-9)
    whole = re.search(r"\b(round|changes)\(", expr)
    return math.isclose(mine, other, rel_tol=WINDOW_TOLERANCE, abs_tol=1 if whole else 1e-9)


def main() -> int:
    """Print every difference."""
    with tempfile.TemporaryDirectory() as folder, both(Path(folder)) as (first, second):
        found = [*page_differences(first, second), *rule_differences(first, second)]
    for each in found:
        sys.stdout.write(f"{each.what}: {each.detail}\n    {each.expr}\n")
    sys.stdout.write(f"{len(found)} differences\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
