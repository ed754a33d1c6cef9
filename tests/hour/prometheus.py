"""A real Prometheus that remembers an hour of every family, and scrapes nothing."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from dashboards.build import datasource_seconds
from nervesys.cli.dashboards import world
from nervesys.prometheus import Prometheus
from nervesys.queries.asking import Live
from nervesys.settings import load
from nervesys.stack.programs import find
from tests.hour.history import HOUR_SECONDS, openmetrics

LOCAL = load(profile="local")
START = 1_750_000_000
READY_SECONDS = 30


@contextmanager
def remembered(folder: Path) -> Iterator[Live]:
    """A Prometheus over blocks made of the hour; it scrapes nothing."""
    with remembering(folder, openmetrics(dict(world(LOCAL).known), START)) as url:
        yield Live(Prometheus(url), datasource_seconds(LOCAL), START + HOUR_SECONDS)


@contextmanager
def remembering(folder: Path, text: str) -> Iterator[str]:
    """A Prometheus over blocks made of OpenMetrics text; it scrapes nothing. Yields its URL."""
    (folder / "past.txt").write_text(text)
    make = [find("promtool"), "tsdb", "create-blocks-from", "openmetrics", folder / "past.txt", folder / "data"]
    subprocess.run([str(word) for word in make], check=True, capture_output=True, timeout=60)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "prometheus.yml").write_text("")
    arguments = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "storage.tsdb.retention.time": "100y",
        "web.listen-address": address,
    }
    command = [str(find("prometheus")), *(f"--{name}={value}" for name, value in arguments.items())]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait_until_ready(f"http://{address}", folder / "log")
            yield f"http://{address}"
        finally:
            process.terminate()


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/-/ready", timeout=1).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    pytest.fail(log.read_text())
