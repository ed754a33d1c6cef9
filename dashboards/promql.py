"""Reads queries as Grafana and Prometheus do: variables filled in, and the selectors found with their windows."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser
from promql_parser import Call, Expr, MatrixSelector, SubqueryExpr, VectorSelector

from nervesys.metrics.periods import WINDOW_PERIODS

_VARIABLE = re.compile(r"\$(?P<bare>\w+)|\$\{(?P<braced>\w+)(?:\.[^:}]+)?(?::[^}]+)?\}")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
ANY = ".+"


@dataclass(frozen=True)
class Selection:
    """One selector of a query.

    Attributes:
        name: of the series.
        labels: that its matchers name.
        window: in seconds; None where the newest value is meant.
        function: that takes the selector for its argument; empty where none does.
    """

    name: str
    labels: frozenset[str]
    window: float | None
    function: str


def variables_in(text: str) -> set[str]:
    """The names of all variables that a text mentions, Grafana's own (`__…`) among them."""
    return {match["bare"] or match["braced"] for match in _VARIABLE.finditer(text)}


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables replaced; one that has no value stays as it is."""
    return _VARIABLE.sub(lambda match: values.get(match["bare"] or match["braced"], match[0]), text)


def seconds_of(text: str) -> float:
    """Seconds of a duration such as `10m`, or of the distance of a time such as `now-6h` from now."""
    match = re.fullmatch(r"(?:now-)?(\d+)(ms|[smhdwy])", text)
    if match is None:
        raise ValueError(f"{text}: not a duration such as 30s, 10m or 6h")
    return int(match[1]) * _UNITS[match[2]]


def windows(step: float, least: float, span: float) -> dict[str, str]:
    """Grafana's own variables.

    Args:
        step: seconds between two points.
        least: the query's least step, else the data source's interval, in seconds.
        span: seconds of the time range.
    """
    rate = max(step + least, WINDOW_PERIODS * least)
    return {
        "__interval": f"{step * 1000:.0f}ms",
        "__interval_ms": f"{step * 1000:.0f}",
        "__rate_interval": f"{rate * 1000:.0f}ms",
        "__range": f"{span:.0f}s",
        "__range_ms": f"{span * 1000:.0f}",
        "__range_s": f"{span:.0f}",
    }


def parsed(expr: str) -> Expr:
    """The syntax tree of a query without variables.

    Raises:
        ValueError: with the parser's own words.
    """
    tree: Expr = promql_parser.parse(expr)
    return tree


def selections(expr: str) -> list[Selection]:
    """Every selector of a query without variables.

    Raises:
        ValueError: it is no PromQL.
    """
    return list(_selections(parsed(expr), "", None))


def _selections(node: Any, function: str, window: float | None) -> Iterator[Selection]:
    match node:
        case VectorSelector():
            labels = frozenset(matcher.name for matcher in node.matchers.matchers)
            yield Selection(str(node.name), labels, window, function)
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
