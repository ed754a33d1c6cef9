"""One suite for every database: SQLite always, others where a test run has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting.journal import Journal


@pytest.fixture(params=["sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'journal.sqlite3'}"


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    opened = Journal.open(url)
    yield opened
    opened.close()
