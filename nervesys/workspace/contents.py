"""Content-addressed storage: each content is stored once, under its SHA-256; those of old versions are gzipped."""

import gzip
import hashlib
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.workspace import disk


def hash_of(body: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


PACKED = ".gz"
GZIP_LEVEL = 6


class Contents:
    """The contents of all versions.

    Args:
        folder: two levels of files, named by hash.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, hash_: str) -> Path:
        """The file of a content that is not gzipped."""
        return self.folder / hash_[:2] / hash_

    def packed_path(self, hash_: str) -> Path:
        """The file of a content that is gzipped."""
        return self.folder / hash_[:2] / f"{hash_}{PACKED}"

    def put(self, body: bytes) -> str:
        """Store a content unless it exists; returns its hash."""
        hash_ = hash_of(body)
        if not self.path(hash_).exists() and not self.packed_path(hash_).exists():
            disk.replace(self.path(hash_), body)
        return hash_

    def get(self, hash_: str) -> bytes:
        """A content.

        Raises:
            NervesysError: it is missing or damaged.
        """
        body = self._read(hash_)
        if body is None:
            raise NervesysError(f"read content {hash_}: the file is missing")
        if hash_of(body) != hash_:
            raise NervesysError(f"read content {hash_}: the file does not match its hash; it is damaged")
        return body

    def hashes(self) -> Iterator[str]:
        """The hashes of all contents."""
        files = (file.name for file in self.folder.glob("??/*") if not file.name.startswith(disk.BESIDE))
        return iter({name.removesuffix(PACKED) for name in files})

    def pack(self, hash_: str) -> bool:
        """Gzip a content if that makes it smaller; returns whether it did. At any time one of both files is whole."""
        path = self.path(hash_)
        if not path.exists():
            return False
        packed = gzip.compress(path.read_bytes(), GZIP_LEVEL, mtime=0)
        if len(packed) >= path.stat().st_size:
            return False
        disk.replace(self.packed_path(hash_), packed)
        path.unlink()
        return True

    def keep_only(self, hashes: Collection[str]) -> None:
        """Delete all other contents, and temporary files of killed writers."""
        for file in self.folder.glob("??/*"):
            if file.name.removesuffix(PACKED) not in hashes:
                file.unlink()

    def _read(self, hash_: str) -> bytes | None:
        """The body of either file; None if there is none. Another process may gzip it between the two looks."""
        for path in (self.path(hash_), self.packed_path(hash_), self.path(hash_)):
            try:
                body = path.read_bytes()
                return gzip.decompress(body) if path.suffix == PACKED else body
            except FileNotFoundError:
                continue
            except (EOFError, gzip.BadGzipFile, zlib.error) as err:
                raise NervesysError(f"read content {hash_}: the file is damaged: {err}") from err
        return None
