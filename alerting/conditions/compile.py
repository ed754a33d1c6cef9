"""Compiles parsed conditions to PromQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from types import MappingProxyType

from alerting.conditions.freshness_guards import CONFIGURED
from alerting.conditions.language import (
    Clause,
    Comparison,
    Condition,
    ConditionError,
    Days,
    Hours,
    NamedClause,
    Phrase,
    Quantity,
)
from alerting.conditions.named_conditions import NAMED_CONDITIONS, NamedCondition
from alerting.conditions.terms import Bound, Comparable, CountTerm, Term
from alerting.conditions.vocabulary import ABSENCES, MEASURES
from alerting.model import AlertSeverity
from alerting.units import BaseUnit
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import Settings
from nervesys.settings.agents import ThresholdOverrides
from nervesys.settings.check import suggest
from nervesys.settings.thresholds import AgeThresholds, PercentThresholds

AgentThresholds = Mapping[str, ThresholdOverrides]
"""Thresholds that agents have of their own, by name."""
NO_AGENT_THRESHOLDS: AgentThresholds = MappingProxyType({})
THRESHOLD = "threshold"


@dataclass(frozen=True)
class ComparedValue:
    """The value that a comparison compares.

    Attributes:
        words: what the condition calls it.
        expr: PromQL.
        per: seconds, where it is a rate.
    """

    words: str
    expr: str
    unit: BaseUnit
    per: float | None = None


@dataclass(frozen=True)
class CompiledCondition:
    """PromQL, and the labels that its result carries.

    Attributes:
        values: what it compares; empty for a situation.
    """

    expr: str
    by: tuple[str, ...]
    values: tuple[ComparedValue, ...] = ()


def compile_condition(
    condition: Condition, settings: Settings, severity: AlertSeverity | None, own: AgentThresholds = NO_AGENT_THRESHOLDS
) -> CompiledCondition:
    """Compile a condition.

    Args:
        condition: as parsed.
        settings: thresholds and intervals.
        severity: which of a pair of thresholds is meant.
        own: thresholds of agents that have some of their own.

    Raises:
        ConditionError: the error, its position, and the nearest valid word.
    """
    common = _compile_all(condition, settings, severity)
    if "agent" not in common.by:
        return common
    agents_by_expr: dict[str, list[str]] = {}
    for agent, thresholds in own.items():
        agent_settings = settings.model_copy(update={"thresholds": thresholds.over(settings.thresholds)})
        try:
            expr = _compile_all(condition, agent_settings, severity).expr
        except ConditionError as err:
            raise ConditionError(err.at, f"with the thresholds of {agent}: {err.problem}") from None
        if expr != common.expr:
            agents_by_expr.setdefault(expr, []).append(agent)
    return replace(common, expr=_restrict_to_configured(common.expr, agents_by_expr))


def condition_labels(condition: Condition) -> tuple[str, ...]:
    """The labels that the result of a condition carries; nothing is compiled.

    Raises:
        ConditionError: a word is unknown, or its parts have different labels.
    """
    return _common_labels(condition, [_labels(clause) for clause in condition.clauses])


def _restrict_to_configured(common: str, agents_by_expr: Mapping[str, list[str]]) -> str:
    """Restrict the expression to configured agents; those with thresholds of their own get an expression each.

    Args:
        common: the expression with the fleet's thresholds.
        agents_by_expr: other expressions, with the agents that each is for.
    """
    if not agents_by_expr:
        return f"{common}\n{_configured()}"
    others = "|".join(sorted(chain.from_iterable(agents_by_expr.values())))
    parts = [f"(\n{common}\n)\n{_configured('!~', others)}"]
    parts += [f"(\n{expr}\n)\n{_configured('=~', '|'.join(agents))}" for expr, agents in agents_by_expr.items()]
    return "\nor\n".join(parts)


def _configured(operator: str = "", names: str = "") -> str:
    """Matches the agents that the brain configures; within the last hour, to bridge outages of the brain's exporter."""
    which = f'{{agent{operator}"{names}"}}' if operator else ""
    return f"and on (agent) last_over_time({CONFIGURED}{which}[1h])"


def _compile_all(condition: Condition, settings: Settings, severity: AlertSeverity | None) -> CompiledCondition:
    parts = [_clause(clause, settings, severity) for clause in condition.clauses]
    by = _common_labels(condition, [part.by for part in parts])
    expr = parts[0].expr
    if len(parts) > 1:
        expr = f"\nand on ({', '.join(by)})\n".join(f"(\n{part.expr}\n)" for part in parts)
    if condition.schedule:
        expr = "\n".join([f"(\n{expr}\n)", *(f"and on () ({_schedule_promql(times)})" for times in condition.schedule)])
    return CompiledCondition(expr, by, tuple(value for part in parts for value in part.values))


