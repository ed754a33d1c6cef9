"""Opens a database of another program read-only; never creates or changes it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from nervesys.database.database import BUSY_SECONDS
from nervesys.errors import SourceError


class ReadOnlyDatabase:
    """A read-only database. Each transaction opens it anew, so that a replaced file is noticed.

    Args:
        url: of SQLite or PostgreSQL.
        called: its name in messages.
    """

    def __init__(self, url: str, called: str) -> None:
        self._called, parsed = called, make_url(url)
        if parsed.get_backend_name() == "sqlite":
            self._engine = _sqlite(parsed.database or "")
        else:
            busy = BUSY_SECONDS * 1000
            options = f"-c default_transaction_read_only=on -c statement_timeout={2 * busy} -c lock_timeout={busy}"
            arguments = {"connect_timeout": BUSY_SECONDS, "tcp_user_timeout": busy, "options": options}
            self._engine = create_engine(
                parsed.set(drivername="postgresql+psycopg"), connect_args=arguments, poolclass=NullPool
            )

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A read transaction, with a consistent snapshot.

        Raises:
            SourceError: it cannot be read.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as err:
            message = str(getattr(err, "orig", None) or type(err).__name__)
            raise SourceError(f"read {self._called}: {message.splitlines()[0]}") from err


def _sqlite(path: str) -> Engine:
    def connect() -> Any:
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=ro", uri=True, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
        )
        connection.execute("BEGIN")
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)
