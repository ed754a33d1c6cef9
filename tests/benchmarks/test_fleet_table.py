"""The real exporters against a simulated fleet, for a few seconds; the figures are for `make bench-fleet`.

Covers: benchmarks.fleet_table, benchmarks.simulator.stand, benchmarks.simulator.observations,
benchmarks.simulator.prometheus.
"""

import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import fleet_table
from benchmarks.measure import BenchmarkReport
from benchmarks.simulator.observations import Observations
from benchmarks.simulator.stand import Stand, simulated_stand
from nervesys.clock import system_clock


def test_the_exporters_read_the_store_and_the_brain_of_a_fleet_for_a_prometheus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_table, "LOOK_SECONDS", 1)
    monkeypatch.setattr(fleet_table, "PASS_INTERVAL", 0)
    console, report = Console(record=True, quiet=True), BenchmarkReport("a fleet")
    with simulated_stand(20, tmp_path) as stand:
        fleet_table.run(report, console, stand, seconds=3, kill_every=60, prometheus=True)
    cells = dict(zip(*(column.cells for column in report.table.columns[:2]), strict=True))
    assert int(cells["series of the exporter of store"].replace(",", "")) > 20 * 15
    assert any(what.startswith("pass of brain") for what in cells)
    assert "Prometheus: series" in cells
    assert float(cells["alerts build, s of CPU time"]) > 0
    counts = ("agents that looked silent and were alive", "unbroken runs of passes that broke")
    assert [cells[what] for what in counts] == ["0", "0"]


class Pages(Stand):
    """Serves pages that are made up."""

    def __init__(self, page: str) -> None:
        super().__init__(3, Path("/nowhere"), "", {})
        self.page = page

    def metrics(self, source: str) -> bytes:
        return self.page.encode() if source == "store" else b""


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


def test_silence_staleness_and_breaks_are_counted() -> None:
    now = system_clock()
    stand = Pages(page(now, agent_00000=now, agent_00001=now - 301, agent_00002=now - 301))
    seen = Observations(stand, silent_after=300, killed={1})
    seen.look()
    seen.look()
    assert seen.passes == {"agents": [1.5]}, "a pass is counted once"
    assert (list(seen.noticed), seen.wrong, seen.stale, seen.breaks) == ([1], {2}, 0, 0)
    stand.page = page(now - 61, unbroken=now)
    seen.look()
    assert (seen.stale, seen.breaks) == (1, 1)
