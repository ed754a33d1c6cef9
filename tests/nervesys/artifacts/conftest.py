"""A service that runs, and agents that call it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nervesys.artifacts.service_setup import ServiceSetup
from tests.servers.fixtures import moto_endpoint, rclone_endpoint
from tests.servers.postgres import Postgres

__all__ = ["moto_endpoint", "rclone_endpoint"]


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[ServiceSetup]:
    """Manifests in SQLite, contents in a folder."""
    with ServiceSetup(tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'artifacts.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgresql")
    return server.database()
