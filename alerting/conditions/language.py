"""The language of conditions: text in, a small tree out.

    no heartbeat > 5 minutes                silence: what should be new is old
    cpu > 90% for 10 minutes                a value, all through a window
    errors > 20 in 1 hour                   a count within a window
    tokens > 5000 per minute in 1 hour      a rate, over a window
    failed tasks > completed tasks in 1 day one of two that are measured alike
    memory > threshold and cpu > 50%        `threshold` stands for what config/thresholds.yaml says
    target down                             a situation that has a name of its own
    cpu > 50% between 22:00 and 06:00 on weekdays      holds at these times only, in UTC

Here words are only read; what they mean is told by `alerting.conditions.vocabulary`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from alerting.units import UNITS, Unit
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
class Spot:
    """Where something stands in a condition; both count from 1."""

    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"column {self.column}" if self.line == 1 else f"line {self.line}, column {self.column}"


START = Spot()


class Misread(ValueError):
    """A condition that cannot be read, or cannot be meant.

    Attributes:
        at: where it breaks.
        problem: what is wrong there.
    """

    def __init__(self, at: Spot, problem: str) -> None:
        self.at, self.problem = at, problem
        super().__init__(f"{at}: {problem}")


@dataclass(frozen=True)
class Words:
    """What a condition calls something, in lower case."""

    text: str
    at: Spot = field(default=START, compare=False)


@dataclass(frozen=True)
class Quantity:
    """A number in the base unit of what it measures.

    Attributes:
        per: seconds, where it is a rate.
    """

    value: float
    unit: Unit
    per: float | None = None
    at: Spot = field(default=START, compare=False)


@dataclass(frozen=True)
class Comparison:
    """`WORDS > BOUND for WINDOW`, or `no WORDS > BOUND`.

    Attributes:
        silence: it began with `no`.
        bound: a quantity, or what else is measured; None where `threshold` stands.
        window: seconds, where one is given.
    """

    words: Words
    operator: str
    bound: Quantity | Words | None
    window: float | None = None
    silence: bool = False


@dataclass(frozen=True)
class Situation:
    """Words alone, such as `target down`."""

    words: Words


@dataclass(frozen=True)
class Hours:
    """A part of each day, in minutes since midnight; one that ends before it begins goes on past midnight."""

    start: int
    end: int


@dataclass(frozen=True)
class Days:
    """A part of each week: weekdays, or else weekends."""

    weekdays: bool


Clause = Comparison | Situation


@dataclass(frozen=True)
class Condition:
    """A condition, read.

    Attributes:
        clauses: all of which must hold.
        during: when it counts; always, where empty.
    """

    clauses: tuple[Clause, ...]
    during: tuple[Hours | Days, ...] = ()


@v_args(inline=True)
class _Reader(Transformer[Token, Condition]):
    """Makes the tree's nodes of the parser's."""

    def condition(self, *parts: Clause | Hours | Days | None) -> Condition:
        *clauses, hours, days = parts
        during = tuple(one for one in (hours, days) if one)
        return Condition(cast("tuple[Clause, ...]", tuple(clauses)), cast("tuple[Hours | Days, ...]", during))

    def silence(self, words: Words, operator: str, bound: Quantity | Words | None) -> Comparison:
        return Comparison(words, str(operator), bound, silence=True)

    def comparison(
        self, words: Words, operator: str, bound: Quantity | Words | None, window: Quantity | None
    ) -> Comparison:
        if window is not None and window.unit is not Unit.SECONDS:
            raise Misread(window.at, f"after `for` or `in` stands {Unit.SECONDS}")
        return Comparison(words, str(operator), bound, None if window is None else window.value)

    def situation(self, words: Words) -> Situation:
        return Situation(words)

    def threshold(self) -> None:
        return None

    def words(self, *words: Token) -> Words:
        return Words(" ".join(words).lower(), _spot(words[0]))

    def quantity(self, *tokens: Token | None) -> Quantity:
        parts = [_measured(number, unit) for number, unit in zip(tokens[::2], tokens[1::2], strict=True) if number]
        units = {part.unit for part in parts}
        if len(units) > 1:
            raise Misread(parts[0].at, f"{' and '.join(sorted(units))} do not add up")
        return Quantity(sum(part.value for part in parts), units.pop(), at=parts[0].at)

    def rate(self, amount: Quantity, each: Token) -> Quantity:
        per = _unit(each)
        if per[0] is not Unit.SECONDS:
            raise Misread(_spot(each), "after `per` stands a unit of time, such as second, minute or hour")
        return Quantity(amount.value, amount.unit, per[1], amount.at)

    def hours(self, start: Token, end: Token) -> Hours:
        if start == end:
            raise Misread(_spot(end), "there is no time between the two")
        return Hours(_minutes(start), _minutes(end))

    def days(self, days: Token) -> Days:
        return Days(days.lower() == "weekdays")


def _spot(token: Token) -> Spot:
    return Spot(token.line or 1, token.column or 1)


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def _measured(number: Token, spelling: Token | None) -> Quantity:
    unit, factor = (Unit.COUNT, 1.0) if spelling is None else _unit(spelling)
    return Quantity(float(number) * factor, unit, at=_spot(number))


def _unit(spelling: Token) -> tuple[Unit, float]:
    if spelling not in UNITS:
        raise Misread(_spot(spelling), f"unknown unit {str(spelling)!r}; {suggest(spelling, UNITS)}")
    return UNITS[spelling]


_PARSER = Lark(GRAMMAR, start="condition", parser="lalr", transformer=_Reader(), maybe_placeholders=True)

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


def parse(text: str) -> Condition:
    """Read a condition.

    Raises:
        Misread: it is no sentence of the language; says where it breaks and what was expected there.
    """
    try:
        return cast("Condition", _PARSER.parse(text))
    except UnexpectedToken as err:
        at_end = err.token.type == "$END"
        raise _unexpected(text, _end(text) if at_end else _spot(err.token), err.expected) from None
    except UnexpectedCharacters as err:
        raise _unexpected(text, Spot(err.line, err.column), err.allowed) from None


def _end(text: str) -> Spot:
    lines = text.split("\n")
    return Spot(len(lines), len(lines[-1]) + 1)


def _unexpected(text: str, at: Spot, terminals: Iterable[str]) -> Misread:
    expected = sorted(_TERMINALS.get(name, f"`{name.lower()}`") for name in terminals)
    found = re.match(r"[A-Za-z]*", text.split("\n")[at.line - 1][at.column - 1 :])
    near = get_close_matches(found[0].lower() if found else "", [name.strip("`") for name in expected], n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return Misread(at, f"here should be {' or '.join(expected)}{hint}")
