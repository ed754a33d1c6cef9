"""Resolves the words of a comparison to the term of the vocabulary that its bound fits."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import product

from alerting.conditions.language import Comparison, ConditionError, Phrase, Quantity
from alerting.conditions.terms import Bound, Comparable, CountTerm, Term
from alerting.conditions.vocabulary import Vocabulary
from nervesys.settings.check import suggest

THRESHOLD = "threshold"


@dataclass(frozen=True)
class ResolvedComparison:
    """A comparison whose words are looked up.

    Attributes:
        term: what is compared.
        bound: None for the term's threshold.
        per: seconds, where the bound is a rate.
    """

    term: Term
    bound: Bound | None = None
    per: float | None = None


def resolve(clause: Comparison, vocabulary: Vocabulary) -> ResolvedComparison:
    """Find the term that a comparison means: of those that its words have, the first that fits its bound.

    Raises:
        ConditionError: a word is unknown, or the bound has another unit.
    """
    terms, bound = terms_of(clause, vocabulary), clause.bound
    match bound:
        case Phrase():
            others = _look_up(bound, vocabulary, (*vocabulary.measures, THRESHOLD))
            return ResolvedComparison(*_comparable_pair(clause.words, terms, bound, others))
        case Quantity():
            return ResolvedComparison(_term_with_unit(clause.words, terms, bound), bound.value, bound.per)
        case None:
            return ResolvedComparison(_term_with_threshold(clause.words, terms))


def terms_of(clause: Comparison, vocabulary: Vocabulary) -> tuple[Term, ...]:
    """The terms of a comparison's words: one for each unit in which they can be compared.

    Raises:
        ConditionError: a word is unknown.
    """
    words = clause.words
    if not clause.silence:
        return _look_up(words, vocabulary, vocabulary.measures)
    if words.text not in vocabulary.absences:
        problem = f"unknown event after `no`: {words.text!r}; {suggest(words.text, vocabulary.absences)}"
        raise ConditionError(words.at, problem)
    return vocabulary.absences[words.text]


def _look_up(words: Phrase, vocabulary: Vocabulary, hints: Iterable[str]) -> tuple[Term, ...]:
    if words.text not in vocabulary.measures:
        raise ConditionError(words.at, f"unknown metric {words.text!r}; {suggest(words.text, hints)}")
    return vocabulary.measures[words.text]


def _term_with_unit(words: Phrase, terms: tuple[Term, ...], bound: Quantity) -> Term:
    """The term that is compared in this unit, as a rate where the bound is one."""
    term = next((term for term in terms if term.unit is bound.unit), None)
    if term is None:
        raise ConditionError(bound.at, f"{words.text} is compared with {' or '.join(term.unit for term in terms)}")
    if bound.per is None:
        return term
    if not isinstance(term, CountTerm) or term.divisor:
        raise ConditionError(bound.at, f"{words.text} is not counted, so it has no rate; leave out what follows `per`")
    return replace(term, function="rate", scale=bound.per)


def _comparable_pair(
    words: Phrase, terms: tuple[Term, ...], bound: Phrase, others: tuple[Term, ...]
) -> tuple[Comparable, Comparable]:
    """The first two terms with the same labels and unit."""
    for term, other in product(terms, others):
        alike = (term.by, term.unit) == (other.by, other.unit)
        if alike and isinstance(term, Comparable) and isinstance(other, Comparable):
            return term, other
    problem = f"{words.text} and {bound.text} cannot be compared: their labels or units differ"
    raise ConditionError(bound.at, problem)


def _term_with_threshold(words: Phrase, terms: tuple[Term, ...]) -> Term:
    term = next((term for term in terms if term.threshold), None)
    if term is None:
        problem = f"no threshold is set for {words.text}; write a value, {terms[0].unit}"
        raise ConditionError(words.at, problem)
    return term
