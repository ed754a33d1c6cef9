"""Area `manifests`: number and size of artifacts, status of traces, duration of steps.

Each row of the database has the number of its last change: a refresh reads the rows with a higher number than the last
refresh read, at most 50 000 of each table.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Table, func, select

from exporters.runner import Refresh
from nervesys.artifacts.manifest import ArtifactStatus
from nervesys.artifacts.tables import manifests, steps, traces
from nervesys.artifacts.trace import ENDED, Progress
from nervesys.database import ReadOnlyDatabase
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea

GROUP = ("type", "status", "visibility")
ORIGIN = SourceArea("artifacts", "manifests")
COUNT = Family(
    "artifacts",
    "gauge",
    "Artifacts that exist or are being uploaded.",
    GROUP,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="artifacts", kind="level", labels=GROUP, origin=ORIGIN),),
)
BYTES = Family(
    "artifact_bytes",
    "gauge",
    "Size of the artifacts' contents.",
    GROUP,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="artifact bytes", kind="level", labels=GROUP, origin=ORIGIN),),
)
NEWEST = Family(
    "artifact_newest_timestamp_seconds",
    "gauge",
    "Creation time of the newest completed artifact.",
    (),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="artifact", kind="absence", origin=ORIGIN),),
)
OLDEST_UPLOAD = Family(
    "artifact_oldest_upload_timestamp_seconds",
    "gauge",
    "Creation time of the oldest artifact that is still being uploaded.",
    (),
    Period.SCRAPE,
    optional={"": "no artifact is being uploaded"},
)
TRACES = Family(
    "artifact_traces",
    "gauge",
    "Traces, by status.",
    ("status",),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="traces", kind="level", labels=("status",), origin=ORIGIN),),
)
STEPS = Family(
    "artifact_step_duration_seconds",
    "histogram",
    "Duration of completed and failed steps, by status.",
    ("status",),
    Period.SCRAPE,
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
    conditions=(
        ConditionTerm(word="failed steps", kind="increase", origin=ORIGIN, matchers='{status="failed"}'),
        ConditionTerm(word="step duration", kind="mean", labels=("status",), origin=ORIGIN),
    ),
)
FAMILIES = (COUNT, BYTES, NEWEST, OLDEST_UPLOAD, TRACES, STEPS)

OTHER = "other"
TYPES_LIMIT = 50
STEP = 50_000

Group = tuple[str, str, str]


class ArtifactCounts:
    """Counts of manifests, kept from pass to pass."""

    table = manifests

    def __init__(self) -> None:
        self.count, self.bytes = Counter[Group](), Counter[Group]()
        self.newest = 0.0
        self.uploading: dict[str, float] = {}
        self._types: set[str] = set()

    def columns(self) -> Iterable[Any]:
        return manifests.c["id", "artifact_type", "status", "visibility", "size_bytes", "created_at"]

    def add_row(self, row: Any, *, known: bool) -> None:
        """Count a row that changed, and take back what a known one was counted as: `uploading`, or else `completed`."""
        if known:
            before = (
                ArtifactStatus.UPLOADING if self.uploading.pop(row.id, None) is not None else ArtifactStatus.COMPLETED
            )
            self._add(row, before, -1)
        if row.status != ArtifactStatus.DELETED:
            self._add(row, row.status, 1)
        if row.status == ArtifactStatus.UPLOADING:
            self.uploading[row.id] = row.created_at
        if row.status == ArtifactStatus.COMPLETED:
            self.newest = max(self.newest, row.created_at)

    def samples(self) -> Iterator[Sample]:
        for group, count in sorted(self.count.items()):
            yield COUNT.sample(count, *group)
            yield BYTES.sample(self.bytes[group], *group)
        if self.newest:
            yield NEWEST.sample(self.newest)
        if self.uploading:
            yield OLDEST_UPLOAD.sample(min(self.uploading.values()))

    def _add(self, row: Any, status: str, count: int) -> None:
        group = self._type_label(row.artifact_type), str(status), row.visibility
        self.count[group] += count
        self.bytes[group] += count * row.size_bytes

    def _type_label(self, type_: str) -> str:
        if type_ not in self._types and len(self._types) < TYPES_LIMIT:
            self._types.add(type_)
        return type_ if type_ in self._types else OTHER


class TraceCounts:
    """Counts of traces; one that is known was running, for what has ended does not change."""

    table = traces

    def __init__(self) -> None:
        self.count = Counter[str]({status.value: 0 for status in Progress})

    def columns(self) -> Iterable[Any]:
        return (traces.c.status,)

    def add_row(self, row: Any, *, known: bool) -> None:
        if known:
            self.count[Progress.RUNNING] -= 1
        self.count[row.status] += 1

    def samples(self) -> Iterator[Sample]:
        for status, count in self.count.items():
            yield TRACES.sample(count, status)


class StepCounts:
    """Durations of the steps that have ended, each of which ends once."""

    table = steps

    def __init__(self) -> None:
        self._bucket_counts = {status.value: [0.0] * (len(STEPS.buckets) + 1) for status in ENDED}
        self._sums = Counter[str]()

    def columns(self) -> Iterable[Any]:
        return steps.c["status", "started_at", "ended_at"]

    def add_row(self, row: Any, *, known: bool) -> None:  # whether it was running does not matter
        if row.ended_at is not None:
            took = row.ended_at - row.started_at
            self._bucket_counts[row.status][bisect_left(STEPS.buckets, took)] += 1
            self._sums[row.status] += took

    def samples(self) -> Iterator[Sample]:
        for status, counts in sorted(self._bucket_counts.items()):
            yield from STEPS.histogram(counts, self._sums[status], status)


class TableReader:
    """The reading position in one table, and the counts up to there.

    Args:
        kind: counts its rows.
    """

    def __init__(self, kind: type[ArtifactCounts | TraceCounts | StepCounts]) -> None:
        self._kind, self._counts, self._position = kind, kind(), 0

    def read(self, connection: Connection) -> bool:
        """Read at most `STEP` rows; returns whether there may be more. A database that was replaced is read anew."""
        table: Table = self._kind.table
        if (connection.execute(select(func.max(table.c.change))).scalar() or 0) < self._position:
            self._counts, self._position = self._kind(), 0
        query = select(table.c.change, table.c.registered, *self._counts.columns()).where(
            table.c.change > self._position
        )
        rows = connection.execute(query.order_by(table.c.change).limit(STEP)).all()
        for row in rows:
            self._counts.add_row(row, known=row.registered <= self._position)
        if rows:
            self._position = rows[-1].change
        return len(rows) == STEP

    def put(self, out: Refresh) -> None:
        """Put the samples."""
        out.put(self._kind.table.name, (id(self._counts), self._position), self._counts.samples())


class ManifestsArea:
    """The area.

    Args:
        reader: of the database.
    """

    def __init__(self, reader: ReadOnlyDatabase) -> None:
        self._reader = reader
        self._readers = (TableReader(ArtifactCounts), TableReader(TraceCounts), TableReader(StepCounts))

    def refresh(self, out: Refresh) -> None:
        """One pass: read on. Nothing is put before all is read, or a partial total would later look like an increase.

        Raises:
            SourceError: the database cannot be read.
        """
        with self._reader.transaction() as connection:
            more = [reader.read(connection) for reader in self._readers]
        out.backlog = sum(more)
        if not out.backlog:
            for reader in self._readers:
                reader.put(out)
