"""Logs of a small fleet."""

from pathlib import Path

import pytest

from tests.nervesys.logs.fleet_logs import FleetLogs


@pytest.fixture
def logs(tmp_path: Path) -> FleetLogs:
    return FleetLogs(tmp_path)
