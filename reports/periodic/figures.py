"""The figures of the first page, each with its value in the previous period."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from nervesys.settings.prices import Prices
from reports.periodic.availability import overall
from reports.periodic.facts import Facts, Size
from reports.periodic.incidents import Incident
from reports.periodic.model import Better, Figure, Kind
from reports.periodic.period import Period


def figures(facts: Facts) -> tuple[Figure, ...]:
    """All figures, in order."""
    period, earlier = facts.period, facts.period.before
    broke, broke_before = happened(facts, period), happened(facts, earlier)
    watched, watched_before = bool(facts.fleet), bool(facts.fleet_before)
    tally, days = facts.tally, facts.summaries_before
    logged = tally.records > 0
    whole = len(days) == sum(1 for _ in earlier.days)  # an incomplete period is not compared

    def before(of_day: Callable[[int], float | None]) -> float | None:
        return _sum(of_day(number) for number in range(len(days))) if whole else None

    return (
        Figure("Availability", Kind.SHARE, overall(facts.fleet), overall(facts.fleet_before), Better.MORE),
        Figure("Incidents", Kind.COUNT, _if(watched, len(broke)), _if(watched_before, len(broke_before)), Better.LESS),
        Figure("Median recovery", Kind.SECONDS, recovery(broke), recovery(broke_before), Better.LESS),
        Figure(
            "Tasks completed",
            Kind.COUNT,
            _if(logged, tally.completed),
            before(_tasks(facts, failed=False)),
            Better.MORE,
        ),
        Figure("Tasks failed", Kind.COUNT, _if(logged, tally.failed), before(_tasks(facts, failed=True)), Better.LESS),
        Figure("Errors", Kind.COUNT, _if(logged, tally.failures), before(lambda day: days[day].errors), Better.LESS),
        Figure(
            "Tokens", Kind.COUNT, _if(logged, sum(tally.tokens.values())), before(lambda day: days[day].tokens_used)
        ),
        Figure(
            "Cost of tokens",
            Kind.MONEY,
            _if(logged, cost(facts.prices, tokens_by_model(facts))),
            before(_costs(facts)),
            Better.LESS,
        ),
        Figure("Storage growth", Kind.BYTES, growth(facts.sizes), growth_before(facts.sizes)),
        Figure("Config changes", Kind.COUNT, changes(facts, period), changes(facts, earlier)),
    )


def happened(facts: Facts, period: Period) -> list[Incident]:
    """The incidents that overlap a period."""
    return [one for one in facts.incidents if one.within(period.start, period.end)]


def recovery(broke: Iterable[Incident]) -> float | None:
    """Median duration of the incidents that have ended, in seconds."""
    ended = [one.seconds for one in broke if one.seconds is not None]
    return median(ended) if ended else None


def tokens_by_model(facts: Facts) -> dict[str, float]:
    """The period's tokens by model."""
    models: dict[str, float] = {}
    for (_, model), tokens in facts.tally.tokens.items():
        models[model] = models.get(model, 0) + tokens
    return models


def cost(prices: Prices, tokens: dict[str, float]) -> float:
    """Cost of tokens; models without a price count as free."""
    return sum(prices.cost(model, count) or 0 for model, count in tokens.items())


def growth(sizes: Sequence[Size]) -> float | None:
    """Growth of all areas together, in bytes; None if unknown."""
    return _sum(one.end - one.start for one in sizes if one.end is not None and one.start is not None)


def growth_before(sizes: Sequence[Size]) -> float | None:
    """As `growth`, for the previous period."""
    return _sum(one.start - one.earlier for one in sizes if one.start is not None and one.earlier is not None)


def changes(facts: Facts, period: Period) -> float:
    """Commits that changed the configuration."""
    return sum(period.start <= one.at < period.end for one in facts.changes)


def _tasks(facts: Facts, *, failed: bool) -> Callable[[int], float | None]:
    def of_day(number: int) -> float | None:
        tasks = facts.summaries_before[number].tasks
        return None if tasks is None else tasks.failed if failed else tasks.completed

    return of_day


def _costs(facts: Facts) -> Callable[[int], float | None]:
    """Cost by day; None for a summary with tokens but without models."""

    def of_day(number: int) -> float | None:
        day = facts.summaries_before[number]
        return None if day.tokens_used and not day.tokens_by_model else cost(facts.prices, day.tokens_by_model)

    return of_day


def _if(known: bool, value: float) -> float | None:
    return value if known else None


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum; None if any value is unknown, or there are none."""
    known = list(values)
    return None if not known or None in known else sum(value for value in known if value is not None)
