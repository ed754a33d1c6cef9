"""Contents of files, each stored once, under its hash."""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.workspace import disk


def hash_of(body: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


class Contents:
    """Everything that any version held.

    Args:
        folder: two levels of files by hash.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, hash_: str) -> Path:
        """Where a content lies."""
        return self.folder / hash_[:2] / hash_

    def put(self, body: bytes) -> str:
        """Store a content, unless it is there; its hash."""
        hash_ = hash_of(body)
        if not self.path(hash_).exists():
            disk.replace(self.path(hash_), body)
        return hash_

    def get(self, hash_: str) -> bytes:
        """A content.

        Raises:
            NervesysError: it is gone, or no longer what it was.
        """
        try:
            body = self.path(hash_).read_bytes()
        except FileNotFoundError:
            raise NervesysError(f"read content {hash_}: it is gone") from None
        if hash_of(body) != hash_:
            raise NervesysError(f"read content {hash_}: what lies there is something else; the disk is damaged")
        return body

    def hashes(self) -> Iterator[str]:
        """Of all that is stored."""
        return (file.name for file in self.folder.glob("??/*") if not file.name.startswith(disk.BESIDE))

    def keep_only(self, hashes: Collection[str]) -> None:
        """Delete every other content, and what a writer left that was killed."""
        for file in self.folder.glob("??/*"):
            if file.name not in hashes:
                file.unlink()
