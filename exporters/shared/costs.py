"""What calls of models cost: the families, the cost of a record, and the sums by period that budgets are compared with.

Sums by period go by the records' own times, so that the cost of a day does not depend on when its logs were shipped.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from exporters.shared.counting import Series
from nervesys.contract.logs import UNNAMED_MODEL, TokenUsage
from nervesys.metrics import ConditionTerm, Family, Period, SourceArea
from nervesys.settings.budgets import PERIODS
from nervesys.settings.prices import Prices

ORIGIN = SourceArea("store", "logs")
COST = Family(
    "agent_cost_total",
    "counter",
    "Cost of model calls according to the log, at the prices in config/prices.yaml.",
    ("agent", "model", "currency"),
    period=Period.SHIP,
    conditions=(ConditionTerm(word="cost", kind="increase", labels=("agent",), origin=ORIGIN),),
)
UNPRICED = Family(
    "agent_unpriced_tokens_total",
    "counter",
    "Tokens of models that have no price in config/prices.yaml, according to the log.",
    ("agent", "model"),
    period=Period.SHIP,
    conditions=(ConditionTerm(word="unpriced tokens", kind="increase", labels=("agent", "model"), origin=ORIGIN),),
)
FAMILIES = (COST, UNPRICED)
OF_PERIOD = Family(
    "agent_period_cost",
    "gauge",
    "Cost of a calendar period; it is not exposed, but added up for budgets.",
    ("agent", "model", "period", "begin"),
)
MIDNIGHT = "%Y-%m-%d"


@lru_cache(maxsize=64)
def _begins_of_day(day: str) -> tuple[str, ...]:
    date = datetime.strptime(day, MIDNIGHT).replace(tzinfo=UTC)
    starts = {"day": date, "week": date - timedelta(days=date.weekday()), "month": date.replace(day=1)}
    return tuple(starts[period].strftime(MIDNIGHT) for period in PERIODS)


def begins(at: datetime) -> tuple[str, ...]:
    """The first day of each period that an instant lies in, in the order of `PERIODS`."""
    return _begins_of_day(at.astimezone(UTC).strftime(MIDNIGHT))


def cost_series(
    agent: str, model: str | None, label: str, usage: TokenUsage, at: datetime, prices: Prices
) -> Iterator[tuple[Series, float]]:
    """The series that a call adds to, with what it adds.

    Args:
        agent: who called.
        model: as the record names it.
        label: the label value for it.
        usage: tokens of the call.
        at: when it was.
        prices: of models.
    """
    cost = prices.cost_of_call(model or UNNAMED_MODEL, usage, at.timestamp())
    if cost is None:
        yield (UNPRICED.name, agent, label), sum(usage)
        return
    yield (COST.name, agent, label, prices.currency), cost
    for period, begin in zip(PERIODS, begins(at), strict=True):
        yield (OF_PERIOD.name, agent, label, period, begin), cost
