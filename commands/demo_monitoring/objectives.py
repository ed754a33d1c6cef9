"""Samples of the recorded series of objectives, from the made-up history. Pure."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from commands.demo_monitoring.incidents import DemoIncident, DemoMonitoring
from commands.demo_monitoring.series import STEP_SECONDS, constant, recorded_text, steps
from dashboards.recording import TASKS
from dashboards.slo_rules import ATTAINED, BAD_EVENTS, BUDGET, BURN_RATES, EVENTS, LENGTH, REMAINING, burn_rate
from nervesys.agent.demo_history import DemoHistory
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics.periods import periods
from nervesys.settings.slos import Indicator, Slo

SHOWN = "1h"
"""The burn rate that a page shows over time."""
Counts = list[tuple[float, float]]
"""All events, and the bad ones among them, of each step."""


def objectives_text(monitored: DemoMonitoring, history: DemoHistory) -> Iterator[str]:
    """The samples of the objectives about the whole fleet by heartbeats or tasks; others have none.

    Args:
        monitored: what was monitored of the demo.
        history: what the agents did.
    """
    instants = list(steps(monitored.start, monitored.end))
    count = {
        Indicator.AVAILABILITY: lambda: _availability(monitored),
        Indicator.TASKS: lambda: _tasks(monitored, history),
    }
    for name, slo in monitored.loaded.settings.slos.enabled.items():
        if slo.indicator in count and not slo.agent and not slo.per_agent:
            yield from _objective({"slo": name}, slo, instants, count[slo.indicator]())


def _objective(labels: Mapping[str, str], slo: Slo, instants: list[float], counts: Counts) -> Iterator[str]:
    events, bad = ([row[part] for row in counts] for part in (0, 1))
    attained = [1 - share for share in _shares(events, bad, round(slo.days * DAY_SECONDS / STEP_SECONDS))]
    yield recorded_text(BUDGET, labels, constant(slo.budget, instants))
    yield recorded_text(LENGTH, labels, constant(slo.days * DAY_SECONDS, instants))
    yield recorded_text(EVENTS, labels, zip(instants, events, strict=True))
    yield recorded_text(BAD_EVENTS, labels, zip(instants, bad, strict=True))
    yield recorded_text(ATTAINED, labels, zip(instants, attained, strict=True))
    yield recorded_text(
        REMAINING, labels, ((at, 1 - (1 - share) / slo.budget) for at, share in zip(instants, attained, strict=True))
    )
    short = BURN_RATES[SHOWN]
    both = map(min, _shares(events, bad, 12 * short / STEP_SECONDS), _shares(events, bad, short / STEP_SECONDS))
    yield recorded_text(
        burn_rate(SHOWN), labels, ((at, share / slo.budget) for at, share in zip(instants, both, strict=True))
    )


def _shares(events: list[float], bad: list[float], window: float) -> list[float]:
    """The share of bad events in the window of so many steps before each instant."""
    all_, of_them = ([0.0, *accumulate(counts)] for counts in (events, bad))
    first = [max(0, place - max(1, round(window))) for place in range(1, len(all_))]
    return [
        (of_them[place] - of_them[begin]) / (all_[place] - all_[begin]) if all_[place] > all_[begin] else 0.0
        for place, begin in enumerate(first, 1)
    ]


def _availability(monitored: DemoMonitoring) -> Counts:
    """One event for each agent and evaluation; bad while the agent was silent for too long."""
    every = TASKS.window(periods(monitored.loaded))
    incidents = monitored.incidents()
    number = len(monitored.agents) * STEP_SECONDS / every
    return [(number, round(_lost(at, incidents) / every)) for at in steps(monitored.start, monitored.end)]


def _lost(at: float, incidents: tuple[DemoIncident, ...]) -> float:
    """Seconds that agents were down in the step before an instant, all together."""
    return sum(
        max(0.0, min(at, each.recovered_at) - max(at - STEP_SECONDS, each.fired_at))
        for each in incidents
        if at - STEP_SECONDS < each.recovered_at and each.fired_at < at
    )


def _tasks(monitored: DemoMonitoring, history: DemoHistory) -> Counts:
    instants = list(steps(monitored.start, monitored.end))
    counts = [(0.0, 0.0)] * len(instants)
    for at, _, job in history.jobs_between(monitored.start, monitored.end):
        place = min(int((at - monitored.start) // STEP_SECONDS) + 1, len(counts) - 1)
        all_, bad = counts[place]
        counts[place] = (all_ + 1, bad + (job.error is not None))
    return counts
