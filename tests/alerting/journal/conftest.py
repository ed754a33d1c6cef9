"""One suite for both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.journal import Journal
from tests.servers.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    server: Postgres = request.getfixturevalue("postgresql")
    return server.database()


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    opened = Journal.open(url)
    yield opened
    opened.close()
