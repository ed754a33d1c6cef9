"""The real program during faults of its surroundings: a database that restarts, a disk that is full."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.alerting.receiver.running import (
    TOKEN,
    Sender,
    eventually,
    forked,
    free_address,
    furnish,
    receiver,
    until_ready,
)
from tests.alerting.receiver.test_webhook import body, labels
from tests.servers.postgres import Postgres

UNSHARE = ("unshare", "--map-root-user", "--mount")
"""A user and mount namespace of its own: whoever runs the tests may mount there."""
DISK_MEGABYTES = 8


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return furnish(tmp_path / "home")


def test_two_receivers_lose_nothing_while_their_database_restarts(home: Path, postgresql: Postgres) -> None:
    url = postgresql.database()
    with (home / "receiver.yaml").open("a") as local:
        local.write(f"journal: {url}\n")
    with ExitStack() as both:
        addresses = [free_address(), free_address()]
        for address in addresses:
            both.enter_context(forked(home, address))
        for address in addresses:
            until_ready(address)
        senders = [Sender(address, f"{address}-{number}") for address in addresses for number in range(2)]
        for sender in senders:
            sender.start()
        try:
            postgresql.stop()
            eventually(lambda: all(sender.refused for sender in senders))
            assert httpx.get(f"http://{addresses[0]}/-/ready").status_code == 503
        finally:
            postgresql.start()
        refused_first = [len(sender.answered) for sender in senders]
        eventually(lambda: all(len(s.answered) > n + 5 for s, n in zip(senders, refused_first, strict=True)))
        for sender in senders:
            sender.stop.set()
            sender.join()
    with psycopg.connect(url) as journal:
        kept = {row[0] for row in journal.execute("SELECT fingerprint FROM alerts")}
        open_rows = journal.execute("SELECT count(*) FROM episodes WHERE closed_at IS NULL").fetchone()
    assert {fingerprint for sender in senders for fingerprint in sender.answered} <= kept
    assert open_rows == (1,), "all of them are one agent's trouble"
    assert "Traceback" not in (home / "log").read_text()


@contextmanager
def small_disk(home: Path) -> Iterator[Path]:
    """A small disk at the home folder, in a namespace that others may enter; yields it as seen from here."""
    ready = "mount -t tmpfs -o size=$1m tmpfs $0 && echo && read _"
    holder = subprocess.Popen(
        [*UNSHARE, "sh", "-c", ready, str(home), str(DISK_MEGABYTES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        if not holder.stdout.readline():
            pytest.skip("this machine lets nobody mount in a namespace of their own")
        yield Path(f"/proc/{holder.pid}/root{home}")


def test_a_full_disk_is_reported_and_recovers_by_itself(home: Path) -> None:
    local, token = (home / "receiver.yaml").read_text(), (home / "secrets/receiver_token").read_text()
    listen = free_address()
    with small_disk(home) as disk:
        (disk / "secrets").mkdir()
        (disk / "secrets/receiver_token").write_text(token)
        (disk / "receiver.yaml").write_text(local)
        namespace = (f"--target={disk.parts[2]}", "--user", "--mount", "--preserve-credentials")
        enter = ("nsenter", *namespace, f"--wd={Path.cwd()}")
        served = receiver(home, listen, (*enter, sys.executable))
        with served, httpx.Client(headers={"authorization": f"Bearer {TOKEN}"}) as client:
            answered: list[str] = []

            def send() -> int:
                fingerprint = f"alert-{len(answered)}"
                alert = {**labels(agent="grok"), "fingerprint": fingerprint, "annotations": {"text": "x" * 4000}}
                status = client.post(f"http://{listen}/api/v1/alertmanager", content=body(alert)).status_code
                answered.extend([fingerprint] if status == 200 else [])
                return status

            assert send() == 200
            with pytest.raises(OSError, match="No space left"):
                fill(disk / "filler")
            eventually(lambda: send() == 503)
            assert client.get(f"http://{listen}/-/ready").status_code == 503
            (disk / "filler").unlink()
            eventually(lambda: send() == 200)
            assert client.get(f"http://{listen}/-/ready").status_code == 200
            evidence = client.get(f"http://{listen}/actions/1").json()["evidence"]
            assert {alert["fingerprint"] for alert in evidence} >= set(answered)


def fill(file: Path) -> None:
    with file.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
