"""A real Prometheus that scrapes nothing, over a data folder that may hold blocks already."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from nervesys.stack.programs import find
from tests.servers.s3 import free_port

PROGRAMS = Path(__file__).parents[2] / ".nervesys" / "programs"
READY_SECONDS = 30


@contextmanager
def prometheus(folder: Path, data: Path, retention: str = "100y") -> Iterator[str]:
    """Run one.

    Args:
        folder: for its configuration and its log.
        data: its data folder.
        retention: how long it keeps what it has.

    Yields:
        Its URL.
    """
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text("")
    arguments = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": data,
        "storage.tsdb.retention.time": retention,
        "web.listen-address": address,
    }
    command = [str(find("prometheus", PROGRAMS)), *(f"--{name}={value}" for name, value in arguments.items())]
    with (folder / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(f"http://{address}/-/ready", folder / "log")
            yield f"http://{address}"
        finally:
            process.terminate()


def make_blocks(text: str, folder: Path) -> None:
    """Blocks of OpenMetrics text, in the folder `data` of this one."""
    (folder / "samples.txt").write_text(text)
    words = ["tsdb", "create-blocks-from", "openmetrics", folder / "samples.txt", folder / "data"]
    command = [str(find("promtool", PROGRAMS)), *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def wait_until(url: str, log: Path) -> None:
    """Wait until a page answers; fail with the server's log."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    pytest.fail(log.read_text())
