"""What the journal knows of the agents that a turn of the receiver decides about, read for all of them at once."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from alerting.journal import Episode, EpisodeVerdict, batches, instances
from alerting.receiver.blast_radius import FleetIncident
from alerting.receiver.decision_input import AgentObservation, Policy
from alerting.receiver.limits import read_incident
from alerting.receiver.stopping import list_held
from nervesys.contract import Instances

ActionOfAgent = tuple[str, str]
"""Action and agent."""


@dataclass(frozen=True)
class JournalFacts:
    """What happened to these agents before.

    Attributes:
        attempts: when attempts began, oldest first, across episodes; as far back as a limit reaches.
        recoveries: in the window of flaps, across episodes.
        instances: that were seen, by agent.
        held: agents that were stopped because a budget is spent, and not started since.
        incident: of the fleet.
    """

    attempts: Mapping[ActionOfAgent, tuple[float, ...]]
    recoveries: Mapping[ActionOfAgent, int]
    instances: Mapping[str, Instances]
    held: set[str]
    incident: FleetIncident

    def seen_of(self, agent: str) -> Instances:
        """The instances of an agent that were seen."""
        return self.instances.get(agent, instances.NONE_SEEN)


def read_facts(
    connection: Connection,
    due: Sequence[tuple[Episode, AgentObservation]],
    policy: Policy,
    period_begin: Callable[[str], float],
    now: float,
) -> JournalFacts:
    """Read what decisions about these episodes need.

    Args:
        connection: an open transaction.
        due: the episodes, and what is seen of their agents.
        policy: how far back limits reach.
        period_begin: returns when the period of an agent's budget began, Unix seconds.
        now: Unix seconds.
    """
    attempts: dict[ActionOfAgent, tuple[float, ...]] = {}
    recoveries: dict[ActionOfAgent, int] = {}
    by_action: dict[str, set[str]] = defaultdict(set)
    for episode, _ in due:
        by_action[episode.action].add(episode.agent)
    for action, agents in by_action.items():
        begun = batches.list_attempts(connection, action, agents, now - max(policy.window, policy.cooldown))
        attempts |= {(action, agent): instants for agent, instants in begun.items()}
        since = now - policy.flap_window
        proven = batches.count_verdicts(connection, action, agents, EpisodeVerdict.PROVEN, since)
        recoveries |= {(action, agent): number for agent, number in proven.items()}
    seen = {episode.agent: observation.instance for episode, observation in due}
    held = list_held(connection, seen, period_begin)
    known = instances.read_instances(connection, list(seen))
    return JournalFacts(attempts, recoveries, known, held, read_incident(connection, now))
