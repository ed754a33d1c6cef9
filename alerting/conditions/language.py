"""The language of conditions: text in, a small tree out.

    no heartbeat > 5 minutes                absence: no update for so long
    cpu > 90% for 10 minutes                a value, all through a window
    errors > 20 in 1 hour                   a count within a window
    tokens > 5000 per minute in 1 hour      a rate, over a window
    failed tasks > completed tasks in 1 day two values with the same labels and unit
    memory > threshold and cpu > 50%        `threshold` stands for what config/thresholds.yaml says
    target down                             a named condition
    cpu > 50% between 22:00 and 06:00 on weekdays      holds at these times only, in UTC

The words are only parsed here; `alerting.conditions.vocabulary` gives their meanings.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from alerting.units import UNITS, BaseUnit
from nervesys.settings.check import suggest

GRAMMAR = r"""
    condition: clause ("and"i clause)* [hours] [days]

    ?clause: "no"i words OPERATOR bound                         -> silence
           | words OPERATOR bound [("for"i | "in"i) quantity]   -> comparison
           | words                                              -> situation

    ?bound: quantity
          | quantity "per"i UNIT                                -> rate
          | "threshold"i                                        -> threshold
          | words
    quantity: (NUMBER [UNIT])+
    words: WORD+
    hours: "between"i TIME "and"i TIME
    days: "on"i DAYS

    OPERATOR: ">=" | "<=" | ">" | "<"
    WORD: /[A-Za-z][A-Za-z_-]*/
    UNIT: /[A-Za-z]+|%/
    NUMBER: /[0-9]+(\.[0-9]+)?/
    TIME: /([01][0-9]|2[0-3]):[0-5][0-9]/
    DAYS: "weekdays"i | "weekends"i

    %import common.WS
    %ignore WS
