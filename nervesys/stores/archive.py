"""The archive: files by path, kept for months or for ever.

It is listed completely once; afterwards only the changes are read, if the archive supports that (Google Drive does).
Entries have an id and a parent, as in Drive; a `Catalogue` keeps them and derives their paths.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Protocol

from nervesys.errors import ArchiveUnavailable

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder.

    Attributes:
        id: stays the same when it is renamed or moved.
        name: the last part of its path.
        parent: id of the folder it lies in.
        size: bytes; None for a folder.
        modified: Unix seconds.
    """

    id: str
    name: str
    parent: str
    size: int | None
    modified: float


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes since a token.

    Attributes:
        entries: new, renamed, moved or rewritten entries.
        removed: ids of removed entries.
        token: where to continue the next time; empty if the archive keeps no record of changes.
        pages: number of requests made.
    """

    entries: tuple[Entry, ...] = ()
    removed: tuple[str, ...] = ()
    token: str = ""
    pages: int = 1


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file by its path below the archive's root."""

    path: str
    size: int
    modified: float


class Archive(Protocol):
    """The interface of every archive.

    Every call has a time limit and is retried a few times. If it still fails it raises `ArchiveUnavailable`, with a
    message that names the operation, the path and the cause, and never contains a secret.
    """

    @property
    def root(self) -> str:
        """The id of the root folder."""

    def list(self) -> Changes:
        """List everything, as changes since the beginning."""

    def changes(self, token: str) -> Changes | None:
        """The changes since a token; None if the archive cannot tell, so that the caller lists it again."""

    def files(self, folder: str) -> Iterable[ArchiveFile]:
        """The files below one folder, at any depth; none if there is no such folder.

        Args:
            folder: its path, empty or ending in `/`.
        """

    def quota(self) -> dict[str, int]:
        """Bytes by kind: `limit`, `used`, `trash`; kinds that are unknown or unlimited are left out."""

    def get(self, path: str, *, max_bytes: int) -> bytes:
        """A file's content.

        Raises:
            BadObject: `gone` when there is no such file, `too_large` when it holds more than `max_bytes`.
        """

    def open(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """A file's content, of any size, as a stream that can be seeked, to be read within `with`.

        Raises:
            BadObject: `gone`.
        """

    def put(self, path: str, body: bytes | IO[bytes]) -> None:
        """Write a file whole, with the folders above it; a stream can be seeked. It has arrived when this returns.

        Raises:
            ArchiveFull: there is no room.
        """

    def delete(self, path: str) -> None:
        """Delete a file; it is no error if it does not exist."""


class Catalogue:
    """The contents of an archive, built from a listing and the changes since.

    Args:
        root: id of the root folder.
        entries: known entries, from a cache.
    """

    def __init__(self, root: str, entries: Iterable[Entry] = ()) -> None:
        self._root = root
        self._entries = {entry.id: entry for entry in entries}

    def apply(self, changes: Changes) -> None:
        """Apply changes."""
        self._entries.update((entry.id, entry) for entry in changes.entries)
        for removed in changes.removed:
            self._entries.pop(removed, None)

    def files(self) -> Iterator[ArchiveFile]:
        """The files below the root; files elsewhere, or in a removed folder, are left out."""
        folders: dict[str, str | None] = {self._root: ""}
        for entry in self._entries.values():
            above = self._folder(entry.parent, folders)
            if entry.size is not None and above is not None:
                yield ArchiveFile(above + entry.name, entry.size, entry.modified)

    def _folder(self, id: str, known: dict[str, str | None]) -> str | None:  # noqa: A002  # what it is called there
        """A folder's path, ending in `/`; None if it is not below the root."""
        if id not in known:
            known[id] = None  # ends the recursion if folders form a cycle
            entry = self._entries.get(id)
            above = self._folder(entry.parent, known) if entry else None
            known[id] = f"{above}{entry.name}/" if entry and above is not None else None
        return known[id]


def files_of(archive: Archive) -> Iterator[ArchiveFile]:
    """All files of an archive, by one complete listing.

    Raises:
        ArchiveUnavailable: it does not respond.
    """
    catalogue = Catalogue(archive.root)
    catalogue.apply(archive.list())
    return catalogue.files()


def put_verified(archive: Archive, path: str, body: IO[bytes]) -> None:
    """Put a file, and compare the checksum of what then lies there.

    Raises:
        ArchiveUnavailable: the archive does not respond, or stores another content.
    """
    body.seek(0)
    sent = _checksum(body)
    body.seek(0)
    archive.put(path, body)
    with archive.open(path) as arrived:
        if _checksum(arrived) != sent:
            raise ArchiveUnavailable(f"put {path}: the stored content differs from what was sent")


def _checksum(body: IO[bytes]) -> bytes:
    return hashlib.file_digest(body, "sha256").digest()  # type: ignore[arg-type]  # a file that can be read


def stream_of(body: bytes | IO[bytes]) -> IO[bytes]:
    """A body as a stream."""
    return BytesIO(body) if isinstance(body, bytes) else body
