"""The rows of a database as JSON lines, consistent at one instant; loaded into another database of the same schema.

    {"table": "episodes", "columns": ["id", "action", ...]}
    [1, "restart_agent", ...]

It needs no program of the server's release, and rows of PostgreSQL can be loaded into SQLite.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, TableClause, column, func, insert, inspect, select, table, text
from sqlalchemy.exc import SQLAlchemyError

from nervesys.database.database import VERSION_TABLE
from nervesys.errors import BadObject, Reason

BATCH = 500
"""Rows that are read, or inserted, at once."""


def dump_rows(connection: Connection) -> Iterator[bytes]:
    """All rows of all tables, as lines; referenced tables first.

    Args:
        connection: in a transaction that has not read yet.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    inspector = inspect(connection)
    for name, _ in inspector.get_sorted_table_and_fkc_names():
        if name is None or name == VERSION_TABLE:
            continue
        columns = [found["name"] for found in inspector.get_columns(name)]
        rows = table(name, *map(column, columns))
        order = [rows.c[key] for key in inspector.get_pk_constraint(name)["constrained_columns"]]
        yield _line({"table": name, "columns": columns})
        for row in connection.execute(select(rows).order_by(*order).execution_options(yield_per=BATCH)):
            yield _line(list(row))


def load_rows(connection: Connection, lines: Iterable[bytes]) -> int:
    """Insert rows into the empty tables of a current schema; returns how many.

    Args:
        connection: in a transaction, which the caller commits.
        lines: as `dump_rows` yields them.

    Raises:
        BadObject: a line is damaged, or is for another schema.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
    inserted, target, columns = 0, None, list[str]()
    records = _records(lines)
    while batch := list(islice(records, BATCH)):
        waiting: list[dict[str, Any]] = []
        for record in batch:
            if isinstance(record, dict):
                _insert(connection, target, waiting)
                waiting, columns = [], list(record["columns"])
                target = _target(connection, record["table"], columns)
            else:
                waiting.append(dict(zip(columns, record, strict=True)))
                inserted += 1
        _insert(connection, target, waiting)
    return inserted


def _target(connection: Connection, name: str, columns: list[str]) -> TableClause:
    if not inspect(connection).has_table(name):
        raise BadObject(Reason.BAD_VALUE, f"rows of {name}: there is no such table in this release")
    return table(name, *map(column, columns))


def _insert(connection: Connection, target: TableClause | None, rows: list[dict[str, Any]]) -> None:
    if target is None or not rows:
        return
    try:
        connection.execute(insert(target), rows)
        if connection.dialect.name == "postgresql" and isinstance(rows[0].get("id"), int):
            sequence = func.pg_get_serial_sequence(target.name, "id")  # null where the id is no sequence
            connection.execute(select(func.setval(sequence, select(func.max(target.c.id)).scalar_subquery())))
    except SQLAlchemyError as err:
        reason = str(getattr(err, "orig", None) or type(err).__name__).splitlines()[0]
        raise BadObject(Reason.BAD_VALUE, f"rows of {target.name} cannot be loaded: {reason}") from err


def _records(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError as err:
            raise BadObject(Reason.BAD_JSON, f"a row is damaged: {err}") from err


def _line(record: object) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
