"""Which agents are monitored and which are available, as PromQL.

An agent is monitored while it is configured in the brain and the store's exporter has read the agents' states
recently: a blind exporter shortens the monitored time, but does not lower availability. It is available while its
newest heartbeat is younger than the limit from which it counts as down. An agent that was never seen, or was stopped on
purpose, is not available.
"""

from nervesys.settings import Loaded

_READ = 'nervesys_exporter_last_success_timestamp_seconds{source="store",area="agents"}'
_FRESH_LIMIT = 'nervesys_exporter_fresh_limit_seconds{source="store",area="agents"}'


def monitored_agents(loaded: Loaded, matchers: str = "") -> str:
    """The monitored agents, each with the value 1. With several shards of the store's exporter, the slowest counts.

    Args:
        loaded: the settings.
        matchers: of the agents, such as `{agent="grok"}`; empty for all.
    """
    # Samples from before exporters had the limit as a metric have none.
    limit = f"(min({_FRESH_LIMIT}) or vector({loaded.settings.monitoring.fresh_seconds('store', 'agents'):g}))"
    fresh = f"time() - min({_READ}) < {limit}"
    return f"group by (agent) (nervesys_brain_agent_info{matchers}) and on () ({fresh})"


def available_agents(loaded: Loaded) -> str:
    """The agents that are monitored and available; the value is the age of the heartbeat, in seconds."""
    return f"({alive_agents(loaded)}) and on (agent) ({monitored_agents(loaded)})"


def alive_agents(loaded: Loaded) -> str:
    """The agents with a heartbeat that is young enough, monitored or not; the value is its age, in seconds."""
    limits = own_limits(loaded)
    common = loaded.settings.thresholds.heartbeat.down_after_seconds
    others = f'{{agent!~"{"|".join(sorted(limits))}"}}' if limits else ""
    own = (_younger_than(f'{{agent="{agent}"}}', limit) for agent, limit in limits.items())
    return " or ".join([_younger_than(others, common), *own])


def own_limits(loaded: Loaded) -> dict[str, float]:
    """The agents with a `down_after_seconds` of their own, in seconds."""
    common = loaded.settings.thresholds
    limits = {name: own.over(common).heartbeat.down_after_seconds for name, own in loaded.own_thresholds.items()}
    return {name: limit for name, limit in sorted(limits.items()) if limit != common.heartbeat.down_after_seconds}


def _younger_than(labels: str, limit: float) -> str:
    return f"time() - max by (agent) (nervesys_agent_heartbeat_timestamp_seconds{labels}) <= {limit:g}"
