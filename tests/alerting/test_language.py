import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.language import Clause, Comparison, Quantity, Situation, parse
from alerting.units import Unit, promql_duration, seconds

NINETY = Quantity(0.9, Unit.RATIO)


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("no heartbeat > 5 minutes", [Comparison("heartbeat", ">", Quantity(300, Unit.SECONDS), silence=True)]),
        ("no heartbeat > threshold", [Comparison("heartbeat", ">", None, silence=True)]),
        ("cpu > 90% for 10 minutes", [Comparison("cpu", ">", NINETY, 600)]),
        ("CPU>=90 percent", [Comparison("cpu", ">=", NINETY)]),
        ("store clock offset > 30s", [Comparison("store clock offset", ">", Quantity(30, Unit.SECONDS))]),
        ("errors > 20 in 1h30m", [Comparison("errors", ">", Quantity(20, Unit.COUNT), 5400)]),
        ("buffer < 1.5 GB", [Comparison("buffer", "<", Quantity(1.5e9, Unit.BYTES))]),
        (
            "memory > threshold for 1 day and cpu > 90%",
            [Comparison("memory", ">", None, 86400), Comparison("cpu", ">", NINETY)],
        ),
        ("target down", [Situation("target down")]),
    ],
)
def test_sentences(text: str, clauses: list[Clause]) -> None:
    assert parse(text) == tuple(clauses)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "column 1 should be `no` or a word"),
        ("cpu >", "column 6 should be `threshold` or a number"),
        ("cpu >> 90%", "column 6 should be `threshold` or a number"),
        ("no heartbeat", "column 13 should be a comparison such as >"),
        ("cpu 90%", "column 5 should be a comparison such as > or a word"),
        ("cpu > 90% and", "column 14 should be `no` or a word"),
        ("cpu > 90 persent", "unknown unit 'persent'; did you mean 'percent'?"),
        ("cpu > 90% for 10", "after `for` or `in` stands a duration"),
        ("disk > 5 MB 3 s", "do not add up"),
    ],
)
def test_what_is_no_sentence_is_told_where_it_breaks(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as err:
        parse(text)
    assert problem in str(err.value)


WORDS = st.sampled_from(
    ["no", "and", "for", "in", "threshold", "cpu", ">", ">=", "5", "1.5", "%", "minutes", "MB", "'", "\n"]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        assert parse(text)
    except ValueError as err:
        assert str(err)


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
