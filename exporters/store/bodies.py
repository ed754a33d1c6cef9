"""Reads small objects: each version is fetched once, several at a time, and cached across restarts."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Generic, TypeVar

from exporters.runner import Refresh, SourceContext
from exporters.store.fetches import Fetches, Retries
from nervesys.errors import BadObject, Reason, StoreUnavailable
from nervesys.stores.objects import DatedBody, ObjectInfo, ObjectReader

Body = TypeVar("Body")


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
        for key, version, body in self._cache.bodies(area):
            with suppress(BadObject):  # read by an older version of us, and refused by this one: it is fetched again
                self._bodies[key] = version, None if body is None else parse(body)

    def keys(self) -> list[str]:
        """The keys of the objects with a valid body."""
        return [key for key, (_, body) in self._bodies.items() if body is not None]

    def read(self, infos: Iterable[ObjectInfo], out: Refresh) -> dict[str, Body]:
        """The bodies of these objects by key, without the rejected and the unreadable; all others are forgotten.

        Raises:
            StoreUnavailable: the store itself fails; what was read before it is kept.
        """
        now, wanted = self._clock(), {info.key: info for info in infos}
        self._retries.keep_only(wanted.keys())
        gone = self._bodies.keys() - wanted
        for key in gone:
            del self._bodies[key]
            self._modified.pop(key, None)
        moved = [info for key, info in wanted.items() if self._bodies.get(key, ("", None))[0] != info.version]
        changed = [info for info in moved if self._retries.due(info, now)]
        fresh: list[tuple[str, str, bytes | None]] = []
        try:
            for info, got in self._fetches.fetch(changed, lambda info: info.key, self._get):
                if isinstance(got, StoreUnavailable):
                    self._skip(info, got, now, out)
                else:
                    fresh.append(self._store_body(info, got, out))
        finally:
            self._cache.keep_bodies(self._area, fresh, gone)
        return {key: body for key, (_, body) in self._bodies.items() if body is not None}

    def modified(self, info: ObjectInfo) -> float:
        """When the body of an object was written: it may be newer than the listing that led to it.

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
        self._retries.failed(info, now)
        out.reject(info.key, info.version, BadObject(Reason.UNREADABLE, str(problem)))

    def _store_body(self, info: ObjectInfo, got: DatedBody | BadObject, out: Refresh) -> tuple[str, str, bytes | None]:
        """Take a body in; a rejected one's version too, so that it is not fetched again until it changes."""
        try:
            if isinstance(got, BadObject):
                raise got
            self._modified[info.key] = info.modified if got.modified is None else got.modified
            self._bodies[info.key] = info.version, self._parse(got.content)
        except BadObject as bad:
            out.reject(info.key, info.version, bad)
            self._bodies[info.key] = info.version, None
            return info.key, info.version, None
        return info.key, info.version, got.content
