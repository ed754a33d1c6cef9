"""Metrics of the audit trail, which programs with one serve beside their own."""

from collections.abc import Iterable, Iterator

from nervesys.audit import AUDIT, AuditAction, AuditLog, AuditResult
from nervesys.metrics.condition_terms import ConditionTerm
from nervesys.metrics.family import Family, Period, Sample
from nervesys.metrics.fragments import Fragments
from nervesys.metrics.snapshot import MetricsSnapshot

EVENTS = Family(
    "audit_events_total",
    "counter",
    "Events of the audit trail, by action and result.",
    ("action", "result"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="audit events", kind="increase", labels=("action", "result")),),
)
FAILURES = Family(
    "audit_write_failures_total",
    "counter",
    "Failed writes of the audit trail: to the disk, or to the store, where the records wait on the disk.",
    ("to",),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="audit failures", kind="increase", labels=("to",)),),
)
LOST = Family(
    "audit_lost_records_total",
    "counter",
    "Records of the audit trail that were dropped because its buffer was full.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="lost audit records", kind="increase"),),
)
FAMILIES = (EVENTS, FAILURES, LOST)
DESTINATIONS = ("disk", "store")


def audit_snapshot(actions: Iterable[AuditAction], audit: AuditLog = AUDIT) -> MetricsSnapshot:
    """The metrics of the audit trail.

    Args:
        actions: those that the program knows; their series exist from the start, so that `increase` sees the first
            event.
        audit: whose counts they are.
    """
    rendered = Fragments(FAMILIES)
    rendered.put("audit", _samples(actions, audit))
    return rendered.snapshot()


def _samples(actions: Iterable[AuditAction], audit: AuditLog) -> Iterator[Sample]:
    counts = dict.fromkeys(((action, result) for action in actions for result in AuditResult), 0) | audit.counts
    for (action, result), number in counts.items():
        yield EVENTS.sample(number, action.value, result.value)
    for destination in DESTINATIONS:
        yield FAILURES.sample(audit.failures[destination], destination)
    yield LOST.sample(audit.lost)
