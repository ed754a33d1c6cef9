"""The whole loop with real programs: an agent that dies is restarted once, with proof; without data none is.

Covers: benchmarks.restart_latency, commands.demo, commands.down, commands.logs, commands.status, commands.up,
  nervesys.stack.ready, nervesys.stack.receiver.
"""

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
from tests.e2e.conftest import AGENTS, DOWN_AFTER, HEARTBEAT, RunningStack
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_up_starts_everything_and_status_shows_it(stack: RunningStack) -> None:
    status = stack.status()
    assert {service["state"] for service in status["services"]} == {"running"}
    assert {agent["name"]: agent["state"] for agent in status["agents"]} == dict.fromkeys(AGENTS, "running")
    assert all(agent["heartbeat_age_seconds"] < DOWN_AFTER for agent in status["agents"])
    for service in status["services"]:
        if service["url"]:
            assert requests.get(service["url"], timeout=10).ok


def test_the_stack_listens_where_the_table_says_and_nowhere_else(stack: RunningStack) -> None:
    listening = {
        f"{connection.laddr.ip}:{connection.laddr.port}"
        for process in daemon.processes(stack.here.stack)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == set(stack.here.stack.addresses.values())


def test_no_argument_list_holds_a_key(stack: RunningStack) -> None:
    arguments = "\n".join(" ".join(process.cmdline()) for process in daemon.processes(stack.here.stack))
    for key in filter(Path.is_file, (stack.here.stack.home / "secrets").rglob("*")):
        assert key.read_text() not in arguments


def test_a_second_up_changes_nothing(stack: RunningStack) -> None:
    before = {name: process.pid for name, process in stack.here.supervisor.processes().items()}
    assert stack.run("up", "--demo", "--quick").returncode == 0
    assert {name: process.pid for name, process in stack.here.supervisor.processes().items()} == before


def test_ports_in_use_are_reported_before_anything_starts(stack: RunningStack, tmp_path: Path) -> None:
    (tmp_path / "programs").symlink_to(stack.here.stack.home / "programs")
    other = stack.run("up", "--demo", "--home", str(tmp_path))
    assert other.returncode == 1
    output = " ".join(other.stderr.split())
    assert all(address in output for address in stack.here.stack.addresses.values())
    assert not (tmp_path / daemon.LINK).exists()
    assert not (tmp_path / "stack.json").exists(), "nothing is written for a stack that cannot start"


def test_a_killed_agent_is_restarted_once_proven_and_the_alert_ends(stack: RunningStack) -> None:
    before, past = stack.pid("grok"), stack.restarts("grok")
    output = stack.run("demo", "heal", "grok")
    assert output.returncode == 0, output.stderr
    steps = ["killed grok", "AgentDown: firing", "recovered (proven)", "grok has recovered"]
    assert [step for step in steps if step in output.stdout] == steps
    assert (
        f"agent grok starts on {stack.here.stack.environ['NERVESYS_SERVER']}"
        in stack.run("logs", "grok", "-n", "500").stdout
    )
    episode, *others = stack.restarts("grok")
    assert (episode["attempts"], others) == (1, past)
    assert stack.pid("grok") not in {0, before}
    assert not stack.firing("grok")
    alertmanager = f"http://{stack.here.stack.service('alertmanager').address}/api/v2/alerts"
    until(lambda: not requests.get(alertmanager, params={"filter": 'alertname="AgentDown"'}, timeout=10).json())
    assert stack.restarts("grok") == [episode, *past], "nothing more is done once it is over"
    shown = next(agent for agent in stack.status()["agents"] if agent["name"] == "grok")
    assert (shown["restarts"], shown["last_action"]["state"]) == (1 + len(past), "recovered")


def test_nobody_is_restarted_before_the_threshold(stack: RunningStack) -> None:
    assert seconds_beyond(stack, "gimai") > 0
    assert stack.restarts("gimai")[0]["state"] == "recovered"


def test_nobody_but_the_receiver_brings_an_agent_back(stack: RunningStack) -> None:
    before = len(stack.restarts("gimai"))
    stack.here.supervisor.ask("stopProcess", "receiver")
    os.kill(stack.pid("gimai"), signal.SIGKILL)
    until(lambda: stack.firing("gimai"))
    time.sleep(DOWN_AFTER)
    assert stack.here.supervisor.process("gimai").state == "EXITED"
    stack.here.supervisor.ask("startProcess", "receiver")
    until(stack.works)
    until(lambda: len(stack.restarts("gimai")) > before and stack.restarts("gimai")[0]["state"] == "recovered")
    assert stack.restarts("gimai")[0]["attempts"] == 1


@pytest.mark.parametrize("blinded", ["s3", "exporters", "prometheus", "alertmanager"])
def test_blindness_longer_than_the_threshold_restarts_nobody(blinded: str, stack: RunningStack) -> None:
    supervisor = stack.here.supervisor
    pids = {agent: stack.pid(agent) for agent in AGENTS}
    done = [stack.restarts(agent) for agent in AGENTS]
    supervisor.ask("stopProcess", blinded)
    time.sleep(DOWN_AFTER + 2 * HEARTBEAT)
    supervisor.ask("startProcess", blinded)
    until(stack.works)
    time.sleep(10 * HEARTBEAT)
    assert {agent: stack.pid(agent) for agent in AGENTS} == pids
    assert [stack.restarts(agent) for agent in AGENTS] == done


def test_what_watches_is_killed_at_a_bad_moment_and_only_the_dead_agent_is_restarted(stack: RunningStack) -> None:
    pid, done, before = stack.pid("gimai"), stack.restarts("gimai"), len(stack.restarts("grok"))
    os.kill(stack.pid("grok"), signal.SIGKILL)
    until(lambda: stack.firing("grok"))
    for watcher in ("prometheus", "alertmanager", "exporters"):
        os.kill(stack.pid(watcher), signal.SIGKILL)
    until(lambda: len(stack.restarts("grok")) > before and stack.restarts("grok")[0]["state"] == "recovered")
    until(stack.works)
    time.sleep(DOWN_AFTER + 2 * HEARTBEAT)
    assert stack.restarts("grok")[0]["attempts"] == 1
    assert (stack.pid("gimai"), stack.restarts("gimai")) == (pid, done)


def test_up_clears_what_a_killed_supervisor_left_and_starts_anew(stack: RunningStack) -> None:
    left = daemon.processes(stack.here.stack)
    os.kill(stack.here.supervisor.ask("getPID"), signal.SIGKILL)
    shutil.rmtree(stack.here.stack.socket.parent)  # as who tidies up /tmp would
    assert stack.run("up", "--demo").returncode == 0
    assert not any(process.is_running() for process in left)
    stack.here = local(str(stack.here.stack.home))


def test_a_test_alert_goes_through_the_whole_chain_and_nothing_is_done(stack: RunningStack) -> None:
    before, pid = stack.restarts("gimai"), stack.pid("gimai")
    output = stack.run("alerts", "test", "Agent Down", "--agent", "gimai")
    assert output.returncode == 0, output.stderr
    steps = ["sent AgentDown to", "Alertmanager notifies no people", "recorded it as episode", "restart_agent: skipped"]
    assert [step for step in steps if step in output.stdout] == steps
    assert "test alert resolved" in output.stdout
    assert stack.pid("gimai") == pid
    assert stack.restarts("gimai") == before


def test_a_condition_is_explained_with_its_value_for_each_agent(stack: RunningStack) -> None:
    def holds() -> dict[str, str]:
        output = stack.run("alerts", "explain", "no heartbeat > threshold").stdout
        rows = [line.split() for line in output.splitlines()]
        return {row[0]: row[-1] for row in rows if row and row[0] in AGENTS}

    until(lambda: holds() == dict.fromkeys(AGENTS, "no"))
