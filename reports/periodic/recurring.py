"""What recurs: the same alert for the same subject, and the same kind of error, again and again. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nervesys.contract.times import DAY_SECONDS
from reports.periodic.facts import Facts
from reports.periodic.figures import incidents_in
from reports.periodic.incidents import AlertIncident
from reports.periodic.log_totals import HOUR_SECONDS, ErrorKind
from reports.periodic.period import Frequency

LEAST = 2
"""In so many days, or hours of a day, a problem recurs."""


@dataclass(frozen=True)
class RecurringProblem:
    """An alert or a kind of error that came back.

    Attributes:
        kind: `alert` or `error`.
        subjects: agents or servers.
        times: how often.
        slots: in how many days, or hours of a day.
        last: Unix seconds.
    """

    kind: str
    text: str
    subjects: tuple[str, ...]
    times: int
    slots: int
    last: float


def slot_seconds(facts: Facts) -> float:
    """Length of what a problem is counted in: days, or hours for a daily report."""
    return HOUR_SECONDS if facts.period.every is Frequency.DAILY else DAY_SECONDS


def slot_noun(facts: Facts) -> str:
    """`hours` or `days`, likewise."""
    return "hours" if facts.period.every is Frequency.DAILY else "days"


def recurring(facts: Facts) -> Sequence[RecurringProblem]:
    """The problems that recurred: alerts first, then errors, each by the number of days, then how often."""
    found = [problem for problem in (*_alerts(facts), *_errors(facts)) if problem.slots >= LEAST]
    return sorted(found, key=lambda it: (it.kind, -it.slots, -it.times, it.text))


def _alerts(facts: Facts) -> Iterator[RecurringProblem]:
    """Alerts by name and subject; one that fires for days began once, and does not recur."""
    same: defaultdict[tuple[str, str], list[AlertIncident]] = defaultdict(list)
    for incident in incidents_in(facts, facts.period):
        same[incident.alert, incident.subject].append(incident)
    for (alert, subject), incidents in same.items():
        starts = {incident.began // slot_seconds(facts) for incident in incidents}
        last = max(incident.began for incident in incidents)
        title = facts.runbooks[alert].title if alert in facts.runbooks else alert
        yield RecurringProblem("alert", title, (subject,) if subject else (), len(incidents), len(starts), last)


def _errors(facts: Facts) -> Iterator[RecurringProblem]:
    """Kinds of errors; those of several actions with the same text are one problem."""
    same: defaultdict[str, list[ErrorKind]] = defaultdict(list)
    for error in facts.log_totals.errors.values():
        same[error.text].append(error)
    for text, kinds in same.items():
        slots = {hour // slot_seconds(facts) for kind in kinds for hour in kind.hours}
        agents = sorted({agent for kind in kinds for agent in kind.agents})
        times, last = sum(kind.count for kind in kinds), max(kind.last for kind in kinds)
        yield RecurringProblem("error", text, tuple(agents), times, len(slots), last)
