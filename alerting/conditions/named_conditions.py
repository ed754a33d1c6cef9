"""Named conditions, which join several sources or have no bound to compare with."""

from collections.abc import Mapping

from alerting.conditions.budget_conditions import BUDGET_CONDITIONS
from alerting.conditions.call_conditions import CALL_CONDITIONS
from alerting.conditions.freshness_guards import (
    AGENTS,
    BRAIN,
    CONFIGURED,
    CONFIGURED_WITHIN_AN_HOUR,
    FRESH_LIMIT,
    LAST_SUCCESS,
    fresh_limit,
    fresh_source,
    number,
    of_area,
    origins,
    require_fresh,
    unbroken_source,
)
from alerting.conditions.named_condition import NamedCondition
from alerting.conditions.progress_conditions import PROGRESS_CONDITIONS
from alerting.conditions.push_conditions import PUSH_CONDITIONS
from alerting.conditions.terms import ENOUGH, GaugeTerm
from alerting.scrape_targets import jobs
from alerting.units import BaseUnit, promql_duration
from nervesys.settings import Settings

HEARTBEAT = "nervesys_agent_heartbeat_timestamp_seconds"


def _never_seen(settings: Settings) -> str:
    """An agent has been configured for a while, and the store, read without a break, has no heartbeat of it."""
    heartbeat = settings.thresholds.heartbeat
    window = heartbeat.down_after_seconds + max(heartbeat.grace_seconds, fresh_limit(settings, BRAIN))
    span = promql_duration(window)
    enough = ENOUGH * window / settings.monitoring.prometheus.scrape_interval_seconds
    return (
        f"max by (agent) (\n  {require_fresh(settings, f'count_over_time({CONFIGURED}[{span}])', BRAIN)}\n"
        f") >= {number(enough)}\n"
        f"and on () {unbroken_source(settings, AGENTS)}\n"
        f"unless on (agent) last_over_time({HEARTBEAT}[{span}])"
    )


def _unknown_agents(settings: Settings) -> str:
    """The number of agents with heartbeats that the brain does not configure; their names become no labels."""
    age = require_fresh(settings, f"(time() - {HEARTBEAT})", AGENTS)
    return (
        f"count(\n  min by (agent) (\n  {age}\n  ) < {number(settings.thresholds.heartbeat.down_after_seconds)}\n"
        f"  unless on (agent) {CONFIGURED_WITHIN_AN_HOUR}\n) > 0\n"
        f"and on () {unbroken_source(settings, BRAIN)}"
    )


def _stuck_stopping(settings: Settings) -> str:
    """An agent's status has been `stopping` for longer than `down_after_seconds`."""
    stopping = GaugeTerm('nervesys_agent_status{status="stopping"}', ("agent",), BaseUnit.COUNT, AGENTS)
    return stopping.promql(settings, ">", 0, settings.thresholds.heartbeat.down_after_seconds)


def _exporter_stale(settings: Settings) -> str:
    """No refresh of an area has succeeded for longer than its freshness limit."""
    return "\nor ".join(
        f"max by (source, area) (time() - {LAST_SUCCESS}{of_area(origin)} > {FRESH_LIMIT}{of_area(origin)})"
        for origin in origins(settings)
    )


def _source_unreachable(settings: Settings) -> str:
    """Every refresh of an area has failed for as long as its freshness limit."""
    return "\nor ".join(
        "("
        + GaugeTerm(f"nervesys_exporter_up{of_area(origin)}", ("source", "area"), BaseUnit.COUNT).promql(
            settings, "<", 1, fresh_limit(settings, origin)
        )
        + ")"
        for origin in origins(settings)
    )


def _target_down(settings: Settings) -> str:
    """A job cannot be scraped, or is missing from Prometheus' targets, for which `up` has no series.

    Of a job with several targets each must be there, such as each shard.
    """
    scraped = jobs(settings)
    down = f'min by (job) (up{{job=~"{"|".join(scraped)}"}}) == 0'
    fewer = (
        f'count by (job) (up{{job="{job}"}}) < {len(target.addresses)}'
        for job, target in scraped.items()
        if len(target.addresses) > 1
    )
    return "\nor ".join([down, *fewer, *(f'absent(up{{job="{job}"}})' for job in scraped)])


def _all_is_well(settings: Settings) -> str:
    """The store's agents are being read; `vector(1)` would go on firing while Prometheus ingests nothing."""
    return fresh_source(settings, AGENTS)


NAMED_CONDITIONS: Mapping[str, NamedCondition] = {
    "agent never seen": NamedCondition(("agent",), _never_seen),
    "agent stuck stopping": NamedCondition(("agent",), _stuck_stopping),
    **PROGRESS_CONDITIONS,
    **CALL_CONDITIONS,
    **BUDGET_CONDITIONS,
    **PUSH_CONDITIONS,
    "unknown agents": NamedCondition((), _unknown_agents),
    "target down": NamedCondition(("job",), _target_down),
    "exporter stale": NamedCondition(("source", "area"), _exporter_stale),
    "source unreachable": NamedCondition(("source", "area"), _source_unreachable),
    "all is well": NamedCondition((), _all_is_well),
}
"""By name, such as `target down`."""
