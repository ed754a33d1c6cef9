"""Lists folders several at a time, for as long as a pass may list; those that are left wait for the next pass."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from nervesys.stores.objects import ObjectInfo, ObjectReader

LISTING_SECONDS = 1.5
"""In which about 300 000 objects are listed, 5 µs each: today's logs of 2 000 agents at the end of the day."""
TURN_PASSES = 10
"""Passes in which all folders in use are listed, however long it takes."""


class FolderListings:
    """The listings of one area.

    Args:
        store: the store.
        concurrency: folders that are listed at the same time.
        area: names the threads.
    """

    def __init__(self, store: ObjectReader, concurrency: int, area: str) -> None:
        self._store = store
        self._step = 2 * concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=area)

    def list(self, folders: Sequence[str], *, in_use: bool) -> Iterator[tuple[str, Sequence[ObjectInfo]]]:
        """The objects of the first folders: of all where there is time, else of a few, or a share of those in use."""
        began, least = time.monotonic(), len(folders) / TURN_PASSES if in_use else 0
        for at in range(0, len(folders), self._step):
            step = folders[at : at + self._step]
            listings = self._pool.map(self._store.list, step)
            yield from zip(step, (listing.objects for listing in listings), strict=True)
            if time.monotonic() - began >= LISTING_SECONDS and at + self._step >= least:
                break
