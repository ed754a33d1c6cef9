"""Compiles parsed conditions to PromQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

from alerting.conditions.freshness_guards import CONFIGURED
from alerting.conditions.language import Clause, Comparison, Condition, ConditionError, Days, Hours, NamedClause
from alerting.conditions.named_condition import NamedCondition
from alerting.conditions.named_conditions import NAMED_CONDITIONS
from alerting.conditions.resolve import resolve, terms_of
from alerting.conditions.vocabulary import Vocabulary
from alerting.model import AlertSeverity
from alerting.units import BaseUnit, format_quantity
from nervesys.contract.times import DAY_SECONDS
from nervesys.settings import Settings
from nervesys.settings.agents import ThresholdOverrides
from nervesys.settings.check import suggest
from nervesys.settings.thresholds import AgeThresholds, PercentThresholds

AgentThresholds = Mapping[str, ThresholdOverrides]
"""Thresholds that agents have of their own, by name."""


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
class ComparedLimit:
    """The number that a comparison compares with.

    Attributes:
        number: in the base unit.
        per: seconds, where it is a rate.
    """

    number: float
    unit: BaseUnit
    per: float | None = None

    def __str__(self) -> str:
        text = format_quantity(self.number, self.unit)
        return text if self.per is None else f"{text} per {format_quantity(self.per, BaseUnit.SECONDS)}"


@dataclass(frozen=True)
class CompiledCondition:
    """PromQL, and the labels that its result carries.

    Attributes:
        values: what it compares; empty for a situation.
        limits: the numbers that it compares with; an agent may have thresholds of its own.
    """

    expr: str
    by: tuple[str, ...]
    values: tuple[ComparedValue, ...] = ()
    limits: tuple[ComparedLimit, ...] = ()


@dataclass(frozen=True)
class ConditionCompiler:
    """Compiles the conditions of a fleet.

    Attributes:
        settings: thresholds and intervals.
        vocabulary: the words of the metric families.
        own: thresholds of agents that have some of their own.
        configured: a series that records who was configured within the last hour, if its user restricts every
            expression about agents to them; without one, every expression looks back by itself.
    """

    settings: Settings
    vocabulary: Vocabulary
    own: AgentThresholds = field(default_factory=dict)
    configured: str = ""

    def compile(self, condition: Condition, severity: AlertSeverity | None) -> CompiledCondition:
        """Compile a condition.

        Args:
            condition: as parsed.
            severity: which of a pair of thresholds is meant.

        Raises:
            ConditionError: the error, its position, and the nearest valid word.
        """
        common = self._compile_with(self.settings, condition, severity)
        if "agent" not in common.by:
            return common
        agents_by_expr: dict[str, list[str]] = {}
        for settings, agents in self._own_settings:
            try:
                expr = self._compile_with(settings, condition, severity).expr
            except ConditionError as err:
                raise ConditionError(err.at, f"with the thresholds of {agents[0]}: {err.problem}") from None
            if expr != common.expr:
                agents_by_expr.setdefault(expr, []).extend(agents)
        return replace(common, expr=self._restrict_to_configured(common.expr, agents_by_expr))

    @cached_property
    def _own_settings(self) -> tuple[tuple[Settings, list[str]], ...]:
        """The settings of agents with other thresholds than the fleet's, once for all agents that have the same."""
        common = self.settings.thresholds
        own = {common.model_dump_json(): (common, list[str]())}
        for agent, overrides in self.own.items():
            thresholds = overrides.over(common)
            own.setdefault(thresholds.model_dump_json(), (thresholds, []))[1].append(agent)
        others = list(own.values())[1:]
        return tuple((self.settings.model_copy(update={"thresholds": some}), agents) for some, agents in others)

    def labels(self, condition: Condition) -> tuple[str, ...]:
        """The labels that the result of a condition carries; nothing is compiled.

        Raises:
            ConditionError: a word is unknown, or its parts have different labels.
        """
        return _common_labels(condition, [self._labels(clause) for clause in condition.clauses])

    def has_threshold_pair(self, condition: Condition) -> bool:
        """Whether a condition reads a warning and a critical threshold.

        Raises:
            ConditionError: a word is unknown.
        """
        return any(
            isinstance(clause, Comparison)
            and clause.bound is None
            and any(
                term.threshold
                and isinstance(term.threshold(self.settings.thresholds), PercentThresholds | AgeThresholds)
                for term in terms_of(clause, self.vocabulary)
            )
            for clause in condition.clauses
        )

    def _labels(self, clause: Clause) -> tuple[str, ...]:
        return _named(clause).by if isinstance(clause, NamedClause) else resolve(clause, self.vocabulary).term.by

    def _compile_with(
        self, settings: Settings, condition: Condition, severity: AlertSeverity | None
    ) -> CompiledCondition:
        parts = [self._clause(settings, clause, severity) for clause in condition.clauses]
        by = _common_labels(condition, [part.by for part in parts])
        expr = parts[0].expr
        if len(parts) > 1:
            expr = f"\nand on ({', '.join(by)})\n".join(f"(\n{part.expr}\n)" for part in parts)
        if condition.schedule:
            times = (f"and on () ({_schedule_promql(times)})" for times in condition.schedule)
            expr = "\n".join([f"(\n{expr}\n)", *times])
        values = tuple(value for part in parts for value in part.values)
        return CompiledCondition(expr, by, values, tuple(limit for part in parts for limit in part.limits))

    def _clause(self, settings: Settings, clause: Clause, severity: AlertSeverity | None) -> CompiledCondition:
        if isinstance(clause, NamedClause):
            named = _named(clause)
            return CompiledCondition(named.promql(settings), named.by)
        try:
            return self._comparison(settings, clause, severity)
        except ConditionError:
            raise
        except ValueError as err:
            raise ConditionError(clause.words.at, str(err)) from None

    def _comparison(self, settings: Settings, clause: Comparison, severity: AlertSeverity | None) -> CompiledCondition:
        resolved, window = resolve(clause, self.vocabulary), clause.window
        term, limit = resolved.term, resolved.bound
        if limit is None:
            assert term.threshold is not None, "a term without a threshold is not chosen for one"
            limit, over = _threshold(term.unit, term.threshold(settings.thresholds), severity)
            window = over if window is None else window
        value = term.value(settings, clause.operator, window)
        values = (ComparedValue(clause.words.text, value, term.unit, resolved.per),) if value else ()
        try:
            expr = term.promql(settings, clause.operator, limit, window)
        except ValueError as err:
            keys = settings.thresholds.keys_of(limit) if resolved.bound is None and isinstance(limit, float) else ""
            raise ValueError(f"{err}{keys and f'; {limit:g} s is thresholds.{keys}'}") from None
        limits = (ComparedLimit(limit, term.unit, resolved.per),) if isinstance(limit, float | int) else ()
        return CompiledCondition(expr, term.by, values, limits)

    def _restrict_to_configured(self, common: str, agents_by_expr: Mapping[str, list[str]]) -> str:
        """Restrict the expression to configured agents; those with thresholds of their own get an expression each.

        Args:
            common: the expression with the fleet's thresholds.
            agents_by_expr: other expressions, with the agents that each is for.
        """
        if not agents_by_expr and self.configured:
            return common
        if not agents_by_expr:
            return f"{common}\n{self._configured()}"
        others = "|".join(sorted(chain.from_iterable(agents_by_expr.values())))
        parts = [f"(\n{common}\n)\n{self._configured('!~', others)}"]
        parts += [
            f"(\n{expr}\n)\n{self._configured('=~', '|'.join(agents))}" for expr, agents in agents_by_expr.items()
        ]
        return "\nor\n".join(parts)

    def _configured(self, operator: str = "", names: str = "") -> str:
        """Matches the agents that the brain configures, or those among them that a matcher names."""
        which = f'{{agent{operator}"{names}"}}' if operator else ""
        known = f"{self.configured}{which}" if self.configured else f"last_over_time({CONFIGURED}{which}[1h])"
        return f"and on (agent) {known}"


