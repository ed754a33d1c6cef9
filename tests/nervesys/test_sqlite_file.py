"""SQLite files with a schema version: created, refused, rebuilt, replaced; never deleted for another reason."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nervesys.sqlite_file import MEMORY, WAL_PRAGMAS, OtherVersion, Schema, is_damage, open_file, open_or_rebuild

SCHEMA = Schema(
    version=2,
    sql="CREATE TABLE fact (name TEXT); CREATE TABLE IF NOT EXISTS total (sum REAL);",
    kept=frozenset({"total"}),
)
Open = Callable[[Path, Schema], sqlite3.Connection]


def fill(path: Path, schema: Schema = SCHEMA) -> None:
    with closing(open_file(path, schema)) as db, db:
        db.execute("INSERT INTO fact VALUES ('a')")
        db.execute("INSERT INTO total VALUES (7)")


def rows(path: Path, open_it: Open = open_or_rebuild) -> tuple[int, int]:
    with closing(open_it(path, SCHEMA)) as db:
        (facts,), (totals,) = (db.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("fact", "total"))
        return facts, totals


@pytest.mark.parametrize("open_it", [open_file, open_or_rebuild])
def test_a_file_is_created_and_found_again(tmp_path: Path, open_it: Open) -> None:
    assert rows(tmp_path / "file", open_it) == (0, 0)
    fill(tmp_path / "file")
    assert rows(tmp_path / "file", open_it) == (1, 1)


def test_pragmas_are_set(tmp_path: Path) -> None:
    with closing(open_file(tmp_path / "file", SCHEMA, WAL_PRAGMAS)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (1,)


def test_a_database_in_memory(tmp_path: Path) -> None:
    with closing(open_or_rebuild(MEMORY, SCHEMA)) as db:
        assert db.execute("SELECT count(*) FROM fact").fetchone() == (0,)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("version", [0, 1, 3])
def test_another_version_is_refused_or_rebuilt_but_for_kept_tables(tmp_path: Path, version: int) -> None:
    fill(tmp_path / "file")
    with closing(sqlite3.connect(tmp_path / "file")) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(OtherVersion, match=f"its schema version is {version}, not 2"):
        open_file(tmp_path / "file", SCHEMA)
    assert rows(tmp_path / "file") == (0, 1)
    fill(tmp_path / "file")
    assert rows(tmp_path / "file") == (1, 2), "rebuilt once"


def test_tables_of_an_earlier_version_are_dropped(tmp_path: Path) -> None:
    old = replace(SCHEMA, version=1, sql=SCHEMA.sql + "CREATE TABLE old (id INTEGER PRIMARY KEY AUTOINCREMENT);")
    fill(tmp_path / "file", old)
    with closing(open_or_rebuild(tmp_path / "file", SCHEMA)) as db:
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'old'").fetchone() == (0,)


def test_a_damaged_file_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(sqlite3.DatabaseError) as error:
        open_file(tmp_path / "file", SCHEMA)
    assert is_damage(error.value)
    assert rows(tmp_path / "file") == (0, 0)
    assert "is damaged, and is replaced" in caplog.text


def test_a_file_that_cannot_be_opened_is_not_deleted(tmp_path: Path) -> None:
    fill(tmp_path / "file")
    with closing(sqlite3.connect(tmp_path / "file")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as error:
            open_file(tmp_path / "file", SCHEMA, timeout_seconds=0)
        assert not is_damage(error.value)
    assert rows(tmp_path / "file") == (1, 1)
