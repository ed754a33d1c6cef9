"""Starts agents again that were stopped for their budget, once it is renewed.

They were stopped on an earlier day, and no budget alert fires for them.
"""

from collections.abc import Collection

from sqlalchemy import Connection

from alerting.actions import STOP_AGENT
from alerting.journal import ActionState, StateChange, episodes
from alerting.receiver import orders
from alerting.receiver.firing import Firing
from alerting.receiver.stopping import is_held
from nervesys.contract.times import DAY_SECONDS

REASON = "the period of its budget is over"


def waiting_agents(connection: Connection, agents: Collection[str], now: float) -> list[str]:
    """The agents that were stopped for their budget before today (UTC), and not started since."""
    midnight = now - now % DAY_SECONDS
    stops = episodes.latest_attempted(connection, STOP_AGENT, agents)
    return [
        agent
        for agent, stop in sorted(stops.items())
        if stop.state is ActionState.RECOVERED and (stop.attempt_at or now) < midnight and is_held(connection, agent)
    ]


def start_again(
    connection: Connection, agents: Collection[str], firing: Firing, alerts: Collection[str], now: float
) -> list[StateChange]:
    """Order the start of those for which none of these alerts fires.

    Args:
        connection: an open transaction.
        agents: that wait.
        firing: alerts that fire.
        alerts: names of those that stop agents.
        now: Unix seconds.
    """
    spent = {agent for name, agent, _ in firing if name in alerts}
    changes: list[StateChange] = []
    for agent in agents:
        if agent not in spent and is_held(connection, agent):
            changes += orders.start(connection, agent, 0, now, REASON) or []
    return changes
