"""The writing side of a log: several processes append lines concurrently, without interleaving or loss.

A line is written before `append` returns, so that it survives `kill -9`. The file is synced once a second, so that a
crash of the machine loses at most the last second. Writes hold a file lock. An incomplete last line, which a full disk
or a crash may leave, is moved aside.
"""

import gzip
import logging
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock
from nervesys.workspace.disk import sync_folder
from nervesys.workspace.segments import Segments

log = logging.getLogger(__name__)

SEGMENT_BYTES = 16 << 20
LINE_BYTES = 1 << 20
"""Longest line; larger data belongs into a file."""
SYNC_SECONDS = 0.9
GZIP_LEVEL = 6


class WriteLock:
    """Context manager: a lock between threads and processes, which can be taken again and again.

    Args:
        path: of the lock file.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._threads, self._processes = threading.Lock(), FileLock(path)

    def close(self) -> None:
        """Close the lock file."""
        self._processes.close()

    def __enter__(self) -> None:
        self._threads.acquire()
        self._processes.acquire()

    def __exit__(self, *_: object) -> None:
        self._processes.release()
        self._threads.release()


class Log:
    """Appends lines. Thread-safe; after a fork the child must open its own.

    Args:
        folder: created if missing.
        name: of the log.
        segment_bytes: size at which a segment is closed.

    Raises:
        NervesysError: its files cannot be opened.
    """

    def __init__(self, folder: Path, name: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.segments = Segments(folder, name)
        self._segment_bytes = segment_bytes
        self._live = str(self.segments.live)
        self._file = self._inode = self._end = -1
        self._synced = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = WriteLock(folder / f"{name}.lock")
            with self._lock:
                self._prepare(0)
        except OSError as err:
            raise NervesysError(f"open the log {self._live}: {err.strerror}") from err
        self._closing = threading.Event()
        self._maintenance = threading.Thread(target=self._maintain, name=f"maintain {name}", daemon=True)
        self._maintenance.start()

    def append(self, line: bytes) -> None:
        """Append one line.

        Args:
            line: ends with its only newline.

        Raises:
            NervesysError: it is too long, or the disk cannot be written; the log is unchanged.
        """
        if len(line) > LINE_BYTES:
            raise NervesysError(
                f"append to {self._live}: {len(line)} bytes in one line, but at most {LINE_BYTES} are allowed"
            )
        try:
            with self._lock:
                self._write(line, self._prepare(len(line)))
        except OSError as err:
            raise NervesysError(f"append to {self._live}: {err.strerror}") from err

    def sync(self) -> None:
        """Sync to disk."""
        with self._lock:
            end, file = self._end, os.dup(self._file)  # synced without the lock, so that others can append
        try:
            if end != self._synced:
                os.fsync(file)
                self._synced = end
        finally:
            os.close(file)

    def close(self) -> None:
        """Sync to disk, and close the files."""
        self._closing.set()
        self._maintenance.join()
        self.sync()
        os.close(self._file)
        self._lock.close()

    def _write(self, line: bytes, size: int) -> None:
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._end = size + written

    def _prepare(self, room: int) -> int:
        """Make sure that the live segment is open, complete and has room; returns its size."""
        try:
            stat = os.stat(self._live)  # noqa: PTH116  # of every append, and half the price of Path.stat
        except FileNotFoundError:
            stat = self._open()
        if stat.st_ino != self._inode:
            stat = self._open()
        size = stat.st_size
        if size != self._end:
            size = self._remove_torn_line(size)
        if size and size + room > self._segment_bytes:
            self._close_segment()
            size = 0
        return size

    def _open(self) -> os.stat_result:
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(self._live, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        sync_folder(self.segments.folder)
        stat = os.fstat(self._file)
        self._inode = stat.st_ino
        self._end, self._synced = -1, -1
        return stat

    def _remove_torn_line(self, size: int) -> int:
        """After another process wrote: move an incomplete last line aside; returns the size."""
        while size and os.pread(self._file, 1, size - 1) != b"\n":
            tail = os.pread(self._file, LINE_BYTES, max(0, size - LINE_BYTES))
            torn = tail[tail.rfind(b"\n") + 1 :]
            log.warning("%s: incomplete last line; %d bytes are moved aside", self._live, len(torn))
            with self.segments.torn.open("ab") as file:
                file.write(torn + b"\n")
                file.flush()
                os.fsync(file.fileno())
            size -= len(torn)
            os.ftruncate(self._file, size)
        self._end = size
        return size

    def _close_segment(self) -> None:
        """Close the live segment, and begin the next."""
        os.fsync(self._file)
        self.segments.live.rename(self.segments.plain_path(self.segments.end().segment))
        self._open()
        self._end = 0

    def _maintain(self) -> None:
        """Background thread: once a second, sync the log and gzip closed segments."""
        while not self._closing.wait(SYNC_SECONDS):
            try:
                self.sync()
                self._gzip_closed()
            except OSError as err:
                log.warning("maintain %s: %s", self._live, err.strerror)

    def _gzip_closed(self) -> None:
        for number, path in self.segments.closed().items():
            if path == self.segments.plain_path(number):
                with suppress(FileNotFoundError):  # another process was faster
                    gzip_file(path, self.segments.gzip_path(number))


def gzip_file(plain: Path, target: Path) -> None:
    """Replace a file by its gzipped form; at any time at least one of the two exists and is complete."""
    part = target.with_suffix(f".{os.getpid()}.part")
    try:
        with plain.open("rb") as source, part.open("wb") as out:
            with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed:
                shutil.copyfileobj(source, packed, 1 << 20)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(target.parent)
    plain.unlink()
