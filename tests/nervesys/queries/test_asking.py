"""Where the points of a graph lie."""

from dataclasses import dataclass, field

import pytest

from nervesys.prometheus import Prometheus, Series
from nervesys.queries.asking import Live
from nervesys.queries.reading import Question

NOW = 1_750_000_017.0
GRAPH = Question("page", "panel", "A", "up", instant=False, min_step="")


@dataclass(frozen=True)
class Remembering(Prometheus):
    """Answers nothing, and remembers what it was asked for."""

    asked: list[tuple[float, float, float]] = field(default_factory=list)

    def range(self, expr: str, start: float, end: float, step: float) -> list[Series]:
        self.asked.append((start, end, step))
        return []


@pytest.mark.parametrize(
    ("span", "step", "behind"),
    [
        pytest.param(1000, 5, 2, id="a short range ends on a multiple of its step, so that it does not jitter"),
        pytest.param(7 * 86_400, 2419.2, 57, id="a week ends within the last minute, for the stack may be younger"),
    ],
)
def test_a_range_ends_close_to_now(span: float, step: float, behind: float) -> None:
    prometheus = Remembering("http://nowhere")
    Live(prometheus, interval=5, now=NOW).ask(GRAPH, {}, span)
    [(start, end, asked_step)] = prometheus.asked
    assert asked_step == pytest.approx(step)
    assert end == pytest.approx(NOW - behind)
    assert span - step < end - start <= span
