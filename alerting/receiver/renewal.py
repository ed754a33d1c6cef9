"""Starts agents again that were stopped for their budget, once it is renewed.

They were stopped in an earlier period, no budget alert fires for them, and the Watchdog does: without it, alerts may be
absent because nothing is being read.
"""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import Connection

from alerting.actions import STOP_AGENT
from alerting.journal import ActionState, StateChange, episodes
from alerting.overlay import WATCHDOG
from alerting.receiver import orders
from alerting.receiver.firing import Firing
from alerting.receiver.stopping import is_held
from nervesys.contract.times import utc
from nervesys.settings.budgets import Budgets, Period

REASON = "the period of its budget is over"


def waiting_agents(connection: Connection, agents: Collection[str], budgets: Budgets, now: float) -> list[str]:
    """The agents that were stopped before the period of their shortest budget began, and not started since."""
    stops = episodes.latest_attempted(connection, STOP_AGENT, agents)
    return [
        agent
        for agent, stop in sorted(stops.items())
        if stop.state is ActionState.RECOVERED
        and (stop.attempt_at or now) < period_begin(budgets.shortest_stop(agent), now)
        and is_held(connection, agent)
    ]


def period_begin(period: Period, now: float) -> float:
    """When the current period began, UTC; a week begins on Monday."""
    day = utc(now).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}
    return begins[period].timestamp()


def start_again(
    connection: Connection, agents: Collection[str], firing: Firing, alerts: Collection[str], now: float
) -> list[StateChange]:
    """Order the start of those for which none of these alerts fires, while the Watchdog fires.

    Args:
        connection: an open transaction.
        agents: that wait.
        firing: alerts that fire.
        alerts: names of those that stop agents.
        now: Unix seconds.
    """
    if not any(name == WATCHDOG for name, _, _ in firing):
        return []
    spent = {agent for name, agent, _ in firing if name in alerts}
    changes: list[StateChange] = []
    for agent in agents:
        if agent not in spent and is_held(connection, agent):
            changes += orders.start(connection, agent, 0, now, REASON) or []
    return changes
