"""supervisord runs the stack: paths of any kind, agents never brought back by it, nothing but the stack stopped.

Covers: nervesys.stack.layout.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from nervesys.clients.supervisor import Supervisor, SupervisorRefused
from nervesys.errors import NervesysError
from nervesys.stack import daemon
from nervesys.stack.layout import NoStack, Service, Stack
from tests import waiting

SLEEP = ("sleep", "600")


@pytest.fixture
def stack(tmp_path: Path, program: Callable[[str], str]) -> Iterator[Stack]:
    home = tmp_path / "all of it's mine"
    (home / "log").mkdir(parents=True)
    stack = Stack(
        home=home,
        socket=daemon.socket_of(home),
        environ={"GREETING": "hello; 100%"},
        services=(
            Service(
                name="greeter", about="greets", argv=("sh", "-c", 'echo "$GREETING $1"; sleep 600', "x", "50% 'a' b")
            ),
            Service(name="grok", about="agent", argv=SLEEP, agent=True),
        ),
    )
    (home / "supervisord.conf").write_text(daemon.config(stack))
    (home / "stack.json").write_text(stack.model_dump_json())
    daemon.start(stack, Path(program("supervisord")), os.environ)
    yield stack
    daemon.stop(stack)
    daemon.remove_socket(stack)


until = partial(waiting.until, seconds=20)


def test_a_supervisord_that_does_not_return_is_an_error(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = stack.home / "hangs"
    hangs.write_text("#!/bin/sh\nexec sleep 600\n")
    hangs.chmod(0o700)
    monkeypatch.setattr(daemon, "START_SECONDS", 0.1)
    with pytest.raises(NervesysError, match=r"hangs did not return within 0\.1 s"):
        daemon.start(stack, hangs, os.environ)


def test_the_stack_runs_and_ends_whatever_its_paths_hold(stack: Stack) -> None:
    assert Stack.load(stack.home) == stack
    until(lambda: stack.log("greeter").exists() and stack.log("greeter").read_text() == "hello; 100% 50% 'a' b\n")
    bystander = subprocess.Popen(SLEEP)
    try:
        assert daemon.stop(stack) >= 3
        assert (daemon.running(stack), daemon.processes(stack)) == (False, [])
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_programs_keep_two_arenas_unless_the_user_wants_others(stack: Stack, program: Callable[[str], str]) -> None:
    def arenas() -> str | None:
        pid = Supervisor(f"unix://{stack.socket}").process("grok").pid
        return psutil.Process(pid).environ().get("MALLOC_ARENA_MAX") if pid else None

    until(lambda: arenas() == os.environ.get("MALLOC_ARENA_MAX", "2"))
    daemon.stop(stack)
    daemon.start(stack, Path(program("supervisord")), {**os.environ, "MALLOC_ARENA_MAX": "7"})
    until(lambda: arenas() == "7")


def test_a_killed_service_comes_back_and_a_killed_agent_does_not(stack: Stack) -> None:
    supervisor = Supervisor(f"unix://{stack.socket}")
    until(lambda: all(process.state == "RUNNING" for process in supervisor.processes().values()))
    first = supervisor.processes()
    for process in first.values():
        os.kill(process.pid, 9)
    until(lambda: supervisor.process("greeter").pid not in {0, first["greeter"].pid})
    until(lambda: supervisor.process("grok").state == "EXITED")


def test_an_agent_killed_in_its_first_second_is_not_tried_again(stack: Stack) -> None:
    supervisor = Supervisor(f"unix://{stack.socket}")
    until(lambda: supervisor.process("grok").pid > 0)
    os.kill(supervisor.process("grok").pid, 9)
    until(lambda: supervisor.process("grok").state in {"FATAL", "EXITED"})
    time.sleep(1.5)
    assert supervisor.process("grok").pid == 0


def test_what_a_killed_supervisor_leaves_behind_is_ended(stack: Stack) -> None:
    Supervisor(f"unix://{stack.socket}").ask("getPID")
    os.kill(Supervisor(f"unix://{stack.socket}").ask("getPID"), 9)
    until(lambda: not daemon.running(stack))
    assert len(daemon.processes(stack)) >= 2
    daemon.stop(stack)
    assert daemon.processes(stack) == []


def test_a_home_without_a_stack_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(NoStack, match="type: nervesys up"):
        Stack.load(tmp_path)


def test_a_process_that_nobody_reaps_does_not_hold_up_the_end(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "STOP_SECONDS", 600)
    nobodys = subprocess.Popen(SLEEP, env={**os.environ, "SUPERVISOR_SERVER_URL": f"unix://{stack.socket}"})
    daemon.stop(stack)
    assert psutil.Process(nobodys.pid).status() == psutil.STATUS_ZOMBIE
    nobodys.wait()


def test_a_stack_is_stopped_even_if_its_home_was_deleted(tmp_path: Path, program: Callable[[str], str]) -> None:
    home = tmp_path / "home"
    (home / "log").mkdir(parents=True)
    stack = Stack(
        home=home,
        socket=daemon.socket_of(home),
        environ={"NERVESYS_HOME": str(home)},
        services=(Service(name="sleeper", about="sleeps", argv=SLEEP),),
    )
    (home / "supervisord.conf").write_text(daemon.config(stack))
    daemon.start(stack, Path(program("supervisord")), os.environ)
    foreign = {**os.environ, "NERVESYS_HOME": str(home), "SUPERVISOR_SERVER_URL": "unix:///run/supervisor.sock"}
    agent = subprocess.Popen(SLEEP, env=foreign)  # of the operator's own supervisord, in the same home
    try:
        until(lambda: len(daemon.processes_of(home)) == 2)
        shutil.rmtree(home)
        assert daemon.stop_home(home) == 2
        assert daemon.processes_of(home) == []
        assert not stack.socket.parent.exists()
        assert agent.poll() is None
    finally:
        agent.kill()
        agent.wait()


def test_a_supervisor_that_is_shutting_down_does_not_count_as_running(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise SupervisorRefused("ask", "SHUTDOWN_STATE")

    monkeypatch.setattr(Supervisor, "ask", refuse)
    assert not daemon.running(stack)
    assert daemon.stop(stack) >= 3
    assert daemon.processes(stack) == []
