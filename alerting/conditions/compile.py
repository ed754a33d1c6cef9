"""A condition as people write it, compiled to PromQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, product
from types import MappingProxyType

from alerting.conditions.freshness_guards import CONFIGURED
from alerting.conditions.language import (
    Clause,
    Comparison,
    Condition,
    Days,
    Hours,
    Misread,
    Quantity,
    Situation,
    Words,
    parse,
)
from alerting.conditions.named_conditions import SITUATIONS
from alerting.conditions.terms import Bound, Comparable, Count, Term
from alerting.conditions.vocabulary import MEASURES, SILENCES
from alerting.model import Severity
from alerting.units import Unit
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import Settings
from nervesys.settings.agents import ThresholdOverrides
from nervesys.settings.check import suggest
from nervesys.settings.thresholds import AgeThresholds, PercentThresholds

Own = Mapping[str, ThresholdOverrides]
"""Thresholds that agents have of their own, by name."""
NOBODYS: Own = MappingProxyType({})
THRESHOLD = "threshold"


@dataclass(frozen=True)
class Value:
    """The value that a comparison compares.

    Attributes:
        words: what the condition calls it.
        expr: PromQL.
        per: seconds, where it is a rate.
    """

    words: str
    expr: str
    unit: Unit
    per: float | None = None


@dataclass(frozen=True)
class Compiled:
    """PromQL, and the labels that its result carries.

    Attributes:
        values: what it compares; empty for a situation.
    """

    expr: str
    by: tuple[str, ...]
    values: tuple[Value, ...] = ()


def compiled(text: str, settings: Settings, severity: Severity | None, own: Own = NOBODYS) -> Compiled:
    """Compile a condition.

    Args:
        text: in the language of `alerting.conditions.language`.
        settings: thresholds and intervals.
        severity: which of a pair of thresholds is meant.
        own: thresholds of agents that have some of their own.

    Raises:
        Misread: what is wrong with it and where, in words, with the nearest valid word where one is near.
    """
    condition = parse(text)
    common = _whole(condition, settings, severity)
    if "agent" not in common.by:
        return common
    apart: dict[str, list[str]] = {}
    for agent, thresholds in own.items():
        its = settings.model_copy(update={"thresholds": thresholds.over(settings.thresholds)})
        try:
            expr = _whole(condition, its, severity).expr
        except Misread as err:
            raise Misread(err.at, f"with the thresholds of {agent}: {err.problem}") from None
        if expr != common.expr:
            apart.setdefault(expr, []).append(agent)
    return replace(common, expr=_known_to_the_brain(common.expr, apart))


def _known_to_the_brain(common: str, apart: Mapping[str, list[str]]) -> str:
    """Restrict the expression to configured agents; those with thresholds of their own get an expression each.

    Args:
        common: the expression with the fleet's thresholds.
        apart: other expressions, with the agents that each is for.
    """
    if not apart:
        return f"{common}\n{_configured()}"
    others = "|".join(sorted(chain.from_iterable(apart.values())))
    parts = [f"(\n{common}\n)\n{_configured('!~', others)}"]
    parts += [f"(\n{expr}\n)\n{_configured('=~', '|'.join(agents))}" for expr, agents in apart.items()]
    return "\nor\n".join(parts)


def _configured(operator: str = "", names: str = "") -> str:
    """Matches the agents that the brain configures; within the last hour, to bridge outages of the brain's exporter."""
    which = f'{{agent{operator}"{names}"}}' if operator else ""
    return f"and on (agent) last_over_time({CONFIGURED}{which}[1h])"


def _whole(condition: Condition, settings: Settings, severity: Severity | None) -> Compiled:
    parts = [_clause(clause, settings, severity) for clause in condition.clauses]
    by = parts[0].by
    for clause, part in zip(condition.clauses, parts, strict=True):
        if part.by != by:
            spoken = " and ".join(" and ".join(one.by) or "the fleet" for one in parts)
            problem = f"its parts speak of {spoken}; all must speak of the same, or be joined by hand in `expr`"
            raise Misread(clause.words.at, problem)
    expr = parts[0].expr
    if len(parts) > 1:
        expr = f"\nand on ({', '.join(by)})\n".join(f"(\n{part.expr}\n)" for part in parts)
    if condition.during:
        expr = "\n".join([f"(\n{expr}\n)", *(f"and on () ({_when(one)})" for one in condition.during)])
    return Compiled(expr, by, tuple(value for part in parts for value in part.values))


def reads_a_pair(text: str, settings: Settings) -> bool:
    """Whether a condition reads a warning and a critical threshold.

    Raises:
        Misread: it cannot be read.
    """
    return any(
        isinstance(clause, Comparison)
        and clause.bound is None
        and any(
            term.threshold and isinstance(term.threshold(settings.thresholds), PercentThresholds | AgeThresholds)
            for term in _terms(clause)
        )
        for clause in parse(text).clauses
    )


