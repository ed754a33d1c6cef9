"""What Prometheus knows of an agent, for the page of an episode: what it cost today, and its slowest trace.

Errors  none are raised: a message says what is missing.
"""

from dataclasses import dataclass

from alerting.receiver.search_result import SearchResult
from nervesys.clients.prometheus import Prometheus, QueryFailed, Series
from nervesys.quoting import escape_quoted

SECONDS = 1.2
"""Time limit of a query; the page waits for hardly longer."""
COST = 'nervesys_budget_spent{{agent="{agent}",model="",period="day"}}'
SLOWEST = 'topk(1, nervesys_trace_slow_duration_seconds{{agent="{agent}"}})'


@dataclass(frozen=True)
class DayCost:
    """What an agent cost since midnight, UTC."""

    amount: float
    currency: str


@dataclass(frozen=True)
class SlowestTrace:
    """The slowest trace of the last hour.

    Attributes:
        trace_id: 32 hexadecimal digits.
        name: of its first span, as the agent wrote it.
        seconds: duration.
    """

    trace_id: str
    name: str
    seconds: float


def cost_today(prometheus: Prometheus, agent: str) -> SearchResult[DayCost]:
    """What an agent cost today; blocks."""
    found = _ask(prometheus, COST.format(agent=escape_quoted(agent)))
    if isinstance(found, str):
        return SearchResult(missing=found)
    costs = tuple(DayCost(series.points[-1][1], series.labels.get("currency", "")) for series in found)
    return SearchResult(costs, "" if costs else "Nothing with a price was used today.")


def slowest_trace(prometheus: Prometheus, agent: str) -> SearchResult[SlowestTrace]:
    """The agent's slowest trace of the last hour; blocks."""
    found = _ask(prometheus, SLOWEST.format(agent=escape_quoted(agent)))
    if isinstance(found, str):
        return SearchResult(missing=found)
    traces = tuple(
        SlowestTrace(series.labels.get("trace_id", ""), series.labels.get("name", ""), series.points[-1][1])
        for series in found
    )
    return SearchResult(traces, "" if traces else "No trace of the last hour is known.")


def _ask(prometheus: Prometheus, query: str) -> list[Series] | str:
    try:
        return prometheus.instant(query)
    except QueryFailed as err:
        return f"Prometheus does not answer: {err}"
