"""What a condition comes to at this moment."""

from dataclasses import dataclass

import pytest

from alerting.conditions.compile import compiled
from alerting.conditions.explain import Row, rows
from alerting.units import Unit, spoken
from nervesys.clients.prometheus import Prometheus, Series
from nervesys.settings import load

SETTINGS = load().settings


@dataclass(frozen=True)
class Saying(Prometheus):
    """Answers by the beginning of what is asked."""

    answers: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()

    def instant(self, expr: str, at: float | None = None) -> list[Series]:
        """The first answer whose text is in the question."""
        said = next((said for part, said in self.answers if part in expr), ())
        return [Series({"server": server}, ((0.0, value),)) for server, value in said]


def test_each_server_has_its_values_and_whether_it_holds() -> None:
    condition = compiled("cpu > 90% and memory > 50%", SETTINGS, None)
    there = Saying(
        "http://nowhere",
        answers=(
            ("> 0.9", (("web-1", 0.95),)),
            ("cpu_ratio", (("web-1", 0.95), ("web-2", 0.5))),
            ("memory_ratio", (("web-1", 0.7),)),
        ),
    )
    assert rows(condition, there) == [
        Row(("web-1",), ("95%", "70%"), holds=True),
        Row(("web-2",), ("50%", ""), holds=False),
    ]


def test_a_rate_says_of_what() -> None:
    condition = compiled("sent bytes > 5 MB per minute in 1 hour", SETTINGS, None)
    (row,) = rows(condition, Saying("http://nowhere", answers=(("transmit", (("web-1", 7.5e6),)),)))
    assert row.values == ("7.5 MB per 1m",)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.931, Unit.RATIO, "93.1%"),
        (1536, Unit.BYTES, "1.54 kB"),
        (0, Unit.BYTES, "0 B"),
        (312, Unit.SECONDS, "5m 12s"),
        (-61, Unit.SECONDS, "-1m 1s"),
        (90000, Unit.SECONDS, "1d 1h"),
        (1.25, Unit.SECONDS, "1.25s"),
        (float("inf"), Unit.SECONDS, "infs"),
        (1234567, Unit.COUNT, "1.23457e+06"),
    ],
)
def test_numbers_as_people_read_them(value: float, unit: Unit, text: str) -> None:
    assert spoken(value, unit) == text
