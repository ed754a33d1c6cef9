"""Content-addressed storage: each content is stored once, under its SHA-256."""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.workspace import disk


def hash_of(body: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


class Contents:
    """The contents of all versions.

    Args:
        folder: two levels of files, named by hash.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, hash_: str) -> Path:
        """The file of a content."""
        return self.folder / hash_[:2] / hash_

    def put(self, body: bytes) -> str:
        """Store a content unless it exists; returns its hash."""
        hash_ = hash_of(body)
        if not self.path(hash_).exists():
            disk.replace(self.path(hash_), body)
        return hash_

    def get(self, hash_: str) -> bytes:
        """A content.

        Raises:
            NervesysError: it is missing or damaged.
        """
        try:
            body = self.path(hash_).read_bytes()
        except FileNotFoundError:
            raise NervesysError(f"read content {hash_}: the file is missing") from None
        if hash_of(body) != hash_:
            raise NervesysError(f"read content {hash_}: the file does not match its hash; it is damaged")
        return body

    def hashes(self) -> Iterator[str]:
        """The hashes of all contents."""
        return (file.name for file in self.folder.glob("??/*") if not file.name.startswith(disk.BESIDE))

    def keep_only(self, hashes: Collection[str]) -> None:
        """Delete all other contents, and temporary files of killed writers."""
        for file in self.folder.glob("??/*"):
            if file.name not in hashes:
                file.unlink()
