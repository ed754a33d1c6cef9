"""Opens a database by its URL, brings its schema up to date, and runs transactions on it.

On SQLite every transaction that writes is alone. On PostgreSQL those that decide are, by one lock that all their
programs share: so both databases keep the same promises. What only reads, or takes what nobody holds, waits for nobody
there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from nervesys.database.threads import Threads
from nervesys.errors import DatabaseUnavailable

Result = TypeVar("Result")
Operation = Callable[[Connection], Result]

BUSY_SECONDS = 5
"""Longest wait for another's transaction, and for a server to take a connection."""
ANSWER_SECONDS = 20
"""Longest wait for a server, for one transaction as a whole."""
KEEPALIVE = {"keepalives_idle": BUSY_SECONDS, "keepalives_interval": 2, "keepalives_count": 3}
"""After how many seconds a server's machine that says nothing is asked whether it is there, and how often."""
LOCK = int.from_bytes(b"nervesys") >> 1
"""Names the lock of those that decide; PostgreSQL wants a signed number of 64 bits."""


class Database:
    """A database with tables of ours; a subclass says which.

    Args:
        engine: its schema is up to date; see `open`.
        answer_seconds: longest wait of `run` for a server.

    Attributes:
        called: as messages name it, such as `the journal`.
        unavailable: what is raised where it cannot be used.
        migrations: Alembic's folder.
    """

    called: ClassVar[str]
    unavailable: ClassVar[type[DatabaseUnavailable]] = DatabaseUnavailable
    migrations: ClassVar[Path]

    def __init__(self, engine: Engine, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._engine = engine
        self._threads = Threads(engine, answer_seconds) if engine.dialect.name == "postgresql" else None

    @classmethod
    def open(cls, url: str, answer_seconds: float = ANSWER_SECONDS) -> Self:
        """Open by URL and bring the schema up to date.

        Args:
            url: such as `sqlite:////var/lib/nervesys/journal.sqlite3` or `postgresql://USER@HOST/DATABASE`.
            answer_seconds: longest wait of `run` for a server.

        Raises:
            DatabaseUnavailable: it cannot be opened.
        """
        with cls._answers("open"):
            said = make_url(url)
            engine = _sqlite(said) if said.get_backend_name() == "sqlite" else _postgresql(said)
            database = cls(engine, answer_seconds)
        with database.alone() as connection:
            cls._migrate(connection)
        return database

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; committed, and on disk, when the block is left.

        Raises:
            DatabaseUnavailable: the block or the commit failed; nothing was kept.
        """
        with self._answers("use"), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction beside which no other of this kind runs, in whichever program.

        Raises:
            DatabaseUnavailable: the block or the commit failed; nothing was kept.
        """
        with self.transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            yield connection

    async def run(self, operation: Operation[Result], *, alone: bool = False) -> Result:
        """Run an operation as one transaction, and let the event loop turn meanwhile where a server is asked.

        A SQLite file is used where we stand: its transaction takes less time than handing it to a thread would.

        Args:
            operation: given an open transaction.
            alone: beside no other of this kind.

        Raises:
            DatabaseUnavailable: it failed, or the server did not answer in time; nothing may be promised.
        """

        def work() -> Result:
            with self.alone() if alone else self.transaction() as connection:
                return operation(connection)

        if self._threads is None:
            return work()
        try:
            return await self._threads.run(work)
        except TimeoutError:
            raise self.unavailable(f"use {self.called}: the server does not answer") from None

    def close(self) -> None:
        """Close every connection."""
        if self._threads is not None:
            self._threads.close()
        self._engine.dispose()

    @classmethod
    @contextmanager
    def _answers(cls, verb: str) -> Iterator[None]:
        """Turn what SQLAlchemy raises into our tree; its own text quotes values: only the driver's words are kept."""
        try:
            yield
        except SQLAlchemyError as err:
            said = str(getattr(err, "orig", None) or type(err).__name__)
            raise cls.unavailable(f"{verb} {cls.called}: {said.splitlines()[0]}") from err

    @classmethod
    def _migrate(cls, connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(cls.migrations).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _postgresql(url: URL) -> Engine:
    busy = BUSY_SECONDS * 1000
    limits = {"lock_timeout": busy, "statement_timeout": 2 * busy, "idle_in_transaction_session_timeout": 2 * busy}
    options = " ".join(f"-c {name}={milliseconds}" for name, milliseconds in limits.items())
    known = {"connect_timeout": BUSY_SECONDS, "tcp_user_timeout": busy, "options": options, **KEEPALIVE}
    return create_engine(url.set(drivername="postgresql+psycopg"), connect_args=known)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
