"""A condition as people write it, compiled to PromQL."""

from dataclasses import dataclass

from alerting.gates import CONFIGURED
from alerting.language import Clause, Comparison, parse
from alerting.model import Severity
from alerting.situations import SITUATIONS
from alerting.terms import Term
from alerting.units import Unit
from alerting.vocabulary import MEASURES, SILENCES
from nervesys.settings import Settings
from nervesys.settings.check import nearest
from nervesys.settings.thresholds import Pair

KNOWN_TO_THE_BRAIN = f"and on (agent) last_over_time({CONFIGURED}[1h])"
"""An agent that is taken out of the brain falls silent; an hour bridges what the brain's exporter may miss."""


@dataclass(frozen=True)
class Compiled:
    """PromQL, and the labels that its result carries."""

    expr: str
    by: tuple[str, ...]


def compiled(text: str, settings: Settings, severity: Severity | None) -> Compiled:
    """Compile a condition.

    Args:
        text: in the language of `alerting.language`.
        settings: thresholds and intervals.
        severity: which of a pair of thresholds is meant.

    Raises:
        ValueError: what is wrong with it, in words, with the nearest valid word where one is near.
    """
    parts = [_clause(clause, settings, severity) for clause in parse(text)]
    by = parts[0].by
    if any(part.by != by for part in parts):
        spoken = " and ".join(" and ".join(part.by) or "the fleet" for part in parts)
        raise ValueError(f"its parts speak of {spoken}; all must speak of the same, or be joined by hand in `expr`")
    expr = parts[0].expr
    if len(parts) > 1:
        expr = f"\nand on ({', '.join(by)})\n".join(f"(\n{part.expr}\n)" for part in parts)
    return Compiled(f"{expr}\n{KNOWN_TO_THE_BRAIN}" if "agent" in by else expr, by)


def reads_a_pair(text: str, settings: Settings) -> bool:
    """Whether a condition reads a warning and a critical threshold.

    Raises:
        ValueError: it cannot be read.
    """
    return any(
        isinstance(clause, Comparison)
        and clause.bound is None
        and any(term.threshold and isinstance(term.threshold(settings.thresholds), Pair) for term in _terms(clause))
        for clause in parse(text)
    )


def _clause(clause: Clause, settings: Settings, severity: Severity | None) -> Compiled:
    if isinstance(clause, Comparison):
        return _comparison(clause, settings, severity)
    if clause.words not in SITUATIONS:
        raise ValueError(f"unknown situation {clause.words!r}; {nearest(clause.words, SITUATIONS)}")
    named = SITUATIONS[clause.words]
    return Compiled(named.promql(settings), named.by)


def _terms(clause: Comparison) -> tuple[Term, ...]:
    """What the words mean, one for each unit that they may be compared in."""
    known, kind = (SILENCES, "thing that can fail to come") if clause.silence else (MEASURES, "metric")
    if clause.words not in known:
        raise ValueError(f"unknown {kind} {clause.words!r}; {nearest(clause.words, known)}")
    return known[clause.words]


def _comparison(clause: Comparison, settings: Settings, severity: Severity | None) -> Compiled:
    terms, bound, window = _terms(clause), clause.bound, clause.window
    if bound is None:
        term = next((term for term in terms if term.threshold), None)
        if term is None or term.threshold is None:
            raise ValueError(f"no threshold is set for {clause.words}; write a value, {terms[0].unit}")
        value, over = _threshold(term.unit, term.threshold(settings.thresholds), severity)
        return Compiled(term.promql(settings, clause.operator, value, over if window is None else window), term.by)
    term = next((term for term in terms if term.unit is bound.unit), None)
    if term is None:
        raise ValueError(f"{clause.words} is compared with {' or '.join(term.unit for term in terms)}")
    return Compiled(term.promql(settings, clause.operator, bound.value, window), term.by)


def _threshold(unit: Unit, said: Pair | float, severity: Severity | None) -> tuple[float, float | None]:
    """The value in base units, and the window that goes with it."""
    if not isinstance(said, Pair):
        return (said / 100 if unit is Unit.RATIO else said), None
    if severity not in {Severity.WARNING, Severity.CRITICAL}:
        raise ValueError("its threshold is a pair; the severity must be warning or critical, or be left out for both")
    percent = said.warning if severity is Severity.WARNING else said.critical
    return percent / 100, said.over_minutes * 60
