"""The archive as a folder of plain files."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nervesys.errors import ArchiveFull, ArchiveUnavailable
from nervesys.stores.archive import CHUNK_BYTES, ArchiveFile, Changes, Entry, stream_of
from nervesys.stores.objects import gone, too_large


class FolderArchive:
    """An archive that is a plain folder. It is listed again each time, which costs little.

    Args:
        path: the folder.
    """

    root = ""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self) -> Changes:
        """List everything; files whose name begins with a dot are ignored."""
        with _converted_errors("list", self._path):
            if not self._path.is_dir():
                raise ArchiveUnavailable(f"list the archive: no folder {self._path}")
            return Changes(tuple(self._entries(self._path)))

    def changes(self, token: str) -> None:
        """None: changes are not recorded, list again."""

    def files(self, folder: str) -> tuple[ArchiveFile, ...]:
        """The files below one folder."""
        with _converted_errors("list", self._path / folder):
            if not self._path.is_dir():
                raise ArchiveUnavailable(f"list the archive: no folder {self._path}")
            entries = self._entries(self._path / folder) if (self._path / folder).is_dir() else ()
            return tuple(ArchiveFile(file.id, file.size, file.modified) for file in entries if file.size is not None)

    def quota(self) -> dict[str, int]:
        """Size and use of the folder's disk."""
        with _converted_errors("ask for room", self._path):
            usage = shutil.disk_usage(self._path)
        return {"limit": usage.total, "used": usage.used}

    def get(self, path: str, *, max_bytes: int) -> bytes:
        """A file's content."""
        with self.open(path) as stream, _converted_errors("get", path):
            body = stream.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise too_large(path, max_bytes)
        return body

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """A file's content as a stream."""
        with _converted_errors("get", path):
            try:
                stream = (self._path / path).open("rb")
            except (FileNotFoundError, NotADirectoryError):
                raise gone(path) from None
        with stream:
            yield stream

    def put(self, path: str, body: bytes | IO[bytes]) -> None:
        """Write a file whole: beside its place first, so that no reader sees half of it."""
        target = self._path / path
        with _converted_errors("put", path):
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
        with _converted_errors("delete", path):
            (self._path / path).unlink(missing_ok=True)

    def _entries(self, top: Path) -> Iterator[Entry]:
        for folder, folders, files in os.walk(top, onerror=self._check_folder):
            parent = os.path.relpath(folder, self._path).removeprefix(".")
            for name in folders:
                yield Entry(f"{parent}/{name}".lstrip("/"), name, parent, None, 0)
            for name in files:
                stat = self._stat(Path(folder, name))
                if stat is not None and not name.startswith("."):
                    yield Entry(f"{parent}/{name}".lstrip("/"), name, parent, stat.st_size, stat.st_mtime)

    def _check_folder(self, err: OSError) -> None:
        """Raise where a folder cannot be read: what it holds is unknown, not absent."""
        if not isinstance(err, FileNotFoundError) or err.filename == str(self._path):
            raise err

    def _stat(self, path: Path) -> os.stat_result | None:
        try:
            return path.stat()
        except FileNotFoundError:  # went away since the folder was read
            return None
        except OSError as err:
            if err.errno == errno.ELOOP:  # a link to itself: no file
                return None
            raise


@contextmanager
def _converted_errors(verb: str, path: Path | str) -> Iterator[None]:
    """Convert errors of the disk to `ArchiveUnavailable` or `ArchiveFull`."""
    try:
        yield
    except OSError as err:
        full = err.errno in {errno.ENOSPC, errno.EDQUOT}
        raise (ArchiveFull if full else ArchiveUnavailable)(f"{verb} {path}: {err.strerror}") from err
