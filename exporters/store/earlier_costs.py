"""The costs of days before the exporter counted, by the brain's daily summaries.

With a new cache, the logs of these days are not read, and yet their cost belongs to the current week and month.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from exporters.runner import SourceContext
from exporters.shared.costs import MIDNIGHT, OF_PERIOD, begins
from exporters.shared.counting import Series
from nervesys.contract.brain import DAILY_SUMMARY, DailySummary
from nervesys.errors import BadObject, BrainUnavailable, SettingsError
from nervesys.settings.budgets import PERIODS
from nervesys.stores.brain import GitBrain
from nervesys.stores.open_brain import open_brain

log = logging.getLogger(__name__)

MIRROR = "budgets"
SUMMARY_BYTES = 1 << 20
RETRY_SECONDS = 3600
"""Between two fetches while a summary is missing: the round writes it within hours after midnight."""
NO_MODEL = ""
"""In the place of a model: all of them."""
DayCosts = Mapping[tuple[str, str], float]
"""By day and model; `NO_MODEL` for the whole day."""


class EarlierCosts:
    """Reads the summaries of the days up to that on which counting began. Sharded, only the first exporter does.

    Args:
        context: names the brain, prices and shard. A brain that is a plain folder has no summaries.
    """

    def __init__(self, context: SourceContext) -> None:
        self._context = context
        self._known: dict[str, Mapping[str, float]] = {}
        """Cost by model, of the days whose summary was read."""
        self._retry_at = 0.0

    def missing(self, sums: Iterable[tuple[Series, float]], began: float, now: float) -> Iterator[tuple[Series, float]]:
        """What the sums of the current week and month lack, as sums of `costs.OF_PERIOD` of no agent.

        Args:
            sums: those of `costs.OF_PERIOD` that were counted.
            began: Unix seconds at which counting began.
            now: Unix seconds.
        """
        days = self._days(began, now)
        if not days:
            return
        self._read([day for day in days if day not in self._known], now)
        counted = _of_days(sums, set(days))
        for day in days:
            whole = sum(self._known.get(day, {}).values())
            for model, cost in ((NO_MODEL, whole), *self._known.get(day, {}).items()):
                lacking = max(0.0, cost - counted.get((day, model), 0.0))
                for period, begin in zip(PERIODS[1:], begins(_midnight(day))[1:], strict=True):
                    yield (OF_PERIOD.name, "", model, period, begin), lacking

    def _days(self, began: float, now: float) -> list[str]:
        """The days that are over and that counting did not cover, of the current week and month."""
        shard = self._context.shard
        if shard.number > 1:
            return []
        today, first = (datetime.fromtimestamp(at, UTC).date() for at in (now, began))
        # Of the day on which counting began, a shard knows only its own share of what was counted.
        end = min(today, first + timedelta(days=shard.count == 1))
        start = date.fromisoformat(min(begins(datetime.fromtimestamp(now, UTC))))
        return [str(start + timedelta(days=number)) for number in range((end - start).days)]

    def _read(self, days: list[str], now: float) -> None:
        if not days or now < self._retry_at:
            return
        self._retry_at = now + RETRY_SECONDS
        try:
            brain = open_brain(self._context.place, MIRROR, self._context.settings.storage.brain, depth=1)
            if brain is not None:
                brain.fetch_state()
                prices = self._context.settings.prices
                for day, summary in _summaries(brain, days):
                    self._known[day] = prices.costs_of_day(summary.usage_by_model, _midnight(day).timestamp())
        except (BrainUnavailable, SettingsError) as err:
            log.warning("budgets lack the days before this exporter counted: %s; retried in an hour", err)


def _summaries(brain: GitBrain, days: Iterable[str]) -> Iterator[tuple[str, DailySummary]]:
    tree = brain.tree(brain.state_branch)
    for day in days if tree else ():
        path = DAILY_SUMMARY.build(date=day)
        try:
            if tree and (body := tree.read(path, max_bytes=SUMMARY_BYTES)) is not None:
                yield day, DailySummary.parse(body)
        except BadObject as bad:
            log.warning("budgets lack a day: %s cannot be read: %s", path, bad)


def _of_days(sums: Iterable[tuple[Series, float]], days: set[str]) -> DayCosts:
    found: defaultdict[tuple[str, str], float] = defaultdict(float)
    for (_, _agent, model, period, begin), cost in sums:
        if period == PERIODS[0] and begin in days:
            found[begin, NO_MODEL] += cost
            found[begin, model] += cost
    return found


def _midnight(day: str) -> datetime:
    return datetime.strptime(day, MIDNIGHT).replace(tzinfo=UTC)
