"""What broke and what was done: alerts that fired, and the actions that entered a state meanwhile.

Both are read from Prometheus, which alone has all of it on one time scale: every alert leaves the series `ALERTS`,
whatever channels it has, and the receiver counts what it does. The brain's alert log holds only the alerts that ask for
it, and neither actions nor ends; the receiver's journal forgets, and is one program's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nervesys.prometheus import Series
from reports.periodic.words import TIMES

STEP_SECONDS = 60
"""Times are told to the minute."""
FIRING = (
    f'max_over_time(ALERTS{{alertstate="firing",severity!="none",nervesys_test!="true"}}[{STEP_SECONDS * 1000 - 1}ms])'
)
"""Each minute, what fired in it; an interval just short of a minute never holds two samples of its edges."""
_COUNTED = 'nervesys_actions_total{action!="log_to"}'
ENTERED = f"sum by (agent, action, state) ({_COUNTED} - {_COUNTED} offset {STEP_SECONDS}s > 0)"
"""Each minute, how many actions entered a state; every pair is at 0 from the start, and a restart counts below zero."""
NO_SUBJECT = frozenset({"__name__", "alertname", "alertstate", "severity"})
STEPS = ("running", "deferred", "skipped", "succeeded", "recovered", "escalated", "failed", "rejected")
"""Of actions, in the order in which they are told; that one is pending is no news."""


@dataclass(frozen=True)
class Incident:
    """An alert that fired without a break of two minutes.

    Attributes:
        alert: its name.
        severity: `critical`, `warning`, `info`.
        subject: whom it is about: an agent, a server, or whatever its labels tell.
        agent: empty where it is about none.
        began: Unix seconds.
        ended: None where it fired on at the end of what was asked.
    """

    alert: str
    severity: str
    subject: str
    agent: str
    began: float
    ended: float | None

    @property
    def seconds(self) -> float | None:
        """To its end: the time to recovery."""
        return None if self.ended is None else self.ended - self.began

    def within(self, start: float, end: float) -> bool:
        """Whether it fired in a period."""
        return self.began < end and (self.ended is None or self.ended > start)


@dataclass(frozen=True)
class Deed:
    """An action that entered a state, once or more within a minute."""

    at: float
    agent: str
    action: str
    state: str
    count: int


def incidents(firing: Sequence[Series], end: float) -> tuple[Incident, ...]:
    """The incidents of an answer to `FIRING`, oldest first.

    Args:
        firing: points a minute apart, of one or more days; one alert may come in several series.
        end: of what was asked, in Unix seconds: what fires then has not ended.
    """
    points: defaultdict[tuple[tuple[str, str], ...], set[float]] = defaultdict(set)
    for one in firing:
        points[tuple(sorted(one.labels.items()))].update(at for at, _ in one.points)
    found = [
        _incident(dict(labels), began, None if last >= end else last)
        for labels, times in points.items()
        for began, last in _runs(sorted(times))
    ]
    return tuple(sorted(found, key=lambda it: (it.began, it.alert, it.subject)))


def deeds(entered: Sequence[Series]) -> tuple[Deed, ...]:
    """What was done, of an answer to `ENTERED`, oldest first."""
    found = (
        Deed(at, one.labels.get("agent", ""), one.labels.get("action", ""), one.labels.get("state", ""), round(count))
        for one in entered
        for at, count in one.points
    )
    return tuple(sorted(found, key=lambda it: (it.at, it.agent, it.action, it.state)))


def done_about(incident: Incident, all_deeds: Sequence[Deed]) -> str:
    """What was done for the incident's agent while it lasted, such as `restart_agent: running, recovered`."""
    until = incident.ended if incident.ended is not None else float("inf")
    during = [
        deed
        for deed in all_deeds
        if incident.agent and deed.agent == incident.agent and incident.began <= deed.at <= until + STEP_SECONDS
    ]
    return "; ".join(f"{action}: {states}" for action, states in told(during).items())


def told(some: Sequence[Deed]) -> Mapping[str, str]:
    """The states that actions entered, with how often, by action."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for deed in some:
        if deed.state in STEPS:
            counts[deed.action][deed.state] += deed.count
    return {
        action: ", ".join(_times(state, of[state]) for state in STEPS if of[state]) for action, of in counts.items()
    }


def _times(state: str, count: int) -> str:
    return f"{state} {TIMES} {count}" if count > 1 else state


def _incident(labels: Mapping[str, str], began: float, ended: float | None) -> Incident:
    agent = labels.get("agent", "")
    rest = [f"{name} {value}" for name, value in sorted(labels.items()) if name not in NO_SUBJECT and value]
    subject = agent or labels.get("server", "") or ", ".join(rest)
    return Incident(labels.get("alertname", ""), labels.get("severity", ""), subject, agent, began, ended)


def _runs(times: Sequence[float]) -> Iterator[tuple[float, float]]:
    """First instant and last of each run; a point stands for the minute before it."""
    first = last = times[0]
    for at in times[1:]:
        if at - last > 2 * STEP_SECONDS:
            yield first - STEP_SECONDS, last
            first = at
        last = at
    yield first - STEP_SECONDS, last
