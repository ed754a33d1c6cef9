"""An object store whose requests are counted by operation and outcome."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO

from exporters.runner import SourceContext
from nervesys.errors import StoreUnavailable
from nervesys.stores.objects import DatedBody, Listing, ObjectReader


class CountedStore:
    """Reads from another store and counts; refuses to begin a request once the exporter ends.

    Args:
        store: the one that answers.
        context: whose health counts the requests.
        wait: called before each request; returns once the area may make it.
    """

    def __init__(self, store: ObjectReader, context: SourceContext, wait: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._wait = wait
        self._health = context.health
        self._stopping = context.stopping
        self._health.expect("list", "get")

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix; each page is a request."""
        with self._request("list"):
            listing = self._store.list(prefix, recursive=recursive)
        self._health.count("list", "ok", by=listing.pages - 1)
        return listing

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content."""
        with self._request("get"):
            return self._store.get(key, max_bytes=max_bytes)

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """An object's content and when it was written."""
        with self._request("get"):
            return self._store.get_dated(key, max_bytes=max_bytes)

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """An object's content as a stream."""
        with self._request("get"), self._store.open(key) as stream:
            yield stream

    def _request(self, operation: str) -> AbstractContextManager[None]:
        self._wait()
        if self._stopping.is_set():
            raise StoreUnavailable("the exporter is stopping")
        return self._health.request(operation)
