"""Opens a database by its URL, migrates its schema, and runs transactions.

On SQLite, writing transactions are serialized anyway. On PostgreSQL, exclusive transactions (`alone`) take an advisory
lock that all programs share, so that both databases give the same guarantees; other transactions run concurrently.
Reading transactions take no lock on either.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, inspect, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from nervesys.database.threads import WorkerThreads
from nervesys.errors import DatabaseUnavailable

log = logging.getLogger(__name__)
Result = TypeVar("Result")
Operation = Callable[[Connection], Result]

BUSY_SECONDS = 5
"""Longest wait for a lock, and for a connection to a server, in seconds."""
RESPONSE_SECONDS = 20
"""Longest duration of one transaction on a server, in seconds."""
KEEPALIVE = {"keepalives_idle": BUSY_SECONDS, "keepalives_interval": 2, "keepalives_count": 3}
"""TCP keepalive settings of libpq, to notice a dead server."""
LOCK = int.from_bytes(b"nervesys") >> 1
"""Key of the advisory lock: a signed 64-bit number."""


VERSION_TABLE = "alembic_version"
"""Alembic's table with the revision of the schema."""
NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ix": "ix_%(table_name)s_%(column_0_name)s",
}
"""SQLAlchemy's naming convention for constraints, so that migrations can refer to them on every database."""


class Database:
    """Base class of databases; a subclass names its migrations.

    Args:
        engine: an engine with a current schema; see `open`.
        answer_seconds: time limit of `run` on a server.

    Attributes:
        called: its name in messages, such as `the journal`.
        unavailable: exception that is raised if it cannot be used.
        migrations: Alembic's folder.
        revision: to which the schema is migrated; benchmarks fill a schema as it was.
    """

    called: ClassVar[str]
    unavailable: ClassVar[type[DatabaseUnavailable]] = DatabaseUnavailable
    migrations: ClassVar[Path]
    revision: ClassVar[str] = "head"

    def __init__(self, engine: Engine, answer_seconds: float = RESPONSE_SECONDS) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True, postgresql_readonly=True)
        self._threads = WorkerThreads(engine, answer_seconds) if engine.dialect.name == "postgresql" else None

    @classmethod
    def open(cls, url: str, answer_seconds: float = RESPONSE_SECONDS) -> Self:
        """Open by URL, and migrate the schema.

        Args:
            url: such as `sqlite:////var/lib/nervesys/journal.sqlite3` or `postgresql://USER@HOST/DATABASE`.
            answer_seconds: time limit of `run` on a server.

        Raises:
            DatabaseUnavailable: it cannot be opened.
        """
        with cls._converted_errors("open"):
            parsed = make_url(url)
            engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
            database = cls(engine, answer_seconds)
        with database.alone() as connection:
            cls._migrate(connection)
        return database

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, durably committed at the end of the block.

        Raises:
            DatabaseUnavailable: the block or the commit failed, and was rolled back.
        """
        with self._converted_errors("use"), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads: it waits for no writer, and no writer for it. PostgreSQL refuses writes in it.

        Raises:
            DatabaseUnavailable: the block failed.
        """
        with self._converted_errors("use"), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """An exclusive transaction: no other exclusive one runs at the same time, in any program.

        Raises:
            DatabaseUnavailable: the block or the commit failed, and was rolled back.
        """
        with self.transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            yield connection

    async def run(self, operation: Operation[Result], *, alone: bool = False) -> Result:
        """Run an operation as one transaction, without blocking the event loop while a server is waited for.

        SQLite is used directly, because a transaction takes less time than switching to a thread.

        Args:
            operation: called with a connection in an open transaction.
            alone: run it as an exclusive transaction.

        Raises:
            DatabaseUnavailable: it failed, or the server did not respond in time; it may or may not have happened.
        """
        return await self._run(operation, self.alone if alone else self.transaction)

    async def read(self, operation: Operation[Result]) -> Result:
        """Run an operation that only reads, as `run` does.

        Args:
            operation: called with a connection in a reading transaction.

        Raises:
            DatabaseUnavailable: it failed, or the server did not respond in time.
        """
        return await self._run(operation, self.reading)

    def close(self) -> None:
        """Close every connection."""
        if self._threads is not None:
            self._threads.close()
        self._engine.dispose()

    async def _run(
        self, operation: Operation[Result], transaction: Callable[[], AbstractContextManager[Connection]]
    ) -> Result:
        def run_transaction() -> Result:
            with transaction() as connection:
                return operation(connection)

        if self._threads is None:
            return run_transaction()
        try:
            return await self._threads.run(run_transaction)
        except TimeoutError:
            raise self.unavailable(f"use {self.called}: the server does not respond") from None

    @classmethod
    @contextmanager
    def _converted_errors(cls, verb: str) -> Iterator[None]:
        """Convert SQLAlchemy's exceptions. Their text quotes values, so only the driver's message is kept."""
        try:
            yield
        except SQLAlchemyError as err:
            message = str(getattr(err, "orig", None) or type(err).__name__)
            raise cls.unavailable(f"{verb} {cls.called}: {message.splitlines()[0]}") from err

    @classmethod
    def _migrate(cls, connection: Connection) -> None:
        if cls._is_current(connection):
            return
        from alembic import command  # 8 MB that a program needs only after an upgrade
        from alembic.config import Config

        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # an index over years of rows takes minutes
        if inspect(connection).has_table(VERSION_TABLE):
            log.info("%s: migrating the schema; with many millions of rows this may take minutes", cls.called)
        config = Config()
        config.set_main_option("script_location", str(cls.migrations).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, cls.revision)

    @classmethod
    def _is_current(cls, connection: Connection) -> bool:
        """Whether the newest migration, whose file begins with its revision, is the one that Alembic recorded."""
        newest = max(path.name for path in (cls.migrations / "versions").glob("[0-9]*_*.py"))
        if not inspect(connection).has_table(VERSION_TABLE):
            return False
        recorded = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()  # noqa: S608  # a constant
        return recorded == [newest.partition("_")[0]]


def _postgresql(url: URL) -> Engine:
    busy = BUSY_SECONDS * 1000
    limits = {"lock_timeout": busy, "statement_timeout": 2 * busy, "idle_in_transaction_session_timeout": 2 * busy}
    options = " ".join(f"-c {name}={milliseconds}" for name, milliseconds in limits.items())
    arguments = {"connect_timeout": BUSY_SECONDS, "tcp_user_timeout": busy, "options": options, **KEEPALIVE}
    return create_engine(url.set(drivername="postgresql+psycopg"), connect_args=arguments)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the listener below begins transactions, not the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
