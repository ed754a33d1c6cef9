"""A store with separate credentials for some areas."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from nervesys.stores.objects import DatedBody, Listing, ObjectStore


@dataclass(frozen=True)
class RoutedStore:
    """Routes each request to the client for its key.

    Attributes:
        common: client for all other keys.
        apart: clients by key prefix, which ends in `/`.
    """

    common: ObjectStore
    apart: Mapping[str, ObjectStore]

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix; a prefix above a separate area is listed with the common credentials."""
        return self._of(prefix).list(prefix, recursive=recursive)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content."""
        return self._of(key).get(key, max_bytes=max_bytes)

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """An object's content and when it was written."""
        return self._of(key).get_dated(key, max_bytes=max_bytes)

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """An object's content as a stream."""
        return self._of(key).open(key)

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        """Write an object whole; returns its version."""
        return self._of(key).put(key, body, content_type=content_type)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._of(key).delete(key)

    def _of(self, key: str) -> ObjectStore:
        return next((store for prefix, store in self.apart.items() if key.startswith(prefix)), self.common)
