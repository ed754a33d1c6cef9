"""The language of conditions: text in, a small tree out.

    no heartbeat > 5 minutes                silence: what should be new is old
    cpu > 90% for 10 minutes                a value, all through a window
    errors > 20 in 1 hour                   a count within a window
    memory > threshold and cpu > 50%        `threshold` stands for what config/thresholds.yaml says
    target down                             a situation that has a name of its own

Here words are only read; what they mean is told by `alerting.vocabulary`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from alerting.units import UNITS, Unit
from nervesys.settings.check import nearest

GRAMMAR = r"""
    condition: clause ("and" clause)*

    ?clause: "no" words OPERATOR bound                       -> silence
           | words OPERATOR bound [("for" | "in") quantity]  -> comparison
           | words                                           -> situation

    ?bound: quantity | "threshold"                           -> threshold
    quantity: (NUMBER [UNIT])+
    words: WORD+

    OPERATOR: ">=" | "<=" | ">" | "<"
    WORD: /[A-Za-z][A-Za-z_-]*/
    UNIT: /[A-Za-z]+|%/
    NUMBER: /\d+(\.\d+)?/

    %import common.WS
    %ignore WS
"""


@dataclass(frozen=True)
class Quantity:
    """A number in the base unit of what it measures."""

    value: float
    unit: Unit


@dataclass(frozen=True)
class Comparison:
    """`WORDS > BOUND for WINDOW`, or `no WORDS > BOUND`.

    Attributes:
        silence: it began with `no`.
        bound: None where `threshold` stands.
        window: seconds, where one is given.
    """

    words: str
    operator: str
    bound: Quantity | None
    window: float | None = None
    silence: bool = False


@dataclass(frozen=True)
class Situation:
    """Words alone, such as `target down`."""

    words: str


Clause = Comparison | Situation


@v_args(inline=True)
class _Reader(Transformer[Token, tuple[Clause, ...]]):
    """Makes the tree's nodes of the parser's."""

    def condition(self, *clauses: Clause) -> tuple[Clause, ...]:
        return clauses

    def silence(self, words: str, operator: str, bound: Quantity | None) -> Comparison:
        return Comparison(words, str(operator), bound, silence=True)

    def comparison(self, words: str, operator: str, bound: Quantity | None, window: Quantity | None) -> Comparison:
        if window is not None and window.unit is not Unit.SECONDS:
            raise ValueError(f"after `for` or `in` stands {Unit.SECONDS}")
        return Comparison(words, str(operator), bound, None if window is None else window.value)

    def situation(self, words: str) -> Situation:
        return Situation(words)

    def threshold(self) -> None:
        return None

    def words(self, *words: Token) -> str:
        return " ".join(words).lower()

    def quantity(self, *tokens: str) -> Quantity:
        parts = [_measured(number, unit) for number, unit in zip(tokens[::2], tokens[1::2], strict=True)]
        units = {part.unit for part in parts}
        if len(units) > 1:
            raise ValueError(f"{' and '.join(sorted(units))} do not add up")
        return Quantity(sum(part.value for part in parts), units.pop())


def _measured(number: str, spelling: str | None) -> Quantity:
    if spelling is None:
        return Quantity(float(number), Unit.COUNT)
    if spelling not in UNITS:
        raise ValueError(f"unknown unit {str(spelling)!r}; {nearest(spelling, UNITS)}")
    unit, factor = UNITS[spelling]
    return Quantity(float(number) * factor, unit)


_PARSER = Lark(GRAMMAR, start="condition", parser="lalr", transformer=_Reader(), maybe_placeholders=True)

_TERMINALS = {
    "WORD": "a word",
    "OPERATOR": "a comparison such as >",
    "NUMBER": "a number",
    "UNIT": "a unit",
    "$END": "the end",
}
"""What messages call the terminals that are no plain words."""


def parse(text: str) -> tuple[Clause, ...]:
    """The clauses of a condition, all of which must hold.

    Raises:
        ValueError: it is no sentence of the language; says where it breaks and what was expected there.
    """
    try:
        return cast("tuple[Clause, ...]", _PARSER.parse(text))
    except UnexpectedToken as err:
        at_end = err.token.type == "$END"
        raise ValueError(_expected(text, len(text) + 1 if at_end else err.column, err.expected)) from None
    except UnexpectedCharacters as err:
        raise ValueError(_expected(text, err.column, err.allowed)) from None


def _expected(text: str, column: int, terminals: Iterable[str]) -> str:
    names = sorted(_TERMINALS.get(name, f"`{name.lower()}`") for name in terminals)
    return f"cannot read {text!r}: column {column} should be {' or '.join(names)}"
