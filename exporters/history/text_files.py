"""Writes history as compressed OpenMetrics files, for a promtool elsewhere, such as in Prometheus' own container."""

import gzip
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from exporters.history.progress import BackfillProgress
from exporters.history.reading import ReadResult
from exporters.history.text import END
from nervesys.clock import system_clock
from nervesys.errors import NervesysError

PREFIX, SUFFIX, PARTIAL = "samples-", ".om.gz", ".partial"
ABANDONED_SECONDS = 3600.0
"""Since the last write to a file that was not finished."""
READABLE = 0o644
"""Another user's program reads them; they hold no secrets."""


class TextFiles:
    """A folder of files, one for each batch. Killed in between, the next run writes the batch again: equal samples.

    Args:
        folder: created if missing.

    Raises:
        NervesysError: it cannot be written.
    """

    ticks = 1

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self.progress = BackfillProgress(folder / "made.sqlite3")
            self._remove_abandoned()
        except OSError as err:
            raise NervesysError(f"write to {folder}: {err.strerror or err}") from err

    def _remove_abandoned(self) -> None:
        """Remove what an earlier run that was killed had begun; a run beside this one writes all the time."""
        for partial in self._folder.glob(f"{PREFIX}*{PARTIAL}"):
            with suppress(FileNotFoundError):
                if partial.stat().st_mtime < system_clock() - ABANDONED_SECONDS:
                    partial.unlink()

    def take(self, reads: Iterable[ReadResult]) -> None:
        """Write a batch to a file of its own; without samples there is none."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=PREFIX, suffix=PARTIAL)
            partial, done, filled = Path(name), [], False
            with os.fdopen(descriptor, "wb") as raw, gzip.open(raw, "wb", compresslevel=1) as file:
                for read in reads:
                    file.write(read.text)
                    filled = filled or bool(read.text)
                    done += [] if read.refused else [(read.job, read.lines)]
                file.write(END)
            partial.chmod(READABLE)
            partial.rename(partial.with_suffix(SUFFIX)) if filled else partial.unlink()
        except OSError as err:
            raise NervesysError(f"write to {self._folder}: {err.strerror or err}") from err
        self.progress.remember(done)

    def dropped_samples(self) -> float:
        """Always 0: days that Prometheus would delete are not planned."""
        return 0

    def close(self) -> None:
        """Close the record of progress."""
        self.progress.close()
