"""Incidents (alerts that fired) and deeds (actions that the receiver took), from Prometheus.

Only Prometheus has both completely and on one time scale: every firing alert is a series of `ALERTS`, and the receiver
counts its actions. The brain's alert log has only alerts with `log_to`, without actions and ends, and the receiver's
journal is pruned.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nervesys.clients.prometheus import Series
from reports.periodic.formatting import TIMES

STEP_SECONDS = 60
"""Resolution of times."""
FIRING = (
    f'max_over_time(ALERTS{{alertstate="firing",severity!="none",nervesys_test!="true"}}[{STEP_SECONDS * 1000 - 1}ms])'
)
"""For each minute, the alerts that fired; the range is just below a minute, so that it never includes both ends."""
_COUNTED = 'nervesys_actions_total{action!="log_to"}'
ENTERED = f"sum by (agent, action, state) ({_COUNTED} - {_COUNTED} offset {STEP_SECONDS}s > 0)"
"""For each minute, how many actions entered a state. Counters start at 0; a reset is negative and filtered out."""
NO_SUBJECT = frozenset({"__name__", "alertname", "alertstate", "severity"})
STEPS = ("running", "deferred", "skipped", "succeeded", "recovered", "escalated", "failed", "rejected")
"""States to report, in this order; `pending` is left out."""


@dataclass(frozen=True)
class AlertIncident:
    """An alert that fired without a gap of more than two minutes.

    Attributes:
        alert: its name.
        severity: `critical`, `warning`, `info`.
        subject: its agent or server, or else its other labels.
        agent: its agent; may be empty.
        began: Unix seconds.
        ended: None if it was still firing at the end of the queried time.
    """

    alert: str
    severity: str
    subject: str
    agent: str
    began: float
    ended: float | None

    @property
    def seconds(self) -> float | None:
        """Duration: the time to recovery."""
        return None if self.ended is None else self.ended - self.began

    def within(self, start: float, end: float) -> bool:
        """Whether it overlaps a period."""
        return self.began < end and (self.ended is None or self.ended > start)


@dataclass(frozen=True)
class ActionEvent:
    """Actions that entered a state within one minute."""

    at: float
    agent: str
    action: str
    state: str
    count: int


def incidents(firing: Sequence[Series], end: float) -> tuple[AlertIncident, ...]:
    """The incidents in the result of `FIRING`, oldest first.

    Args:
        firing: points at one-minute intervals, for one or more days; an alert may have several series.
        end: end of the queried time, in Unix seconds; alerts that fire then have not ended.
    """
    points: defaultdict[tuple[tuple[str, str], ...], set[float]] = defaultdict(set)
    for series in firing:
        points[tuple(sorted(series.labels.items()))].update(at for at, _ in series.points)
    found = [
        _incident(dict(labels), began, None if last >= end else last)
        for labels, times in points.items()
        for began, last in _runs(sorted(times))
    ]
    return tuple(sorted(found, key=lambda it: (it.began, it.alert, it.subject)))


def actions(entered: Sequence[Series]) -> tuple[ActionEvent, ...]:
    """The deeds in the result of `ENTERED`, oldest first."""
    found = (
        ActionEvent(
            at,
            series.labels.get("agent", ""),
            series.labels.get("action", ""),
            series.labels.get("state", ""),
            round(count),
        )
        for series in entered
        for at, count in series.points
    )
    return tuple(sorted(found, key=lambda it: (it.at, it.agent, it.action, it.state)))


def actions_during(incident: AlertIncident, all_actions: Sequence[ActionEvent]) -> str:
    """What was done for the incident's agent while it lasted, such as `restart_agent: running, recovered`."""
    until = incident.ended if incident.ended is not None else float("inf")
    during = [
        event
        for event in all_actions
        if event.agent == incident.agent and incident.began <= event.at <= until + STEP_SECONDS
    ]
    return "; ".join(f"{action}: {states}" for action, states in states_by_action(during).items())


def states_by_action(some: Sequence[ActionEvent]) -> Mapping[str, str]:
    """The states that actions entered, and how often, by action."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for event in some:
        if event.state in STEPS:
            counts[event.action][event.state] += event.count
    return {
        action: ", ".join(_times(state, of[state]) for state in STEPS if of[state]) for action, of in counts.items()
    }


def _times(state: str, count: int) -> str:
    return f"{state} {TIMES} {count}" if count > 1 else state


def _incident(labels: Mapping[str, str], began: float, ended: float | None) -> AlertIncident:
    agent = labels.get("agent", "")
    rest = [f"{name} {value}" for name, value in sorted(labels.items()) if name not in NO_SUBJECT and value]
    subject = agent or labels.get("server", "") or ", ".join(rest)
    return AlertIncident(labels.get("alertname", ""), labels.get("severity", ""), subject, agent, began, ended)


def _runs(times: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Start and end of each run; a point stands for the minute before it."""
    first = last = times[0]
    for at in times[1:]:
        if at - last > 2 * STEP_SECONDS:
            yield first - STEP_SECONDS, last
            first = at
        last = at
    yield first - STEP_SECONDS, last
