"""Metric families of log records, and the pure functions from lines to sums to samples."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from exporters.shared import costs
from exporters.shared.bounds import bounded
from exporters.shared.counting import OTHER, Counting, Series, Sums, zero_sums
from exporters.shared.lines import ParsedLine, parse_lines
from nervesys.contract import Category, Level, agent_name
from nervesys.contract.logs import DURATION_BUCKETS, TokenUsage
from nervesys.errors import BadObject, Reason
from nervesys.metrics import ConditionTerm, Family, Period, SourceArea
from nervesys.metrics.family import shorten
from nervesys.settings.prices import Prices

ORIGIN = SourceArea("store", "logs")
RECORDS = Family(
    "log_records_total",
    "counter",
    "Log records shipped, by category and level.",
    ("agent", "category", "level"),
    period=Period.SHIP,
    conditions=(
        ConditionTerm(word="errors", kind="increase", labels=("agent",), origin=ORIGIN, matchers='{level="ERROR"}'),
        ConditionTerm(word="log records", kind="increase", labels=("agent",), origin=ORIGIN),
        ConditionTerm(word="warnings", kind="increase", labels=("agent",), origin=ORIGIN, matchers='{level="WARN"}'),
    ),
)
DURATION = Family(
    "log_action_duration_seconds",
    "histogram",
    "Duration of the actions in the log.",
    ("agent",),
    period=Period.SHIP,
    buckets=DURATION_BUCKETS,
    conditions=(ConditionTerm(word="log duration", kind="mean", labels=("agent",), origin=ORIGIN),),
)
TOKENS = Family(
    "log_tokens_total",
    "counter",
    "Tokens used according to the log, by model.",
    ("agent", "model"),
    period=Period.SHIP,
    conditions=(ConditionTerm(word="log tokens", kind="increase", labels=("agent",), origin=ORIGIN),),
)
MESSAGES = Family(
    "agent_messages_total",
    "counter",
    "Messages from one agent to another, by the sender's log; recipients that are no known agents are `other`.",
    ("from", "to"),
    period=Period.SHIP,
    conditions=(ConditionTerm(word="messages", kind="increase", labels=("from", "to"), origin=ORIGIN),),
)

FAMILIES = (RECORDS, DURATION, TOKENS)
COUNTED_FAMILIES = (*FAMILIES, MESSAGES, *costs.FAMILIES)
BY_NAME = {family.name: family for family in FAMILIES}
MAX_MODELS = 20
"""Distinct `model` label values for one agent's tokens; further models are counted as `other`."""

MAX_RECIPIENTS = 50
"""Distinct recipients of one agent's messages; those to further ones are counted as `other`."""
MAX_SERIES = 10_000
"""Series of one object, beyond which its further models are counted as `other`."""


def tally(
    lines: Iterable[bytes],
    agent: str | None,
    is_known: Callable[[str], bool] = lambda _: True,
    is_used_up: Callable[[], bool] = lambda: False,
    prices: Prices | None = None,
) -> tuple[Sums, Counter[Reason]]:
    """Add up records, within the bounds of one object.

    Args:
        lines: one JSON object each; empty ones are passed over.
        agent: whose log it is; None to use each record's own agent.
        is_known: whether a record's own agent has series of its own; those of others are counted as `other`.
        is_used_up: whether the object has used up its CPU time; its other lines are then left out.
        prices: of models; None adds up no costs.

    Returns:
        The sums, and how many lines were skipped for which reason.
    """
    sums: dict[Series, list[float]] = {}
    skipped: Counter[Reason] = Counter()
    for at, line in parse_lines(bounded(lines, skipped, is_used_up), skipped):
        name = agent or (line.agent_id if is_known(line.agent_id) else OTHER)
        _add(sums, name, line)
        if line.category is Category.MESSAGE:
            sums.setdefault((MESSAGES.name, name, _recipient(line.context.to, is_known)), [0])[0] += 1
        if prices is not None and (usage := line.metadata.usage) is not None:
            _add_cost(sums, name, line.metadata.model_version, usage, at, prices)
    return sums, skipped


def _add(sums: dict[Series, list[float]], agent: str, line: ParsedLine) -> None:
    sums.setdefault((RECORDS.name, agent, line.category, line.level), [0])[0] += 1
    tokens = line.metadata.tokens_used
    if tokens is not None:
        series = (TOKENS.name, agent, shorten(line.metadata.model_version or ""))
        if series not in sums and len(sums) >= MAX_SERIES:
            series = (TOKENS.name, agent, OTHER)
        sums.setdefault(series, [0])[0] += tokens
    if line.context.duration_ms is not None:
        seconds = line.context.duration_ms / 1000
        histogram = sums.setdefault((DURATION.name, agent), zero_sums(DURATION))
        histogram[bisect_left(DURATION.buckets, seconds)] += 1
        histogram[-1] += seconds


def _recipient(to: str | None, is_known: Callable[[str], bool]) -> str:
    try:
        name = agent_name(to or "")
    except BadObject:
        return OTHER
    return name if is_known(name) else OTHER


def _add_cost(
    sums: dict[Series, list[float]], agent: str, model: str | None, usage: TokenUsage, at: datetime, prices: Prices
) -> None:
    label = shorten(model or "")
    label = label if (TOKENS.name, agent, label) in sums else OTHER
    for series, amount in costs.cost_series(agent, model, label, usage, at, prices):
        sums.setdefault(series, [0])[0] += amount


def _expected(agent: str) -> Iterator[Series]:
    """The error counter, so that `increase` sees the first error."""
    yield RECORDS.name, agent, Category.ERRORS, Level.ERROR


MODELS = dict.fromkeys((TOKENS.name, costs.COST.name, costs.UNPRICED.name, costs.OF_PERIOD.name), (2, MAX_MODELS))
"""The place of the model in each series, and how many there are of an agent."""
COUNTING = Counting(
    (*COUNTED_FAMILIES, costs.OF_PERIOD),
    tally,
    MODELS | {MESSAGES.name: (2, MAX_RECIPIENTS)},
    follow=frozenset(MODELS.keys() - {TOKENS.name}),
    hidden=frozenset({costs.OF_PERIOD.name}),
    expected=_expected,
)
