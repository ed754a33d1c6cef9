"""What people type is parsed; everything else is an error that names the word.

Covers: nervesys.logs.logql.expressions, nervesys.logs.logql.lexer.
"""

import pytest

from nervesys.logs.logql.expressions import (
    BinaryOperation,
    Constant,
    FilterGroup,
    Grouping,
    JsonStage,
    LabelFilter,
    LabelMatcher,
    LabelsStage,
    LineFilter,
    LineFormat,
    LogSelector,
    RangeAggregation,
    VectorAggregation,
    selectors_of,
)
from nervesys.logs.logql.lexer import QUERY_CHARACTERS, LogqlError, parse_duration
from nervesys.logs.logql.parser import parse

GROK = LabelMatcher("agent", "=", "grok")


@pytest.mark.parametrize(
    ("query", "parsed"),
    [
        ("{}", LogSelector((), ())),
        ('{agent="grok", level!~`a|b`}', LogSelector((GROK, LabelMatcher("level", "!~", "a|b")), ())),
        ('{agent="grok"} # all\n |= "a\\"b\\n" or `c`', LogSelector((GROK,), (LineFilter("|=", ('a"b\n', "c")),))),
        (
            '{agent="grok"} |~ "a\\.b\\d+" != "x"',
            LogSelector((GROK,), (LineFilter("|~", (r"a\.b\d+",)), LineFilter("!=", ("x",)))),
        ),
        (
            '{agent="grok"} | json | a="x" and b > 2, (c<=1.5s or d != -3)',
            LogSelector(
                (GROK,),
                (
                    JsonStage(),
                    FilterGroup(
                        "and",
                        (
                            LabelFilter("a", "=", "x"),
                            LabelFilter("b", ">", 2.0),
                            FilterGroup("or", (LabelFilter("c", "<=", 1.5), LabelFilter("d", "!=", -3.0))),
                        ),
                    ),
                ),
            ),
        ),
        (
            '{agent="grok"} | drop __error__, x | keep json | line_format "{{.a}}: {{ .b }}!"',
            LogSelector(
                (GROK,),
                (
                    LabelsStage(False, ("__error__", "x")),
                    LabelsStage(True, ("json",)),
                    LineFormat(("", "a", ": ", "b", "!")),
                ),
            ),
        ),
        ('{agent="grok"} | json="x"', LogSelector((GROK,), (LabelFilter("json", "=", "x"),))),
        (
            'sum by (level) (rate({agent="grok"} [1h30m] offset 5m))',
            VectorAggregation(
                "sum",
                RangeAggregation("rate", LogSelector((GROK,), ()), 5400, 300),
                Grouping(False, frozenset({"level"})),
                0,
            ),
        ),
        (
            'topk(3, bytes_rate({agent="grok"}[5m] |= "x")) without ()',
            VectorAggregation(
                "topk",
                RangeAggregation("bytes_rate", LogSelector((GROK,), (LineFilter("|=", ("x",)),)), 300, 0),
                Grouping(True, frozenset()),
                3,
            ),
        ),
        (
            "vector(1)+vector(1) * -2",
            BinaryOperation("+", Constant(1, False), BinaryOperation("*", Constant(1, False), Constant(-2, True))),
        ),
        (
            "(3 - 2) - 1",
            BinaryOperation("-", BinaryOperation("-", Constant(3, True), Constant(2, True)), Constant(1, True)),
        ),
    ],
)
def test_queries_are_parsed(query: str, parsed: object) -> None:
    assert parse(query) == parsed


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "the end of the query"),
        ("agent", "`agent`"),
        ("{agent}", "`}`"),
        ('{agent="grok"', "the end of the query"),
        ('{agent="grok"} | logfmt', "`logfmt`"),
        ('{agent="grok"} | pattern "<a>"', "`pattern`"),
        ('{agent="grok"} | json x="y"', "`x`"),
        ('{agent="grok"} | unwrap duration', "`unwrap`"),
        ('sum_over_time({agent="grok"} | unwrap x [5m])', "`sum_over_time`"),
        ('quantile_over_time(0.9, {agent="grok"}[5m])', "`quantile_over_time`"),
        ('absent_over_time({agent="grok"}[5m])', "`absent_over_time`"),
        ('count_over_time({agent="grok"})', "`)`"),
        ('count_over_time({agent="grok"}[0s])', "longer than 0"),
        ('count_over_time({agent="grok"}[5])', "`5`"),
        ('sum(rate({agent="grok"}[5m])) > 5', "`>`"),
        ('{agent="grok"} |= 5', "`5`"),
        ('{agent="grok"} | a > "5"', '`"5"`'),
        ('{agent="grok"} | a =~ 5', "`5`"),
        ('{agent="grok"} | line_format "{{.a | upper}}"', "only {{.label}}"),
        ('{agent="gr', "not understood"),
        ('{agent="\\x"}', "invalid escape"),
        ('{agent="grok"} |> "a"', "`>`"),
        ("(" * 60 + "1" + ")" * 60, "levels of parentheses"),
        ('{agent=~"a"} |~ "b"' + ' or "c"' * 19, "more than 20 regular expressions"),
        ('{agent="a"} | json | ' + " and ".join(['x!~"b"'] * 21), "more than 20 regular expressions"),
        ("1" * (QUERY_CHARACTERS + 1), "characters"),
        ("label_replace(vector(1))", "`label_replace`"),
    ],
)
def test_what_is_not_supported_is_named(query: str, word: str) -> None:
    with pytest.raises(LogqlError) as raised:
        parse(query)
    assert word in str(raised.value)


def test_all_selectors_of_a_metric_query_are_found() -> None:
    query = parse('sum(rate({agent="a"}[1m])) / sum(rate({agent="b"}[1m])) + 1')
    assert not isinstance(query, LogSelector)
    assert [selector.matchers[0].value for selector in selectors_of(query)] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h30m", 5400), ("500ms", 0.5), ("7", 7), ("1.5", 1.5), ("2w", 1209600)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
