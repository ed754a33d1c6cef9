"""A day is counted step by step: together the steps must come to what the live exporter counts.

Covers: exporters.history.days.
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from exporters.history.days import STEP_SECONDS, STEPS, DaySums, sum_up
from exporters.shared.counting import Series
from exporters.shared.records import DURATION, MAX_MODELS, RECORDS, TOKENS, tally
from nervesys.errors import Reason
from tests.exporters.shared.kit import PLAIN
from tests.properties import given, st

DAY = date(2026, 1, 31)
NUMBERS: st.SearchStrategy[Any] = st.one_of(st.integers(-2, 700_000), st.floats(width=32), st.none())
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "timestamp": st.sampled_from(["2026-01-31T23:59:59.999999Z", "2026-01-31T10:15:00+12:00", 1769854500, "soon"]),
    "agent_id": st.sampled_from(["GROK", "gimai", "no name"]),
    "level": st.sampled_from(["ERROR", "warning", None]),
    "category": st.sampled_from(["errors", "AUDIT", 7]),
    "context": st.fixed_dictionaries({}, optional={"duration_ms": NUMBERS}),
    "metadata": st.fixed_dictionaries(
        {}, optional={"model_version": st.text(max_size=2), "tokens_used": NUMBERS, "input_tokens": NUMBERS}
    ),
}
LINES = st.one_of(
    st.fixed_dictionaries({}, optional=FIELDS).map(lambda changed: json.dumps(PLAIN | changed).encode()),
    st.sampled_from([b"", b" \r", b"{"]),
)


def line(**changed: object) -> bytes:
    return json.dumps(PLAIN | changed).encode()


def whole(total: DaySums) -> dict[Series, list[float]]:
    """A day's sums without its steps."""
    return {
        series: [sum(values) for values in zip(*steps.values(), strict=True)] for series, steps in total.sums.items()
    }


@given(st.lists(LINES, max_size=30))
def test_it_comes_to_what_the_live_exporter_counts(lines: Sequence[bytes]) -> None:
    sums, skipped = tally((line + b"\n" for line in lines), None)
    total = sum_up([lines], DAY)
    assert whole(total) == {series: pytest.approx(values) for series, values in sums.items()}
    assert total.skipped == skipped
    assert total.records == sum(values[0] for series, values in sums.items() if series[0] == RECORDS.name)


def test_records_count_in_their_step_and_those_of_other_days_at_the_ends() -> None:
    times = {
        "2026-01-30T23:55:00Z": 0,
        "2026-01-31T00:19:59Z": 0,
        "2026-01-31T00:20:00Z": 1,
        "2026-01-31T23:59:59Z": STEPS - 1,
        "2026-02-01T00:05:00Z": STEPS - 1,
    }
    total = sum_up([[line(timestamp=at) for at in times]], DAY)
    counted = total.sums[RECORDS.name, "grok", "activity", "INFO"]
    assert {step: count for step, (count,) in counted.items()} == Counter(times.values())
    assert STEPS * STEP_SECONDS == 86_400


def test_lines_that_were_made_before_are_left_out_wherever_batches_end() -> None:
    lines = [line(agent_id=f"agent-{number}") for number in range(10)]
    for skip in range(11):
        total = sum_up([lines[:4], lines[4:7], lines[7:]], DAY, skip)
        assert {series[1] for series in total.sums} == {f"agent-{number}" for number in range(skip, 10)}
        assert total.lines == 10


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.history.days.ACCUMULATE_LINES", 3)
    total = sum_up([[line()]] * 10, DAY)
    assert whole(total)[DURATION.name, "grok"][3] == 10
    assert whole(total)[TOKENS.name, "grok", "large"] == [1200]


def test_an_agent_has_a_bounded_number_of_models() -> None:
    total = sum_up([[line(metadata={"model_version": f"m{n}", "tokens_used": 1}) for n in range(50)]], DAY)
    models = {series[2]: steps for series, steps in total.sums.items() if series[0] == TOKENS.name}
    assert len(models) == MAX_MODELS + 1
    assert sum(sum(values) for values in models["other"].values()) == 50 - MAX_MODELS


def test_a_bad_name_costs_its_records() -> None:
    total = sum_up([[line(agent_id="no name"), line(agent_id="no name"), line()]], DAY)
    assert total.skipped == {Reason.BAD_NAME: 2}
    assert {series[1] for series in total.sums} == {"grok"}
