"""`nervesys agent run` as a process, with a real S3 server, and with none."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from nervesys.contract import AgentState, Status
from nervesys.errors import BadObject

STOP_SECONDS = 10
"""Within which an agent that was told to stop is gone."""


def until(said: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not said():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@contextmanager
def running(*argv: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(argv, env=os.environ | environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class Fleet:
    """One agent, its brain, and the folder behind its store."""

    def __init__(self, folder: Path, rclone: str, brain: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._folder, self._rclone, self._brain = folder, rclone, brain
        self.bucket = folder / "s3/nervesys"
        self.bucket.mkdir(parents=True)

    @contextmanager
    def store(self) -> Iterator[None]:
        serve = [self._rclone, "serve", "s3", str(self.bucket.parent), "--addr", f"127.0.0.1:{self.port}"]
        with running(*serve, RCLONE_CONFIG=os.devnull, RCLONE_AUTH_KEY='"key,secret"'):
            yield

    @contextmanager
    def agent(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "nervesys", "agent", "run", "grok", "--demo"]
        with running(
            *command,
            NERVESYS_HOME=str(self._folder / "home"),
            NERVESYS_BRAIN=str(self._brain),
            NERVESYS_SERVER="host-1",
            STORJ_ENDPOINT=f"http://127.0.0.1:{self.port}",
            STORJ_ACCESS_KEY="key",
            STORJ_SECRET_KEY="secret",
        ) as process:
            yield process

    def state(self) -> AgentState | None:
        """The newest state; None where there is none, or only half of it yet."""
        try:
            return AgentState.parse((self.bucket / "db/agents/grok_state.json").read_bytes())
        except (FileNotFoundError, BadObject):
            return None

    def says(self, *statuses: Status) -> bool:
        now = self.state()
        return now is not None and now.status in statuses

    def logs(self) -> list[Path]:
        return list(self.bucket.glob("db/active_logs/host-1/*/*_grok_*.jsonl.gz"))


def heartbeat(brain: Path, seconds: float) -> None:
    (brain / "config/thresholds.yaml").write_text(f"heartbeat: {{interval_seconds: {seconds}}}")


@pytest.fixture
def fleet(tmp_path: Path, brain: Path, program: Callable[[str], str]) -> Fleet:
    heartbeat(brain, seconds=3)
    return Fleet(tmp_path, program("rclone"), brain)


def test_told_to_stop_it_ships_and_says_so(fleet: Fleet) -> None:
    with fleet.store(), fleet.agent() as process:
        until(lambda: fleet.says(Status.RUNNING, Status.IDLE))
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    assert fleet.says(Status.STOPPED)
    assert len(fleet.logs()) == 1


def test_killed_it_says_no_more_and_the_next_one_ships_what_it_kept(fleet: Fleet) -> None:
    with fleet.store():
        with fleet.agent() as process:
            until(lambda: fleet.says(Status.RUNNING, Status.IDLE))
            time.sleep(1.2)  # what is older than a second is on the disk
            process.kill()
            process.wait()
        before = fleet.state()
        assert before is not None
        assert before.status in {Status.RUNNING, Status.IDLE}
        assert fleet.logs() == []
        with fleet.agent() as process:
            until(lambda: (fleet.state() or before).instance_id != before.instance_id)
            process.send_signal(signal.SIGINT)
            assert process.wait(STOP_SECONDS) == 0
    assert len(fleet.logs()) == 1


def test_it_speaks_as_soon_as_the_store_is_there(fleet: Fleet) -> None:
    with ExitStack() as later, fleet.agent() as process:
        time.sleep(2)
        assert process.poll() is None
        later.enter_context(fleet.store())
        until(lambda: fleet.says(Status.RUNNING, Status.IDLE))


def test_a_store_that_never_answers_does_not_hold_it(fleet: Fleet, brain: Path) -> None:
    heartbeat(brain, seconds=60)  # and patience to match
    with socket.create_server(("127.0.0.1", fleet.port)) as silent, fleet.agent() as process:
        connection, _ = silent.accept()
        with connection:
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_SECONDS) == 0
