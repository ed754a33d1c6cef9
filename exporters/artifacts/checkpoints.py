"""Area `checkpoints`: what LangGraph's own databases hold, which are only read.

Tables of langgraph-checkpoint-sqlite 3 (`checkpoints`, `writes`) and langgraph-checkpoint-postgres 3 (`checkpoints`,
`checkpoint_blobs`, `checkpoint_writes`). The id of a checkpoint is a UUID of version 6 (RFC 9562), which begins with
its time.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, column, func, make_url, select, table, text

from exporters.runner import Refresh
from nervesys.database import ReadOnlyDatabase
from nervesys.errors import SourceError
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea

DATABASE = ("database",)
ORIGIN = SourceArea("artifacts", "checkpoints")
THREADS = Family(
    "checkpoint_threads",
    "gauge",
    "Threads with at least one checkpoint.",
    DATABASE,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="checkpoint threads", kind="level", labels=DATABASE, origin=ORIGIN),),
)
CHECKPOINTS = Family(
    "checkpoints",
    "gauge",
    "Checkpoints of all threads.",
    DATABASE,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="checkpoints", kind="level", labels=DATABASE, origin=ORIGIN),),
)
NEWEST = Family(
    "checkpoint_newest_timestamp_seconds",
    "gauge",
    "Time of the newest checkpoint.",
    DATABASE,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="checkpoint", kind="absence", labels=DATABASE, origin=ORIGIN),),
)
BYTES = Family(
    "checkpoint_bytes",
    "gauge",
    "Disk space used by the checkpoints.",
    DATABASE,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="checkpoint bytes", kind="level", labels=DATABASE, origin=ORIGIN),),
)
FAMILIES = (THREADS, CHECKPOINTS, NEWEST, BYTES)

TABLES = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")
SIZE = {
    "sqlite": text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"),
    "postgresql": text(
        "SELECT sum(pg_total_relation_size(to_regclass(name))) FROM unnest(CAST(:tables AS text[])) AS name"
    ),
}
_TABLE = table("checkpoints", column("thread_id"), column("checkpoint_id"))
COUNT_QUERY = select(func.count(), func.count(_TABLE.c.thread_id.distinct()), func.max(_TABLE.c.checkpoint_id))
GREGORIAN_SECONDS = 12_219_292_800
"""From the reform of the calendar, 1582-10-15, where these UUIDs begin, to 1970."""


@dataclass(frozen=True)
class CheckpointCounts:
    """What one database holds.

    Attributes:
        newest: Unix seconds; None where it is unknown.
    """

    threads: int
    checkpoints: int
    bytes: int
    newest: float | None

    def samples(self, name: str) -> Iterator[Sample]:
        """Under the name that the settings give the database."""
        yield THREADS.sample(self.threads, name)
        yield CHECKPOINTS.sample(self.checkpoints, name)
        yield BYTES.sample(self.bytes, name)
        if self.newest is not None:
            yield NEWEST.sample(self.newest, name)


class CheckpointsArea:
    """The area.

    Args:
        urls: of the databases, by name.
    """

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._readers = {name: ReadOnlyDatabase(url, f"the checkpoints {name}") for name, url in urls.items()}
        self._stamps: dict[str, object] = {}

    def refresh(self, out: Refresh) -> None:
        """One pass: a file that did not change is not read again.

        Raises:
            SourceError: one of the databases cannot be read; the others are shown.
        """
        errors = []
        for name, reader in self._readers.items():
            stamp = _file_stamp(self._urls[name])
            if stamp is not None and self._stamps.get(name) == stamp:
                continue
            try:
                with reader.transaction() as connection:
                    counts = _read_counts(connection)
            except SourceError as err:
                errors.append(str(err))
            else:
                out.put(name, counts, counts.samples(name))
                self._stamps[name] = stamp
        if errors:
            out.serve_on_failure = True
            raise SourceError("; ".join(errors))


def creation_time(id_: str | None) -> float | None:
    """When a checkpoint was made, in Unix seconds; None where its id is no UUID of version 6."""
    try:
        uuid = UUID(id_ or "")
    except ValueError:
        return None
    if uuid.version != 6:
        return None
    ticks = (uuid.int >> 80) << 12 | (uuid.int >> 64 & 0xFFF)
    return ticks / 10_000_000 - GREGORIAN_SECONDS


def _read_counts(connection: Connection) -> CheckpointCounts:
    checkpoints, threads, newest = connection.execute(COUNT_QUERY).one()
    size = SIZE[connection.dialect.name]
    size_bytes = connection.execute(
        size, {"tables": list(TABLES)} if connection.dialect.name != "sqlite" else {}
    ).scalar()
    return CheckpointCounts(threads, checkpoints, int(size_bytes or 0), creation_time(newest))


def _file_stamp(url: str) -> object:
    """Modification time and size of an SQLite file and its write-ahead log; None for a server, which must be asked.

    An empty log does not count: reading alone creates one.
    """
    location = make_url(url)
    if location.get_backend_name() != "sqlite":
        return None
    stats = []
    for suffix in ("", "-wal"):
        with suppress(FileNotFoundError):  # the log is removed whenever its last writer closes
            stats.append(Path(f"{location.database}{suffix}").stat())
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats if stat.st_size)
