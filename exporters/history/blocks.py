"""Puts history into Prometheus' data folder, as blocks."""

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from exporters.history.plan import ReadJob
from exporters.history.progress import BackfillProgress
from exporters.history.reading import ReadResult
from exporters.history.text import END
from nervesys.errors import NervesysError
from nervesys.file_lock import FileLock

SCRATCH = ".nervesys-history"
"""In Prometheus' data folder, which passes over what is no block: so a finished block is put in place by a rename."""
BATCH = "batch-"

MakeBlocks = Callable[[Path, Path], None]
"""Makes blocks of a file of OpenMetrics, in a folder."""


class Blocks:
    """Prometheus' data folder.

    A batch is made aside, remembered together with the names of its blocks, and only then renamed into place: killed
    at any point, the next run knows which blocks are whole, puts them in place, and makes the rest.

    Args:
        data: the folder.
        make: runs promtool.

    Raises:
        NervesysError: another backfill is running there.
    """

    ticks = 1

    def __init__(self, data: Path, make: MakeBlocks) -> None:
        self._data, self._make = data, make
        self._scratch = data / SCRATCH
        with _explain_full_disk(data):
            self._lock = FileLock(self._scratch / "lock")
            if not self._lock.acquire(wait=False):
                self._lock.close()
                raise NervesysError(f"write to {data}: another backfill is running there")
            self.progress = BackfillProgress(self._scratch / "made.sqlite3")
            self._place()

    def take(self, reads: Iterable[ReadResult]) -> None:
        """Make blocks of a batch."""
        with _explain_full_disk(self._data):
            batch = Path(tempfile.mkdtemp(dir=self._scratch, prefix=BATCH))  # one that was killed never meets another
            text, made = batch / "samples.txt", batch / "blocks"
            done = _write_samples(text, reads)
            if text.stat().st_size > len(END):
                self._make(text, made)
            self.progress.remember(done, [block.name for block in _finished_blocks(made)])
            self._place()

    def dropped_samples(self) -> float:
        """Always 0: days that Prometheus would delete are not planned."""
        return 0

    def close(self) -> None:
        """Remove unfinished batches and release the lock."""
        self._clear()
        self.progress.close()
        self._lock.close()

    def _place(self) -> None:
        """Rename finished blocks into place; what nobody remembers was not finished."""
        waiting = set(self.progress.waiting())
        for block in self._scratch.glob(f"{BATCH}*/blocks/*"):
            if block.name in waiting:
                block.rename(self._data / block.name)
        self.progress.clear_blocks()
        self._clear()

    def _clear(self) -> None:
        for batch in self._scratch.glob(f"{BATCH}*"):
            shutil.rmtree(batch, ignore_errors=True)


def _write_samples(path: Path, reads: Iterable[ReadResult]) -> list[tuple[ReadJob, int]]:
    done = []
    with path.open("wb") as file:
        for read in reads:
            file.write(read.text)
            done += [] if read.refused else [(read.job, read.lines)]
        file.write(END)
    return done


def _finished_blocks(folder: Path) -> list[Path]:
    return sorted(meta.parent for meta in folder.glob("*/meta.json") if "." not in meta.parent.name)


@contextmanager
def _explain_full_disk(folder: Path) -> Iterator[None]:
    """Turn an error of the disk into one that says what to do."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as err:
        full = isinstance(err, OSError) and err.errno in {errno.ENOSPC, errno.EDQUOT}
        why = "no space left on the disk" if full or "is full" in str(err) else str(err)
        raise NervesysError(
            f"write to {folder}: {why}; no incomplete block was left; fix the cause and run it again"
        ) from err
