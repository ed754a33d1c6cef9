"""Reads small objects: no version is fetched twice, several at a time, and bodies are cached across restarts.

An area of many objects names which are urgent. Then a pass reads only as many as it has time for; an object that waits
for its turn keeps the body that it had.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from exporters.runner import Refresh, SourceContext
from exporters.store.fetches import Fetches, Retries
from nervesys.errors import BadObject, Reason, StoreUnavailable
from nervesys.stores.objects import DatedBody, ObjectInfo, ObjectReader

Body = TypeVar("Body")
Rank = Callable[[ObjectInfo, Body | None], int]
"""How late an object is read, 0 first, by its listing and the body that it had."""

TURN_OBJECTS = 64
"""Read between two looks at the time."""


class Bodies(Generic[Body]):
    """The parsed bodies of one area.

    Args:
        area: whose objects they are.
        store: the store.
        context: holds the cache and the number of GETs under way at once.
        parse: from bytes to the body; raises `BadObject`.
        max_bytes: of one object.
    """

    def __init__(
        self, area: str, store: ObjectReader, context: SourceContext, parse: Callable[[bytes], Body], max_bytes: int
    ) -> None:
        self._area = area
        self._store = store
        self._cache = context.cache
        self._parse = parse
        self._max_bytes = max_bytes
        self._clock = context.clock
        self._fetches = Fetches(store, context.settings.storage.storj.concurrency, area)
        self._retries = Retries()
        self._bodies: dict[str, tuple[str, Body | None]] = {}
        self._modified: dict[str, float] = {}
        self._unread = 0
        for key, version, body in self._cache.bodies(area):
            with suppress(BadObject):  # read by an older version of us, and refused by this one: it is fetched again
                self._bodies[key] = version, None if body is None else parse(body)

    def keys(self) -> list[str]:
        """The keys of the objects with a valid body."""
        return [key for key, (_, body) in self._bodies.items() if body is not None]

    def version(self, info: ObjectInfo) -> str:
        """The version of the body that is held: an older one where the object waits for its turn; "" for none."""
        return self._bodies.get(info.key, ("", None))[0]

    @property
    def unread(self) -> int:
        """Objects of which nothing was read since the start, because they wait for their turn."""
        return self._unread

    def read(
        self, infos: Iterable[ObjectInfo], out: Refresh, rank: Rank[Body] | None = None, seconds: float = math.inf
    ) -> dict[str, Body]:
        """The bodies of these objects by key, without the rejected and the unreadable; all others are forgotten.

        Args:
            infos: the objects.
            out: counts what is rejected.
            rank: the order in which changed objects are read as far as time permits; None to read all of them.
            seconds: that may pass before no further objects are begun; some are read in any case.

        Raises:
            StoreUnavailable: the store itself fails; what was read before it is kept.
        """
        now, wanted = self._clock(), {info.key: info for info in infos}
        self._retries.keep_only(wanted.keys())
        gone = self._bodies.keys() - wanted
        for key in gone:
            del self._bodies[key]
            self._modified.pop(key, None)
        moved = [info for info in wanted.values() if self.version(info) != info.version]
        changed = [info for info in moved if self._retries.due(info, now)]
        fresh: list[tuple[str, str, bytes | None]] = []
        try:
            for turn in self._turns(changed, rank, seconds):
                for info, got in self._fetches.fetch(turn, lambda info: info.key, self._get):
                    if isinstance(got, StoreUnavailable):
                        self._skip(info, got, now, out)
                    else:
                        fresh.append(self._store_body(info, got, out))
        finally:
            self._cache.keep_bodies(self._area, fresh, gone)
        self._unread = sum(self.version(info) != info.version and info.key not in self._modified for info in changed)
        return {key: body for key, (_, body) in self._bodies.items() if body is not None}

    def _turns(
        self, changed: Sequence[ObjectInfo], rank: Rank[Body] | None, seconds: float
    ) -> Iterator[Sequence[ObjectInfo]]:
        """As many as there is time for: first what was not read since the start, then by rank and by age."""
        if rank is None:
            yield changed
            return

        def order(info: ObjectInfo) -> tuple[bool, int, float]:
            read_before, (_, held) = info.key in self._modified, self._bodies.get(info.key, ("", None))
            return read_before, rank(info, held), self._modified.get(info.key, 0)

        ordered, began = sorted(changed, key=order), time.monotonic()
        for at in range(0, len(ordered), TURN_OBJECTS):
            yield ordered[at : at + TURN_OBJECTS]
            if time.monotonic() - began >= seconds:
                break

    def modified(self, info: ObjectInfo) -> float:
        """When the newest body of an object was written: it may be newer than the listing that led to it.

        Returns:
            LastModified of the response that brought the body, of the listing where no response did; Unix seconds.
        """
        return max(self._modified.get(info.key, info.modified), info.modified)

    def _get(self, info: ObjectInfo) -> DatedBody | BadObject:
        try:
            return self._store.get_dated(info.key, max_bytes=self._max_bytes)
        except BadObject as bad:
            return bad

    def _skip(self, info: ObjectInfo, problem: StoreUnavailable, now: float, out: Refresh) -> None:
        """Leave out an object that cannot be read; an older body would be dated by the newer heartbeat."""
        self._bodies.pop(info.key, None)
        self._modified[info.key] = info.modified
        self._retries.failed(info, now)
        out.reject(info.key, info.version, BadObject(Reason.UNREADABLE, str(problem)))

    def _store_body(self, info: ObjectInfo, got: DatedBody | BadObject, out: Refresh) -> tuple[str, str, bytes | None]:
        """Take a body in; a rejected one's version too, so that it is not fetched again until it changes."""
        self._modified[info.key] = info.modified
        try:
            if isinstance(got, BadObject):
                raise got
            if got.modified is not None:
                self._modified[info.key] = got.modified
            self._bodies[info.key] = info.version, self._parse(got.content)
        except BadObject as bad:
            out.reject(info.key, info.version, bad)
            self._bodies[info.key] = info.version, None
            return info.key, info.version, None
        return info.key, info.version, got.content
