"""Rows of a database as lines: from a server and back, into a server or SQLite."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, insert, select

from alerting.journal import tables
from alerting.journal.journal import Journal
from nervesys.database.rows import dump_rows, load_rows
from nervesys.errors import BadObject

if TYPE_CHECKING:
    from tests.servers.postgres import Postgres

TEXT = 'it is "no"\nä'
VALUES = {"VARCHAR": "x", "TEXT": TEXT, "DOUBLE": 1.5, "INTEGER": 3, "BOOLEAN": False}
EPISODE = {column.name: VALUES[str(column.type)] for column in tables.episodes.c} | {"closed_at": None}


def fill(connection: Connection) -> None:
    for number, trial in ((7, None), (8, 7)):
        row = EPISODE | {"id": number, "agent": f"agent-{number}", "trial_of": trial}
        connection.execute(insert(tables.episodes), [row])


def rows(connection: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(select(tables.episodes).order_by(tables.episodes.c.id))]


def move(source: Journal, target: Journal) -> int:
    with source.transaction() as connection:
        lines = list(dump_rows(connection))
    with target.alone() as connection:
        return load_rows(connection, lines)


def test_rows_of_postgresql_come_back_in_sqlite_and_in_postgresql(postgresql: "Postgres", tmp_path: Path) -> None:
    source, server = Journal.open(postgresql.database()), Journal.open(postgresql.database())
    file = Journal.open(f"sqlite:///{tmp_path}/journal.sqlite3")
    with source.transaction() as connection:
        fill(connection)
        expected = rows(connection)
    for target in (file, server):
        assert move(source, target) >= 2
        with target.transaction() as connection:
            assert rows(connection) == expected
    with server.transaction() as connection:
        row = {key: value for key, value in EPISODE.items() if key != "id"} | {"trial_of": None, "agent": "next"}
        made = connection.execute(insert(tables.episodes).returning(tables.episodes.c.id), [row]).scalar_one()
    assert made == 9, "the server counts on behind the loaded rows"
    for opened in (source, server, file):
        opened.close()


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([b'{"table": "nothing", "columns": []}\n'], "there is no such table"),
        ([b"{\n"], "a row is damaged"),
        ([b'{"table": "episodes", "columns": ["id"]}\n', b"[1]\n"], "rows of episodes cannot be loaded"),
    ],
)
def test_damaged_rows_are_named_and_nothing_is_loaded(tmp_path: Path, lines: Iterable[bytes], text: str) -> None:
    journal = Journal.open(f"sqlite:///{tmp_path}/journal.sqlite3")
    with pytest.raises(BadObject, match=text), journal.alone() as connection:
        load_rows(connection, lines)
    journal.close()
