"""What was spent of each budget in the current day, week and month, and the limits that it is compared with. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from exporters.shared.costs import MIDNIGHT, begins
from exporters.shared.counting import OTHER, Series
from nervesys.contract.times import DAY_SECONDS
from nervesys.metrics import Family, Period, Sample
from nervesys.settings.budgets import PERIODS, Budgets

SCOPE = ("agent", "model", "period")
SPENT = Family(
    "budget_spent",
    "gauge",
    "Cost so far in the current period (UTC): of an agent, of a model, or of the fleet where both are empty.",
    (*SCOPE, "currency"),
    period=Period.SHIP,
    optional={"": "nothing with a price was used in this period"},
)
LIMIT = Family(
    "budget_limit",
    "gauge",
    "Limit in config/budgets.yaml, by what happens there: warn or stop.",
    (*SCOPE, "at"),
    period=Period.SHIP,
    optional={"": "there are no budgets"},
)
PERIOD_END = Family(
    "budget_period_end_timestamp_seconds", "gauge", "End of the current period.", ("period",), period=Period.SHIP
)
PERIOD_START = Family(
    "budget_period_start_timestamp_seconds", "gauge", "Start of the current period.", ("period",), period=Period.SHIP
)
FAMILIES = (SPENT, LIMIT, PERIOD_START, PERIOD_END)
KEPT_DAYS: Mapping[str, int] = dict(zip(PERIODS, (8, 21, 70), strict=True))
"""How long the sums of a period are kept after its first day: logs may be shipped late."""


def is_over(series: Series, now: float, began: float) -> bool:
    """Whether a sum of `costs.OF_PERIOD` is no longer needed.

    Args:
        series: its family, agent, model, period and first day.
        now: Unix seconds.
        began: Unix seconds at which counting began; days up to then are completed by `EarlierCosts` for a month.
    """
    period, begin = series[3:]
    first = _midnight(begin).timestamp()
    return now - first > KEPT_DAYS["month" if first <= began else period] * DAY_SECONDS


def spent_of(
    sums: Iterable[tuple[Series, float]], now: float, earlier: Iterable[tuple[Series, float]] = ()
) -> Mapping[tuple[str, str, str], float]:
    """By agent, model and period: what was spent in the periods of an instant.

    Args:
        sums: those of `costs.OF_PERIOD`.
        now: Unix seconds.
        earlier: what they lack, see `EarlierCosts.missing`; of no agent, with a model or, for the fleet, without.
    """
    current: Mapping[str, str] = dict(zip(PERIODS, begins(datetime.fromtimestamp(now, UTC)), strict=True))
    spent: defaultdict[tuple[str, str, str], float] = defaultdict(float)
    spent.update((("", "", period), 0.0) for period in PERIODS)
    for (_, agent, model, period, begin), cost in sums:
        if begin == current[period]:
            spent["", "", period] += cost
            spent["", model, period] += cost
            if agent != OTHER:
                spent[agent, "", period] += cost
    for (_, _agent, model, period, begin), cost in earlier:
        if begin == current[period] and cost:
            spent["", model, period] += cost
    return spent


def budget_samples(
    spent: Mapping[tuple[str, str, str], float], budgets: Budgets, currency: str, now: float
) -> Iterator[Sample]:
    """The samples of all budgets.

    Args:
        spent: see `spent_of`.
        budgets: with their limits.
        currency: of prices and budgets.
        now: Unix seconds.
    """
    for scope, cost in sorted(spent.items()):
        yield SPENT.sample(round(cost, 6), *scope, currency)
    for agent, model, budget in budgets.scopes():
        for period, limits in budget.limits():
            for at, limit in (("warn", limits.warn_at), ("stop", limits.stop_at)):
                if limit is not None:
                    yield LIMIT.sample(limit, agent, model, period, at)
    day, week, month = (_midnight(begin) for begin in begins(datetime.fromtimestamp(now, UTC)))
    next_month = (month + timedelta(days=31)).replace(day=1)
    spans = (day, day + timedelta(days=1)), (week, week + timedelta(days=7)), (month, next_month)
    for period, (start, end) in zip(PERIODS, spans, strict=True):
        yield PERIOD_START.sample(start.timestamp(), period)
        yield PERIOD_END.sample(end.timestamp(), period)


def _midnight(date: str) -> datetime:
    return datetime.strptime(date, MIDNIGHT).replace(tzinfo=UTC)
