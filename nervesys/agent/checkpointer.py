"""LangGraph's own checkpointer for an agent, on SQLite or PostgreSQL, by one line of configuration."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from nervesys.errors import NervesysError, SettingsError, SettingsProblem
from nervesys.settings.variables import DATABASES, value_of

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

VARIABLES = ("NERVESYS_CHECKPOINTS_URL", "DATABASE_URL")
"""Names of the URL; the first that is set wins."""
OWN = "checkpoints"
"""Name of the agent's own database, where no URL is set: copied to the store, and restored on a new server."""


class Checkpointer:
    """Opens the checkpointer at its first use; its packages are an optional extra.

    Args:
        environ: environment variables.
        own: path of a database of the agent, by its name.
    """

    def __init__(self, environ: Mapping[str, str], own: Callable[[str], Path]) -> None:
        self._environ, self._own = environ, own
        self._closing, self._lock = ExitStack(), Lock()
        self._saver: BaseCheckpointSaver[Any] | None = None

    def open(self) -> "BaseCheckpointSaver[Any]":
        """The checkpointer; its tables exist.

        Raises:
            SettingsError: the URL is of no supported database.
            NervesysError: a package is not installed, or the database cannot be opened.
        """
        with self._lock:
            if self._saver is None:
                self._saver = self._open(checkpoints_url(self._environ) or f"sqlite:///{self._own(OWN)}")
            return self._saver

    def close(self) -> None:
        """Close its connection, if it was opened."""
        self._closing.close()
        self._saver = None

    def _open(self, url: str) -> "BaseCheckpointSaver[Any]":
        try:
            return self._open_sqlite(url) if url.startswith("sqlite:") else self._open_postgres(url)
        except ModuleNotFoundError as err:
            raise NervesysError(
                f"the checkpointer needs the package {err.name}: pip install 'nervesys-observability[langgraph]'"
            ) from err

    def _open_sqlite(self, url: str) -> "BaseCheckpointSaver[Any]":
        import sqlite3

        from langgraph.checkpoint.sqlite import SqliteSaver

        file = url.removeprefix("sqlite:///")
        try:
            saver = self._closing.enter_context(SqliteSaver.from_conn_string(file))
            saver.setup()
        except sqlite3.Error as err:
            raise NervesysError(f"open the checkpoints in {file}: {err}") from err
        return saver

    def _open_postgres(self, url: str) -> "BaseCheckpointSaver[Any]":
        import psycopg
        from langgraph.checkpoint.postgres import PostgresSaver

        try:
            saver = self._closing.enter_context(PostgresSaver.from_conn_string(url))
            saver.setup()
        except psycopg.Error as err:
            # The message of a driver may quote the URL, which has a password.
            raise NervesysError(f"open the checkpoints in PostgreSQL: {type(err).__name__}") from None
        return saver


def checkpoints_url(environ: Mapping[str, str]) -> str | None:
    """The URL in the environment, or in the file that `NAME_FILE` names; None if neither is set.

    A DATABASE_URL of another kind of database is for another program.

    Raises:
        SettingsError: a URL that was meant for checkpoints is of no supported database, or its file cannot be read.
    """
    mistakes: list[SettingsProblem] = []
    for name in VARIABLES:
        found = value_of(name, environ, mistakes)
        if found is None:
            continue
        if found.value.startswith(DATABASES):
            return found.value
        if name == VARIABLES[0]:
            mistakes.append(SettingsProblem(found.name, "", f"must begin with {' or '.join(DATABASES)}"))
    if mistakes:
        raise SettingsError(mistakes)
    return None
