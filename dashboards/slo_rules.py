"""Recording rules of service level objectives: events, burn rates and the error budget that remains.

A burn rate is the share of bad events divided by the share that the objective permits: at 1, the error budget is spent
exactly at the end of the window. The pairs of windows are those of Google's SRE workbook, chapter 5, "Alerting on
SLOs". A burn rate is recorded as the smaller one of its two windows: the short one ends an alert soon after its cause
has ended.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dashboards.availability import alive_agents, monitored_agents
from dashboards.grafana_json import Json
from dashboards.recording import CALL_DURATIONS, DURATIONS, TASKS, CounterIncrease
from dashboards.style import duration
from nervesys.clients.promql import KnownSeries
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics import Period
from nervesys.metrics.periods import Periods
from nervesys.settings import Loaded
from nervesys.settings.slos import Indicator, Slo

EVENTS, BAD_EVENTS = "slo:events:increase", "slo:bad_events:increase"
"""Events since the evaluation before, and the bad ones among them."""
BUDGET, MINIMUM, LENGTH = "slo:error_budget:ratio", "slo:minimum_events:count", "slo:window:seconds"
"""Of each objective: the share that may be bad, the fewest events that count, and the length of its window."""
ATTAINED, REMAINING = "slo:good_events:ratio", "slo:error_budget_remaining:ratio"
"""Over the whole window: the share of good events; what is left of the error budget, 1 for all of it, negative if it
is overspent."""
BURN_RATES: Mapping[str, float] = {"1h": 300, "6h": 1800, "1d": 7200, "3d": 21600}
"""The long windows, each with the seconds of its short one: a twelfth."""
PERIODS = {
    Indicator.AVAILABILITY: Period.HEARTBEAT,
    Indicator.TASKS: Period.HEARTBEAT,
    Indicator.ACTIONS: Period.SHIP,
    Indicator.CALLS: Period.SHIP,
}
"""How often the events of each indicator arrive."""
COVERED = 0.5
"""Least share of a long window that must have been observed: a new fleet has spent nothing in its first minutes."""
SLOW_SECONDS = 120
"""How often windows of a day and more are evaluated at least; Prometheus returns a sample for five minutes."""


def burn_rate(window: str) -> str:
    """The series of a burn rate."""
    return f"slo:burn_rate:{window}"


def slo_series() -> dict[str, KnownSeries]:
    """Type, period and labels of the recorded series, by name."""
    constants = KnownSeries(counter=False, period=Period.SCRAPE, labels=frozenset({"slo"}))
    values = replace(constants, labels=frozenset({"slo", "agent"}))
    return {
        **dict.fromkeys((BUDGET, MINIMUM, LENGTH), constants),
        **dict.fromkeys((EVENTS, BAD_EVENTS, ATTAINED, REMAINING, *map(burn_rate, BURN_RATES)), values),
    }


def slo_groups(loaded: Loaded, periods: Periods) -> list[Json]:
    """The groups of rules; none if there is no objective.

    Args:
        loaded: the settings.
        periods: of the families, in seconds.
    """
    slos = loaded.settings.slos.enabled
    if not slos:
        return []
    every = TASKS.window(periods)
    constants = [rule for name, slo in slos.items() for rule in _constants(name, slo)]
    events = [rule for name, slo in slos.items() for rule in _events(name, slo, loaded, periods)]
    fast, slow = (list(_burn_rates(windows, slos, periods)) for windows in (("1h", "6h"), ("1d", "3d")))
    lengths = sorted({slo.days for slo in slos.values()})
    return [
        {"name": "slo-events", "interval": duration(every), "rules": [*constants, *events, *fast]},
        {
            "name": "slo-windows",
            "interval": duration(min(SLOW_SECONDS, every)),
            "rules": [*slow, _rule(ATTAINED, _attained(lengths)), _rule(REMAINING, _remaining())],
        },
    ]


def _constants(name: str, slo: Slo) -> Iterator[Json]:
    labels = {"slo": name}
    yield _rule(BUDGET, f"vector({slo.budget:g})", labels)
    yield _rule(MINIMUM, f"vector({slo.at_least})", labels)
    yield _rule(LENGTH, f"vector({slo.days * DAY_SECONDS:.0f})", labels)


def _events(name: str, slo: Slo, loaded: Loaded, periods: Periods) -> Iterator[Json]:
    """The events of an objective; bad events are 0 where there are none, so that ratios always have a value."""
    events, bad = _events_by_agent(slo, loaded, periods)
    by = "by (agent) " if slo.agent or slo.per_agent else ""
    total = f"sum {by}({events})"
    yield _rule(EVENTS, total, {"slo": name})
    yield _rule(BAD_EVENTS, f"sum {by}({bad}) or 0 * {total}", {"slo": name})


def _events_by_agent(slo: Slo, loaded: Loaded, periods: Periods) -> tuple[str, str]:
    """All events and the bad ones since the last evaluation, as PromQL."""
    agent = f'agent="{slo.agent}"' if slo.agent else ""
    match slo.indicator:
        case Indicator.AVAILABILITY:
            monitored = monitored_agents(loaded, f"{{{agent}}}" if agent else "")
            return monitored, f"{monitored} unless on (agent) ({alive_agents(loaded)})"
        case Indicator.TASKS:
            return _now(TASKS, periods, agent), _now(TASKS, periods, agent, 'outcome="failed"')
        case Indicator.ACTIONS | Indicator.CALLS:
            durations = DURATIONS if slo.indicator is Indicator.ACTIONS else CALL_DURATIONS
            good = _now(durations, periods, agent, _bucket(slo.below_seconds or 0))
            all_ = _now(durations, periods, agent, 'le="+Inf"')
            return all_, f"{all_} - ignoring (le) {good}"


def _bucket(bound: float) -> str:
    """The matcher of a bucket: Prometheus 3 stores `le="10"` as `le="10.0"`, and version 2 as it is exposed."""
    text = f"{bound:g}"
    return f'le=~"{text}|{text}.0"' if float(bound).is_integer() else f'le="{text}"'


def _now(counter: CounterIncrease, periods: Periods, *matchers: str) -> str:
    """What a counter grew by in its last window. Evaluated once a window, it counts each window once."""
    given = ", ".join(filter(None, matchers))
    selector = counter.series(periods) + (f"{{{given}}}" if given else "")
    return f"last_over_time({selector}[{duration(counter.window(periods))}])"


def _burn_rates(windows: Iterable[str], slos: Mapping[str, Slo], periods: Periods) -> Iterator[Json]:
    """The burn rates of all objectives; those from logs need a longer short window, because logs come in batches."""
    for period in (Period.HEARTBEAT, Period.SHIP):
        names = "|".join(name for name, slo in slos.items() if PERIODS[slo.indicator] is period)
        for window in windows if names else ():
            yield _rule(burn_rate(window), _burn_rate(window, f'{{slo=~"{names}"}}', periods[period], periods))


def _burn_rate(window: str, slos: str, period: float, periods: Periods) -> str:
    """The smaller burn rate of both windows; 0 while too little was observed."""
    every = TASKS.window(periods)
    long_, short = _share(window, slos), _share(duration(max(BURN_RATES[window], 2 * every, 2 * period)), slos)
    events, samples = (f"{over}_over_time({EVENTS}{slos}[{window}])" for over in ("sum", "count"))
    enough = f"({events} >= bool on (slo) group_left () {MINIMUM})"
    covered = f"({samples} >= bool {COVERED * _seconds(window) / every:g})"
    smaller = f"(({long_} <= {short}) or {short})"
    return f"{smaller} / on (slo) group_left () {BUDGET} * {enough} * {covered}"


def _share(window: str, slos: str = "") -> str:
    """The share of bad events in a window; 0 without events."""
    events, bad = f"sum_over_time({EVENTS}{slos}[{window}])", f"sum_over_time({BAD_EVENTS}{slos}[{window}])"
    return f"({bad} / ({events} > 0) or 0 * {events})"


def _attained(lengths: list[int]) -> str:
    """The share of good events in each objective's own window."""
    shares = (f"1 - {_share(f'{days}d')} and on (slo) {LENGTH} == {days * DAY_SECONDS:.0f}" for days in lengths)
    return " or ".join(f"({share})" for share in shares)


def _remaining() -> str:
    return f"1 - (1 - {ATTAINED}) / on (slo) group_left () {BUDGET}"


def _seconds(window: str) -> float:
    return float(window[:-1]) * {"h": 3600, "d": DAY_SECONDS}[window[-1]]


def _rule(record: str, expr: str, labels: Mapping[str, str] | None = None) -> Json:
    return {"record": record, "expr": expr} | ({"labels": dict(labels)} if labels else {})
