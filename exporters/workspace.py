"""Source `workspace`: events, files and snapshots of this machine's projects, and damage to them.

Reads   what was appended to each project's logs since the last pass, at most 64 MiB a pass; the names of its
        snapshots; a few contents, each pass others, to compare them with their hashes.
Units   bytes, Unix seconds, counts. Events are counted from the first that the history holds.
Errors  SourceError is raised where the folder cannot be read. BadObject costs one project, whose name is none, or the
        newest snapshot of one.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from exporters.runner import Area, Cache, Context, Refresh, Source
from nervesys.contract import parse_time
from nervesys.contract.names import project_name
from nervesys.errors import BadObject, NervesysError, SourceError
from nervesys.metrics import Family, Period, Sample
from nervesys.workspace import history, versions
from nervesys.workspace.contents import Contents
from nervesys.workspace.segments import START, Point, Segments
from nervesys.workspace.snapshots import Snapshots, parsed_snapshot

PROJECT = ("project",)
EVENTS = Family("workspace_events_total", "counter", "Events in the history.", ("project", "type"), Period.SCRAPE)
LAST_EVENT = Family(
    "workspace_last_event_timestamp_seconds", "gauge", "When the newest event was appended.", PROJECT, Period.SCRAPE
)
SEGMENTS = Family("workspace_segments", "gauge", "Sealed segments of the history.", PROJECT, Period.SCRAPE)
FILES = Family("workspace_files", "gauge", "Files that are not deleted.", PROJECT, Period.SCRAPE)
BYTES = Family("workspace_file_bytes", "gauge", "Size of these files.", PROJECT, Period.SCRAPE)
VERSIONS = Family("workspace_versions", "gauge", "Versions of all files.", PROJECT, Period.SCRAPE)
STORED = Family("workspace_content_bytes", "gauge", "Size of all contents, each stored once.", PROJECT, Period.SCRAPE)
SNAPSHOTS = Family("workspace_snapshots", "gauge", "Snapshots of the files.", PROJECT, Period.SCRAPE)
NEWEST = Family(
    "workspace_newest_snapshot_timestamp_seconds", "gauge", "When the newest was made.", PROJECT, Period.SCRAPE
)
TORN = Family("workspace_torn_lines", "gauge", "Unfinished last lines that were set aside.", PROJECT, Period.SCRAPE)
DAMAGED = Family("workspace_damaged_lines", "gauge", "Lines and segments that are unreadable.", PROJECT, Period.SCRAPE)
BROKEN = Family(
    "workspace_broken_versions", "gauge", "Versions that do not follow the one before.", PROJECT, Period.SCRAPE
)
MISMATCHED = Family(
    "workspace_mismatched_contents",
    "gauge",
    "Contents that are gone or no longer match their hash, of those compared so far.",
    PROJECT,
    Period.SCRAPE,
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

AREA = "workspace"
OTHER = "other"
TYPES_LIMIT, TYPE_CHARACTERS = 50, 64
PASS_CHUNKS = 64
"""Of 1 MiB each, of one project in one pass."""
COMPARED = 20
"""Contents of a project that are compared with their hashes in one pass."""

log = logging.getLogger(__name__)


@dataclass
class Told:
    """The counts of a project's history so far; cached across restarts.

    Attributes:
        point: up to which it was read.
        types: events by type.
        last: timestamp of the newest, RFC 3339.
        damaged: lines and segments that could not be read.
    """

    point: Point = START
    types: Counter[str] = field(default_factory=Counter)
    last: str = ""
    damaged: int = 0

    def read(self, segments: Segments) -> bool:
        """Read the next part of the history; returns whether there is more. One that was replaced is counted anew."""
        if segments.end() < self.point:
            self.point, self.last, self.damaged = START, "", 0
            self.types.clear()
        chunk = None
        for chunk in islice(segments.chunks(self.point), PASS_CHUNKS):
            self.point = chunk.after
            lines = chunk.lines.count(b"\n")
            for event in history.parsed(chunk):
                if event.keys() >= history.Event.__required_keys__:
                    lines -= 1
                    self._count(event["type"])
                    self.last = event["timestamp"]
            self.damaged += lines + bool(chunk.damage)
        return chunk is not None and self.point < segments.end()

    def _count(self, type_: str) -> None:
        known = type_[:TYPE_CHARACTERS]
        self.types[known if known in self.types or len(self.types) < TYPES_LIMIT else OTHER] += 1

    def packed(self) -> bytes:
        """For the cache."""
        return json.dumps([self.point, self.types, self.last, self.damaged]).encode()

    @classmethod
    def unpacked(cls, body: bytes) -> "Told":
        """From the cache."""
        point, types, last, damaged = json.loads(body)
        return cls(Point(*point), Counter(types), last, damaged)


class Project:
    """One project, read on from pass to pass.

    Args:
        folder: of the project.
        told: the counts of its history so far.
    """

    def __init__(self, folder: Path, told: Told) -> None:
        self.told = told
        self._history = Segments(folder, history.NAME)
        self._ledger = versions.Ledger(Segments(folder / versions.NAME, versions.NAME))
        self._contents = Contents(folder / versions.NAME / "contents")
        self._snapshots = Snapshots(folder / "snapshots")
        self._folder = folder
        self._to_compare: Iterator[str] = iter(())
        self._mismatched: set[str] = set()

    def read(self) -> bool:
        """Read the next part; returns whether there is more."""
        more = self.told.read(self._history)
        self._ledger.learn()
        self._compare()
        return more

    def samples(self, name: str) -> Iterator[Sample]:
        """What the project holds."""
        for type_, count in sorted(self.told.types.items()):
            yield EVENTS.sample(count, name, type_)
        if self.told.last:
            yield LAST_EVENT.sample(parse_time(self.told.last), name)
        current, kept = list(self._ledger.current()), list(self._ledger.versions())
        yield SEGMENTS.sample(len(self._history.sealed()), name)
        yield FILES.sample(len(current), name)
        yield BYTES.sample(sum(version.size for version in current), name)
        yield VERSIONS.sample(len(kept), name)
        yield STORED.sample(sum({version.hash: version.size for version in kept}.values()), name)
        yield TORN.sample(_lines(self._history.torn) + _lines(self._ledger.segments.torn), name)
        yield DAMAGED.sample(self.told.damaged, name)
        yield BROKEN.sample(len(self._ledger.broken), name)
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
            yield NEWEST.sample(parse_time(parsed_snapshot(body).timestamp), name)

    def _compare(self) -> None:
        """Compare the next few contents with their hashes; after the last, begin with the first again."""
        batch = list(islice(self._to_compare, COMPARED))
        known = {version.hash for version in self._ledger.versions() if version.hash}
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


class Projects:
    """All projects of a folder.

    Args:
        path: of the folder.
        cache: remembers what was read of each history.
    """

    def __init__(self, path: Path, cache: Cache) -> None:
        self._path, self._cache = path, cache
        self._projects: dict[str, Project] = {}

    def refresh(self, out: Refresh) -> None:
        """One pass: read on in each project.

        Raises:
            SourceError: the folder cannot be read.
        """
        try:
            names = self._names(out)
            gone = self._projects.keys() - set(names)
            for name in gone:
                del self._projects[name]
            self._open([name for name in names if name not in self._projects])
            out.backlog = sum(project.read() for project in self._projects.values())
            out.keep_only([key for name in names for key in (name, f"{name}/")])
            for name, project in self._projects.items():
                self._put(out, name, project)
        except OSError as err:
            raise SourceError(f"read {self._path}: {err.strerror}") from err
        told = [(name, "", project.told.packed()) for name, project in self._projects.items()]
        self._cache.keep_bodies(AREA, told, gone)

    def _put(self, out: Refresh, name: str, project: Project) -> None:
        samples = tuple(project.samples(name))
        out.put(name, samples, samples)
        try:
            newest = tuple(project.newest_snapshot(name))
            out.put(f"{name}/", newest, newest)
        except BadObject as bad:
            out.reject(f"{name}/snapshots", str(bad), bad)

    def _names(self, out: Refresh) -> list[str]:
        found = []
        for folder in sorted(self._path.iterdir()) if self._path.exists() else ():
            try:
                if folder.is_dir() and project_name(folder.name) == folder.name:
                    found.append(folder.name)
            except BadObject as bad:
                out.reject(folder.name, "", bad)
        return found

    def _open(self, names: Sequence[str]) -> None:
        """Begin to read projects, each where an earlier start of the exporter left off."""
        known = {key: body for key, _, body in self._cache.bodies(AREA)} if names else {}
        for name in names:
            body = known.get(name)
            self._projects[name] = Project(self._path / name, Told.unpacked(body) if body else Told())


def areas(context: Context) -> Sequence[Area]:
    """The one area: the folder that the settings name."""
    path = context.place.home / context.settings.storage.workspace.path
    refresh: Callable[[Refresh], None] = Projects(path, context.cache).refresh
    return (Area(AREA, FAMILIES, context.settings.monitoring.every_seconds("workspace", AREA), refresh),)


SOURCE = Source(
    name="workspace",
    about="Event histories, versioned files and snapshots of this machine's projects.",
    families=FAMILIES,
    areas=areas,
)
