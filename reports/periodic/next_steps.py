"""What to do next: the runbooks of the alerts that fired, the most urgent first. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reports.periodic.facts import Facts, Runbook
from reports.periodic.figures import incidents_in
from reports.periodic.incidents import AlertIncident

SEVERITIES = ("critical", "warning", "info")
"""Most urgent first."""


@dataclass(frozen=True)
class NextStep:
    """What to do about an alert.

    Attributes:
        alert: its name.
        severity: the highest with which it fired.
        subjects: agents or servers.
        firing: how many had not ended.
        runbook: None for an alert that is no longer configured.
    """

    alert: str
    severity: str
    subjects: tuple[str, ...]
    times: int
    firing: int
    runbook: Runbook | None


def next_steps(facts: Facts) -> Sequence[NextStep]:
    """One step for each alert that fired: those that still fire first, then by severity and by how often."""
    same: defaultdict[str, list[AlertIncident]] = defaultdict(list)
    for incident in incidents_in(facts, facts.period):
        same[incident.alert].append(incident)
    steps = [_step(alert, incidents, facts.runbooks.get(alert)) for alert, incidents in same.items()]
    return sorted(steps, key=lambda step: (not step.firing, _urgency(step.severity), -step.times, step.alert))


def _step(alert: str, incidents: Sequence[AlertIncident], runbook: Runbook | None) -> NextStep:
    severity = min((incident.severity for incident in incidents), key=_urgency)
    subjects = tuple(sorted({incident.subject for incident in incidents if incident.subject}))
    return NextStep(alert, severity, subjects, len(incidents), sum(it.ended is None for it in incidents), runbook)


def _urgency(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
