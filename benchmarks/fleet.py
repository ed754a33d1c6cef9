"""A made-up fleet in memory: state objects, and the areas `agents` and `metrics` over them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from exporters.runner import Cache, Health, Refresh, SourceContext
from exporters.store import agent_families, metrics
from exporters.store.agents import AgentsArea
from exporters.store.metrics import MetricsArea
from exporters.store.shared_state import SharedState
from nervesys.contract.times import format_time
from nervesys.metrics import MetricsSnapshot
from nervesys.settings import AgentConfig, StartupSettings, load
from nervesys.stores.objects import DatedBody, Listing, ObjectInfo, gone

AGENTS_A_SERVER = 5
HEARTBEAT = 60
NOW = 1_800_000_000.0


class SyntheticFleet:
    """A store in memory, with one state object for each agent; the clock moves a heartbeat at each change.

    Args:
        size: how many agents.
    """

    def __init__(self, size: int) -> None:
        self.now = NOW
        self._beats = [0] * size
        self._infos: list[ObjectInfo] = []
        self._bodies: dict[str, bytes] = {}
        for number in range(size):
            self._write(number)

    def change(self, share: float) -> None:
        """Let a share of the agents, evenly spread, write another heartbeat."""
        self.now += HEARTBEAT * share
        every = round(1 / share)
        for number in range(0, len(self._beats), every):
            self._write(number)

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All state objects; other folders are empty."""
        wanted = prefix == "db/agents/" and recursive
        return Listing(tuple(self._infos) if wanted else (), clock=self.now)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """A state object."""
        return self._bodies[key]

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """A state object, as old as its listing shows."""
        return DatedBody(self._bodies[key], None)

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """There is no log."""
        raise gone(key)

    @property
    def agents(self) -> Sequence[str]:
        """The names of all agents."""
        return [_name(number) for number in range(len(self._beats))]

    def _write(self, number: int) -> None:
        agent, beat = _name(number), self._beats[number]
        self._beats[number] += 1
        info = ObjectInfo(f"db/agents/{agent}_state.json", f"{number}-{beat}", 900, self.now - number % 60 / 10)
        if beat:
            self._infos[number] = info
        else:
            self._infos.append(info)
        self._bodies[info.key] = json.dumps(_state(agent, number, beat, info.modified)).encode()


def _name(number: int) -> str:
    return f"agent-{number:05}"


def _state(agent: str, number: int, beat: int, at: float) -> dict[str, object]:
    server, timestamp = f"server-{number // AGENTS_A_SERVER:04}.example.com", format_time(at - 0.1 * (number % 7))
    return {
        "agent_id": agent,
        "instance_id": f"{number:032x}",
        "server": server,
        "status": "running" if (number + beat) % 4 else "idle",
        "timestamp": timestamp,
        "started_at": format_time(NOW - 86_400 - number),
        "role": "code review",
        "model": f"model-{number % 5}",
        "version": "1.2.3",
        "tasks": {"completed": number + beat, "failed": beat // 9},
        "tokens_used": number * 1000 + beat * 37,
        "buffer": {"bytes": (number * 7919 + beat * 104_729) % 1_000_000, "records": 5},
        "metrics": {
            "timestamp": timestamp,
            "server": server,
            "cpu_percent": (number + beat) % 100,
            "memory_percent": 41.5,
            "disk_percent": 63.25,
            "network_io": {"rx_bytes": number * 10_000 + beat * 1234, "tx_bytes": beat * 777},
            "uptime_seconds": 1_000_000 + beat * HEARTBEAT,
        },
    }


class Exporter:
    """The two areas over a fleet.

    Args:
        fleet: what they read.
    """

    def __init__(self, fleet: SyntheticFleet) -> None:
        loaded, shared = load(), SharedState()
        health = Health("store", lambda: fleet.now)
        place = StartupSettings(Path("/nowhere"))
        configured = {name: AgentConfig(name=name) for name in fleet.agents}
        context = SourceContext(place, loaded.settings, configured, lambda: fleet.now, Cache(), health)
        self._areas = [
            (AgentsArea(fleet, context, shared).refresh, Refresh(agent_families.FAMILIES, health.reject)),
            (MetricsArea(fleet, context, shared).refresh, Refresh(metrics.FAMILIES, health.reject)),
        ]

    def read(self) -> None:
        """List, fetch and parse what changed, and render it."""
        for refresh, out in self._areas:
            refresh(out)

    def join(self) -> MetricsSnapshot:
        """Join and compress."""
        snapshot = MetricsSnapshot.concatenate([out.snapshot() for _, out in self._areas])
        snapshot.gzipped  # noqa: B018  # as the runner does
        return snapshot
