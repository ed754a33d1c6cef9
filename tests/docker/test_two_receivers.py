"""docker-compose.ha.yml on a real engine: each of two receivers and two Alertmanagers fails, and no call is made twice.

Named to run last: the stack of the other tests becomes this one, as an operator's would.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.docker.images import prepare_postgres
from tests.docker.stack import DockerStack
from tests.servers.s3 import free_port
from tests.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]

TWICE = ("receiver", "alertmanager")


@pytest.fixture(scope="module")
def pair(stack: DockerStack) -> Iterator[DockerStack]:
    """The stack with the override, healthy."""
    prepare_postgres(stack.engine)
    ports = {**stack.ports, **{f"{name}_2": free_port() for name in TWICE}}
    found = replace(stack, ports=ports, files=("docker-compose.yml", "docker-compose.ha.yml"))
    found.up("one -> two receivers, all healthy")
    try:
        yield found
    finally:
        found.try_compose("down", "--volumes", "--timeout=5")


@pytest.fixture
def starts(pair: DockerStack) -> Callable[[str], int]:
    """How often supervisord started the program of an agent."""
    return lambda agent: pair.compose("logs", "--no-log-prefix", "agents").count(f"spawned: '{agent}'")


def killed(pair: DockerStack, agent: str) -> None:
    """Kill an agent, and wait until there is an episode."""
    known = {action["id"] for action in pair.restarts(agent)}
    pair.inside("agents", "nervesys", "demo", "kill", agent)
    until(lambda: {action["id"] for action in pair.restarts(agent)} - known, 180)


def test_both_of_each_are_up_and_know_each_other(pair: DockerStack) -> None:
    states = {name: container["State"] for name, container in pair.containers().items()}
    assert states["provisioning"]["ExitCode"] == 0
    names = ("postgres", "receiver", "receiver-2", "alertmanager", "alertmanager-2", "prometheus")
    assert {states[name]["Health"]["Status"] for name in names} == {"healthy"}
    until(lambda: len(pair.get("alertmanager_2", "/api/v2/status")["cluster"]["peers"]) == 2)

    def up() -> bool:
        targets = pair.get("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        found = {target["labels"]["instance"] for target in targets if target["health"] == "up"}
        return found >= {"receiver:17010", "receiver-2:17010", "alertmanager:9093", "alertmanager-2:9093"}

    until(up, 60)
    assert "receiver-2" in pair.inside("agents", "nervesys", "status")


def test_a_killed_agent_is_restarted_once(pair: DockerStack, starts: Callable[[str], int]) -> None:
    before = starts("gimai")
    killed(pair, "gimai")
    assert pair.wait_for_restart("gimai", "recovered")["attempts"] == 1
    assert starts("gimai") == before + 1


def test_the_other_receiver_finishes_an_episode(pair: DockerStack, starts: Callable[[str], int]) -> None:
    before = starts("grok")
    killed(pair, "grok")
    pair.compose("kill", "receiver")
    other = replace(pair, ports={**pair.ports, "receiver": pair.ports["receiver_2"]})
    assert other.wait_for_restart("grok", "recovered")["attempts"] == 1
    assert starts("grok") == before + 1
    pair.compose("up", "--detach", "--wait", "receiver")
    assert pair.restarts("grok")[0] == other.restarts("grok")[0], "one journal"


def test_alerts_arrive_while_an_alertmanager_is_stopped(pair: DockerStack, starts: Callable[[str], int]) -> None:
    pair.compose("stop", "alertmanager")
    before = starts("chatgpt")
    killed(pair, "chatgpt")
    assert pair.wait_for_restart("chatgpt", "recovered")["attempts"] == 1
    assert starts("chatgpt") == before + 1
    pair.compose("up", "--detach", "--wait", "alertmanager")


def test_a_backup_holds_the_rows_of_the_shared_journal(pair: DockerStack) -> None:
    printed = pair.compose("run", "--rm", "-T", "backup", "backup", "--replace")
    assert "journal" in printed.partition("not contained")[0]
    assert "restored and verified" in pair.compose("run", "--rm", "-T", "backup", "drill", "restore")
