"""A log as its writers see it: lines appended by several processes at once, none interleaved, none lost.

A line is handed to the system in one write before `append` returns, so it survives `kill -9` of the process; once a
second it is forced to the disk, so it survives a failing machine but for that second. Every write is made under a file
lock. A last line without its end, which a full disk or a failing machine may leave, is set aside.
"""

import fcntl
import gzip
import logging
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path

from nervesys.errors import NervesysError
from nervesys.workspace.disk import sync_folder
from nervesys.workspace.segments import Segments

log = logging.getLogger(__name__)

SEGMENT_BYTES = 16 << 20
LINE_BYTES = 1 << 20
"""Of one line at most: what is larger belongs into a file."""
SYNC_SECONDS = 0.9
GZIP_LEVEL = 6


class Alone:
    """No other thread and no other process within `with`.

    Args:
        file: open, whose lock is taken.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._lock.release()


class Log:
    """Appends lines; any thread may. After a fork the child opens its own.

    Args:
        folder: made where missing.
        name: of the log.
        segment_bytes: size beyond which a segment is sealed.

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
            self._guard = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._alone = Alone(self._guard)
            with self._alone:
                self._ready(0)
        except OSError as err:
            raise NervesysError(f"open the log {self._live}: {err.strerror}") from err
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"keeping {name}", daemon=True)
        self._keeper.start()

    def append(self, line: bytes) -> None:
        """Add one line.

        Args:
            line: ends with its only newline.

        Raises:
            NervesysError: it is too long, or the disk does not take it; then nothing of it stays.
        """
        if len(line) > LINE_BYTES:
            raise NervesysError(f"append to {self._live}: {len(line)} bytes in one line, at most {LINE_BYTES} may be")
        try:
            with self._alone:
                self._write(line, self._ready(len(line)))
        except OSError as err:
            raise NervesysError(f"append to {self._live}: {err.strerror}") from err

    def sync(self) -> None:
        """Force what was appended to the disk."""
        with self._alone:
            end, file = self._end, os.dup(self._file)  # to be forced while others append
        try:
            if end != self._synced:
                os.fsync(file)
                self._synced = end
        finally:
            os.close(file)

    def close(self) -> None:
        """Force everything to the disk and let go of the files."""
        self._closing.set()
        self._keeper.join()
        self.sync()
        os.close(self._file)
        os.close(self._guard)

    def _write(self, line: bytes, size: int) -> None:
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._end = size + written

    def _ready(self, more: int) -> int:
        """See to it that the live segment is open, whole and has room; its size."""
        try:
            stat = os.stat(self._live)  # noqa: PTH116  # of every append, and half the price of Path.stat
        except FileNotFoundError:
            stat = self._open()
        if stat.st_ino != self._inode:
            stat = self._open()
        size = stat.st_size
        if size != self._end:
            size = self._whole(size)
        if size and size + more > self._segment_bytes:
            self._seal()
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

    def _whole(self, size: int) -> int:
        """Where another wrote last: set an unfinished last line aside; the size then."""
        while size and os.pread(self._file, 1, size - 1) != b"\n":
            tail = os.pread(self._file, LINE_BYTES, max(0, size - LINE_BYTES))
            torn = tail[tail.rfind(b"\n") + 1 :]
            log.warning("%s: its last line was never finished; %d bytes are set aside", self._live, len(torn))
            with self.segments.torn.open("ab") as file:
                file.write(torn + b"\n")
                file.flush()
                os.fsync(file.fileno())
            size -= len(torn)
            os.ftruncate(self._file, size)
        self._end = size
        return size

    def _seal(self) -> None:
        """End the live segment and begin the next."""
        os.fsync(self._file)
        self.segments.live.rename(self.segments.plain(self.segments.end().segment))
        self._open()
        self._end = 0

    def _keep(self) -> None:
        """Once a second: to the disk with what was appended, and gzip what was sealed."""
        while not self._closing.wait(SYNC_SECONDS):
            try:
                self.sync()
                self._zip()
            except OSError as err:
                log.warning("keep %s: %s", self._live, err.strerror)

    def _zip(self) -> None:
        for number, path in self.segments.sealed().items():
            if path == self.segments.plain(number):
                with suppress(FileNotFoundError):  # another process was faster
                    zipped(path, self.segments.zipped(number))


def zipped(plain: Path, target: Path) -> None:
    """Replace a file by its gzipped form; at every instant at least one of the two is there, and whole."""
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
