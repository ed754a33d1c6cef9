"""A simulated fleet whose clock is moved by hand, and the areas `agents` and `metrics` over it."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.simulator.agents import HEARTBEAT, SimulatedAgents
from benchmarks.simulator.bucket import SimulatedBucket
from exporters.runner import Cache, Health, Refresh, SourceContext
from exporters.store import agent_families, metrics
from exporters.store.agents import AgentsArea
from exporters.store.metrics import MetricsArea
from exporters.store.shared_state import SharedState
from nervesys.clock import Clock
from nervesys.metrics import MetricsSnapshot
from nervesys.settings import AgentConfig, StartupSettings, load
from nervesys.stores.objects import ObjectReader

NOW = 1_800_000_000.0


class SyntheticFleet(SimulatedBucket):
    """A store in memory; the clock stands still between two changes.

    Args:
        size: how many agents.
    """

    def __init__(self, size: int) -> None:
        self.now = NOW
        super().__init__(SimulatedAgents(size, NOW, days=0), lambda: self.now)

    def change(self, share: float) -> None:
        """Let a share of the agents write another heartbeat."""
        self.now += HEARTBEAT * share

    def exporter(self) -> "Exporter":
        """An exporter that has read nothing yet."""
        return Exporter(self, self.clock, self.agents.names)


class Exporter:
    """The two areas over a fleet.

    Args:
        store: what they read.
        clock: theirs.
        agents: the configured ones, by name.
    """

    def __init__(self, store: ObjectReader, clock: Clock, agents: Iterable[str]) -> None:
        loaded, shared = load(), SharedState()
        health = Health("store", clock)
        place = StartupSettings(Path("/nowhere"))
        configured = {name: AgentConfig(name=name) for name in agents}
        context = SourceContext(place, loaded.settings, configured, clock, Cache(), health)
        self._areas = [
            (AgentsArea(store, context, shared).refresh, Refresh(agent_families.FAMILIES, health.reject)),
            (MetricsArea(store, context, shared).refresh, Refresh(metrics.FAMILIES, health.reject)),
        ]

    def read(self) -> None:
        """List, fetch and parse what changed, and render it."""
        for refresh, out in self._areas:
            refresh(out)
            while out.backlog:
                refresh(out)

    def join(self) -> MetricsSnapshot:
        """Join and compress."""
        snapshot = MetricsSnapshot.concatenate([out.snapshot() for _, out in self._areas])
        snapshot.gzipped  # noqa: B018  # as the runner does
        return snapshot
