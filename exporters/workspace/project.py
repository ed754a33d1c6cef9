"""One project: its families, and what is read of its history, files and snapshots."""

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from exporters.workspace.counts import HistoryCounts
from nervesys.contract.times import parse_instant
from nervesys.errors import NervesysError
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea
from nervesys.workspace import history, versions
from nervesys.workspace.contents import Contents
from nervesys.workspace.segments import Segments
from nervesys.workspace.snapshots import Snapshots, parse_snapshot

PROJECT = ("project",)
ORIGIN = SourceArea("workspace", "workspace")
EVENTS = Family(
    "workspace_events_total",
    "counter",
    "Events in the project's history, by type.",
    ("project", "type"),
    Period.SCRAPE,
    conditions=(ConditionTerm(word="events", kind="increase", labels=PROJECT, origin=ORIGIN),),
)
LAST_EVENT = Family(
    "workspace_last_event_timestamp_seconds",
    "gauge",
    "Time of the newest event in the project's history.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="event", kind="absence", labels=PROJECT, origin=ORIGIN),),
)
SEGMENTS = Family("workspace_segments", "gauge", "Sealed segments of the project's history.", PROJECT, Period.SCRAPE)
FILES = Family(
    "workspace_files",
    "gauge",
    "Current files of the project.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="project files", kind="level", labels=PROJECT, origin=ORIGIN),),
)
BYTES = Family(
    "workspace_file_bytes",
    "gauge",
    "Size of the project's current files.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="project bytes", kind="level", labels=PROJECT, origin=ORIGIN),),
)
VERSIONS = Family(
    "workspace_versions",
    "gauge",
    "Stored versions of the project's files.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="project versions", kind="level", labels=PROJECT, origin=ORIGIN),),
)
STORED = Family(
    "workspace_content_bytes",
    "gauge",
    "Size of the stored contents; equal contents count once.",
    PROJECT,
    Period.SCRAPE,
)
SNAPSHOTS = Family(
    "workspace_snapshots",
    "gauge",
    "Snapshots of the project's files.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="project snapshots", kind="level", labels=PROJECT, origin=ORIGIN),),
)
NEWEST = Family(
    "workspace_newest_snapshot_timestamp_seconds",
    "gauge",
    "Time of the project's newest snapshot.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="snapshot", kind="absence", labels=PROJECT, origin=ORIGIN),),
)
TORN = Family(
    "workspace_torn_lines",
    "gauge",
    "Incomplete last lines that were set aside.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="torn lines", kind="level", labels=PROJECT, origin=ORIGIN),),
)
DAMAGED = Family(
    "workspace_damaged_lines",
    "gauge",
    "Unreadable lines and segments of the history.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="damaged lines", kind="level", labels=PROJECT, origin=ORIGIN),),
)
BROKEN = Family(
    "workspace_broken_versions",
    "gauge",
    "Versions that do not continue the previous version.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="broken versions", kind="level", labels=PROJECT, origin=ORIGIN),),
)
MISMATCHED = Family(
    "workspace_mismatched_contents",
    "gauge",
    "Contents that are missing or do not match their hash, of those verified so far.",
    PROJECT,
    Period.SCRAPE,
    conditions=(ConditionTerm(word="mismatched contents", kind="level", labels=PROJECT, origin=ORIGIN),),
)

FAMILIES = (
    EVENTS,
    LAST_EVENT,
    SEGMENTS,
    FILES,
    BYTES,
    VERSIONS,
    STORED,
    SNAPSHOTS,
    NEWEST,
    TORN,
    DAMAGED,
    BROKEN,
    MISMATCHED,
)

COMPARED = 20
"""Contents of a project that are compared with their hashes in one pass."""

log = logging.getLogger(__name__)


class ProjectReader:
    """One project, read on from pass to pass.

    Args:
        folder: of the project.
        counts: the counts of its history so far.
    """

    def __init__(self, folder: Path, counts: HistoryCounts) -> None:
        self.counts = counts
        self._history = Segments(folder, history.NAME)
        self._index = versions.VersionIndex(Segments(folder / versions.NAME, versions.NAME))
        self._contents = Contents(folder / versions.NAME / "contents")
        self._snapshots = Snapshots(folder / "snapshots")
        self._folder = folder
        self._to_compare: Iterator[str] = iter(())
        self._mismatched: set[str] = set()

    def read(self) -> bool:
        """Read the next part; returns whether there is more."""
        more = self.counts.read(self._history)
        self._index.refresh()
        self._compare()
        return more

    def samples(self, name: str) -> Iterator[Sample]:
        """What the project holds."""
        for type_, count in sorted(self.counts.types.items()):
            yield EVENTS.sample(count, name, type_)
        if self.counts.last:
            yield LAST_EVENT.sample(parse_instant(self.counts.last), name)
        current, stored = list(self._index.current()), list(self._index.versions())
        yield SEGMENTS.sample(len(self._history.closed()), name)
        yield FILES.sample(len(current), name)
        yield BYTES.sample(sum(version.size for version in current), name)
        yield VERSIONS.sample(len(stored), name)
        yield STORED.sample(sum({version.hash: version.size for version in stored}.values()), name)
        yield TORN.sample(_lines(self._history.torn) + _lines(self._index.segments.torn), name)
        yield DAMAGED.sample(self.counts.damaged, name)
        yield BROKEN.sample(len(self._index.broken), name)
        yield MISMATCHED.sample(len(self._mismatched), name)
        yield SNAPSHOTS.sample(len(self._snapshots.ids()), name)

    def newest_snapshot(self, name: str) -> Iterator[Sample]:
        """When the newest snapshot was made.

        Raises:
            BadObject: it is damaged.
        """
        ids = self._snapshots.ids()
        if ids:
            body = (self._folder / "snapshots" / f"{ids[-1]}.json").read_bytes()
            yield NEWEST.sample(parse_instant(parse_snapshot(body).timestamp), name)

    def _compare(self) -> None:
        """Compare the next few contents with their hashes; after the last, begin with the first again."""
        batch = list(islice(self._to_compare, COMPARED))
        known = {version.hash for version in self._index.versions() if version.hash}
        if not batch:
            self._to_compare = iter(sorted(known))
        for hash_ in batch:
            try:
                self._contents.get(hash_)
                self._mismatched.discard(hash_)
            except NervesysError as err:
                if hash_ in known and hash_ not in self._mismatched:
                    log.warning("%s: %s", self._folder, err)
                    self._mismatched.add(hash_)
        self._mismatched &= known


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