def _when(during: Hours | Days) -> str:
    """A vector of one element without labels at these times, and an empty one at others; in UTC."""
    if isinstance(during, Days):
        return "day_of_week() > 0 < 6" if during.weekdays else "day_of_week() == 0 or day_of_week() == 6"
    clock = "hour() * 60 + minute()"
    if during.start < during.end:
        return f"{clock} >= {during.start} < {during.end}"
    return f"{clock} >= {during.start} or {clock} < {during.end}"


def _clause(clause: Clause, settings: Settings, severity: Severity | None) -> Compiled:
    if isinstance(clause, Situation):
        name = clause.words
        if name.text not in SITUATIONS:
            raise Misread(name.at, f"unknown situation {name.text!r}; {suggest(name.text, SITUATIONS)}")
        named = SITUATIONS[name.text]
        return Compiled(named.promql(settings), named.by)
    try:
        return _comparison(clause, settings, severity)
    except Misread:
        raise
    except ValueError as err:
        raise Misread(clause.words.at, str(err)) from None


def _terms(clause: Comparison) -> tuple[Term, ...]:
    """The meanings of the words: one for each unit in which they can be compared."""
    if not clause.silence:
        return _measured(clause.words, MEASURES)
    words = clause.words
    if words.text not in SILENCES:
        problem = f"unknown thing that can fail to come {words.text!r}; {suggest(words.text, SILENCES)}"
        raise Misread(words.at, problem)
    return SILENCES[words.text]


def _measured(words: Words, hints: Iterable[str]) -> tuple[Term, ...]:
    if words.text not in MEASURES:
        raise Misread(words.at, f"unknown metric {words.text!r}; {suggest(words.text, hints)}")
    return MEASURES[words.text]


def _comparison(clause: Comparison, settings: Settings, severity: Severity | None) -> Compiled:
    terms, bound, window, per = _terms(clause), clause.bound, clause.window, None
    term: Term
    limit: Bound
    match bound:
        case Words():
            term, limit = _alike(clause.words, terms, bound)
        case Quantity():
            term, limit, per = _of_unit(clause.words, terms, bound), bound.value, bound.per
        case None:
            term, said = _with_threshold(clause.words, terms, settings)
            limit, over = _threshold(term.unit, said, severity)
            window = over if window is None else window
    value = term.value(settings, clause.operator, window)
    values = (Value(clause.words.text, value, term.unit, per),) if value else ()
    return Compiled(term.promql(settings, clause.operator, limit, window), term.by, values)


def _of_unit(words: Words, terms: tuple[Term, ...], bound: Quantity) -> Term:
    """The meaning that is compared in this unit, as a rate where it is one."""
    term = next((term for term in terms if term.unit is bound.unit), None)
    if term is None:
        raise Misread(bound.at, f"{words.text} is compared with {' or '.join(term.unit for term in terms)}")
    if bound.per is None:
        return term
    if not isinstance(term, Count) or term.divisor:
        raise Misread(bound.at, f"{words.text} is not counted, so it has no rate; leave out what follows `per`")
    return replace(term, function="rate", scale=bound.per)


def _alike(words: Words, terms: tuple[Term, ...], bound: Words) -> tuple[Comparable, Comparable]:
    """The two meanings that are measured alike."""
    others = _measured(bound, (*MEASURES, THRESHOLD))
    for term, other in product(terms, others):
        alike = (term.by, term.unit) == (other.by, other.unit)
        if alike and isinstance(term, Comparable) and isinstance(other, Comparable):
            return term, other
    problem = f"{words.text} and {bound.text} are not measured alike: for each agent or server, in the same unit"
    raise Misread(bound.at, problem)


def _with_threshold(
    words: Words, terms: tuple[Term, ...], settings: Settings
) -> tuple[Term, PercentThresholds | AgeThresholds | float]:
    for term in terms:
        if term.threshold:
            return term, term.threshold(settings.thresholds)
    raise ValueError(f"no threshold is set for {words.text}; write a value, {terms[0].unit}")


def _threshold(
    unit: Unit, said: PercentThresholds | AgeThresholds | float, severity: Severity | None
) -> tuple[float, float | None]:
    """The value in base units, and the window that goes with it."""
    if not isinstance(said, PercentThresholds | AgeThresholds):
        return (said / 100 if unit is Unit.RATIO else said), None
    if severity not in {Severity.WARNING, Severity.CRITICAL}:
        raise ValueError("its threshold is a pair; the severity must be warning or critical, or be left out for both")
    if isinstance(said, AgeThresholds):
        return (said.warning_days if severity is Severity.WARNING else said.critical_days) * DAY_SECONDS, None
    percent = said.warning if severity is Severity.WARNING else said.critical
    return percent / 100, said.over_minutes * 60
