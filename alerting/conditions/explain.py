"""Evaluates a condition now: for each agent, server, …, the values that it compares and whether it holds."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.conditions.compile import ComparedValue, CompiledCondition
from alerting.units import BaseUnit, format_quantity
from nervesys.clients.prometheus import Prometheus, Series


@dataclass(frozen=True)
class ConditionRow:
    """One agent, server, … with its values.

    Attributes:
        labels: the values of its labels.
        values: with units, for people; empty where there is none, or its source is not refreshed.
        holds: whether the whole condition holds.
    """

    labels: tuple[str, ...]
    values: tuple[str, ...]
    holds: bool


def evaluate_condition(condition: CompiledCondition, prometheus: Prometheus) -> list[ConditionRow]:
    """Ask Prometheus for the condition and each of its values.

    Raises:
        QueryFailed: with Prometheus' error message.
    """
    holding = set(_series_by_label(condition, prometheus.instant(condition.expr)))
    columns = [
        {
            labels: _format(value, number)
            for labels, number in _series_by_label(condition, prometheus.instant(value.expr)).items()
        }
        for value in condition.values
    ]
    label_sets = sorted(holding.union(*columns))
    return [
        ConditionRow(labels, tuple(column.get(labels, "") for column in columns), labels in holding)
        for labels in label_sets
    ]


def _series_by_label(condition: CompiledCondition, result: Iterable[Series]) -> dict[tuple[str, ...], float]:
    return {tuple(series.labels.get(label, "") for label in condition.by): series.points[-1][1] for series in result}


def _format(value: ComparedValue, number: float) -> str:
    text = format_quantity(number, value.unit)
    return text if value.per is None else f"{text} per {format_quantity(value.per, BaseUnit.SECONDS)}"
