"""The states in supervisor, the store, Prometheus and the journal become one report."""

from pathlib import Path

import pytest

from nervesys.clients.supervisor import Process
from nervesys.stack.layout import Service, Stack
from nervesys.stack.status import AgentReport, AgentStatus, SourceStatus, StackStatus, heartbeat_ages, status_of
from nervesys.stores.objects import Listing, ObjectInfo

STACK = Stack(
    home=Path("/home"),
    socket=Path("/socket"),
    environ={},
    services=(
        Service(name="prometheus", about="scrapes", argv=(), address="127.0.0.1:1", url="http://127.0.0.1:1/"),
        Service(name="grok", about="agent", argv=(), agent=True),
        Service(name="gimai", about="agent", argv=(), agent=True),
    ),
)
PROMETHEUS = Process("prometheus", "RUNNING", 7, 1000.0, "")
GROK = Process("grok", "EXITED", 0, 1000.0, "")


def restart(agent: str, state: str, attempts: int, at: float) -> dict[str, object]:
    return {"agent": agent, "action": "restart_agent", "state": state, "attempts": attempts, "updated_at": at}


def test_agents_have_heartbeat_restarts_and_the_newest_action() -> None:
    journal = [restart("grok", "recovered", 1, 90.0), restart("grok", "escalated", 3, 50.0)]
    processes, reports = {"prometheus": PROMETHEUS, "grok": GROK}, {"grok": AgentReport("alpha", "running")}
    found = status_of(STACK, processes, ["grok", "gimai"], {"grok": 4.0}, reports, journal, ["a warning"])
    newest = {"state": "recovered", "at": 90.0}
    assert found.agents == (
        AgentStatus(
            name="gimai",
            configured=True,
            server=None,
            status=None,
            state="stopped",
            heartbeat_age_seconds=None,
            restarts=0,
            last_action=None,
        ),
        AgentStatus(
            name="grok",
            configured=True,
            server="alpha",
            status="running",
            state="exited",
            heartbeat_age_seconds=4.0,
            restarts=4,
            last_action=newest,
        ),
    )
    assert found.warnings == ("a warning",)
    assert [(service.name, service.state, service.since) for service in found.services] == [
        ("prometheus", "running", 1000.0)
    ]
    assert StackStatus.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("processes", "works"),
    [
        pytest.param({"prometheus": PROMETHEUS, "grok": GROK}, True, id="an agent is down, its healer is not"),
        pytest.param({}, False, id="nothing runs"),
    ],
)
def test_the_stack_works_while_its_services_run(processes: dict[str, Process], works: bool) -> None:
    assert status_of(STACK, processes, [], {}, {}, [], []).works is works


def test_a_source_that_is_not_ready_is_shown_and_the_stack_does_not_work() -> None:
    sources = [SourceStatus(name="store", problem=None), SourceStatus(name="archive", problem="no folder")]
    found = status_of(STACK, {"prometheus": PROMETHEUS}, [], {}, {}, [], [], sources)
    assert not found.works
    assert [source.name for source in found.sources if source.problem] == ["archive"]
    assert status_of(STACK, {"prometheus": PROMETHEUS}, [], {}, {}, [], [], sources[:1]).works


def test_agents_are_shown_wherever_they_run() -> None:
    reports = {"ada": AgentReport("web-1", "running"), "eve": AgentReport("web-2", "running")}
    found = status_of(STACK, {}, ["ada", "bob"], {"ada": 3.0, "eve": 5.0}, reports, [], [])
    assert [(agent.name, agent.configured, agent.server, agent.state) for agent in found.agents] == [
        ("ada", True, "web-1", None),
        ("bob", True, None, None),
        ("eve", False, "web-2", None),
        ("gimai", False, None, "stopped"),
        ("grok", False, None, "stopped"),
    ]


def test_a_heartbeat_is_aged_by_the_stores_clock() -> None:
    keys = ("db/agents/grok_state.json", "db/agents/notes.txt")
    listing = Listing(tuple(ObjectInfo(key, "v", 1, 100.0) for key in keys), clock=107.0)
    assert heartbeat_ages(listing, "db/agents/{agent}_state.json", now=0.0) == {"grok": 7.0}
