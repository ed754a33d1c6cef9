"""Counts of a project's event history, read on from pass to pass."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from nervesys.contract.times import format_time, parse_instant
from nervesys.errors import BadObject
from nervesys.workspace import history
from nervesys.workspace.segments import START, Point, Segments

OTHER = "other"
TYPES_LIMIT, TYPE_CHARACTERS = 50, 64
PASS_CHUNKS = 64
"""Of 1 MiB each, of one project in one pass."""


@dataclass
class HistoryCounts:
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
        if segments.end() < self.point:  # the history was replaced by a shorter one
            self.point, self.last, self.damaged = START, "", 0
            self.types.clear()
        chunk = None
        for chunk in islice(segments.chunks(self.point), PASS_CHUNKS):
            self.point = chunk.after
            lines = chunk.lines.count(b"\n")
            for event in history.parse_events(chunk):
                lines -= self._add(event)
            self.damaged += lines + bool(chunk.damage)
        return chunk is not None and self.point < segments.end()

    def _add(self, event: Mapping[str, Any]) -> bool:
        """Count an event; False for what is none: it lacks a part, or its type or time is not one."""
        if not event.keys() >= history.Event.__required_keys__ or not isinstance(event["type"], str):
            return False
        try:
            self.last = format_time(parse_instant(event["timestamp"]))
        except BadObject:
            return False
        self._count(event["type"])
        return True

    def _count(self, type_: str) -> None:
        label = type_[:TYPE_CHARACTERS]
        self.types[label if label in self.types or len(self.types) < TYPES_LIMIT else OTHER] += 1

    def to_json(self) -> bytes:
        """For the cache."""
        return json.dumps([self.point, self.types, self.last, self.damaged]).encode()

    @classmethod
    def from_json(cls, body: bytes) -> "HistoryCounts":
        """From the cache."""
        point, types, last, damaged = json.loads(body)
        return cls(Point(*point), Counter(types), last, damaged)
