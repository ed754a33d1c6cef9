"""Whether an agent is in maintenance: by a window in its file in the brain, or by a silence in Alertmanager."""

from datetime import UTC, datetime

from alerting.journal import Episode
from nervesys.settings import AgentConfig

Silenced = frozenset[tuple[str, str]]
"""(alertname, agent) of alerts that fire and are silenced."""


def maintenance(config: AgentConfig, episode: Episode, silenced: Silenced, now: float) -> str:
    """The maintenance that an agent is in, in words; empty where it is in none.

    Args:
        config: the agent's, with its windows.
        episode: whose alert may be silenced.
        silenced: as last read from Alertmanager.
        now: Unix seconds.
    """
    instant = datetime.fromtimestamp(now, UTC)
    for window in config.maintenance:
        until = window.until(instant)
        if until is not None:
            return f"maintenance until {until:%Y-%m-%d %H:%M} UTC{window.reason and f': {window.reason}'}"
    return f"{episode.alert} is silenced in Alertmanager" if (episode.alert, episode.agent) in silenced else ""
