"""The receiver as a process of its own, and those that send it alerts."""

import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx

from commands.main import main
from tests.alerting.receiver.test_webhook import body, labels

TOKEN = "a-secret-token-of-tests"
LOCAL_FILE = 'drivers:\n  supervisor:\n    url: unix:///nonexistent.sock\n    servers: ["*"]\n'
NOWHERE = {"STORJ_ENDPOINT": "http://127.0.0.1:1", "STORJ_ACCESS_KEY": "key", "STORJ_SECRET_KEY": "secret"}
APART = multiprocessing.get_context("forkserver")
APART.set_forkserver_preload([__name__, "commands.receiver"])
PYTHON = (sys.executable,)


def furnish(home: Path, local: str = LOCAL_FILE) -> Path:
    """A home with what a receiver needs at its start."""
    (home / "secrets").mkdir(parents=True)
    (home / "secrets/receiver_token").write_text(TOKEN)
    (home / "receiver.yaml").write_text(local)
    return home


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def forked(home: Path, listen: str, env: Mapping[str, str] = NOWHERE) -> Iterator[BaseProcess]:
    """The program in a process that has its modules already, which spares three seconds; killed at the end."""
    argv = ["nervesys", "receiver", "--home", str(home), "--listen", listen]
    process = APART.Process(target=_run, args=(argv, {**os.environ, **env}, home / "log"))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join(30)


def _run(argv: list[str], env: dict[str, str], log: Path) -> None:
    out = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = argv
    main()


@contextmanager
def receiver(
    home: Path, listen: str, python: Sequence[str] = PYTHON, env: Mapping[str, str] = NOWHERE
) -> Iterator[subprocess.Popen[bytes]]:
    """The program as people start it, ready; killed without a word where it still runs at the end."""
    argv = [*python, "-m", "nervesys", "receiver", "--home", str(home), "--listen", listen]
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log, env={**os.environ, **env})
    try:
        until_ready(listen, 60)
        yield process
    finally:
        process.kill()
        process.wait(30)


def until_ready(listen: str, seconds: float = 30) -> None:
    """Wait until a receiver takes alerts."""
    until = time.monotonic() + seconds
    with httpx.Client(base_url=f"http://{listen}", verify=False) as client:  # making a context takes long
        while not _ready(client):
            assert time.monotonic() < until, f"nobody is ready at {listen}"
            time.sleep(0.02)


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def eventually(happens: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to happen."""
    until = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


class Sender(threading.Thread):
    """Sends one alert after another until it is stopped; remembers those answered with 200, and with 503.

    Args:
        agents: that the alerts are about, in turn.
        pause: seconds between two alerts.
    """

    def __init__(self, listen: str, name: str, agents: Sequence[str] = ("grok",), pause: float = 0) -> None:
        super().__init__(name=name, daemon=True)
        self.answered: list[str] = []
        self.refused: list[str] = []
        self.stop = threading.Event()
        self._url = f"http://{listen}/api/v1/alertmanager"
        self._agents, self._pause = agents, pause

    def run(self) -> None:
        number = 0
        with httpx.Client(headers={"authorization": f"Bearer {TOKEN}"}, timeout=10) as client:
            while not self.stop.wait(self._pause):
                number += 1
                fingerprint = f"{self.name}-{number}"
                alert = {**labels(agent=self._agents[number % len(self._agents)]), "fingerprint": fingerprint}
                try:
                    answer = client.post(self._url, content=body(alert))
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                assert answer.status_code in {200, 503}
                (self.answered if answer.status_code == 200 else self.refused).append(fingerprint)
