"""One agent of a name on a host."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.agent import Agent
from nervesys.agent.lock import AgentLock
from nervesys.contract import Status
from nervesys.errors import NervesysError
from tests.nervesys.agent.fleet import Fleet, until


def test_a_second_process_gets_the_holders_id_until_it_is_released(tmp_path: Path) -> None:
    first = AgentLock(tmp_path / "home/lock")
    with pytest.raises(NervesysError, match=f"process {os.getpid()} is this agent already"):
        AgentLock(tmp_path / "home/lock")
    first.release()
    AgentLock(tmp_path / "home/lock").release()


def test_a_forked_child_does_not_hold_it_beyond_its_parents_end(tmp_path: Path) -> None:
    lock = AgentLock(tmp_path / "lock")
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
    try:
        lock.release()
        until(lambda: _free(tmp_path / "lock"))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _free(path: Path) -> bool:
    try:
        AgentLock(path).release()
    except NervesysError:
        return False
    return True


def test_after_an_agents_end_the_next_can_start(grok: Callable[[], Agent]) -> None:
    with grok(), pytest.raises(NervesysError, match="stop it first"):
        grok()
    with grok():
        pass


def test_after_a_kill_the_next_agent_can_start(fleet: Fleet) -> None:
    with fleet.store():
        with fleet.agent() as first:
            until(lambda: fleet.says(Status.RUNNING, Status.IDLE))
            before = fleet.state()
            with fleet.agent() as second:
                out, _ = second.communicate(timeout=20)
            assert second.returncode == 1
            assert f"process {first.pid} is this agent already; stop it first" in out.decode().replace("\n", " ")
            first.kill()
            first.wait()
        with fleet.agent():
            until(lambda: (now := fleet.state()) is not None and before is not None and _is_new(now, before))


def _is_new(now: object, before: object) -> bool:
    return getattr(now, "instance_id", None) != getattr(before, "instance_id", None)
