"""The current value of a condition."""

from dataclasses import dataclass

import pytest

from alerting.conditions.explain import ConditionRow, evaluate_condition
from alerting.conditions.language import parse_condition
from alerting.units import BaseUnit, format_quantity
from nervesys.clients.prometheus import Prometheus, Series
from nervesys.settings import load
from tests.alerting.compilers import compiler_of

SETTINGS = load().settings


@dataclass(frozen=True)
class Saying(Prometheus):
    """Answers by the beginning of what is asked."""

    answers: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        """The first answer whose text is in the question."""
        answer = next((answer for part, answer in self.answers if part in expr), ())
        return [Series({"server": server}, ((0.0, value),)) for server, value in answer]


def test_each_server_has_its_values_and_whether_it_holds() -> None:
    condition = compiler_of(SETTINGS).compile(parse_condition("cpu > 90% and memory > 50%"), None)
    there = Saying(
        "http://nowhere",
        answers=(
            ("> 0.9", (("web-1", 0.95),)),
            ("cpu_ratio", (("web-1", 0.95), ("web-2", 0.5))),
            ("memory_ratio", (("web-1", 0.7),)),
        ),
    )
    assert evaluate_condition(condition, there) == [
        ConditionRow(("web-1",), ("95%", "70%"), holds=True),
        ConditionRow(("web-2",), ("50%", ""), holds=False),
    ]


def test_a_rate_says_of_what() -> None:
    condition = compiler_of(SETTINGS).compile(parse_condition("sent bytes > 5 MB per minute in 1 hour"), None)
    (row,) = evaluate_condition(condition, Saying("http://nowhere", answers=(("transmit", (("web-1", 7.5e6),)),)))
    assert row.values == ("7.5 MB per 1m",)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.931, BaseUnit.RATIO, "93.1%"),
        (1536, BaseUnit.BYTES, "1.54 kB"),
        (0, BaseUnit.BYTES, "0 B"),
        (312, BaseUnit.SECONDS, "5m 12s"),
        (-61, BaseUnit.SECONDS, "-1m 1s"),
        (90000, BaseUnit.SECONDS, "1d 1h"),
        (1.25, BaseUnit.SECONDS, "1.25s"),
        (float("inf"), BaseUnit.SECONDS, "infs"),
        (1234567, BaseUnit.COUNT, "1.23457e+06"),
    ],
)
def test_numbers_as_people_read_them(value: float, unit: BaseUnit, text: str) -> None:
    assert format_quantity(value, unit) == text
