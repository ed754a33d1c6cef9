"""Parses LogQL: stream selectors, line filters, `| json`, label filters, and counts of lines (grafana.com/docs/loki).

What is not supported is an error that names the word.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from nervesys.contract.times import DAY_SECONDS
from nervesys.logs.logql.expressions import (
    RANGE_FUNCTIONS,
    VECTOR_FUNCTIONS,
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
    MetricExpression,
    RangeAggregation,
    Stage,
    VectorAggregation,
)
from nervesys.logs.logql.lexer import LogqlError, Token, tokens

MATCHES = ("=", "!=", "=~", "!~")
LINE_FILTERS = ("|=", "!=", "|~", "!~")
COMPARISONS = ("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<=")
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
DEEPEST, MOST_OPERATORS = 50, 50
"""Nesting of parentheses, and arithmetic operators of one query."""
MOST_PATTERNS = 20
"""Regular expressions of one query, each of which may take 10 MiB."""
LONGEST_SECONDS = 100 * 365 * DAY_SECONDS
"""Of a range or an offset."""
MOST_SERIES = 1_000_000
"""Of `topk` and `bottomk`."""
_Item = TypeVar("_Item")
_PLACEHOLDER = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")


def parse(query: str) -> LogSelector | MetricExpression:
    """Parse a query.

    Raises:
        LogqlError: it is wrong, or uses what is not supported.
    """
    parser = _Parser(list(tokens(query)))
    parsed = parser.logs() if parser.next.text == "{" else parser.metric()
    parser.expect("")
    return parsed


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = self._operators = self._patterns = 0

    @property
    def next(self) -> Token:
        """The token that is looked at."""
        return self._tokens[self._at]

    def logs(self) -> LogSelector:
        """A stream selector with its pipeline."""
        self.expect("{")
        matchers = [] if self.next.text == "}" else self._list(self._matcher)
        self.expect("}")
        return LogSelector(tuple(matchers), tuple(self._stages()))

    def metric(self, least: int = 1) -> MetricExpression:
        """A metric query, by precedence of its operators."""
        left = self._term()
        while (level := PRECEDENCE.get(self.next.text, 0)) >= least and self.next.kind == "sign":
            self._operators += 1
            if self._operators > MOST_OPERATORS:
                raise LogqlError(f"more than {MOST_OPERATORS} arithmetic operators")
            op = self._take().text
            left = BinaryOperation(op, left, self.metric(level + 1))
        return left

    def expect(self, text: str) -> Token:
        """Take a token with this text; that at the end of the query has none."""
        if self.next.text != text or (not text and self.next.kind != "end"):
            raise self._unexpected(f"`{text}`" if text else "the end of the query")
        return self._take()

    def _term(self) -> MetricExpression:
        token = self.next
        if token.text == "(":
            return self._in_parentheses(self.metric)
        if token.kind == "number" or token.text == "-":
            return Constant(self._number(), scalar=True)
        if token.text == "vector":
            self._take()
            return Constant(self._in_parentheses(self._number), scalar=False)
        if token.text in RANGE_FUNCTIONS:
            return self._range(self._take().text)
        if token.text in VECTOR_FUNCTIONS:
            return self._aggregation(self._take().text)
        known = ", ".join((*RANGE_FUNCTIONS, *VECTOR_FUNCTIONS))
        raise self._unexpected(f'a stream selector such as {{agent="grok"}}, or one of {known}')

    def _range(self, function: str) -> RangeAggregation:
        self.expect("(")
        logs = self.logs()
        self.expect("[")
        seconds = self._limited(self._duration(), LONGEST_SECONDS)
        self.expect("]")
        logs = LogSelector(logs.matchers, (*logs.stages, *self._stages()))
        offset = 0.0
        if self.next.text == "offset":
            self._take()
            offset = self._limited(self._duration(), LONGEST_SECONDS)
        self.expect(")")
        if not seconds:
            raise LogqlError("a range is longer than 0")
        return RangeAggregation(function, logs, seconds, offset)

    def _aggregation(self, function: str) -> VectorAggregation:
        grouping, count = self._grouping(), 0
        self.expect("(")
        if function in ("topk", "bottomk"):
            count = round(self._limited(self._number(), MOST_SERIES))
            self.expect(",")
        inner = self._nested(self.metric)
        self.expect(")")
        return VectorAggregation(function, inner, grouping or self._grouping(), count)

    def _grouping(self) -> Grouping | None:
        if self.next.text not in ("by", "without"):
            return None
        without = self._take().text == "without"
        self.expect("(")
        labels = [] if self.next.text == ")" else self._list(self._word)
        self.expect(")")
        return Grouping(without, frozenset(labels))

    def _stages(self) -> list[Stage]:
        stages: list[Stage] = []
        while True:
            if self.next.text in LINE_FILTERS:
                stages.append(self._line_filter())
            elif self.next.text == "|":
                self._take()
                stages.append(self._stage())
            else:
                return stages

    def _line_filter(self) -> LineFilter:
        op = self._take().text
        values = [self._value(op)]
        while self.next.text == "or":
            self._take()
            values.append(self._value(op))
        return LineFilter(op, tuple(values))

    def _stage(self) -> Stage:
        after = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        is_filter = after.text in COMPARISONS
        match self.next.text:
            case "json" if not is_filter:
                self._take()
                if self.next.kind in ("word", "string"):
                    raise self._unexpected("the end of `json`: its parameters are not supported")
                return JsonStage()
            case "line_format" if not is_filter:
                self._take()
                return self._line_format()
            case ("keep" | "drop") as name if not is_filter:
                self._take()
                return LabelsStage(name == "keep", tuple(self._list(self._word)))
        if self.next.kind == "word" and not is_filter:
            raise self._unexpected('json, line_format, keep, drop, or a label filter such as level="error"')
        return self._any()

    def _line_format(self) -> LineFormat:
        text = self._string()
        parts = _PLACEHOLDER.split(text)
        if any("{{" in part for part in parts[::2]):
            raise LogqlError(f"line_format {text!r}: only {{{{.label}}}} is supported")
        return LineFormat(tuple(parts))

    def _any(self) -> LabelFilter | FilterGroup:
        return self._joined(self._all, ("or",), "or")

    def _all(self) -> LabelFilter | FilterGroup:
        return self._joined(self._filter, ("and", ","), "and")

    def _joined(
        self, part: Callable[[], LabelFilter | FilterGroup], words: tuple[str, ...], op: str
    ) -> LabelFilter | FilterGroup:
        parts = [part()]
        while self.next.text in words:
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else FilterGroup(op, tuple(parts))

    def _filter(self) -> LabelFilter | FilterGroup:
        if self.next.text == "(":
            return self._in_parentheses(self._any)
        label, op = self._word(), self.next
        if op.text not in COMPARISONS:
            raise self._unexpected(f"one of {' '.join(COMPARISONS)}")
        self._take()
        if self.next.kind == "string":
            if op.text not in MATCHES:
                raise self._unexpected("a number or a duration")
            return LabelFilter(label, op.text, self._value(op.text))
        if op.text in ("=~", "!~"):
            raise self._unexpected("text in quotes")
        value = self._duration() if self.next.kind == "duration" else self._number()
        return LabelFilter(label, "==" if op.text == "=" else op.text, value)

    def _matcher(self) -> LabelMatcher:
        label, op = self._word(), self.next
        if op.text not in MATCHES:
            raise self._unexpected(f"one of {' '.join(MATCHES)}")
        self._take()
        return LabelMatcher(label, op.text, self._value(op.text))

    def _list(self, item: Callable[[], _Item]) -> list[_Item]:
        items = [item()]
        while self.next.text == ",":
            self._take()
            items.append(item())
        return items

    def _in_parentheses(self, inner: Callable[[], _Item]) -> _Item:
        self.expect("(")
        found = self._nested(inner)
        self.expect(")")
        return found

    def _nested(self, inner: Callable[[], _Item]) -> _Item:
        self._depth += 1
        if self._depth > DEEPEST:
            raise LogqlError(f"more than {DEEPEST} levels of parentheses")
        found = inner()
        self._depth -= 1
        return found

    def _word(self) -> str:
        if self.next.kind != "word":
            raise self._unexpected("the name of a label")
        return self._take().text

    def _string(self) -> str:
        if self.next.kind != "string":
            raise self._unexpected("text in quotes")
        return self._take().string

    def _value(self, op: str) -> str:
        """The text after an operator; regular expressions are counted."""
        if "~" in op:
            self._patterns += 1
            if self._patterns > MOST_PATTERNS:
                raise LogqlError(f"more than {MOST_PATTERNS} regular expressions")
        return self._string()

    def _duration(self) -> float:
        if self.next.kind != "duration":
            raise self._unexpected("a duration such as 5m")
        return self._take().seconds

    def _number(self) -> float:
        sign = -1 if self.next.text == "-" and self._take() else 1
        if self.next.kind != "number":
            raise self._unexpected("a number")
        return sign * float(self._take().text)

    def _limited(self, number: float, most: float) -> float:
        if abs(number) > most:
            raise LogqlError(f"before character {self.next.at + 1}: a number or duration that is too large")
        return number

    def _take(self) -> Token:
        token = self.next
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _unexpected(self, wanted: str) -> LogqlError:
        token = self.next
        found = f"`{token.text[:40]}`" if token.text else "the end of the query"
        return LogqlError(f"at character {token.at + 1}: {found} is not supported here; expected {wanted}")
