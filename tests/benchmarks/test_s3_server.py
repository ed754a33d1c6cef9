"""The simulator's S3 server, by the client that our programs use.

Covers: benchmarks.simulator.s3_server, benchmarks.simulator.server, benchmarks.simulator.engine.
"""

from collections.abc import Iterator

import httpx
import pytest

from alerting.drivers import RestartRequest
from alerting.drivers.docker import DockerDriver
from alerting.drivers.outcome import Done, Retry
from benchmarks.servers import process
from benchmarks.simulator.agents import HEARTBEAT, name_of
from benchmarks.simulator.server import serve
from nervesys.clock import system_clock
from nervesys.contract import AgentState
from nervesys.errors import BadObject
from nervesys.stores.s3 import S3Store
from tests.servers.s3 import settings_of

AGENTS = 1100
"""More than a page of a listing."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with process(serve, AGENTS, system_clock(), HEARTBEAT) as served:
        yield f"http://127.0.0.1:{served.port}"


def test_a_state_is_what_its_listing_shows(endpoint: str) -> None:
    store = S3Store(settings_of(endpoint))
    listing = store.list("db/agents/")
    assert (len(listing.objects), listing.pages) == (AGENTS, 2)
    for info in listing.objects[:: AGENTS - 1]:
        body = store.get_dated(info.key, max_bytes=info.size)
        assert len(body.content) == info.size
        assert 0 <= (body.modified or 0) - int(info.modified) <= 60
        assert AgentState.parse(body.content).agent_id in info.key


def test_every_object_of_the_history_can_be_read(endpoint: str) -> None:
    store = S3Store(settings_of(endpoint))
    for area in ("db/metrics/", "db/active_logs/"):
        folder = area
        while folders := store.list(folder, recursive=False).folders:
            folder = folders[0]
        objects = store.list(folder).objects
        assert objects == store.list(folder, recursive=False).objects
        for info in objects[:: len(objects) - 1]:
            body = store.get_dated(info.key, max_bytes=info.size)
            assert (len(body.content), body.modified) == (info.size, int(info.modified))


def test_what_is_put_is_listed_and_read_until_it_is_deleted(endpoint: str) -> None:
    store = S3Store(settings_of(endpoint))
    version = store.put("shared/a.json", b"x" * 100_000)
    (info,) = store.list("shared/").objects
    assert (info.version, info.size) == (version, 100_000)
    assert store.get(info.key, max_bytes=info.size) == b"x" * 100_000
    store.delete(info.key)
    with pytest.raises(BadObject):
        store.get(info.key, max_bytes=1)


def test_a_killed_agent_writes_nothing_until_its_restart_helps(endpoint: str) -> None:
    store, key = S3Store(settings_of(endpoint)), f"db/agents/{name_of(7)}_state.json"
    driver = DockerDriver(url=endpoint, servers=("*",), stop_seconds=0)
    request = RestartRequest(name_of(7), "", name_of(7))
    before = AgentState.parse(store.get(key, max_bytes=1 << 16))
    (last,) = httpx.post(f"{endpoint}/simulator/kill", json=[7]).json().values()
    assert abs(last - before.timestamp) < 2
    httpx.post(f"{endpoint}/simulator/engine/refuses")
    assert isinstance(driver.restart(request), Retry)
    httpx.post(f"{endpoint}/simulator/engine/dies")
    assert isinstance(driver.restart(request), Done)
    assert AgentState.parse(store.get(key, max_bytes=1 << 16)).instance_id == before.instance_id
    httpx.post(f"{endpoint}/simulator/engine/works")
    assert isinstance(driver.restart(request), Done)
    assert AgentState.parse(store.get(key, max_bytes=1 << 16)).instance_id != before.instance_id
    calls = httpx.get(f"{endpoint}/simulator/calls/0").json()
    assert [(call["agent"], call["mode"], call["double"]) for call in calls] == [
        (7, "refuses", False),
        (7, "dies", False),
        (7, "works", True),
    ], "a restart is called again before the last could be proven"
    assert httpx.get(f"{endpoint}/simulator/calls/3").json() == []


def test_requests_are_counted(endpoint: str) -> None:
    S3Store(settings_of(endpoint)).list("db/agents/")
    assert httpx.get(f"{endpoint}/simulator/requests").json()["keys db/agents"] >= AGENTS
