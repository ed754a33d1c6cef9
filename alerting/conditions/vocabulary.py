"""The words of conditions: those that the metric families have, each with what it is compiled to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alerting.conditions.language import Comparison, ConditionError, Phrase, Quantity, parse_condition
from alerting.conditions.terms import AgeTerm, CountTerm, GaugeTerm, QuietTerm, Term
from alerting.units import BaseUnit
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics import ConditionTerm, Family

AFTER_NO = ("absence", "quiet")
"""Kinds of terms that conditions write with `no`."""


@dataclass(frozen=True)
class Vocabulary:
    """Every word that conditions may use, in alphabetical order.

    Attributes:
        measures: what can be compared: `cpu > 90% for 10 minutes`. A word may have several terms, one for each unit.
        absences: what should keep coming: `no heartbeat > 5 minutes`.
    """

    measures: Mapping[str, tuple[Term, ...]]
    absences: Mapping[str, tuple[Term, ...]]


def vocabulary_of(families: Iterable[Family]) -> Vocabulary:
    """The vocabulary that metric families have.

    Args:
        families: those of all programs.

    Raises:
        ValueError: conditions cannot have this word, or it means two values in the same unit.
    """
    terms = [(term, _compilable(family, term)) for family in families for term in family.conditions]
    return Vocabulary(
        _by_word((term.word, meaning) for term, meaning in terms if term.kind not in AFTER_NO),
        _by_word((term.word, meaning) for term, meaning in terms if term.kind in AFTER_NO),
    )


def _check_word(family: Family, term: ConditionTerm) -> None:
    """Refuse words that a condition cannot have, such as `time in queue`, where `in` begins a window."""
    phrase = Phrase(term.word)
    absent = term.kind in AFTER_NO
    text = f"no {term.word} > 1 day" if absent else f"{term.word} > {term.word}"
    bound = Quantity(DAY_SECONDS, BaseUnit.SECONDS) if absent else phrase
    try:
        clauses = parse_condition(text).clauses
    except ConditionError as err:
        raise ValueError(f"{family.full_name}: conditions cannot have the word {term.word!r}: {err.problem}") from None
    if clauses != (Comparison(phrase, ">", bound, silence=absent),):
        raise ValueError(
            f"{family.full_name}: conditions cannot have the word {term.word!r}: they read {text!r} otherwise"
        )


def _by_word(terms: Iterable[tuple[str, Term]]) -> Mapping[str, tuple[Term, ...]]:
    found: dict[str, tuple[Term, ...]] = {}
    for word, term in terms:
        others = found.get(word, ())
        for other in others:
            if other.unit is term.unit:
                raise ValueError(
                    f"the condition word {word!r} is used twice for {term.unit}: {other.selector}, {term.selector}"
                )
        found[word] = (*others, term)
    return dict(sorted(found.items()))


def _compilable(family: Family, term: ConditionTerm) -> Term:
    _check_word(family, term)
    name, by, origin = family.full_name, term.labels, term.origin
    selector = f"{name}{term.matchers}"
    unit = BaseUnit[family.term_unit(term).upper()]
    match term.kind:
        case "level":
            return GaugeTerm(selector, by, unit, origin, term.threshold, term.per, term.either_side)
        case "increase":
            counted = f"{name}_count{term.matchers}" if family.kind == "histogram" else selector
            return CountTerm(counted, by, origin, unit=unit, threshold=term.threshold)
        case "changes":
            return CountTerm(selector, by, origin, "changes", unit, term.threshold)
        case "mean":
            total, count = (f"{name}_{part}{term.matchers}" for part in ("sum", "count"))
            return CountTerm(total, by, origin, unit=unit, threshold=term.threshold, divisor=count)
        case "age" | "absence":
            assert origin is not None, "a row without one is refused"
            return AgeTerm(selector, by, origin, term.threshold, term.narrowed, term.must_exist)
        case "quiet":
            assert origin is not None, "a row without one is refused"
            assert term.threshold is not None, "a row without one is refused"
            return QuietTerm(selector, origin, term.threshold, by)
