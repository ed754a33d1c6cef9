"""The event history of a project: an append-only log, shared by any number of processes, that can be replayed."""

import functools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar

import orjson

from nervesys.clock import Clock, system_clock
from nervesys.contract.ulid import UlidGenerator
from nervesys.errors import NervesysError
from nervesys.workspace.log import SEGMENT_BYTES, Log
from nervesys.workspace.segments import START, Chunk, Point, Segments

log = logging.getLogger(__name__)

NAME = "history"
LOOK_SECONDS = 0.2
"""Polling interval of a subscription."""

State = TypeVar("State")


class Event(TypedDict):
    """Something that happened.

    Attributes:
        id: a ULID.
        type: such as `task.done`.
        timestamp: RFC 3339, UTC.
        payload: JSON values.
    """

    id: str
    type: str
    timestamp: str
    payload: dict[str, Any]


class History:
    """The events of one project, in the order in which they were appended.

    Args:
        folder: of the project; created if missing.
        clock: source of timestamps.
        segment_bytes: size at which a segment is closed and gzipped.

    Raises:
        NervesysError: its files cannot be opened.
    """

    def __init__(self, folder: Path, clock: Clock = system_clock, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._log = Log(folder, NAME, segment_bytes)
        self._stamps = UlidGenerator(clock)
        self._stamp_lock = threading.Lock()

    def append(self, type: str, payload: Mapping[str, Any] | None = None) -> str:  # noqa: A002  # the field's name
        """Append an event. When this returns the event survives `kill -9`; a second later also a crash of the machine.

        Args:
            type: such as `task.done`.
            payload: JSON values; dataclasses, dates and UUIDs too.

        Returns:
            The event's id.

        Raises:
            NervesysError: the payload cannot be serialized, the event is too large, or the disk cannot be written.
        """
        with self._stamp_lock:
            id_, timestamp = self._stamps.next()
        event = {"id": id_, "type": type, "timestamp": timestamp, "payload": payload or {}}
        try:
            line = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        except TypeError as err:
            raise NervesysError(f"append {type}: {err}") from err
        self._log.append(line)
        return id_

    def replay(self, after: str | None = None) -> Iterator[Event]:
        """All events up to now, oldest first.

        Args:
            after: id of the event after which to start; None for the beginning.

        Raises:
            NervesysError: no event has this id.
        """
        segments = self._log.segments
        return read_events(segments, START if after is None else point_after(segments, after))

    def rebuild(self, change: Callable[[State, Event], State], state: State, after: str | None = None) -> State:
        """Rebuild a state by folding the events (event sourcing).

        Args:
            change: returns the next state, given a state and an event.
            state: the initial state.
            after: id of the last event that the initial state includes.
        """
        return functools.reduce(change, self.replay(after), state)

    def subscribe(self, after: str | None = None) -> "Subscription":
        """Follow the history, whichever process appends to it.

        Args:
            after: id of the event after which to start; None for new events only.
        """
        segments = self._log.segments
        return Subscription(segments, segments.end() if after is None else point_after(segments, after))

    def close(self) -> None:
        """Flush everything to disk, and close the files."""
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Subscription:
    """Follows a history.

    Args:
        segments: of its log.
        point: where to start.
    """

    def __init__(self, segments: Segments, point: Point) -> None:
        self._segments = segments
        self._point = point
        self._closed = threading.Event()

    def new(self) -> Iterator[Event]:
        """The events since the last call; never blocks."""
        for chunk in self._segments.chunks(self._point):
            self._point = chunk.after
            yield from parse_events(chunk)

    def __iter__(self) -> Iterator[Event]:
        """Block for each next event, until `close`."""
        while not self._closed.is_set():
            yield from self.new()
            self._closed.wait(LOOK_SECONDS)

    def close(self) -> None:
        """Stop waiting."""
        self._closed.set()


def read_events(segments: Segments, point: Point = START) -> Iterator[Event]:
    """The events after a point."""
    for chunk in segments.chunks(point):
        yield from parse_events(chunk)


def parse_events(chunk: Chunk) -> Iterator[Event]:
    """The events of a chunk; invalid lines are skipped and logged."""
    for line in chunk.lines.split(b"\n"):
        if line:
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError as err:
                log.warning("skip a line of segment %d: %s", chunk.before.segment, err)
                continue
            if type(event) is dict:
                yield event  # type: ignore[misc]  # an event, or else its reader says what it lacks
    if chunk.damage:
        log.warning("skip the rest of %s", chunk.damage)


def point_after(segments: Segments, id_: str) -> Point:
    """The position behind the event with this id.

    Raises:
        NervesysError: there is no such event.
    """
    head = b'{"id":"%b"' % id_.encode()
    for chunk in segments.chunks():
        begin = 0 if chunk.lines.startswith(head) else chunk.lines.find(b"\n" + head) + 1
        if begin or chunk.lines.startswith(head):
            end = chunk.lines.index(b"\n", begin) + 1
            return Point(chunk.before.segment, chunk.before.offset + end)
    raise NervesysError(f"find event {id_}: the history does not hold it")
