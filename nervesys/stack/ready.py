"""Checks whether the stack works: all processes run, all targets are up, all agents have a heartbeat."""

from typing import NamedTuple

from nervesys.clients.prometheus import Prometheus, QueryFailed
from nervesys.clients.supervisor import Process
from nervesys.plural import count
from nervesys.stack.layout import Stack

HEARTBEATS = "count(nervesys_agent_heartbeat_timestamp_seconds)"
UNREADABLE = "nervesys_exporter_up == 0"


class MissingPart(NamedTuple):
    """What is still missing.

    Attributes:
        part: of the start: `processes`, `Prometheus`, `scrapes`, `sources` or `heartbeats`.
        text: for people, after "waiting for".
    """

    part: str
    text: str


def find_missing(stack: Stack, processes: dict[str, Process], prometheus: Prometheus) -> MissingPart | None:
    """What is still missing; None once everything works."""
    if still := list_idle(stack, processes):
        return MissingPart("processes", f"{', '.join(still)} to run")
    try:
        targets = prometheus.targets()
        down = sorted(target["labels"]["job"] for target in targets if target["health"] != "up")
        if down or not targets:
            return MissingPart("scrapes", f"Prometheus to reach {', '.join(down) or 'its targets'}")
        unreadable = sorted({series.labels["source"] for series in prometheus.instant(UNREADABLE)})
        if unreadable:
            return MissingPart("sources", f"the exporter of {', '.join(unreadable)} to read its source")
        seen = sum(series.points[0][1] for series in prometheus.instant(HEARTBEATS))
    except QueryFailed:
        return MissingPart("Prometheus", "Prometheus to answer")
    left = len(stack.agents) - int(seen)
    return MissingPart("heartbeats", f"heartbeats of {count(left, 'agent')}") if left > 0 else None


def list_idle(stack: Stack, processes: dict[str, Process]) -> list[str]:
    """The services that are not (yet) RUNNING."""
    return [service.name for service in stack.services if _state(processes, service.name) != "RUNNING"]


def list_failed(stack: Stack, processes: dict[str, Process]) -> list[str]:
    """The services that ended, or failed to start."""
    return [name for name in list_idle(stack, processes) if _state(processes, name) in {"FATAL", "EXITED"}]


def _state(processes: dict[str, Process], name: str) -> str:
    return processes[name].state if name in processes else "STOPPED"
