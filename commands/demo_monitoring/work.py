"""Samples of the generated jobs: tasks that ended, and what they cost. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate

from commands.demo_monitoring.incidents import DemoMonitoring
from commands.demo_monitoring.series import Points, recorded_text, series_text, steps
from dashboards.recording import COSTS, TASKS
from exporters.history.days import STEP_SECONDS
from exporters.shared.costs import COST
from nervesys.agent.demo_history import DemoHistory
from nervesys.contract.logs import TokenUsage
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics.periods import periods

FINE_SECONDS, FINE_DAYS = 60, 2
"""Between samples of the last days, for pages that look back a day; earlier ones are as rare as backfilled logs."""
Amounts = defaultdict[tuple[str, str], list[tuple[float, float]]]
"""Unix seconds and amounts, by agent and outcome or model."""


def work_text(monitored: DemoMonitoring, history: DemoHistory) -> Iterator[str]:
    """The tasks and the cost of each agent; nothing for a model without a price.

    Args:
        monitored: what was monitored of the demo.
        history: what the agents did.
    """
    prices = monitored.loaded.settings.prices
    ended, spent = Amounts(list), Amounts(list)
    for at, agent, job in history.jobs_between(monitored.start, monitored.end):
        model = monitored.loaded.agents[agent].model or ""
        ended[agent, "failed" if job.error else "completed"].append((at, 1))
        if (cost := prices.cost_of_call(model, TokenUsage(mixed=job.tokens), at)) is not None:
            spent[agent, model].append((at, cost))
    instants = _instants(monitored)
    recorded = COSTS.series(periods(monitored.loaded))
    for (agent, outcome), rows in sorted(ended.items()):
        yield series_text(TASKS.counter, {"agent": agent, "outcome": outcome}, _even(monitored.start, rows, instants))
    for (agent, model), rows in sorted(spent.items()):
        labels = {"agent": agent, "model": model}
        yield series_text(
            COST.full_name, labels | {"currency": prices.currency}, _even(monitored.start, rows, instants)
        )
        yield recorded_text(recorded, labels, rows)


def _instants(monitored: DemoMonitoring) -> list[float]:
    fine = max(monitored.start, monitored.end - FINE_DAYS * DAY_SECONDS)
    return [*steps(monitored.start, fine - STEP_SECONDS, STEP_SECONDS), *steps(fine, monitored.end, FINE_SECONDS)]


def _even(start: float, rows: Iterable[tuple[float, float]], instants: Iterable[float]) -> Points:
    """A counter that grows evenly from each row to the next, so that rates over minutes have no gaps."""
    ordered = [(start, 0.0), *sorted(rows)]
    times, totals = [at for at, _ in ordered], list(accumulate(amount for _, amount in ordered))
    for at in instants:
        place = bisect_right(times, at)
        if place == len(times):
            yield at, totals[-1]
        else:
            share = (at - times[place - 1]) / (times[place] - times[place - 1])
            yield at, totals[place - 1] + share * (totals[place] - totals[place - 1])
