"""Conditions are parsed to a tree; errors name their position."""

import pytest

from alerting.conditions.language import (
    Clause,
    Comparison,
    ConditionError,
    Days,
    Hours,
    NamedClause,
    Phrase,
    Position,
    Quantity,
    parse_condition,
)
from alerting.units import BaseUnit, parse_duration, promql_duration
from tests.properties import given, st

NINETY = Quantity(0.9, BaseUnit.RATIO)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        (
            "no heartbeat > 5 minutes",
            [Comparison(Phrase("heartbeat"), ">", Quantity(300, BaseUnit.SECONDS), silence=True)],
        ),
        ("no heartbeat > threshold", [Comparison(Phrase("heartbeat"), ">", None, silence=True)]),
        ("cpu > 90% for 10 minutes", [Comparison(Phrase("cpu"), ">", NINETY, 600)]),
        ("CPU>=90 percent", [Comparison(Phrase("cpu"), ">=", NINETY)]),
        ("store clock offset > 30s", [Comparison(Phrase("store clock offset"), ">", Quantity(30, BaseUnit.SECONDS))]),
        ("errors > 20 in 1h30m", [Comparison(Phrase("errors"), ">", Quantity(20, BaseUnit.COUNT), 5400)]),
        ("buffer < 1.5 GB", [Comparison(Phrase("buffer"), "<", Quantity(1.5e9, BaseUnit.BYTES))]),
        (
            "memory > threshold for 1 day and cpu > 90%",
            [Comparison(Phrase("memory"), ">", None, 86400), Comparison(Phrase("cpu"), ">", NINETY)],
        ),
        (
            "tokens > 5000 per minute in 1 hour",
            [Comparison(Phrase("tokens"), ">", Quantity(5000, BaseUnit.COUNT, per=60), 3600)],
        ),
        ("memory > cpu for 5m", [Comparison(Phrase("memory"), ">", Phrase("cpu"), 300)]),
        ("target down", [NamedClause(Phrase("target down"))]),
    ],
)
def test_sentences(text: str, clauses: list[Clause]) -> None:
    condition = parse_condition(text)
    assert condition.clauses == tuple(clauses)
    assert condition.schedule == ()


@pytest.mark.parametrize(
    ("text", "during"),
    [
        ("target down between 08:00 and 18:30", (Hours(480, 1110),)),
        ("target down on weekends", (Days(weekdays=False),)),
        ("cpu > 5% FOR 1h and disk > 5% Between 22:00 AND 06:00 on weekdays", (Hours(1320, 360), Days(weekdays=True))),
    ],
)
def test_times_at_which_it_counts(text: str, during: tuple[Hours | Days, ...]) -> None:
    assert parse_condition(text).schedule == during


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", 1, "expected `no` or a word"),
        ("cpu >", 6, "expected `threshold` or a number or a word"),
        ("cpu >> 90%", 6, "expected `threshold` or a number or a word"),
        ("no heartbeat", 13, "expected a comparison such as >"),
        ("cpu 90%", 5, "a comparison such as > or a word"),
        ("cpu > 90% and", 14, "expected `no` or a word"),
        ("cpu > 90 persent", 10, "unknown unit 'persent'; did you mean 'percent'?"),
        ("cpu > 90% fro 10 minutes", 11, "did you mean `for`?"),
        ("cpu > 90% for 10", 15, "after `for` or `in` stands a duration"),
        ("disk > 5 MB 3 s", 8, "do not add up"),
        ("tokens > 5 per MB", 16, "after `per` stands a unit of time"),
        ("target down between 8:00 and 9:00", 21, "expected a time such as 08:00"),
        ("target down between 08:00 and 08:00", 31, "there is no time between the two"),
        ("target down on mondays", 16, "expected `weekdays` or `weekends`"),
    ],
)
def test_a_syntax_error_has_its_position(text: str, column: int, problem: str) -> None:
    with pytest.raises(ConditionError) as err:
        parse_condition(text)
    assert err.value.at == Position(1, column)
    assert problem in err.value.problem


def test_positions_have_a_line_too() -> None:
    with pytest.raises(ConditionError, match=r"^line 2, column 16: unknown unit 'cows'"):
        parse_condition("cpu > 90%\nand memory > 5 cows")


WORDS = st.sampled_from(
    [
        "no",
        "and",
        "for",
        "in",
        "per",
        "on",
        "between",
        "08:00",
        "weekdays",
        "threshold",
        "cpu",
        ">",
        ">=",
        "5",
        "1.5",
        "%",
        "minutes",
        "MB",
        "'",
        "\n",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        assert parse_condition(text)
    except ConditionError as err:
        assert err.problem
        assert err.at.column <= max(map(len, text.split("\n"))) + 1


@pytest.mark.parametrize(
    ("text", "value"), [("10 minutes", 600), ("1h30m", 5400), ("90s", 90), ("2 weeks", 1209600), ("1 min", 60)]
)
def test_durations(text: str, value: float) -> None:
    assert parse_duration(text) == value


@pytest.mark.parametrize("text", ["", "soon", "5", "5 percent", "minutes 5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|unit of time"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0s"), (90, "90s"), (600, "10m"), (7200, "2h"), (86400, "1d"), (0.25, "250ms")]
)
def test_durations_as_promql_writes_them(value: float, text: str) -> None:
    assert promql_duration(value) == text
