"""Counts in windows, compared with counting by hand; and what is made of them."""

import json
import random
from collections.abc import Iterable

import pytest

from nervesys.logs.entries import LogEntry, parse_entry
from nervesys.logs.logql import metrics
from nervesys.logs.logql.expressions import LogSelector, RangeAggregation
from nervesys.logs.logql.lexer import LogqlError
from nervesys.logs.logql.metrics import MICROS, MetricEvaluation, Steps, Vector, calculate
from nervesys.logs.logql.parser import parse
from tests.nervesys.logs.fleet_logs import NOW, record

RANDOM = random.Random(11)
ENTRIES = [
    parse_entry(
        json.dumps(
            record(
                round(NOW - RANDOM.uniform(0, 3600), 3),
                number,
                RANDOM.choice(["grok", "kim"]),
                level=RANDOM.choice(["INFO", "ERROR"]),
            )
        ).encode(),
        "srv-1",
        None,
    )
    for number in range(300)
]
EXACT = [parse_entry(json.dumps(record(NOW - seconds)).encode(), "srv-1", None) for seconds in (600, 300, 0)]


def evaluate(query: str, steps: Steps, entries: list[LogEntry]) -> Vector:
    def read(_: RangeAggregation, after: int, until: int) -> Iterable[LogEntry]:
        return [entry for entry in entries if after < entry.at * MICROS <= until]

    parsed = parse(query)
    assert not isinstance(parsed, LogSelector)
    return MetricEvaluation(steps, read).evaluate(parsed)


def by_hand(at: float, seconds: float, **conditions: str) -> float | None:
    found = [
        entry
        for entry in ENTRIES
        if at - seconds < entry.at <= at and all(str(getattr(entry, k)) == v for k, v in conditions.items())
    ]
    return len(found) or None


@pytest.mark.parametrize("step", [7.0, 60.0, 1000.0])
@pytest.mark.parametrize("seconds", [13, 300, 7200])
def test_windows_count_what_lies_in_them(step: float, seconds: int) -> None:
    steps = Steps.of(NOW - 3000, NOW, step)
    vector = evaluate(f"sum by (agent) (count_over_time({{}}[{seconds}s]))", steps, ENTRIES)
    for agent in ("grok", "kim"):
        found = vector.get((("agent", agent),), [None] * steps.count)
        assert found == [by_hand(at, seconds, agent=agent) for at in steps.seconds]


def test_a_window_excludes_its_start_and_includes_its_end() -> None:
    assert evaluate("sum(count_over_time({}[5m]))", Steps.of(NOW, NOW, 1), EXACT) == {(): [1]}
    assert evaluate("sum(count_over_time({}[301s]))", Steps.of(NOW, NOW, 1), EXACT) == {(): [2]}
    assert evaluate("sum(count_over_time({}[5m] offset 5m))", Steps.of(NOW, NOW, 1), EXACT) == {(): [1]}


def test_rates_bytes_and_series() -> None:
    steps = Steps.of(NOW, NOW, 1)
    [(labels, [rate])] = evaluate("rate({}[1000s])", steps, EXACT).items()
    assert dict(labels) == {"agent": "grok", "server": "srv-1", "level": "info", "category": "activity"}
    assert rate == 3 / 1000
    size = sum(len(entry.line) for entry in EXACT)
    assert list(evaluate("bytes_over_time({}[1000s])", steps, EXACT).values()) == [[size]]
    assert list(evaluate("bytes_rate({}[1000s])", steps, EXACT).values()) == [[size / 1000]]


def test_aggregations() -> None:
    steps = Steps.of(NOW - 1000, NOW, 500)
    series = evaluate("count_over_time({}[1h])", steps, ENTRIES)

    def column(function: str, step: int) -> float | None:
        return evaluate(f"{function}(count_over_time({{}}[1h]))", steps, ENTRIES)[()][step]

    for step in range(steps.count):
        values = [value for row in series.values() if (value := row[step]) is not None]
        assert column("max", step) == max(values)
        assert column("min", step) == min(values)
        assert column("count", step) == len(values) == 4
        assert column("avg", step) == sum(values) / len(values)
        assert column("sum", step) == sum(values)
        top = evaluate("topk(1, count_over_time({}[1h]))", steps, ENTRIES)
        assert [row[step] for row in top.values() if row[step] is not None] == [max(values)]
    by_agent = evaluate("bottomk by (agent) (1, count_over_time({}[1h]))", steps, ENTRIES)
    assert len({dict(labels)["agent"] for labels in by_agent}) == 2
    assert {tuple(dict(key)) for key in evaluate("sum without (level, category) (rate({}[1h]))", steps, ENTRIES)} == {
        ("agent", "server")
    }


def test_operators_go_with_equal_labels_and_numbers_with_all() -> None:
    steps = Steps.of(NOW, NOW, 1)
    query = 'sum by (agent) (count_over_time({level="error"}[1h])) / sum by (agent) (count_over_time({}[1h])) * 100'
    shares = evaluate(query, steps, ENTRIES)
    errors, all_ = by_hand(NOW, 3600, agent="kim", level="ERROR"), by_hand(NOW, 3600, agent="kim")
    assert errors
    assert all_
    assert shares[("agent", "kim"),] == [errors / all_ * 100]
    assert evaluate("vector(1)+vector(1)", steps, []) == {(): [2]}
    assert evaluate("10 - sum(count_over_time({}[1h]))", steps, EXACT) == {(): [7]}


def test_division_by_zero_is_no_error() -> None:
    assert [str(calculate("/", value, 0)) for value in (1, -1, 0)] == ["inf", "-inf", "nan"]


def test_too_many_steps_or_series_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LogqlError, match="steps are more than 11000"):
        Steps.of(0, NOW, 1)
    monkeypatch.setattr(metrics, "MOST_POINTS", 100)
    with pytest.raises(LogqlError, match="too many series"):
        evaluate("count_over_time({} | json [1h])", Steps.of(NOW, NOW, 1), ENTRIES)
    assert evaluate("sum(count_over_time({} | json [1h]))", Steps.of(NOW, NOW, 1), ENTRIES) == {(): [300]}
