"""Freshness guards: PromQL that makes an expression empty while the exporter cannot read the source of its series.

That a series is served does not prove that it is current: after a failed refresh the last snapshot stays served. Two
families give its age: when each area was last refreshed successfully, and since when without a gap.
"""

from nervesys.metrics import SourceArea
from nervesys.settings import Settings

LAST_SUCCESS = "nervesys_exporter_last_success_timestamp_seconds"
FRESH_LIMIT = "nervesys_exporter_fresh_limit_seconds"
UNBROKEN_SINCE = "nervesys_exporter_unbroken_since_timestamp_seconds"
CLOCK_OFFSET = "nervesys_store_clock_offset_seconds"
CONFIGURED = "nervesys_brain_agent_info"
CONFIGURED_WITHIN_AN_HOUR = f"last_over_time({CONFIGURED}[1h])"
"""The hour bridges outages of the brain's exporter."""

AGENTS = SourceArea("store", "agents")
BRAIN = SourceArea("brain", "brain")


def origins(settings: Settings) -> tuple[SourceArea, ...]:
    """Every area of every source that every fleet has."""
    return tuple(SourceArea(name, area) for name, source in settings.sources.items() for area in source.refresh)


def of_area(area: SourceArea) -> str:
    """The label matchers that select an area's series among those that every exporter has about itself."""
    return f'{{source="{area.source}",area="{area.area}"}}'


def number(value: float) -> str:
    """A number as PromQL writes it."""
    return f"{value:.12g}"


def fresh_limit(settings: Settings, origin: SourceArea) -> float:
    """Age in seconds beyond which the last success is too old, where refreshes are short; see `FRESH_LIMIT`."""
    return settings.monitoring.fresh_seconds(origin.source, origin.area)


def require_fresh(settings: Settings, expr: str, origin: SourceArea, *, silence: bool = False) -> str:
    """An expression that is empty while its origin has not been refreshed recently.

    Args:
        settings: the limits.
        expr: a vector that still carries `job` and `instance`.
        origin: where it is read from.
        silence: the expression is about age or absence. Then the area must also have been refreshed without a break
            for a grace period, and the store's clock must agree with the exporter's.
    """
    fresh = f"abs(time() - {LAST_SUCCESS}{of_area(origin)}) < {FRESH_LIMIT}{of_area(origin)}"
    parts = [expr, f"and on (job, instance) ({fresh})"]
    if silence:
        unbroken = f"time() - {UNBROKEN_SINCE}{of_area(origin)} > {number(_grace(settings, origin))}"
        parts.append(f"and on (job, instance) ({unbroken})")
        if origin.source == "store":
            limit = number(settings.thresholds.store_clock_offset_seconds)
            parts.append(f"unless on (job, instance) (abs({CLOCK_OFFSET}) > {limit})")
    return "\n  ".join(parts)


def unbroken_source(settings: Settings, origin: SourceArea) -> str:
    """True while all exporters of the source are up and have refreshed the area without a break for the grace period.

    Only then does a series that is absent mean that the thing itself is absent.
    """
    return (
        f"({fresh_source(settings, origin)}\n"
        f"  and on () min(time() - {UNBROKEN_SINCE}{of_area(origin)}) > {number(_grace(settings, origin))})"
    )


def fresh_source(settings: Settings, origin: SourceArea) -> str:
    """True while all exporters of the source are up and have refreshed the area recently, by Prometheus' clock.

    Of several shards each must be there: of one that Prometheus does not discover there is no `up` at all.
    """
    shards = settings.monitoring.sources[origin.source].shards
    there = f'  and on () count(up{{job="{origin.source}"}}) >= {shards}\n' if shards > 1 else ""
    return (
        f'min(up{{job="{origin.source}"}}) == 1\n{there}'
        f"  and on () max(abs(time() - {LAST_SUCCESS}{of_area(origin)}) / {FRESH_LIMIT}{of_area(origin)}) < 1"
    )


def age_when_read(selector: str, origin: SourceArea) -> str:
    """Seconds from the instant that a gauge holds to when its origin was read: a slow refresh adds nothing."""
    return f"({LAST_SUCCESS}{of_area(origin)} - on (job, instance) group_right () {selector})"


def _grace(settings: Settings, origin: SourceArea) -> float:
    """Seconds of unbroken reading after which silence counts: the agents' grace, and at least four refreshes."""
    return max(settings.thresholds.heartbeat.grace_seconds, fresh_limit(settings, origin))
