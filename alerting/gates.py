"""When what an exporter says may be believed: PromQL that closes while a source is not read.

A series that is served is no proof that it is new: after a failure the last snapshot stays. Two families date it:
the last success of each area, and since when the successes follow each other without a break.
"""

from nervesys.settings import Settings

LAST_SUCCESS = "nervesys_exporter_last_success_timestamp_seconds"
UNBROKEN_SINCE = "nervesys_exporter_unbroken_since_timestamp_seconds"
CLOCK_OFFSET = "nervesys_store_clock_offset_seconds"
CONFIGURED = "nervesys_brain_agent_configured"


def number(value: float) -> str:
    """A number as PromQL writes it."""
    return f"{value:.12g}"


def area(source: str, name: str) -> str:
    """The selector of one area of a source."""
    return f'{{source="{source}",area="{name}"}}'


def fresh(settings: Settings, source: str, name: str) -> str:
    """The area was read a moment ago, by Prometheus' clock; one series per exporter."""
    limit = settings.monitoring.refresh.fresh_seconds(name)
    return f"abs(time() - {LAST_SUCCESS}{area(source, name)}) < {number(limit)}"


def unbroken(settings: Settings, source: str, name: str) -> str:
    """The area has been read without a break for longer than anyone's silence could have another reason."""
    return f"time() - {UNBROKEN_SINCE}{area(source, name)} > {number(grace(settings, name))}"


def grace(settings: Settings, name: str) -> float:
    """Seconds of unbroken reading after which silence counts: the agents' grace, and at least four refreshes."""
    return max(settings.thresholds.heartbeat.grace_seconds, settings.monitoring.refresh.fresh_seconds(name))


def gated(settings: Settings, expr: str, source: str, name: str, *, silence: bool = False) -> str:
    """An expression that is empty while its source may not be believed.

    Args:
        settings: how old is too old.
        expr: a vector that still carries `job` and `instance`.
        source: the exporter's source.
        name: the area that the vector is read from.
        silence: it speaks of age or absence, for which the source must have been read without a break, by clocks
            that agree.
    """
    parts = [expr, f"and on (job, instance) ({fresh(settings, source, name)})"]
    if silence:
        parts.append(f"and on (job, instance) ({unbroken(settings, source, name)})")
        if source == "store":
            limit = number(settings.thresholds.store_clock_offset_seconds)
            parts.append(f"unless on (job, instance) (abs({CLOCK_OFFSET}) > {limit})")
    return "\n  ".join(parts)


def whole(settings: Settings, source: str, name: str) -> str:
    """All exporters of the source are up and have read the area without a break: what is absent is not there."""
    limit = number(settings.monitoring.refresh.fresh_seconds(name))
    return (
        f'(min(up{{job="{source}"}}) == 1'
        f" and max(abs(time() - {LAST_SUCCESS}{area(source, name)})) < {limit}"
        f" and min(time() - {UNBROKEN_SINCE}{area(source, name)}) > {number(grace(settings, name))})"
    )
