"""The status of the local stack and its agents, combined from supervisor, the store and the receiver's journal."""

from collections.abc import Mapping, Sequence
from typing import Any

from nervesys.clients.supervisor import Process
from nervesys.contract import PathTemplate
from nervesys.settings.section import SettingsSection
from nervesys.stack.layout import Stack
from nervesys.stores.objects import Listing

RESTART = "restart_agent"


class ServiceStatus(SettingsSection):
    """One service.

    Attributes:
        state: supervisor's state in lower case; `stopped` if it does not run.
        url: URL for people.
        since: start time of its process, in Unix seconds.
    """

    name: str
    about: str
    state: str
    url: str | None
    since: float | None


class AgentStatus(SettingsSection):
    """One agent.

    Attributes:
        state: of its process.
        heartbeat_age_seconds: by the store's clock; None if there is no heartbeat, or the store does not respond.
        restarts: number of driver calls in the journal.
        last_action: the newest restart: `state`, and `at` in Unix seconds.
    """

    name: str
    state: str
    heartbeat_age_seconds: float | None
    restarts: int
    last_action: dict[str, Any] | None


class StackStatus(SettingsSection):
    """The whole status.

    Attributes:
        warnings: what could not be read, and what needs attention.
    """

    services: tuple[ServiceStatus, ...]
    agents: tuple[AgentStatus, ...]
    warnings: tuple[str, ...]

    @property
    def works(self) -> bool:
        """Whether all services run; agents are not considered."""
        return all(service.state == "running" for service in self.services)


def status_of(
    stack: Stack,
    processes: Mapping[str, Process],
    heartbeats: Mapping[str, float],
    actions: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
) -> StackStatus:
    """Combine the status.

    Args:
        stack: the stack.
        processes: supervisor's processes; empty if it does not respond.
        heartbeats: age in seconds, by agent.
        actions: the journal's actions, most recently changed first.
        warnings: to include.
    """

    def state(name: str) -> str:
        return processes[name].state.lower() if name in processes else "stopped"

    return StackStatus(
        services=tuple(
            ServiceStatus(
                name=service.name,
                about=service.about,
                state=state(service.name),
                url=service.url,
                since=(processes[service.name].started or None) if state(service.name) == "running" else None,
            )
            for service in stack.services
            if not service.agent
        ),
        agents=tuple(_agent(name, state(name), heartbeats.get(name), actions) for name in stack.agents),
        warnings=tuple(warnings),
    )


def _agent(name: str, state: str, age: float | None, actions: Sequence[Mapping[str, Any]]) -> AgentStatus:
    mine = [action for action in actions if action["agent"] == name and action["action"] == RESTART]
    return AgentStatus(
        name=name,
        state=state,
        heartbeat_age_seconds=age,
        restarts=sum(action["attempts"] for action in mine),
        last_action={"state": mine[0]["state"], "at": mine[0]["updated_at"]} if mine else None,
    )


def heartbeat_ages(listing: Listing, template: str, now: float) -> dict[str, float]:
    """Seconds since each agent's last heartbeat.

    Args:
        listing: of the area `agents`.
        template: the area's template.
        now: Unix seconds, used if the store's response had no time.
    """
    path, clock = PathTemplate(template), listing.clock or now
    parsed = ((path.parse(info.key), info.modified) for info in listing.objects)
    return {fields["agent"]: max(0.0, clock - modified) for fields, modified in parsed if fields}
