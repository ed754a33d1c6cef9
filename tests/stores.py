"""A store without a server, for tests of what uses stores; tests of stores themselves run S3 servers."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from nervesys.errors import StoreUnavailable
from nervesys.stores.objects import DatedBody, Listing, ObjectInfo, check_prefix, gone, too_large


class FolderStore:
    """A store that is a folder of plain files.

    Args:
        root: the folder that stands for the bucket.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self, prefix: str, *, recursive: bool = True) -> Listing:
        """All objects below a prefix."""
        check_prefix(prefix)
        base = self._root / prefix
        if not self._root.is_dir():
            raise StoreUnavailable(f"list {prefix}: no folder {self._root}")
        found = sorted(base.rglob("*") if recursive else base.glob("*")) if base.is_dir() else []
        folders = () if recursive else tuple(f"{self._key(path)}/" for path in found if path.is_dir())
        return Listing(tuple(self._info(path) for path in found if path.is_file()), folders)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """An object's content."""
        with self.open(key) as stream:
            body = stream.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise too_large(key, max_bytes)
        return body

    def get_dated(self, key: str, *, max_bytes: int) -> DatedBody:
        """An object's content and when it was written."""
        content = self.get(key, max_bytes=max_bytes)
        return DatedBody(content, (self._root / key).stat().st_mtime)

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """An object's content as a stream."""
        try:
            with (self._root / key).open("rb") as stream:
                yield stream
        except FileNotFoundError:
            raise gone(key) from None

    def put(self, key: str, body: bytes | IO[bytes], *, content_type: str = "application/octet-stream") -> str:
        """Write an object whole; returns its version."""
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._root.parent, delete=False) as whole:
            whole.write(body if isinstance(body, bytes) else body.read())
        Path(whole.name).replace(path)  # no reader sees half an object, as with S3
        return self._info(path).version

    def delete(self, key: str) -> None:
        """Delete an object."""
        (self._root / key).unlink(missing_ok=True)

    def _key(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _info(self, path: Path) -> ObjectInfo:
        body, stat = path.read_bytes(), path.stat()
        return ObjectInfo(
            self._key(path), hashlib.md5(body, usedforsecurity=False).hexdigest(), len(body), stat.st_mtime
        )
