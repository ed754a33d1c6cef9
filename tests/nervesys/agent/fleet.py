"""One agent as a process, with a real S3 server or none."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from nervesys.contract import AgentState, Status
from nervesys.errors import BadObject
from tests import waiting

STOP_SECONDS = 10
"""Time limit of an agent that was requested to stop."""


until = partial(waiting.until, seconds=30)


@contextmanager
def running(*argv: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(argv, env=os.environ | environ, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
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

    @property
    def variables(self) -> dict[str, str]:
        """What its programs find in their environment."""
        return {
            "NERVESYS_HOME": str(self._folder / "home"),
            "NERVESYS_BRAIN": str(self._brain),
            "NERVESYS_SERVER": "host-1",
            "STORJ_ENDPOINT": f"http://127.0.0.1:{self.port}",
            "STORJ_ACCESS_KEY": "key",
            "STORJ_SECRET_KEY": "secret",
        }

    @contextmanager
    def store(self) -> Iterator[None]:
        serve = [self._rclone, "serve", "s3", str(self.bucket.parent), "--addr", f"127.0.0.1:{self.port}"]
        with running(*serve, RCLONE_CONFIG=os.devnull, RCLONE_AUTH_KEY='"key,secret"'):
            yield

    @contextmanager
    def agent(self, *arguments: str, named: bool = True, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "nervesys", "agent", "run", *(["grok"] if named else [])]
        with running(*command, *(arguments or ["--demo"]), **self.variables | environ) as process:
            yield process

    def state(self, agent: str = "grok") -> AgentState | None:
        """The newest state; None where there is none, or only half of it yet."""
        try:
            return AgentState.parse((self.bucket / f"db/agents/{agent}_state.json").read_bytes())
        except (FileNotFoundError, BadObject):
            return None

    def says(self, *statuses: Status, agent: str = "grok") -> bool:
        now = self.state(agent)
        return now is not None and now.status in statuses

    def logs(self) -> list[Path]:
        return list(self.bucket.glob("db/active_logs/host-1/*/*_grok_*.jsonl.gz"))


def heartbeat(brain: Path, seconds: float) -> None:
    (brain / "config/thresholds.yaml").write_text(f"heartbeat: {{interval_seconds: {seconds}}}")
