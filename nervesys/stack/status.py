"""The status of the local stack and its agents, combined from supervisor, the store and the receiver's journal."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

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


class SourceStatus(SettingsSection):
    """One of the sources whose exporters share a process.

    Attributes:
        problem: why it serves no metrics yet; None if it does.
    """

    name: str
    problem: str | None


class AgentReport(NamedTuple):
    """What an agent last wrote of itself, as Prometheus knows it."""

    server: str | None = None
    status: str | None = None


class AgentStatus(SettingsSection):
    """One agent, wherever it runs.

    Attributes:
        configured: whether the brain names it.
        server: that it last wrote from; None if that is not known.
        status: that it last reported; None if that is not known.
        state: of its process; None if it does not run in this stack.
        heartbeat_age_seconds: by the store's clock; None if there is no heartbeat, or the store does not respond.
        restarts: number of driver calls in the journal.
        last_action: the newest restart: `state`, and `at` in Unix seconds.
    """

    name: str
    configured: bool
    server: str | None
    status: str | None
    state: str | None
    heartbeat_age_seconds: float | None
    restarts: int
    last_action: dict[str, Any] | None


class StackStatus(SettingsSection):
    """The whole status.

    Attributes:
        sources: those whose exporters share a process; empty if it does not run.
        warnings: what could not be read, and what needs attention.
    """

    services: tuple[ServiceStatus, ...]
    sources: tuple[SourceStatus, ...]
    agents: tuple[AgentStatus, ...]
    warnings: tuple[str, ...]

    @property
    def works(self) -> bool:
        """Whether all services run, and all sources are ready; agents are not considered."""
        return all(service.state == "running" for service in self.services) and not any(
            source.problem for source in self.sources
        )


def status_of(
    stack: Stack,
    processes: Mapping[str, Process],
    fleet: Collection[str],
    heartbeats: Mapping[str, float],
    reports: Mapping[str, AgentReport],
    actions: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
    sources: Sequence[SourceStatus] = (),
) -> StackStatus:
    """Combine the status.

    Args:
        stack: the stack.
        processes: supervisor's processes; empty if it does not respond.
        fleet: names of the agents in the brain.
        heartbeats: age in seconds, by agent.
        reports: what agents wrote of themselves, by agent.
        actions: the journal's actions, most recently changed first.
        warnings: to include.
        sources: those whose exporters share a process.
    """

    def state(name: str) -> str:
        return processes[name].state.lower() if name in processes else "stopped"

    def agent(name: str) -> AgentStatus:
        mine = [action for action in actions if action["agent"] == name and action["action"] == RESTART]
        report = reports.get(name, AgentReport())
        return AgentStatus(
            name=name,
            configured=name in fleet,
            server=report.server,
            status=report.status,
            state=state(name) if name in stack.agents else None,
            heartbeat_age_seconds=heartbeats.get(name),
            restarts=sum(action["attempts"] for action in mine),
            last_action={"state": mine[0]["state"], "at": mine[0]["updated_at"]} if mine else None,
        )

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
        sources=tuple(sources),
        agents=tuple(map(agent, sorted({*stack.agents, *fleet, *heartbeats}))),
        warnings=tuple(warnings),
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
