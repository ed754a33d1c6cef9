"""One store out of several accesses: each area by credentials of its own, which can do nothing else."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from nervesys.stores.objects import Listing, ObjectStore


@dataclass(frozen=True)
class RoutedStore:
    """Takes each request to the access that is meant for its key.

    Attributes:
        common: for every key that no other is meant for.
        apart: by the prefix of its keys, which ends in `/`.
    """

    common: ObjectStore
    apart: Mapping[str, ObjectStore]

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix; of one that holds an area apart, what the common access sees."""
        return self._of(prefix).list(prefix, recursive=recursive)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content."""
        return self._of(key).get(key, max_bytes=max_bytes)

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
