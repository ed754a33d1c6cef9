"""Fetches objects, several at a time, so that one that cannot be read costs itself alone.

After a good LIST, a GET can fail for two reasons: the store is failing, or only this object is: its access list, a
damaged disk under it, an archive tier. One success, or a control read of an object that was read before, shows which.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from nervesys.errors import BadObject, ObjectRefused, StoreUnavailable
from nervesys.stores.objects import ObjectInfo, ObjectReader

Item = TypeVar("Item")
Result = TypeVar("Result")

UNREACHABLE_LIMIT = 8
"""Requests of one pass that may fail without being refused, each of which takes all retries, before the pass ends."""
REMEMBERED = 10_000
"""Failures that are remembered at most."""
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 60, 3600


class Fetches:
    """The fetches of one area.

    Args:
        store: the store.
        concurrency: objects that are fetched at the same time.
        area: names the threads.
    """

    def __init__(self, store: ObjectReader, concurrency: int, area: str) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=area)
        self._readable: str | None = None

    def fetch(
        self, items: Sequence[Item], key: Callable[[Item], str], read: Callable[[Item], Result]
    ) -> Iterator[tuple[Item, Result | StoreUnavailable]]:
        """Read items; those that only the object itself keeps from being read come last, with their error.

        Args:
            items: what to read.
            key: the key of an item.
            read: reads one; runs in a thread.

        Raises:
            StoreUnavailable: the store itself fails; what was yielded before is good.
        """
        failed: list[tuple[Item, StoreUnavailable]] = []
        unreachable, proven = 0, False
        futures = [self._pool.submit(read, item) for item in items]
        try:
            for item, future in zip(items, futures, strict=True):
                try:
                    result = future.result()
                except StoreUnavailable as err:
                    failed.append((item, err))
                    unreachable += not isinstance(err, ObjectRefused)
                    if unreachable > UNREACHABLE_LIMIT:
                        break
                else:
                    proven, self._readable = True, key(item)
                    yield item, result
        finally:
            for future in futures:
                future.cancel()
        if failed and not proven and not self._is_readable():
            raise failed[0][1]
        yield from failed
        if unreachable > UNREACHABLE_LIMIT:
            raise failed[-1][1]

    def _is_readable(self) -> bool:
        """Whether an object that was read before can still be read; one that is gone shows as much."""
        if self._readable is None:
            return False
        try:
            with suppress(BadObject):
                self._store.get(self._readable, max_bytes=0)
        except StoreUnavailable:
            return False
        return True


@dataclass
class Retries:
    """When objects that could not be read are read again: after a minute, then twice as long each time."""

    _failures: dict[str, tuple[str, int, float]] = field(default_factory=dict)

    def due(self, info: ObjectInfo, now: float) -> bool:
        """Whether an object may be read now; a new version always may."""
        version, _, at = self._failures.get(info.key, ("", 0, 0.0))
        return version != info.version or now >= at

    def failed(self, info: ObjectInfo, now: float) -> None:
        """An object could not be read."""
        version, count, _ = self._failures.get(info.key, ("", 0, 0.0))
        count = count + 1 if version == info.version else 0
        wait = min(RETRY_SECONDS * 2 ** min(count, 10), LONGEST_RETRY_SECONDS)
        if len(self._failures) >= REMEMBERED:
            self._failures.clear()  # bounds memory; some are read again sooner
        self._failures[info.key] = info.version, count, now + wait

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget all other objects."""
        for key in [key for key in self._failures if key not in keys]:
            del self._failures[key]
