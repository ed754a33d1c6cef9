"""The figures of the first page, each with its value in the previous period."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from statistics import median

from reports.periodic.availability import fleet_availability
from reports.periodic.facts import AreaSize, Facts
from reports.periodic.incidents import AlertIncident
from reports.periodic.model import Better, Figure, ValueKind
from reports.periodic.period import ReportPeriod, midnight


def figures(facts: Facts) -> tuple[Figure, ...]:
    """All figures, in order."""
    period, earlier = facts.period, facts.period.before
    incidents, incidents_before = incidents_in(facts, period), incidents_in(facts, earlier)
    monitored, monitored_before = bool(facts.fleet), bool(facts.fleet_before)
    log_totals, days = facts.log_totals, facts.summaries_before
    logged = log_totals.records > 0
    whole = len(days) == sum(1 for _ in earlier.days)  # an incomplete period is not compared

    def before(of_day: Callable[[int], float | None]) -> float | None:
        return _sum(of_day(number) for number in range(len(days))) if whole else None

    return (
        Figure(
            "Availability",
            ValueKind.SHARE,
            fleet_availability(facts.fleet),
            fleet_availability(facts.fleet_before),
            Better.MORE,
        ),
        Figure(
            "Incidents",
            ValueKind.COUNT,
            _if(monitored, len(incidents)),
            _if(monitored_before, len(incidents_before)),
            Better.LESS,
        ),
        Figure("Median recovery", ValueKind.SECONDS, recovery(incidents), recovery(incidents_before), Better.LESS),
        Figure(
            "Tasks completed",
            ValueKind.COUNT,
            _if(logged, log_totals.completed),
            before(_tasks(facts, failed=False)),
            Better.MORE,
        ),
        Figure(
            "Tasks failed",
            ValueKind.COUNT,
            _if(logged, log_totals.failed),
            before(_tasks(facts, failed=True)),
            Better.LESS,
        ),
        Figure(
            "Errors",
            ValueKind.COUNT,
            _if(logged, log_totals.failures),
            before(lambda day: days[day].errors),
            Better.LESS,
        ),
        Figure(
            "Tokens",
            ValueKind.COUNT,
            _if(logged, sum(log_totals.tokens.values())),
            before(lambda day: days[day].tokens_used),
        ),
        Figure(
            "Cost of tokens",
            ValueKind.MONEY,
            facts.cost,
            before(_costs(facts)),
            Better.LESS,
        ),
        Figure("Storage growth", ValueKind.BYTES, growth(facts.sizes), growth_before(facts.sizes)),
        Figure("Config changes", ValueKind.COUNT, changes(facts, period), changes(facts, earlier)),
    )


def incidents_in(facts: Facts, period: ReportPeriod) -> list[AlertIncident]:
    """The incidents that overlap a period."""
    return [incident for incident in facts.incidents if incident.within(period.start, period.end)]


def recovery(incidents: Iterable[AlertIncident]) -> float | None:
    """Median duration of the incidents that have ended, in seconds."""
    ended = [incident.seconds for incident in incidents if incident.seconds is not None]
    return median(ended) if ended else None


def growth(sizes: Sequence[AreaSize]) -> float | None:
    """Growth of all areas together, in bytes; None if unknown."""
    return _sum(size.end - size.start for size in sizes if size.end is not None and size.start is not None)


def growth_before(sizes: Sequence[AreaSize]) -> float | None:
    """As `growth`, for the previous period."""
    return _sum(size.start - size.earlier for size in sizes if size.start is not None and size.earlier is not None)


def changes(facts: Facts, period: ReportPeriod) -> float:
    """Commits that changed the configuration."""
    return sum(period.start <= change.at < period.end for change in facts.changes)


def _tasks(facts: Facts, *, failed: bool) -> Callable[[int], float | None]:
    def of_day(number: int) -> float | None:
        tasks = facts.summaries_before[number].tasks
        return None if tasks is None else tasks.failed if failed else tasks.completed

    return of_day


def _costs(facts: Facts) -> Callable[[int], float | None]:
    """Cost by day, at the prices of that day; None for a summary whose tokens are not known by model and kind."""

    def of_day(number: int) -> float | None:
        day = facts.summaries_before[number]
        if day.tokens_used and not day.usage_by_model:
            return None
        at = midnight(date.fromisoformat(day.date))
        return sum(facts.prices.costs_of_day(day.usage_by_model, at).values())

    return of_day


def _if(known: bool, value: float) -> float | None:
    return value if known else None


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum; None if any value is unknown, or there are none."""
    known = list(values)
    return None if not known or None in known else sum(value for value in known if value is not None)