"""


@dataclass(frozen=True)
class Position:
    """Where something stands in a condition; both count from 1."""

    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"column {self.column}" if self.line == 1 else f"line {self.line}, column {self.column}"


START = Position()


class ConditionError(ValueError):
    """A condition with an error of syntax or meaning.

    Attributes:
        at: where the error is.
        problem: what is wrong there.
    """

    def __init__(self, at: Position, problem: str) -> None:
        self.at, self.problem = at, problem
        super().__init__(f"{at}: {problem}")


@dataclass(frozen=True)
class Phrase:
    """What a condition calls something, in lower case."""

    text: str
    at: Position = field(default=START, compare=False)


@dataclass(frozen=True)
class Quantity:
    """A number in the base unit of what it measures.

    Attributes:
        per: seconds, where it is a rate.
    """

    value: float
    unit: BaseUnit
    per: float | None = None
    at: Position = field(default=START, compare=False)


@dataclass(frozen=True)
class Comparison:
    """`WORDS > BOUND for WINDOW`, or `no WORDS > BOUND`.

    Attributes:
        silence: it began with `no`.
        bound: a quantity, or what else is measured; None where `threshold` stands.
        window: seconds, where one is given.
    """

    words: Phrase
    operator: str
    bound: Quantity | Phrase | None
    window: float | None = None
    silence: bool = False


@dataclass(frozen=True)
class NamedClause:
    """A named condition, such as `target down`."""

    words: Phrase


@dataclass(frozen=True)
class Hours:
    """A part of each day, in minutes since midnight; one that ends before it begins goes on past midnight."""

    start: int
    end: int


@dataclass(frozen=True)
class Days:
    """A part of each week: weekdays, or else weekends."""

    weekdays: bool


Clause = Comparison | NamedClause


@dataclass(frozen=True)
class Condition:
    """A parsed condition.

    Attributes:
        clauses: all of which must hold.
        schedule: when it counts; always, where empty.
    """

    clauses: tuple[Clause, ...]
    schedule: tuple[Hours | Days, ...] = ()


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Condition]):
    """Makes the tree's nodes of the parser's."""

    def condition(self, *parts: Clause | Hours | Days | None) -> Condition:
        *clauses, hours, days = parts
        schedule = tuple(part for part in (hours, days) if part)
        return Condition(cast("tuple[Clause, ...]", tuple(clauses)), cast("tuple[Hours | Days, ...]", schedule))

    def silence(self, words: Phrase, operator: str, bound: Quantity | Phrase | None) -> Comparison:
        return Comparison(words, str(operator), bound, silence=True)

    def comparison(
        self, words: Phrase, operator: str, bound: Quantity | Phrase | None, window: Quantity | None
    ) -> Comparison:
        if window is not None and window.unit is not BaseUnit.SECONDS:
            raise ConditionError(window.at, f"after `for` or `in` stands {BaseUnit.SECONDS}")
        return Comparison(words, str(operator), bound, None if window is None else window.value)

    def situation(self, words: Phrase) -> NamedClause:
        return NamedClause(words)

    def threshold(self) -> None:
        return None

    def words(self, *words: Token) -> Phrase:
        return Phrase(" ".join(words).lower(), _position(words[0]))

    def quantity(self, *tokens: Token | None) -> Quantity:
        parts = [_quantity(number, unit) for number, unit in zip(tokens[::2], tokens[1::2], strict=True) if number]
        units = {part.unit for part in parts}
        if len(units) > 1:
            raise ConditionError(parts[0].at, f"{' and '.join(sorted(units))} do not add up")
        return Quantity(sum(part.value for part in parts), units.pop(), at=parts[0].at)

    def rate(self, amount: Quantity, each: Token) -> Quantity:
        per = _unit(each)
        if per[0] is not BaseUnit.SECONDS:
            raise ConditionError(_position(each), "after `per` stands a unit of time, such as second, minute or hour")
        return Quantity(amount.value, amount.unit, per[1], amount.at)

    def hours(self, start: Token, end: Token) -> Hours:
        if start == end:
            raise ConditionError(_position(end), "there is no time between the two")
        return Hours(_minutes(start), _minutes(end))

    def days(self, days: Token) -> Days:
        return Days(days.lower() == "weekdays")


def _position(token: Token) -> Position:
    return Position(token.line or 1, token.column or 1)


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def _quantity(number: Token, spelling: Token | None) -> Quantity:
    unit, factor = (BaseUnit.COUNT, 1.0) if spelling is None else _unit(spelling)
    return Quantity(float(number) * factor, unit, at=_position(number))


def _unit(spelling: Token) -> tuple[BaseUnit, float]:
    if spelling not in UNITS:
        raise ConditionError(_position(spelling), f"unknown unit {str(spelling)!r}; {suggest(spelling, UNITS)}")
    return UNITS[spelling]


_PARSER = Lark(GRAMMAR, start="condition", parser="lalr", transformer=_TreeBuilder(), maybe_placeholders=True)

_TERMINALS = {
    "WORD": "a word",
    "OPERATOR": "a comparison such as >",
    "NUMBER": "a number",
    "UNIT": "a unit",
    "TIME": "a time such as 08:00",
    "DAYS": "`weekdays` or `weekends`",
    "$END": "the end",
}
"""What messages call the terminals that are no plain words."""


def parse_condition(text: str) -> Condition:
    """Parse a condition.

    Raises:
        ConditionError: a syntax error, with its position and what was expected there.
    """
    try:
        return cast("Condition", _PARSER.parse(text))
    except UnexpectedToken as err:
        at_end = err.token.type == "$END"
        raise _unexpected(text, _end(text) if at_end else _position(err.token), err.expected) from None
    except UnexpectedCharacters as err:
        raise _unexpected(text, Position(err.line, err.column), err.allowed) from None


def _end(text: str) -> Position:
    lines = text.split("\n")
    return Position(len(lines), len(lines[-1]) + 1)


def _unexpected(text: str, at: Position, terminals: Iterable[str]) -> ConditionError:
    expected = sorted(_TERMINALS.get(name, f"`{name.lower()}`") for name in terminals)
    found = re.match(r"[A-Za-z]*", text.split("\n")[at.line - 1][at.column - 1 :])
    near = get_close_matches(found[0].lower() if found else "", [name.strip("`") for name in expected], n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return ConditionError(at, f"expected {' or '.join(expected)}{hint}")
