"""Evaluates metric queries: counts of records in windows, and what is made of them.

Times are whole microseconds, so that no window gains or loses a record by rounding.
"""

import heapq
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from nervesys.logs.entries import LogEntry
from nervesys.logs.logql.expressions import (
    BinaryOperation,
    Constant,
    Grouping,
    MetricExpression,
    RangeAggregation,
    VectorAggregation,
)
from nervesys.logs.logql.lexer import LogqlError
from nervesys.logs.logql.pipeline import Pipeline

MICROS = 1_000_000
MOST_POINTS = 2_000_000
"""Series times steps of one query."""
MOST_STEPS = 11_000
"""As in Prometheus and Loki."""

SeriesLabels = tuple[tuple[str, str], ...]
"""Names and values, sorted."""
Vector = dict[SeriesLabels, list[float | None]]
"""The value of each series at each step; None where it has none."""
ReadLogs = Callable[[RangeAggregation, int, int], Iterable[LogEntry]]
"""Reads the records of a range aggregation after one instant, up to another."""
_OPERATORS: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@dataclass(frozen=True)
class Steps:
    """The instants at which a query is evaluated, in microseconds.

    Attributes:
        start: the first.
        step: between two.
        count: their number.
    """

    start: int
    step: int
    count: int

    @classmethod
    def of(cls, start: float, end: float, step: float) -> "Steps":
        """From Unix seconds.

        Raises:
            LogqlError: there are too many.
        """
        first, every = round(start * MICROS), max(1, round(step * MICROS))
        count = (round(end * MICROS) - first) // every + 1
        if count > MOST_STEPS:
            raise LogqlError(f"{count} steps are more than {MOST_STEPS}; choose a longer step")
        return cls(first, every, max(0, count))

    @property
    def seconds(self) -> list[float]:
        """The instants in Unix seconds."""
        return [(self.start + number * self.step) / MICROS for number in range(self.count)]


@dataclass
class MetricEvaluation:
    """One metric query.

    Attributes:
        steps: when it is evaluated.
        read: reads records.
    """

    steps: Steps
    read: ReadLogs
    _points: int = field(default=0, init=False)

    def evaluate(self, expression: MetricExpression) -> Vector:
        """The series of an expression.

        Raises:
            LogqlError: there are too many series.
        """
        match expression:
            case RangeAggregation():
                return self._range(expression, None)
            case VectorAggregation():
                return self._aggregate(expression)
            case BinaryOperation(op, left, right):
                return self._binary(op, left, right)
            case Constant(value):
                return {(): [value] * self.steps.count}

    def _range(self, expression: RangeAggregation, grouping: Grouping | None) -> Vector:
        """Count records; with a grouping, those of a group are one series, so that few series are kept at a time."""
        steps, pipeline = self.steps, Pipeline(expression.logs)
        width, offset = round(expression.seconds * MICROS), round(expression.offset * MICROS)
        by_bytes = expression.function.startswith("bytes")
        changes: dict[SeriesLabels, tuple[list[float], list[int]]] = {}
        end = steps.start + (steps.count - 1) * steps.step - offset
        for entry in self.read(expression, steps.start - offset - width, end):
            processed = pipeline.process(entry)
            if processed is None:
                continue
            at = round(entry.at * MICROS) + offset
            first, after = _up(at - steps.start, steps.step), _up(at + width - steps.start, steps.step)
            first, after = max(first, 0), min(after, steps.count)
            if first >= after:
                continue
            key = series_labels(processed[1], grouping)
            if key not in changes:
                self._take_points(steps.count + 1)
                changes[key] = [0.0] * (steps.count + 1), [0] * (steps.count + 1)
            weight, (values, records) = len(entry.line) if by_bytes else 1, changes[key]
            values[first] += weight
            values[after] -= weight
            records[first] += 1
            records[after] -= 1
        divisor = expression.seconds if expression.function in ("rate", "bytes_rate") else 1
        return {key: _running_sums(*changed, divisor) for key, changed in changes.items()}

    def _aggregate(self, expression: VectorAggregation) -> Vector:
        inner, grouping = expression.inner, expression.grouping or Grouping(False, frozenset())
        if expression.function == "sum" and isinstance(inner, RangeAggregation):
            return self._range(inner, grouping)
        vector = self.evaluate(inner)
        groups: dict[SeriesLabels, list[SeriesLabels]] = {}
        for key in vector:
            groups.setdefault(series_labels(dict(key), grouping), []).append(key)
        if expression.function in ("topk", "bottomk"):
            return self._top(vector, groups.values(), expression)
        fold = _FOLDS[expression.function]
        return {
            group: [
                fold(present) if (present := [value for value in column if value is not None]) else None
                for column in zip(*(vector[key] for key in keys), strict=True)
            ]
            for group, keys in groups.items()
        }

    def _top(self, vector: Vector, groups: Iterable[list[SeriesLabels]], expression: VectorAggregation) -> Vector:
        """Of each group the series with the largest or smallest values, at each step on its own."""
        choose = heapq.nlargest if expression.function == "topk" else heapq.nsmallest
        kept: Vector = {}
        for keys in groups:
            for step in range(self.steps.count):
                present = [(value, key) for key in keys if (value := vector[key][step]) is not None]
                for value, key in choose(expression.count, present):
                    kept.setdefault(key, [None] * self.steps.count)[step] = value
        return kept

    def _binary(self, op: str, left: MetricExpression, right: MetricExpression) -> Vector:
        """Each series with the one of the same labels; a plain number goes with every series."""
        first, second = self.evaluate(left), self.evaluate(right)
        if isinstance(right, Constant) and right.scalar:
            second = dict.fromkeys(first, second[()])
        elif isinstance(left, Constant) and left.scalar:
            first = dict.fromkeys(second, first[()])
        return {
            key: [
                None if one_value is None or other is None else calculate(op, one_value, other)
                for one_value, other in zip(values, second[key], strict=True)
            ]
            for key, values in first.items()
            if key in second
        }

    def _take_points(self, count: int) -> None:
        self._points += count
        if self._points > MOST_POINTS:
            raise LogqlError(
                f"too many series for {self.steps.count} steps; sum by fewer labels, or choose a longer step"
            )


def series_labels(labels: Mapping[str, str], grouping: Grouping | None) -> SeriesLabels:
    """The labels of a series; with a grouping, those that it leaves. Empty ones count as absent."""
    return tuple(
        sorted(
            (name, value)
            for name, value in labels.items()
            if value and (grouping is None or (name in grouping.labels) != grouping.without)
        )
    )


def calculate(op: str, left: float, right: float) -> float:
    """An operation on two numbers; a division by zero is NaN or infinite."""
    if op != "/":
        return _OPERATORS[op](left, right)
    if right:
        return left / right
    return float("nan") if not left else float("inf") if left > 0 else float("-inf")


def _up(amount: int, step: int) -> int:
    """The quotient, rounded up."""
    return -(-amount // step)


def _running_sums(values: list[float], records: list[int], divisor: float) -> list[float | None]:
    sums: list[float | None] = []
    total, present = 0.0, 0
    for value, count in zip(values[:-1], records[:-1], strict=True):
        total, present = total + value, present + count
        sums.append(total / divisor if present else None)
    return sums


_FOLDS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "count": len,
    "min": min,
    "max": max,
    "avg": lambda values: sum(values) / len(values),
}
