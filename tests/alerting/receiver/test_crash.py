"""The real program, killed at random moments: what it answered with 200 is in the journal, and was acted upon."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.alerting.receiver import kills
from tests.alerting.receiver.running import free_address, furnish, receiver
from tests.servers.fixtures import rclone_endpoint

__all__ = ["rclone_endpoint"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return furnish(tmp_path / "home")


@pytest.mark.timeout(300)
def test_what_was_answered_200_is_journalled_and_acted_upon_once(tmp_path: Path, rclone_endpoint: str) -> None:
    """Twenty kills; two hundred by `make faults`."""
    figures = kills.run(tmp_path, rclone_endpoint, 20)
    assert figures.answered
    assert figures.journalled == figures.acted_upon == figures.answered
    assert figures.attempts
    assert figures.calls_an_attempt == figures.open_rows == 1


def test_it_stops_on_sigterm(home: Path) -> None:
    with receiver(home, free_address()) as process:
        process.terminate()
        assert process.wait(30) in {0, -15}
    assert "Traceback" not in (home / "log").read_text()


def test_every_configuration_error_is_reported_and_nothing_starts(home: Path) -> None:
    (home / "receiver.yaml").write_text("drivers: {supervisor: {url: ftp://x, servers: []}}\nlimit: {}\n")
    command = [sys.executable, "-m", "nervesys", "receiver", "--home", str(home)]
    env = {**os.environ, "NERVESYS_PROFILE": "nonesuch"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert result.returncode == 2
    for wrong in ("supervisor.url", "supervisor.servers", "limit:", "nonesuch"):
        assert wrong in result.stderr
    assert "Traceback" not in result.stderr
