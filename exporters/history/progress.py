"""Progress of the backfill of one target: an SQLite file, whose schema version is its `PRAGMA user_version`."""

from collections.abc import Iterable
from pathlib import Path

from exporters.history.plan import FinishedUnit, ReadJob
from nervesys.errors import NervesysError
from nervesys.sqlite_file import OtherVersion, Schema, open_file

SCHEMA = Schema(
    version=1,
    sql="""
CREATE TABLE made (
    unit TEXT PRIMARY KEY, version TEXT NOT NULL, lines INTEGER NOT NULL, parts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE block (name TEXT PRIMARY KEY) WITHOUT ROWID;
""",
)


class BackfillProgress:
    """The files that were converted for one target.

    Args:
        path: of the file, made where it is missing, as are the folders above it.

    Raises:
        NervesysError: another release wrote it, with another schema.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = open_file(path, SCHEMA, ("synchronous = FULL",))
        except OtherVersion as err:
            raise NervesysError(f"read {path}: {err}; use the release that wrote it") from err

    def made(self) -> dict[str, FinishedUnit]:
        """Every unit that was made, by name."""
        return {
            name: FinishedUnit(*rest)
            for name, *rest in self._db.execute("SELECT unit, version, lines, parts FROM made")
        }

    def remember(self, done: Iterable[tuple[ReadJob, int]], blocks: Iterable[str] = ()) -> None:
        """Keep what was made, at once or not at all.

        Args:
            done: jobs, and how many lines their files have.
            blocks: names of finished blocks that are still to be put in their place.
        """
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO made VALUES (?, ?, ?, ?)",
                [(job.unit.name, job.unit.version, lines, job.part) for job, lines in done],
            )
            self._db.executemany("INSERT INTO block VALUES (?)", [(name,) for name in blocks])

    def waiting(self) -> list[str]:
        """Blocks that are finished, and perhaps not in their place yet."""
        return [name for (name,) in self._db.execute("SELECT name FROM block")]

    def clear_blocks(self) -> None:
        """All blocks are in their place."""
        with self._db:
            self._db.execute("DELETE FROM block")

    def close(self) -> None:
        """Close the file."""
        self._db.close()
