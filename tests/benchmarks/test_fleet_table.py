"""The real programs against a simulated fleet, for a few seconds; the figures are for `make bench-fleet`.

Covers: benchmarks.fleet_table, benchmarks.fleet_run, benchmarks.fleet_rows, benchmarks.storm,
benchmarks.simulator.stand, benchmarks.simulator.alerting_stand, benchmarks.simulator.observations,
benchmarks.simulator.killed, benchmarks.simulator.pages, benchmarks.simulator.prometheus.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import fleet_run, fleet_table
from benchmarks.measure import BenchmarkReport
from benchmarks.simulator.engine import EngineMode, RestartCall
from benchmarks.simulator.killed import JournalReader, KilledAgent
from benchmarks.simulator.observations import Observations
from benchmarks.simulator.prometheus import WatchedPrometheus
from benchmarks.simulator.stand import Stand, simulated_stand
from benchmarks.storm import Storm
from nervesys.clock import system_clock

QUICK: dict[str, dict[str, Any]] = {
    "thresholds": {"heartbeat": {"interval_seconds": 1, "down_after_seconds": 6}},
    "monitoring": {
        "prometheus": {"scrape_interval_seconds": 1, "evaluation_interval_seconds": 1},
        "sources": {"store": {"refresh": {"agents": 1, "metrics": 1}}, "brain": {"refresh": {"brain": 2}}},
    },
    "receiver": {"limits": {"start_allowance_seconds": 5, "cooldown_seconds": 5}},
}
"""Settings with which an agent is dead after seconds."""


def test_the_receiver_restarts_killed_agents_of_a_fleet_and_after_a_storm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_run, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(fleet_table, "PASS_INTERVAL", 0)
    console, report = Console(record=True, quiet=True), BenchmarkReport("a fleet")
    with simulated_stand(12, tmp_path, QUICK, every=1) as stand:
        storm = Storm(share=0.5, seconds=0, cause=EngineMode.REFUSES)
        fleet_table.run(report, console, stand, seconds=1, kill_every=60, storm=storm, silent_after=6)
    cells = dict(zip(*(column.cells for column in report.table.columns[:2]), strict=True))
    assert int(cells["series of the exporter of store"].replace(",", "")) > 12 * 15
    assert cells["agents killed one by one"] == "1"
    assert cells["storm: agents restarted, and proven to run"] == "6 and 6"
    counts = (
        "killed agents without it: proven in the journal",
        "restarts called of agents that ran, or twice",
        "agents that looked silent, or were named, and were alive",
        "webhooks that failed",
        "unbroken runs of passes that broke",
    )
    assert [cells[what] for what in counts] == ["0"] * len(counts)


class Pages(Stand):
    """Serves pages that are made up."""

    def __init__(self, page: str) -> None:
        super().__init__(3, Path("/nowhere"), "", {})
        self.page = page
        self.restarts: list[RestartCall] = []

    def metrics(self, source: str) -> bytes:
        return self.page.encode() if source == "store" else b""

    def calls(self, first: int = 0) -> list[RestartCall]:
        return self.restarts[first:]


def page(read_at: float, unbroken: float = 0, **heartbeats: float) -> str:
    labels = '{area="agents",source="store"}'
    families = {
        "last_success_timestamp_seconds": read_at,
        "refresh_duration_seconds": 1.5,
        "fresh_limit_seconds": 60,
        "unbroken_since_timestamp_seconds": unbroken,
    }
    lines = [f"nervesys_exporter_{name}{labels} {value}" for name, value in families.items()]
    for agent, at in heartbeats.items():
        name = json.dumps(agent.replace("_", "-"))
        lines.append(f"nervesys_agent_heartbeat_timestamp_seconds{{agent={name}}} {at}")
    return "\n".join(lines) + "\n"


class NoPrometheus(WatchedPrometheus):
    """Names the agents that it is given."""

    def __init__(self, *agents: str) -> None:
        super().__init__("")
        self.agents = set(agents)

    def firing(self) -> set[str]:
        return self.agents


class NoJournal(JournalReader):
    """Has the proofs that it is given."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.proofs: list[tuple[int, float]] = []

    def proven(self) -> Iterator[tuple[int, float]]:
        return iter(self.proofs)


def test_silence_staleness_and_breaks_are_counted() -> None:
    now = system_clock()
    stand = Pages(page(now, agent_00000=now, agent_00001=now - 301, agent_00002=now - 301))
    agent = KilledAgent(now - 1)
    seen = Observations(stand, 300, NoPrometheus(), NoJournal(), killed={1: agent})
    seen.look()
    seen.look()
    assert seen.passes == {"agents": [1.5]}, "a pass is counted once"
    assert (agent.silent is not None, seen.wrong, seen.stale, seen.breaks) == (True, {2}, 0, 0)
    stand.page = page(now - 61, unbroken=now)
    seen.look()
    assert (seen.stale, seen.breaks) == (1, 1)


def test_an_agent_is_followed_until_it_is_proven_and_not_named_any_more() -> None:
    now = system_clock()
    stand, journal, prometheus = Pages(page(now, agent_00001=now)), NoJournal(), NoPrometheus("agent-00001")
    agent = KilledAgent(now - 1)
    seen = Observations(stand, 300, prometheus, journal, killed={1: agent})
    stand.restarts = [
        RestartCall(1, now + 1, EngineMode.DIES, double=False),
        RestartCall(1, now + 200, EngineMode.WORKS, double=False),
    ]
    seen.look()
    assert (agent.named is not None, agent.called, agent.started, agent.proven) == (True, now + 1, now + 200, None)
    journal.proofs = [(1, now + 260)]
    seen.look()
    assert (agent.proven, seen.killed) == (now + 260, {1: agent}), "it is still named"
    prometheus.agents = set()
    seen.look()
    assert (seen.killed, seen.ended, seen.wrong) == ({}, [(1, agent)], set())


def test_an_episode_that_is_opened_again_is_proven_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    with closing(sqlite3.connect(path)) as journal, journal:
        journal.execute("CREATE TABLE episodes (id, action, agent, state, closed_at)")
        journal.execute("INSERT INTO episodes VALUES (1, 'restart_agent', 'agent-00005', 'recovered', 100.0)")
    reader = JournalReader(path)
    assert list(reader.proven()) == [(5, 100.0)]
    assert list(reader.proven()) == []
    with closing(sqlite3.connect(path)) as journal, journal:
        journal.execute("UPDATE episodes SET closed_at = 200.0")
    assert list(reader.proven()) == [(5, 200.0)]
