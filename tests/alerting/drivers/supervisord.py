"""A real supervisord for tests: some processes, over a Unix socket and over HTTP with a password."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "open-sesame"  # a secret that must show nowhere
HANGS = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
CONFIG = """
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[unix_http_server]
file={folder}/s.sock
[inet_http_server]
port=127.0.0.1:{port}
username=operator
password={password}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:grok]
command=sleep 600
autorestart=false
startsecs=0
[program:hung]
command={python} -c "{hangs}"
autorestart=false
startsecs=0
stopwaitsecs=600
stdout_logfile={folder}/hung.log
[program:asleep]
command=sleep 600
autostart=false
[program:broken]
command=/nonexistent/program
autostart=false
"""


@dataclass(frozen=True)
class Supervisord:
    """Where it can be asked."""

    folder: Path
    port: int

    @property
    def unix_url(self) -> str:
        return f"unix://{self.folder}/s.sock"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"


@contextmanager
def supervisord() -> Iterator[Supervisord]:
    """Run one, in a folder whose name is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="sv"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = CONFIG.format(folder=folder, port=port, password=PASSWORD, python=sys.executable, hangs=HANGS)
    (folder / "s.conf").write_text(config)
    (folder / "password").write_text(f"{PASSWORD}\n")
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(folder / "s.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + 30
        while not ((folder / "s.sock").exists() and b"up" in _output(folder / "hung.log")):
            assert time.monotonic() < until and process.poll() is None, (folder / "supervisord.log").read_text()
            time.sleep(0.05)
        yield Supervisord(folder, port)
    finally:
        for child in _children(process.pid):
            os.kill(child, signal.SIGKILL)
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def _output(log: Path) -> bytes:
    return log.read_bytes() if log.exists() else b""


def _children(pid: int) -> list[int]:
    return [int(item) for item in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
