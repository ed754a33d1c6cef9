"""Evaluates a condition now: for each agent, server, …, the values that it compares and whether it holds."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.conditions.compile import Compiled, Value
from alerting.units import Unit, spoken
from nervesys.clients.prometheus import Prometheus, Series


@dataclass(frozen=True)
class Row:
    """One agent, server, … with its values.

    Attributes:
        who: the values of its labels.
        values: with units, for people; empty where there is none, or its source is not refreshed.
        holds: whether the whole condition holds.
    """

    who: tuple[str, ...]
    values: tuple[str, ...]
    holds: bool


def rows(condition: Compiled, prometheus: Prometheus) -> list[Row]:
    """Ask Prometheus for the condition and each of its values.

    Raises:
        QueryFailed: with Prometheus' own words.
    """
    holding = set(_by(condition, prometheus.instant(condition.expr)))
    columns = [
        {who: _worded(value, number) for who, number in _by(condition, prometheus.instant(value.expr)).items()}
        for value in condition.values
    ]
    everyone = sorted(holding.union(*columns))
    return [Row(who, tuple(column.get(who, "") for column in columns), who in holding) for who in everyone]


def _by(condition: Compiled, answer: Iterable[Series]) -> dict[tuple[str, ...], float]:
    return {tuple(one.labels.get(label, "") for label in condition.by): one.points[-1][1] for one in answer}


def _worded(value: Value, number: float) -> str:
    said = spoken(number, value.unit)
    return said if value.per is None else f"{said} per {spoken(value.per, Unit.SECONDS)}"
