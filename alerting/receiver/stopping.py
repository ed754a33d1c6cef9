"""Decides about stopping an agent whose budget is spent, and about keeping it stopped.

A stop is proven by the status `stopped` or by silence. It needs a budget that permits it and an alert that fires: a
forged or late alert stops nobody.
"""

import math
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from alerting.actions import RESTART_AGENT, START_AGENT, STOP_AGENT
from alerting.journal import ActionState, Episode, EpisodeVerdict, episodes, instances
from alerting.receiver.decision_input import Case, Decision, escalate, stay
from nervesys.contract import Status
from nervesys.contract.instances import NAME_LIMIT

IN_FORCE = (ActionState.RUNNING, ActionState.SUCCEEDED, ActionState.RECOVERED)
"""States of a stop that an agent is not to be restarted after."""
UNFINISHED = (ActionState.PENDING, ActionState.DEFERRED, ActionState.ESCALATED)
"""States of a stop that was attempted in vain so far; people may stop the agent by hand meanwhile."""


def without_budget(case: Case) -> Decision | None:
    """Agents are stopped only where config/budgets.yaml says so."""
    if case.eligibility.may_stop:
        return None
    return Decision(EpisodeVerdict.NO_BUDGET, ActionState.REJECTED, "no budget in config/budgets.yaml stops it")


def off(case: Case) -> Decision | None:
    """The agent is stopped, or silent: proof after an attempt, and without one there is nothing to do."""
    state, silent = case.observation.state, case.observation.age > case.policy.down
    if not (silent or (state is not None and state.status is Status.STOPPED)):
        return None
    how = f"silent for {case.observation.age:.0f} s" if silent else "stopped"
    due = case.now + 2 * case.policy.down
    if case.acted:
        return Decision(EpisodeVerdict.PROVEN, ActionState.RECOVERED, how, due)
    return Decision(EpisodeVerdict.STOPPED, ActionState.SKIPPED, f"it is {how} already", due)


def within_budget(case: Case) -> Decision | None:
    """Nothing is stopped for an alert that no longer fires."""
    if case.acted or case.escalated or case.firing_causes:
        return None
    return Decision(
        EpisodeVerdict.QUIET, ActionState.SKIPPED, "no budget alert fires for it", case.now + 2 * case.policy.down
    )


def waiting(case: Case) -> Decision | None:
    """After a call, the agent has time to end."""
    if case.escalated:
        return stay(case, EpisodeVerdict.WAITING, "waiting for an operator")
    if case.episode.state not in (ActionState.RUNNING, ActionState.SUCCEEDED):
        return None
    if case.waited < case.policy.proof:
        return stay(case, EpisodeVerdict.WAITING, "waiting for it to end")
    detail = f"it still runs {case.policy.proof:.0f} s after the call"
    return Decision(EpisodeVerdict.NO_PROOF, ActionState.PENDING, detail, case.now)


def unreachable(case: Case) -> Decision | None:
    """No driver reaches the agent: people must stop it."""
    reason = case.eligibility.unreachable
    return escalate(case, EpisodeVerdict.UNREACHABLE_SERVER, reason) if reason else None


def held(case: Case) -> Decision | None:
    """An agent that was stopped for its budget is not restarted, whatever its silence looks like."""
    if not case.eligibility.held or case.acted or case.episode.action != RESTART_AGENT:
        return None
    detail = "it was stopped because a budget is spent"
    return Decision(EpisodeVerdict.HELD, ActionState.SKIPPED, detail, case.now + 2 * case.policy.down)


def is_held(connection: Connection, agent: str) -> bool:
    """Whether the last thing that was done to an agent was to stop it; no stop that failed counts."""
    return bool(list_held(connection, {agent: ""}))


def list_held(
    connection: Connection, seen: Mapping[str, str], period_begin: Callable[[str], float] = lambda _: math.inf
) -> set[str]:
    """The agents to which a stop is the last thing that was done.

    A stop that failed counts within the period of its budget, also once an operator took over: it was stopped by hand.

    Args:
        connection: an open transaction.
        seen: by agent, the instance that was seen last, if the journal does not have it yet; else empty. Another one
            than was stopped means that somebody started the agent without the receiver.
        period_begin: returns when the period of an agent's budget began, Unix seconds.
    """
    stops = episodes.latest_attempted(connection, STOP_AGENT, list(seen))
    return {agent for agent, stop in stops.items() if _holds(connection, stop, seen[agent], period_begin(agent))}


def _holds(connection: Connection, stop: Episode, instance: str, period_begin: float) -> bool:
    """Whether a stop is in force, and nothing was done to the agent since."""
    if stop.attempt_at is None:
        return False
    if stop.state not in IN_FORCE and not (_failed(stop) and stop.attempt_at >= period_begin):
        return False
    known = instances.read_instances(connection, [stop.agent]).get(stop.agent, instances.NONE_SEEN)
    if stop.baseline and known.observe(instance, stop.attempt_at).latest != stop.baseline[:NAME_LIMIT]:
        return False
    later = (episodes.attempts_since(connection, action, stop.agent, stop.attempt_at) for action in STARTING)
    return not any(later)


def _failed(stop: Episode) -> bool:
    """Whether a stop was attempted in vain, and not cancelled."""
    return stop.state in UNFINISHED or stop.verdict == EpisodeVerdict.ACKNOWLEDGED


STARTING = (RESTART_AGENT, START_AGENT)
BEFORE_LIMITS: tuple[Callable[[Case], Decision | None], ...] = (off, within_budget, waiting, unreachable)
"""The rules of a stop that come after those about what can be seen, and before the limits of attempts."""