def _common_labels(condition: Condition, labels: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The labels of all clauses, which must be the same."""
    for clause, own in zip(condition.clauses, labels, strict=True):
        if own != labels[0]:
            named = " and ".join(" and ".join(other) or "the fleet" for other in labels)
            problem = f"its parts have different labels: {named}; they must be the same, or be joined by hand in `expr`"
            raise ConditionError(clause.words.at, problem)
    return labels[0]


def has_threshold_pair(condition: Condition, settings: Settings) -> bool:
    """Whether a condition reads a warning and a critical threshold.

    Raises:
        ConditionError: a word is unknown.
    """
    return any(
        isinstance(clause, Comparison)
        and clause.bound is None
        and any(
            term.threshold and isinstance(term.threshold(settings.thresholds), PercentThresholds | AgeThresholds)
            for term in _terms(clause)
        )
        for clause in condition.clauses
    )


def _schedule_promql(schedule: Hours | Days) -> str:
    """A vector of one element without labels at these times, and an empty one at others; in UTC."""
    if isinstance(schedule, Days):
        return "day_of_week() > 0 < 6" if schedule.weekdays else "day_of_week() == 0 or day_of_week() == 6"
    clock = "hour() * 60 + minute()"
    if schedule.start < schedule.end:
        return f"{clock} >= {schedule.start} < {schedule.end}"
    return f"{clock} >= {schedule.start} or {clock} < {schedule.end}"


def _clause(clause: Clause, settings: Settings, severity: AlertSeverity | None) -> CompiledCondition:
    if isinstance(clause, NamedClause):
        named = _named(clause)
        return CompiledCondition(named.promql(settings), named.by)
    try:
        return _comparison(clause, settings, severity)
    except ConditionError:
        raise
    except ValueError as err:
        raise ConditionError(clause.words.at, str(err)) from None


def _labels(clause: Clause) -> tuple[str, ...]:
    return _named(clause).by if isinstance(clause, NamedClause) else _resolve(clause).term.by


def _named(clause: NamedClause) -> NamedCondition:
    name = clause.words
    if name.text not in NAMED_CONDITIONS:
        problem = f"unknown named condition {name.text!r}; {suggest(name.text, NAMED_CONDITIONS)}"
        raise ConditionError(name.at, problem)
    return NAMED_CONDITIONS[name.text]


def _terms(clause: Comparison) -> tuple[Term, ...]:
    """The meanings of the words: one for each unit in which they can be compared."""
    if not clause.silence:
        return _look_up(clause.words, MEASURES)
    words = clause.words
    if words.text not in ABSENCES:
        problem = f"unknown event after `no`: {words.text!r}; {suggest(words.text, ABSENCES)}"
        raise ConditionError(words.at, problem)
    return ABSENCES[words.text]


def _look_up(words: Phrase, hints: Iterable[str]) -> tuple[Term, ...]:
    if words.text not in MEASURES:
        raise ConditionError(words.at, f"unknown metric {words.text!r}; {suggest(words.text, hints)}")
    return MEASURES[words.text]


@dataclass(frozen=True)
class _Resolved:
    """A comparison whose words are looked up.

    Attributes:
        bound: None for the term's threshold.
        per: seconds, where the bound is a rate.
    """

    term: Term
    bound: Bound | None = None
    per: float | None = None


def _resolve(clause: Comparison) -> _Resolved:
    terms, bound = _terms(clause), clause.bound
    match bound:
        case Phrase():
            return _Resolved(*_comparable_pair(clause.words, terms, bound))
        case Quantity():
            return _Resolved(_term_with_unit(clause.words, terms, bound), bound.value, bound.per)
        case None:
            return _Resolved(_term_with_threshold(clause.words, terms))


def _comparison(clause: Comparison, settings: Settings, severity: AlertSeverity | None) -> CompiledCondition:
    resolved, window = _resolve(clause), clause.window
    term, limit = resolved.term, resolved.bound
    if limit is None:
        assert term.threshold is not None, "a term without a threshold is not chosen for one"
        limit, over = _threshold(term.unit, term.threshold(settings.thresholds), severity)
        window = over if window is None else window
    value = term.value(settings, clause.operator, window)
    values = (ComparedValue(clause.words.text, value, term.unit, resolved.per),) if value else ()
    return CompiledCondition(term.promql(settings, clause.operator, limit, window), term.by, values)


def _term_with_unit(words: Phrase, terms: tuple[Term, ...], bound: Quantity) -> Term:
    """The meaning that is compared in this unit, as a rate where it is one."""
    term = next((term for term in terms if term.unit is bound.unit), None)
    if term is None:
        raise ConditionError(bound.at, f"{words.text} is compared with {' or '.join(term.unit for term in terms)}")
    if bound.per is None:
        return term
    if not isinstance(term, CountTerm) or term.divisor:
        raise ConditionError(bound.at, f"{words.text} is not counted, so it has no rate; leave out what follows `per`")
    return replace(term, function="rate", scale=bound.per)


def _comparable_pair(words: Phrase, terms: tuple[Term, ...], bound: Phrase) -> tuple[Comparable, Comparable]:
    """The first two terms with the same labels and unit."""
    others = _look_up(bound, (*MEASURES, THRESHOLD))
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


def _threshold(
    unit: BaseUnit, threshold: PercentThresholds | AgeThresholds | float, severity: AlertSeverity | None
) -> tuple[float, float | None]:
    """The value in base units, and the window that goes with it."""
    if not isinstance(threshold, PercentThresholds | AgeThresholds):
        return (threshold / 100 if unit is BaseUnit.RATIO else threshold), None
    if severity not in {AlertSeverity.WARNING, AlertSeverity.CRITICAL}:
        raise ValueError("its threshold is a pair; the severity must be warning or critical, or be left out for both")
    if isinstance(threshold, AgeThresholds):
        return (
            threshold.warning_days if severity is AlertSeverity.WARNING else threshold.critical_days
        ) * DAY_SECONDS, None
    percent = threshold.warning if severity is AlertSeverity.WARNING else threshold.critical
    return percent / 100, threshold.over_minutes * 60
