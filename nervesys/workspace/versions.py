"""The versions of a project's files, read from the log of versions."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from nervesys.workspace.history import parse_events
from nervesys.workspace.segments import START, Point, Segments

log = logging.getLogger(__name__)

NAME = "versions"


class Version(NamedTuple):
    """One version of a file.

    Attributes:
        id: a ULID.
        path: of the file.
        hash: SHA-256 of the content; None for a deletion.
        size: of the content, in bytes.
        timestamp: RFC 3339, UTC.
        author: its author.
        prev: id of the previous version; None for the first.
    """

    id: str
    path: str
    hash: str | None
    size: int
    timestamp: str
    author: str
    prev: str | None

    def line(self) -> bytes:
        """The version as a line of the log."""
        return orjson.dumps(self._asdict(), option=orjson.OPT_APPEND_NEWLINE)


def _checked(version: Version) -> Version:
    """The version, if its parts are of their types.

    Raises:
        TypeError: one is not.
    """
    texts = (version.id, version.path, version.timestamp, version.author)
    if not all(isinstance(text, str) for text in texts) or type(version.size) is not int:
        raise TypeError("a part of it has another type")
    if not all(text is None or isinstance(text, str) for text in (version.hash, version.prev)):
        raise TypeError("its hash or its previous version is no text")
    return version


def pruned_line(ids: list[str], timestamp: str) -> bytes:
    """The line of the log that records pruned versions."""
    return orjson.dumps({"pruned": ids, "timestamp": timestamp}, option=orjson.OPT_APPEND_NEWLINE)


@dataclass
class VersionIndex:
    """All versions, by path, oldest first; updated incrementally from the log.

    Attributes:
        segments: of the log.
        files: versions by path.
        broken: ids of versions whose `prev` is not the previous version.
        last: the last version that was read.
    """

    segments: Segments
    files: dict[str, list[Version]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    last: Version | None = None
    _point: Point = START

    def refresh(self) -> bool:
        """Read new entries of the log; returns whether there were any."""
        began = self._point
        for chunk in self.segments.chunks(self._point):
            self._point = chunk.after
            for record in parse_events(chunk):
                self._apply(record)
        return self._point != began

    def current(self) -> Iterator[Version]:
        """The newest version of each file that is not deleted, by path."""
        return (self.files[path][-1] for path in sorted(self.files) if self.files[path][-1].hash)

    def newest(self, path: str) -> Version | None:
        """The newest version of a file, which may be a deletion."""
        return self.files[path][-1] if path in self.files else None

    def versions(self) -> Iterator[Version]:
        """All versions of all files."""
        return (version for versions in self.files.values() for version in versions)

    def _apply(self, record: Mapping[str, Any]) -> None:
        try:
            if "pruned" in record:
                self._prune(set(record["pruned"]))
                return
            version = _checked(Version(**record))
        except TypeError as err:
            log.warning("skip a version of %s: %s", self.segments.folder, err)
            return
        before = self.files.setdefault(version.path, [])
        if version.prev != (before[-1].id if before else None):
            self.broken.add(version.id)
        before.append(version)
        self.last = version

    def _prune(self, ids: set[str]) -> None:
        self.broken -= ids
        kept = {
            path: [version for version in versions if version.id not in ids] for path, versions in self.files.items()
        }
        self.files = {path: versions for path, versions in kept.items() if versions}
