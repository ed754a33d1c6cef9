"""A real Alertmanager, alone or one of a cluster that gossips."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from nervesys.stack.programs import root_of

DEADLINE_SECONDS = 20
HASTY = ("--cluster.gossip-interval=20ms", "--cluster.peer-timeout=500ms", "--cluster.probe-interval=200ms")
"""A cluster that gossips, notifies and times out within moments."""


@contextmanager
def alertmanager(
    program: str, arguments: Sequence[str], folder: Path, listen: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one until the block is left; it is ready when the block is entered.

    Args:
        program: path of the program.
        arguments: all of them.
        folder: of its own, for its log.
        listen: address of its API.
    """
    folder.mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *arguments], cwd=root_of(Path(program)), stdout=log, stderr=log)
    try:
        _wait_until_ready(listen, folder / "log")
        yield process
    finally:
        process.kill()
        process.wait(30)


def _wait_until_ready(listen: str, log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            if requests.get(f"http://{listen}/-/ready", timeout=1).ok:
                return
        except requests.RequestException:
            pass
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
