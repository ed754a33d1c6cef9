"""Databases on SQLite: transactions, group commit, other programs' files, and work that takes too long.

Covers: nervesys.database.database, nervesys.database.read_only, nervesys.database.threads, nervesys.database.writer.
"""

import asyncio
import logging
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, create_engine, text

from alerting.journal import Journal
from nervesys.artifacts.tables import ManifestDatabase
from nervesys.database import Database, ReadOnlyDatabase, Writer
from nervesys.database.threads import WorkerThreads
from nervesys.errors import DatabaseUnavailable, SourceError

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres


class Notes(Database):
    called = "the notes"


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    database = Notes(create_engine(f"sqlite:///{tmp_path / 'notes.sqlite3'}"))
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE note (body TEXT)"))
    return database


def insert(body: str) -> object:
    return lambda connection: connection.execute(text("INSERT INTO note VALUES (:body)"), {"body": body})


def count(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM note")).scalar_one())


def test_an_error_names_the_database_and_rolls_back(notes: Notes) -> None:
    with (
        pytest.raises(DatabaseUnavailable, match=r"^use the notes: no such table: absent$"),
        notes.transaction() as use,
    ):
        use.execute(text("INSERT INTO note VALUES ('x')"))
        use.execute(text("SELECT * FROM absent"))
    assert asyncio.run(notes.read(count)) == 0


def test_all_operations_of_a_group_are_committed(notes: Notes) -> None:
    writer = Writer(notes)

    async def commit_all() -> None:
        await asyncio.gather(*(writer.commit(insert(str(number))) for number in range(10)))  # type: ignore[arg-type]

    asyncio.run(commit_all())
    assert asyncio.run(notes.read(count)) == 10


def test_a_database_of_another_program_is_only_read(tmp_path: Path, notes: Notes) -> None:
    reader = ReadOnlyDatabase(f"sqlite:///{tmp_path / 'notes.sqlite3'}", "its notes")
    with reader.transaction() as connection:
        assert count(connection) == 0
    with pytest.raises(SourceError, match="read its notes: attempt to write a readonly"), reader.transaction() as use:
        use.execute(text("INSERT INTO note VALUES ('x')"))


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    file = tmp_path / "absent.sqlite3"
    with pytest.raises(SourceError, match="read it: "), ReadOnlyDatabase(f"sqlite:///{file}", "it").transaction():
        pass
    assert not file.exists()


def test_work_beyond_the_limit_is_abandoned() -> None:
    threads, release = WorkerThreads(create_engine("sqlite://"), 0.05), threading.Event()
    with pytest.raises(TimeoutError):
        asyncio.run(threads.run(release.wait))
    release.set()
    threads.close()


def test_a_current_schema_is_migrated_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    Journal.open(url).close()
    monkeypatch.setitem(sys.modules, "alembic", None)
    Journal.open(url).close()
    with Journal.open(url).transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(ImportError):
        Journal.open(url)


@pytest.mark.parametrize("database", [Journal, ManifestDatabase])
def test_the_file_of_a_migration_begins_with_its_revision(database: type[Database]) -> None:
    for path in (database.migrations / "versions").glob("[0-9]*_*.py"):
        assert f'\nrevision = "{path.name.partition("_")[0]}"\n' in path.read_text()


def test_a_migration_of_years_of_rows_has_no_time_limit(postgresql: "Postgres", tmp_path: Path) -> None:
    class Years(Database):
        called = "the years"
        migrations = tmp_path

    versions = tmp_path / "versions"
    versions.mkdir()
    (tmp_path / "env.py").write_text((Journal.migrations / "env.py").read_text())
    (versions / "0001_limit.py").write_text(
        "from alembic import op\n"
        "revision, down_revision = '0001', None\n"
        "def upgrade():\n"
        "    op.execute(\"CREATE TABLE note AS SELECT current_setting('statement_timeout') AS body\")\n"
    )
    years = Years.open(postgresql.database())
    with years.reading() as connection:
        assert connection.execute(text("SELECT body FROM note")).scalar_one() == "0"
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "10s"
    years.close()


def test_only_the_migration_of_a_database_in_use_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class OldJournal(Journal):
        revision = "0001"

    url = f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    with caplog.at_level(logging.INFO, "nervesys"):
        OldJournal.open(url).close()
        assert caplog.messages == []
        Journal.open(url).close()
        Journal.open(url).close()
    [message] = caplog.messages
    assert message.startswith("the journal: migrating the schema")
