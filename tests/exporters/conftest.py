import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.runner import Runner
from tests.servers.fixtures import rclone_endpoint, rclone_storj_endpoint

__all__ = ["rclone_endpoint", "rclone_storj_endpoint"]


UNSTABLE = (
    "process_",
    "python_",
    "nervesys_build_info",
    "nervesys_exporter_refresh_duration_seconds",
    "nervesys_archive_quota_bytes",
)
"""Families left out of golden expositions: they depend on this machine and the time."""
TOLERATED = ("nervesys_archive_missing_log_days use base unit", "nervesys_brain_daily_summary_")
"""What promtool's lint reads wrongly: a number of days is no time in days, the summary of a day is no type."""


@pytest.fixture
def golden_exposition(
    golden: Callable[[Path, bytes], None], program: Callable[[str], str]
) -> Callable[[Path, Runner], None]:
    """Compare what a runner serves with a golden file, and have promtool look at it."""

    def compare(file: Path, runner: Runner) -> None:
        text = runner.snapshot().plain
        lines = [line for line in text.decode().splitlines(keepends=True) if not unstable(line)]
        served = "".join(lines).encode()
        linter = [program("promtool"), "check", "metrics"]
        warnings = subprocess.run(linter, input=served, capture_output=True, timeout=30, check=False).stderr.decode()
        assert [line for line in warnings.splitlines() if not line.startswith(TOLERATED)] == []
        golden(file, served)

    return compare


def unstable(line: str) -> bool:
    name = line.removeprefix("# HELP ").removeprefix("# TYPE ")
    return name.startswith(UNSTABLE)
