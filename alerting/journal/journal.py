"""Opens the journal, brings its schema up to date, and runs transactions on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

from nervesys.errors import NervesysError

BUSY_SECONDS = 5
MIGRATIONS = Path(__file__).parent / "migrations"


class JournalUnavailable(NervesysError):
    """The journal could not be opened, read or written; nothing may be promised to a sender."""


class Journal:
    """A database of episodes.

    Args:
        engine: its schema is up to date; see `open`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open by URL and bring the schema up to date.

        Args:
            url: SQLAlchemy's, such as `sqlite:////var/lib/nervesys/journal.sqlite3`.

        Raises:
            JournalUnavailable: it cannot be opened.
        """
        with _answers("open the journal"):
            engine = _sqlite(url) if make_url(url).get_backend_name() == "sqlite" else create_engine(url)
            with engine.begin() as connection:
                _migrate(connection)
        return cls(engine)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; committed, and on disk, when the block is left.

        Raises:
            JournalUnavailable: the block or the commit failed; nothing was kept.
        """
        with _answers("use the journal"), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


@contextmanager
def _answers(what: str) -> Iterator[None]:
    """Turn what SQLAlchemy raises into our tree; its own text quotes values, so only the driver's words are kept."""
    try:
        yield
    except SQLAlchemyError as err:
        raise JournalUnavailable(f"{what}: {getattr(err, 'orig', None) or type(err).__name__}") from err


def _sqlite(url: str) -> Engine:
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


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
