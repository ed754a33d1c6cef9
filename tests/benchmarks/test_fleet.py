"""The store exporter over a simulated fleet of 300 agents, half an hour by a clock that is moved by hand.

Covers: benchmarks.simulator.agents, benchmarks.simulator.bucket.
"""

import re
from dataclasses import replace

import pytest

from benchmarks.simulator.agents import SimulatedAgents, name_of
from benchmarks.simulator.bucket import SimulatedBucket
from exporters.runner import Runner
from exporters.store import SOURCE, areas_of
from tests.exporters.kit import HandClock, context
from tests.exporters.store.bucket import read_series

AGENTS, DEAD, SECONDS = 300, 123, 1800
HOUR = 1_800_000_000 // 3600 * 3600.0
HEARTBEAT = re.compile(r'agent_heartbeat_timestamp_seconds\{agent="(.+)"\}')
Served = list[tuple[float, dict[str, float]]]


@pytest.fixture(scope="module")
def seen() -> Served:
    """When each pass over the agents ended, and what was served then."""
    clock = HandClock(HOUR)
    agents = SimulatedAgents(AGENTS, HOUR, days=0)
    bucket, opened = SimulatedBucket(agents, clock), context(clock)
    runner = Runner(replace(SOURCE, areas=lambda it: areas_of(bucket, it)), replace(opened, agents={}))
    served = []
    for elapsed in range(0, SECONDS, 15):
        clock.now = HOUR + elapsed
        if elapsed == SECONDS // 3:
            agents.kill(DEAD, clock.now)
        due = [
            area
            for area, every in (("agents", 15), ("metrics", 15), ("logs", 60), ("sizes", 600))
            if elapsed % every == 0
        ]
        assert [area for area in due if not runner.run_once(area)] == []
        served.append((clock.now, read_series(runner.snapshot().plain)))
    return served


def test_a_killed_agent_grows_silent_and_nobody_else_does(seen: Served) -> None:
    for at, series in seen:
        ages = {found[1]: at - value for name, value in series.items() if (found := HEARTBEAT.fullmatch(name))}
        assert len(ages) == AGENTS
        assert {agent for agent, age in ages.items() if age >= 60} <= {name_of(DEAD)}
    assert ages[name_of(DEAD)] >= SECONDS * 2 / 3 - 60 - 15


def test_its_gauges_end_and_those_of_all_others_stay(seen: Served) -> None:
    _, last = seen[-1]
    buffers = {name for name in last if name.startswith("agent_buffer_bytes")}
    assert len(buffers) == AGENTS - 1
    assert f'agent_buffer_bytes{{agent="{name_of(DEAD)}"}}' not in buffers


def test_every_area_advances(seen: Served) -> None:
    (_, first), (_, last) = seen[0], seen[-1]
    for area in ("agents", "metrics", "logs", "sizes"):
        success = f'exporter_last_success_timestamp_seconds{{area="{area}",source="store"}}'
        assert last[success] > first.get(success, 0)
    servers = [name for name in last if name.startswith("server_cpu_ratio")]
    assert len(servers) == AGENTS / 10
    counted = [value for name, value in last.items() if name.startswith("log_records_total") and '"INFO"' in name]
    assert len(counted) == AGENTS
    assert min(counted) > 0
    assert last['store_objects{area="metrics"}'] > first['store_objects{area="metrics"}'] + AGENTS
    assert last['store_objects{area="agents"}'] == AGENTS
