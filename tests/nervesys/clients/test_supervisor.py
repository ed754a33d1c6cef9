"""The client against a real supervisord, over a unix socket and over HTTP with a password.

Covers: nervesys.clients.supervisor, nervesys.clients.unix_socket.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nervesys.clients.supervisor import Supervisor, SupervisorRefused, SupervisorUnavailable

CONFIG = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/pid
[unix_http_server]
file={folder}/sock
[inet_http_server]
port=127.0.0.1:{port}
username=ada
password=secret
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:sleeper]
command=sleep 600
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
"""


@pytest.fixture(scope="module")
def daemon(program: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """The two addresses of one supervisord; its folder is short, for a socket's path is limited."""
    folder = Path(tempfile.mkdtemp(prefix="nv-"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "conf").write_text(CONFIG.format(folder=folder, port=port))
    running = subprocess.Popen([program("supervisord"), "-c", folder / "conf"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not _runs(f"unix://{folder}/sock"):
            time.sleep(0.05)
        yield f"unix://{folder}/sock", f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)
        shutil.rmtree(folder)


def _runs(url: str) -> bool:
    try:
        return Supervisor(url).process("sleeper").state == "RUNNING"
    except SupervisorUnavailable:
        return False


def test_processes_are_seen_stopped_and_started(daemon: tuple[str, str]) -> None:
    supervisor = Supervisor(daemon[0])
    first = supervisor.process("sleeper")
    assert set(supervisor.processes()) == {"sleeper"}
    os.kill(first.pid, 0)
    supervisor.ask("stopProcess", "sleeper")
    assert supervisor.process("sleeper").pid == 0
    supervisor.ask("startProcess", "sleeper")
    assert supervisor.process("sleeper").pid not in {0, first.pid}


def test_a_refusal_is_named_in_supervisors_own_words(daemon: tuple[str, str]) -> None:
    supervisor = Supervisor(daemon[1], user="ada", password="secret")
    with pytest.raises(SupervisorRefused) as raised:
        supervisor.process("nobody")
    assert raised.value.fault == "BAD_NAME"


@pytest.mark.parametrize("password", [None, "wrong"], ids=["no password", "wrong password"])
def test_refused_credentials_raise_an_error_without_the_secret(password: str | None, daemon: tuple[str, str]) -> None:
    with pytest.raises(SupervisorUnavailable, match="HTTP 401") as raised:
        Supervisor(daemon[1], user="ada" if password else None, password=password).processes()
    assert "wrong" not in str(raised.value)


@pytest.mark.parametrize("url", ["unix:///nowhere/sock", "http://127.0.0.1:1"], ids=["no socket", "no listener"])
def test_a_supervisor_that_is_not_there_is_unavailable(url: str) -> None:
    with pytest.raises(SupervisorUnavailable, match=url):
        Supervisor(url).processes()


def test_a_supervisor_that_does_not_answer_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SupervisorUnavailable, match="timed out"):
            Supervisor(url, timeout_seconds=0.2).processes()
