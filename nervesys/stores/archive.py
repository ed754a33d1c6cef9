"""The archive: cold files by path, kept for months or for ever.

It is listed whole once; from then on only what changed is asked for, where the archive can tell. Entries are known by
id and parent, as Drive has them; a `Catalogue` keeps them and rebuilds the paths.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import unquote

from nervesys.errors import ArchiveFull, ArchiveUnavailable, Mistake, SettingsError
from nervesys.settings.storage import Archive as ArchiveSettings
from nervesys.stores.objects import gone, too_large

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


def open_archive(settings: ArchiveSettings, *, writable: bool = False) -> Archive:
    """The archive that the settings name.

    Args:
        settings: where it is and how to get in.
        writable: asks for the right to write as well.

    Raises:
        SettingsError: the URL or the key is wrong.
    """
    scheme, _, rest = (settings.url or "gdrive://").partition("://")
    if scheme == "file" and rest.startswith("/"):
        return FolderArchive(Path(unquote(rest)))
    folder = rest.strip("/") or settings.folder_id
    if scheme == "gdrive" and folder:
        from nervesys.stores.drive import open_drive  # the extra of those who use a folder need not hold it

        return open_drive(settings, folder, writable=writable)
    problem = "say file:///path or gdrive://FOLDER_ID, in NERVESYS_ARCHIVE or here"
    raise SettingsError([Mistake("config/storage.yaml", "archive.url", problem)])


def stream_of(body: bytes | IO[bytes]) -> IO[bytes]:
    """A body as a stream."""
    return BytesIO(body) if isinstance(body, bytes) else body


class FolderArchive:
    """An archive that is a folder of plain files. It keeps no record of changes, for listing it costs little.

    Args:
        path: the folder.
    """

    root = ""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self) -> Changes:
        """Everything there is; files that begin with a dot are none of the archive's."""
        if not self._path.is_dir():
            raise ArchiveUnavailable(f"list the archive: no folder {self._path}")
        return Changes(tuple(self._entries()))

    def changes(self, token: str) -> None:
        """None: list anew."""

    def quota(self) -> dict[str, int]:
        """Of the disk that the folder lies on."""
        with _answers("ask for room", self._path):
            usage = shutil.disk_usage(self._path)
        return {"limit": usage.total, "used": usage.used}

    def get(self, path: str, *, max_bytes: int) -> bytes:
        """A file's content."""
        try:
            with _answers("get", path), (self._path / path).open("rb") as stream:
                body = stream.read(max_bytes + 1)
        except FileNotFoundError:
            raise gone(path) from None
        if len(body) > max_bytes:
            raise too_large(path, max_bytes)
        return body

    def put(self, path: str, body: bytes | IO[bytes]) -> None:
        """Write a file whole: beside its place first, so that no reader sees half of it."""
        target = self._path / path
        with _answers("put", path):
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
                try:
                    shutil.copyfileobj(stream_of(body), file, CHUNK_BYTES)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(target)
                except BaseException:
                    Path(file.name).unlink()
                    raise

    def delete(self, path: str) -> None:
        """Delete a file."""
        with _answers("delete", path):
            (self._path / path).unlink(missing_ok=True)

    def _entries(self) -> Iterator[Entry]:
        for folder, folders, files in os.walk(self._path):
            parent = os.path.relpath(folder, self._path).removeprefix(".")
            for name in folders:
                yield Entry(f"{parent}/{name}".lstrip("/"), name, parent, None, 0)
            for name in files:
                stat = self._stat(Path(folder, name))
                if stat is not None and not name.startswith("."):
                    yield Entry(f"{parent}/{name}".lstrip("/"), name, parent, stat.st_size, stat.st_mtime)

    def _stat(self, path: Path) -> os.stat_result | None:
        try:
            return path.stat()
        except FileNotFoundError:  # went away since the folder was read
            return None


@contextmanager
def _answers(verb: str, path: Path | str) -> Iterator[None]:
    """Turn what the disk says into our tree."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as err:
        full = err.errno in {errno.ENOSPC, errno.EDQUOT}
        raise (ArchiveFull if full else ArchiveUnavailable)(f"{verb} {path}: {err.strerror}") from err