def _common_labels(condition: Condition, labels: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The labels of all clauses, which must be the same."""
    for clause, own in zip(condition.clauses, labels, strict=True):
        if own != labels[0]:
            named = " and ".join(" and ".join(other) or "the fleet" for other in labels)
            problem = f"its parts have different labels: {named}; they must be the same, or be joined by hand in `expr`"
            raise ConditionError(clause.words.at, problem)
    return labels[0]


def _schedule_promql(schedule: Hours | Days) -> str:
    """A vector of one element without labels at these times, and an empty one at others; in UTC."""
    if isinstance(schedule, Days):
        return "day_of_week() > 0 < 6" if schedule.weekdays else "day_of_week() == 0 or day_of_week() == 6"
    clock = "hour() * 60 + minute()"
    if schedule.start < schedule.end:
        return f"{clock} >= {schedule.start} < {schedule.end}"
    return f"{clock} >= {schedule.start} or {clock} < {schedule.end}"


def _named(clause: NamedClause) -> NamedCondition:
    name = clause.words
    if name.text not in NAMED_CONDITIONS:
        problem = f"unknown named condition {name.text!r}; {suggest(name.text, NAMED_CONDITIONS)}"
        raise ConditionError(name.at, problem)
    return NAMED_CONDITIONS[name.text]


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
