"""Two agents with the same name on two hosts: which of them stops, and when neither does."""

from pathlib import Path

import pytest

from nervesys.agent.duplicate_detection import DuplicateCheck
from nervesys.contract import AgentState, Status
from tests.nervesys.agent.fleet import STOP_SECONDS, Fleet, heartbeat, until
from tests.stores import FolderStore

KEY = "db/agents/grok_state.json"


class Hosts:
    """What two instances write to one key."""

    def __init__(self, folder: Path) -> None:
        self.store, self.now = FolderStore(folder), 0.0
        self.check_for_duplicate = DuplicateCheck(self.store, KEY, "mine")

    def put(self, instance_id: str | None, status: Status = Status.IDLE) -> None:
        self.now += 1
        state = AgentState(agent_id="grok", instance_id=instance_id, status=status, timestamp=self.now)
        self.store.put(KEY, state.body())

    def beat(self) -> AgentState | None:
        """One heartbeat of this instance; the rival where there is one."""
        other = self.check_for_duplicate.check()
        self.put("mine")
        return other


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def test_without_another_instance_the_check_ends_after_two_heartbeats(hosts: Hosts) -> None:
    for finished in (False, False, True):
        assert hosts.beat() is None
        assert hosts.check_for_duplicate.finished is finished


def test_an_earlier_instance_that_still_writes_is_a_duplicate_at_its_second_write(hosts: Hosts) -> None:
    hosts.put("theirs")
    assert hosts.beat() is None
    hosts.put("theirs")
    assert hosts.beat() is None
    hosts.put("theirs")
    other = hosts.beat()
    assert other is not None
    assert other.instance_id == "theirs"


def test_a_duplicate_that_skips_a_heartbeat_is_detected(hosts: Hosts) -> None:
    hosts.put("theirs")
    for writes in (True, False, True):
        assert hosts.beat() is None
        if writes:
            hosts.put("theirs")
    assert hosts.beat() is not None


def test_each_write_of_the_other_instance_restarts_the_count_of_quiet_heartbeats(hosts: Hosts) -> None:
    hosts.put("theirs")
    assert hosts.beat() is None
    assert hosts.beat() is None, "quiet once"
    hosts.put("theirs")
    assert hosts.beat() is None
    assert hosts.beat() is None, "quiet once again, not twice in a row"
    assert not hosts.check_for_duplicate.finished
    hosts.put("theirs")
    assert hosts.beat() is not None


def test_a_dead_predecessors_last_write_is_no_duplicate(hosts: Hosts) -> None:
    hosts.put("theirs")
    assert hosts.beat() is None
    hosts.put("theirs")  # was under way when it was killed
    assert [hosts.beat() for _ in range(4)] == [None] * 4
    assert hosts.check_for_duplicate.finished


def test_a_stopping_predecessor_is_no_duplicate(hosts: Hosts) -> None:
    hosts.put("theirs")
    for status in (Status.STOPPING, Status.STOPPED):
        assert hosts.beat() is None
        hosts.put("theirs", status)
    assert hosts.beat() is None
    assert hosts.check_for_duplicate.finished


def test_an_instance_that_started_later_is_ignored(hosts: Hosts) -> None:
    assert hosts.beat() is None
    for _ in range(3):
        hosts.put("later")
        assert hosts.beat() is None
    assert hosts.check_for_duplicate.finished


def test_an_agent_in_another_language_may_have_no_instance(hosts: Hosts) -> None:
    hosts.put(None)
    assert hosts.beat() is None
    hosts.put(None)
    assert hosts.beat() is None
    hosts.put(None)
    assert hosts.beat() is not None


def test_an_invalid_state_is_ignored(hosts: Hosts) -> None:
    hosts.store.put(KEY, b"{half of")
    assert hosts.beat() is None


def test_of_two_processes_on_two_hosts_the_newer_stops(fleet: Fleet, brain: Path) -> None:
    heartbeat(brain, seconds=0.5)
    with fleet.store(), fleet.agent() as first:
        until(lambda: fleet.says(Status.RUNNING, Status.IDLE))
        before = fleet.state()
        assert before is not None
        with fleet.agent(NERVESYS_HOME=str(brain.parent / "home-2"), NERVESYS_SERVER="host-2") as second:
            out, _ = second.communicate(timeout=STOP_SECONDS)
        assert second.returncode == 1
        assert f"grok is already running on host-1 as {before.instance_id}: this instance stops" in out.decode()
        assert first.poll() is None
        until(lambda: (now := fleet.state()) is not None and now.instance_id == before.instance_id)
        assert fleet.says(Status.RUNNING, Status.IDLE)
    assert list(fleet.bucket.glob("db/active_logs/host-2/*/*.gz")), "what it logged is shipped"
