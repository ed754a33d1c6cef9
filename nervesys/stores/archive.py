"""The archive: cold files by path, kept for months or for ever.

It is listed whole once; from then on only what changed is asked for, where the archive can tell. Entries are known by
id and parent, as Drive has them; a `Catalogue` keeps them and rebuilds the paths.
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
    """What is new since a token.

    Attributes:
        entries: new, renamed, moved or rewritten.
        removed: ids of what is gone.
        token: to ask from the next time; empty where the archive keeps no record of changes.
        pages: requests made.
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
    """What every archive can do.

    Every call has a time limit and is retried a few times within the client; what fails after that raises
    `ArchiveUnavailable`, whose message names the verb, the path and the cause, and holds no secret.
    """

    @property
    def root(self) -> str:
        """The id of the folder below which everything lies."""

    def list(self) -> Changes:
        """Everything there is, as changes since nothing."""

    def changes(self, token: str) -> Changes | None:
        """What changed since a token, or None where the archive cannot tell: then it is listed anew."""

    def quota(self) -> dict[str, int]:
        """Bytes by kind: `limit`, `used`, `trash`; without what the archive does not know or limit."""

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
        """Delete a file; one that is not there is no mistake."""


class Catalogue:
    """Everything an archive holds, as told by its listing and the changes since.

    Args:
        root: the id of the folder below which everything lies.
        entries: what was remembered.
    """

    def __init__(self, root: str, entries: Iterable[Entry] = ()) -> None:
        self._root = root
        self._entries = {entry.id: entry for entry in entries}

    def apply(self, changes: Changes) -> None:
        """Take in what changed."""
        self._entries.update((entry.id, entry) for entry in changes.entries)
        for removed in changes.removed:
            self._entries.pop(removed, None)

    def files(self) -> Iterator[ArchiveFile]:
        """The files below the root; what lies elsewhere, or in a folder that is gone, is left out."""
        folders: dict[str, str | None] = {self._root: ""}
        for entry in self._entries.values():
            above = self._folder(entry.parent, folders)
            if entry.size is not None and above is not None:
                yield ArchiveFile(above + entry.name, entry.size, entry.modified)

    def _folder(self, id: str, known: dict[str, str | None]) -> str | None:  # noqa: A002  # what it is called there
        """A folder's path, ending in `/`; None where it is not below the root."""
        if id not in known:
            known[id] = None  # also what a circle of folders gets
            entry = self._entries.get(id)
            above = self._folder(entry.parent, known) if entry else None
            known[id] = f"{above}{entry.name}/" if entry and above is not None else None
        return known[id]


def files_of(archive: Archive) -> Iterator[ArchiveFile]:
    """Everything that an archive holds now, by one listing.

    Raises:
        ArchiveUnavailable: it does not answer.
    """
    catalogue = Catalogue(archive.root)
    catalogue.apply(archive.list())
    return catalogue.files()


def put_verified(archive: Archive, path: str, body: IO[bytes]) -> None:
    """Put a file, and compare the checksum of what then lies there.

    Raises:
        ArchiveUnavailable: the archive does not answer, or another content lies there.
    """
    body.seek(0)
    sent = _checksum(body)
    body.seek(0)
    archive.put(path, body)
    with archive.open(path) as arrived:
        if _checksum(arrived) != sent:
            raise ArchiveUnavailable(f"put {path}: what lies there is not what was sent")


def _checksum(body: IO[bytes]) -> bytes:
    return hashlib.file_digest(body, "sha256").digest()  # type: ignore[arg-type]  # a file that can be read


def stream_of(body: bytes | IO[bytes]) -> IO[bytes]:
    """A body as a stream."""
    return BytesIO(body) if isinstance(body, bytes) else body
