"""The real program, killed at odd moments: what it answered with 200 is in the journal."""

import os
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.alerting.receiver.test_webhook import body, labels

TOKEN = "a-secret-token"
PYTHON: tuple[str, ...] = (sys.executable,)
LOCAL_FILE = 'drivers:\n  supervisor:\n    url: unix:///nonexistent.sock\n    servers: ["*"]\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/receiver_token").write_text(TOKEN)
    (tmp_path / "receiver.yaml").write_text(LOCAL_FILE)
    return tmp_path


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@contextmanager
def receiver(home: Path, listen: str) -> Iterator[subprocess.Popen[bytes]]:
    """The program, ready; killed without a word where it still runs at the end."""
    away = {"STORJ_ENDPOINT": "http://127.0.0.1:1", "STORJ_ACCESS_KEY": "key", "STORJ_SECRET_KEY": "secret"}
    command = [*PYTHON, "-m", "nervesys", "receiver", "--home", str(home), "--listen", listen]
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **away})
    try:
        until = time.monotonic() + 60
        while not _ready(listen):
            assert time.monotonic() < until and process.poll() is None, (home / "log").read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait(30)


def _ready(listen: str) -> bool:
    try:
        return httpx.get(f"http://{listen}/-/ready").status_code == 200
    except httpx.TransportError:
        return False


class Sender(threading.Thread):
    """Sends one alert after another until it is told to stop; remembers those answered with 200, and with 503."""

    def __init__(self, listen: str, name: str) -> None:
        super().__init__(name=name)
        self.answered: list[str] = []
        self.refused: list[str] = []
        self.stop = threading.Event()
        self._url = f"http://{listen}/api/v1/alertmanager"

    def run(self) -> None:
        number = 0
        with httpx.Client(headers={"authorization": f"Bearer {TOKEN}"}, timeout=10) as client:
            while not self.stop.is_set():
                number += 1
                fingerprint = f"{self.name}-{number}"
                try:
                    answer = client.post(self._url, content=body({**labels(agent="grok"), "fingerprint": fingerprint}))
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                assert answer.status_code in {200, 503}
                (self.answered if answer.status_code == 200 else self.refused).append(fingerprint)


def test_what_was_answered_200_is_in_the_journal(home: Path, pytestconfig: pytest.Config) -> None:
    """Three kills; two hundred by `make faults`."""
    listen = free_address()
    senders = [Sender(listen, f"sender-{number}") for number in range(4)]
    for number in range(pytestconfig.getoption("--kills")):
        with receiver(home, listen):
            if number == 0:
                for sender in senders:
                    sender.start()
            time.sleep(random.uniform(0.2, 0.8))
    for sender in senders:
        sender.stop.set()
        sender.join()
    answered = {fingerprint for sender in senders for fingerprint in sender.answered}
    with sqlite3.connect(home / "journal.sqlite3") as journal:
        kept = {row[0] for row in journal.execute("SELECT fingerprint FROM alerts")}
        (open_rows,) = journal.execute("SELECT count(*) FROM episodes WHERE closed_at IS NULL").fetchone()
    journal.close()
    assert answered
    assert answered <= kept
    assert not any(sender.refused for sender in senders)
    assert open_rows == 1, "all of them are one agent's trouble"


def test_it_stops_when_it_is_told_to(home: Path) -> None:
    with receiver(home, free_address()) as process:
        process.terminate()
        assert process.wait(30) in {0, -15}
    assert "Traceback" not in (home / "log").read_text()


def test_wrong_configuration_is_told_whole_and_nothing_starts(home: Path) -> None:
    (home / "receiver.yaml").write_text("drivers: {supervisor: {url: ftp://x, servers: []}}\nlimit: {}\n")
    command = [sys.executable, "-m", "nervesys", "receiver", "--home", str(home)]
    env = {**os.environ, "NERVESYS_PROFILE": "nonesuch"}
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert said.returncode == 2
    for wrong in ("supervisor.url", "supervisor.servers", "limit:", "nonesuch"):
        assert wrong in said.stderr
    assert "Traceback" not in said.stderr
