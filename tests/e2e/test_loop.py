"""The whole loop with real programs: what dies is healed once and proven; blindness heals nobody."""

import os
import shutil
import signal
import time
from pathlib import Path

import psutil
import pytest
import requests

from benchmarks.restart_latency import seconds_beyond
from commands.local import local
from nervesys.stack import daemon
from tests.e2e.conftest import AGENTS, DOWN_AFTER, HEARTBEAT, House
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_up_leaves_everything_running_and_tells_it(house: House) -> None:
    status = house.status()
    assert {service["state"] for service in status["services"]} == {"running"}
    assert {agent["name"]: agent["state"] for agent in status["agents"]} == dict.fromkeys(AGENTS, "running")
    assert all(agent["heartbeat_age_seconds"] < DOWN_AFTER for agent in status["agents"])
    for service in status["services"]:
        if service["url"]:
            assert requests.get(service["url"], timeout=10).ok


def test_the_stack_listens_where_the_table_says_and_nowhere_else(house: House) -> None:
    listening = {
        f"{connection.laddr.ip}:{connection.laddr.port}"
        for process in daemon.processes(house.here.stack)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == set(house.here.stack.addresses.values())


def test_no_argument_list_holds_a_key(house: House) -> None:
    said = "\n".join(" ".join(process.cmdline()) for process in daemon.processes(house.here.stack))
    for key in filter(Path.is_file, (house.here.stack.home / "secrets").rglob("*")):
        assert key.read_text() not in said


def test_a_second_up_changes_nothing(house: House) -> None:
    before = {name: process.pid for name, process in house.here.supervisor.processes().items()}
    assert house.run("up", "--quick").returncode == 0
    assert {name: process.pid for name, process in house.here.supervisor.processes().items()} == before


def test_taken_ports_are_told_before_anything_starts(house: House, tmp_path: Path) -> None:
    (tmp_path / "programs").symlink_to(house.here.stack.home / "programs")
    other = house.run("up", "--home", str(tmp_path))
    assert other.returncode == 1
    told = " ".join(other.stderr.split())
    assert all(address in told for address in house.here.stack.addresses.values())
    shutil.rmtree((tmp_path / daemon.LINK).readlink())
    assert not (tmp_path / "stack.json").exists(), "nothing is written for a stack that cannot start"


def test_a_killed_agent_is_restarted_once_proven_and_the_alert_ends(house: House) -> None:
    before = house.pid("grok")
    told = house.run("demo", "heal", "grok")
    assert told.returncode == 0, told.stderr
    steps = ["killed grok", "AgentDown: firing", "recovered (proven)", "grok is healed"]
    assert [step for step in steps if step in told.stdout] == steps
    assert (
        f"agent grok starts on {house.here.stack.environ['NERVESYS_SERVER']}"
        in house.run("logs", "grok", "-n", "500").stdout
    )
    (episode,) = house.restarts("grok")
    assert episode["attempts"] == 1
    assert house.pid("grok") not in {0, before}
    assert not house.firing("grok")
    alertmanager = f"http://{house.here.stack.service('alertmanager').address}/api/v2/alerts"
    until(lambda: not requests.get(alertmanager, params={"filter": 'alertname="AgentDown"'}, timeout=10).json())
    assert house.restarts("grok") == [episode], "nothing more is done once it is over"
    shown = next(agent for agent in house.status()["agents"] if agent["name"] == "grok")
    assert (shown["restarts"], shown["last_action"]["state"]) == (1, "recovered")


def test_nobody_is_restarted_before_the_threshold(house: House) -> None:
    assert seconds_beyond(house, "gimai") > 0
    assert house.restarts("gimai")[0]["state"] == "recovered"


def test_nobody_but_the_receiver_brings_an_agent_back(house: House) -> None:
    before = len(house.restarts("gimai"))
    house.here.supervisor.ask("stopProcess", "receiver")
    os.kill(house.pid("gimai"), signal.SIGKILL)
    until(lambda: house.firing("gimai"))
    time.sleep(DOWN_AFTER)
    assert house.here.supervisor.process("gimai").state == "EXITED"
    house.here.supervisor.ask("startProcess", "receiver")
    until(house.works)
    until(lambda: len(house.restarts("gimai")) > before and house.restarts("gimai")[0]["state"] == "recovered")
    assert house.restarts("gimai")[0]["attempts"] == 1


@pytest.mark.parametrize("blinded", ["s3", "store-exporter", "prometheus", "alertmanager"])
def test_blindness_longer_than_the_threshold_restarts_nobody(blinded: str, house: House) -> None:
    supervisor = house.here.supervisor
    pids = {agent: house.pid(agent) for agent in AGENTS}
    done = [house.restarts(agent) for agent in AGENTS]
    supervisor.ask("stopProcess", blinded)
    time.sleep(DOWN_AFTER + 2 * HEARTBEAT)
    supervisor.ask("startProcess", blinded)
    until(house.works)
    time.sleep(10 * HEARTBEAT)
    assert {agent: house.pid(agent) for agent in AGENTS} == pids
    assert [house.restarts(agent) for agent in AGENTS] == done


def test_what_watches_is_killed_at_a_bad_moment_and_only_the_dead_agent_is_restarted(house: House) -> None:
    pid, done, before = house.pid("gimai"), house.restarts("gimai"), len(house.restarts("grok"))
    os.kill(house.pid("grok"), signal.SIGKILL)
    until(lambda: house.firing("grok"))
    for watcher in ("prometheus", "alertmanager", "store-exporter"):
        os.kill(house.pid(watcher), signal.SIGKILL)
    until(lambda: len(house.restarts("grok")) > before and house.restarts("grok")[0]["state"] == "recovered")
    until(house.works)
    time.sleep(DOWN_AFTER + 2 * HEARTBEAT)
    assert house.restarts("grok")[0]["attempts"] == 1
    assert (house.pid("gimai"), house.restarts("gimai")) == (pid, done)


def test_up_clears_what_a_killed_supervisor_left_and_starts_anew(house: House) -> None:
    left = daemon.processes(house.here.stack)
    os.kill(house.here.supervisor.ask("getPID"), signal.SIGKILL)
    shutil.rmtree(house.here.stack.socket.parent)  # as who tidies up /tmp would
    assert house.run("up").returncode == 0
    assert not any(process.is_running() for process in left)
    house.here = local(str(house.here.stack.home))


def test_a_test_alert_goes_through_the_whole_chain_and_nothing_is_done(house: House) -> None:
    before, pid = house.restarts("gimai"), house.pid("gimai")
    told = house.run("alerts", "test", "Agent Down", "--agent", "gimai")
    assert told.returncode == 0, told.stderr
    steps = ["sent AgentDown to", "Alertmanager tells no people", "journalled it as episode", "restart_agent: skipped"]
    assert [step for step in steps if step in told.stdout] == steps
    assert "the test is over" in told.stdout
    assert house.pid("gimai") == pid
    assert house.restarts("gimai") == before


def test_a_condition_is_explained_with_its_value_for_each_agent(house: House) -> None:
    def holds() -> dict[str, str]:
        told = house.run("alerts", "explain", "no heartbeat > threshold").stdout
        rows = [line.split() for line in told.splitlines()]
        return {row[0]: row[-1] for row in rows if row and row[0] in AGENTS}

    until(lambda: holds() == dict.fromkeys(AGENTS, "no"))
