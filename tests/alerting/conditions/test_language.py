import pytest

from alerting.conditions.language import (
    Clause,
    Comparison,
    Days,
    Hours,
    Misread,
    Quantity,
    Situation,
    Spot,
    Words,
    parse,
)
from alerting.units import Unit, promql_duration, seconds
from tests.properties import given, st

NINETY = Quantity(0.9, Unit.RATIO)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("no heartbeat > 5 minutes", [Comparison(Words("heartbeat"), ">", Quantity(300, Unit.SECONDS), silence=True)]),
        ("no heartbeat > threshold", [Comparison(Words("heartbeat"), ">", None, silence=True)]),
        ("cpu > 90% for 10 minutes", [Comparison(Words("cpu"), ">", NINETY, 600)]),
        ("CPU>=90 percent", [Comparison(Words("cpu"), ">=", NINETY)]),
        ("store clock offset > 30s", [Comparison(Words("store clock offset"), ">", Quantity(30, Unit.SECONDS))]),
        ("errors > 20 in 1h30m", [Comparison(Words("errors"), ">", Quantity(20, Unit.COUNT), 5400)]),
        ("buffer < 1.5 GB", [Comparison(Words("buffer"), "<", Quantity(1.5e9, Unit.BYTES))]),
        (
            "memory > threshold for 1 day and cpu > 90%",
            [Comparison(Words("memory"), ">", None, 86400), Comparison(Words("cpu"), ">", NINETY)],
        ),
        (
            "tokens > 5000 per minute in 1 hour",
            [Comparison(Words("tokens"), ">", Quantity(5000, Unit.COUNT, per=60), 3600)],
        ),
        ("memory > cpu for 5m", [Comparison(Words("memory"), ">", Words("cpu"), 300)]),
        ("target down", [Situation(Words("target down"))]),
    ],
)
def test_sentences(text: str, clauses: list[Clause]) -> None:
    condition = parse(text)
    assert condition.clauses == tuple(clauses)
    assert condition.during == ()


@pytest.mark.parametrize(
    ("text", "during"),
    [
        ("target down between 08:00 and 18:30", (Hours(480, 1110),)),
        ("target down on weekends", (Days(weekdays=False),)),
        ("cpu > 5% FOR 1h and disk > 5% Between 22:00 AND 06:00 on weekdays", (Hours(1320, 360), Days(weekdays=True))),
    ],
)
def test_times_at_which_it_counts(text: str, during: tuple[Hours | Days, ...]) -> None:
    assert parse(text).during == during


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", 1, "here should be `no` or a word"),
        ("cpu >", 6, "here should be `threshold` or a number or a word"),
        ("cpu >> 90%", 6, "here should be `threshold` or a number or a word"),
        ("no heartbeat", 13, "here should be a comparison such as >"),
        ("cpu 90%", 5, "a comparison such as > or a word"),
        ("cpu > 90% and", 14, "here should be `no` or a word"),
        ("cpu > 90 persent", 10, "unknown unit 'persent'; did you mean 'percent'?"),
        ("cpu > 90% fro 10 minutes", 11, "did you mean `for`?"),
        ("cpu > 90% for 10", 15, "after `for` or `in` stands a duration"),
        ("disk > 5 MB 3 s", 8, "do not add up"),
        ("tokens > 5 per MB", 16, "after `per` stands a unit of time"),
        ("target down between 8:00 and 9:00", 21, "here should be a time such as 08:00"),
        ("target down between 08:00 and 08:00", 31, "there is no time between the two"),
        ("target down on mondays", 16, "here should be `weekdays` or `weekends`"),
    ],
)
def test_what_is_no_sentence_is_told_where_it_breaks(text: str, column: int, problem: str) -> None:
    with pytest.raises(Misread) as err:
        parse(text)
    assert err.value.at == Spot(1, column)
    assert problem in err.value.problem


def test_places_are_told_by_line_too() -> None:
    with pytest.raises(Misread, match=r"^line 2, column 16: unknown unit 'cows'"):
        parse("cpu > 90%\nand memory > 5 cows")


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
        assert parse(text)
    except Misread as err:
        assert err.problem
        assert err.at.column <= max(map(len, text.split("\n"))) + 1


@pytest.mark.parametrize(
    ("text", "value"), [("10 minutes", 600), ("1h30m", 5400), ("90s", 90), ("2 weeks", 1209600), ("1 min", 60)]
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "5", "5 percent", "minutes 5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|unit of time"):
        seconds(text)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0s"), (90, "90s"), (600, "10m"), (7200, "2h"), (86400, "1d"), (0.25, "250ms")]
)
def test_durations_as_promql_writes_them(value: float, text: str) -> None:
    assert promql_duration(value) == text
