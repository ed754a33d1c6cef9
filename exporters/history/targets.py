"""Where history goes: blocks in Prometheus' data folder, or an import endpoint."""

import errno
import fcntl
import gzip
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from exporters.history.memory import Memory
from exporters.history.plan import Job
from exporters.history.reading import Read
from exporters.history.text import END
from nervesys.errors import NervesysError
from nervesys.http import cause

SCRATCH = ".nervesys-history"
"""In Prometheus' data folder, which passes over what is no block: so a finished block is put in place by a rename."""
BATCH = "batch-"
PUSH_SECONDS = 60
METRICS_SECONDS = 1.2
"""VictoriaMetrics counts anew once a second."""
PUSH_RETRIES = Retry(4, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)

MakeBlocks = Callable[[Path, Path], None]
"""Makes blocks of a file of OpenMetrics, in a folder."""


class Target(Protocol):
    """Where samples go."""

    memory: Memory
    ticks: int
    """Of a second, in timestamps."""

    def take(self, reads: Iterable[Read]) -> None:
        """Take samples in; when this returns, they are there and remembered.

        Raises:
            NervesysError: it could not be done; what was not taken in is not remembered.
        """

    def ignored(self) -> float:
        """Samples that it has dropped since it started, for they are older than it keeps."""

    def close(self) -> None:
        """Let others at it."""


class Blocks:
    """Prometheus' data folder.

    A batch is made aside, remembered together with the names of its blocks, and only then renamed into place: killed
    at any point, the next run knows which blocks are whole, puts them in place, and makes the rest.

    Args:
        data: the folder.
        make: runs promtool.

    Raises:
        NervesysError: another run is at work there.
    """

    ticks = 1

    def __init__(self, data: Path, make: MakeBlocks) -> None:
        self._data, self._make = data, make
        self._scratch = data / SCRATCH
        with _room(data):
            self._scratch.mkdir(parents=True, exist_ok=True)
            self._lock = (self._scratch / "lock").open("w")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._lock.close()
                raise NervesysError(f"write to {data}: another backfill is at work there") from None
            self.memory = Memory(self._scratch / "made.sqlite3")
            self._place()

    def take(self, reads: Iterable[Read]) -> None:
        """Make blocks of a batch."""
        with _room(self._data):
            batch = Path(tempfile.mkdtemp(dir=self._scratch, prefix=BATCH))  # one that was killed never meets another
            text, made = batch / "samples.txt", batch / "blocks"
            done = _written(text, reads)
            if text.stat().st_size > len(END):
                self._make(text, made)
            self.memory.remember(done, [block.name for block in _whole(made)])
            self._place()

    def ignored(self) -> float:
        """None: what Prometheus would delete is not planned."""
        return 0

    def close(self) -> None:
        """Clear what was not finished, and let others at it."""
        self._clear()
        self.memory.close()
        self._lock.close()

    def _place(self) -> None:
        """Rename finished blocks into place; what nobody remembers was not finished."""
        waiting = set(self.memory.waiting())
        for block in self._scratch.glob(f"{BATCH}*/blocks/*"):
            if block.name in waiting:
                block.rename(self._data / block.name)
        self.memory.placed()
        self._clear()

    def _clear(self) -> None:
        for batch in self._scratch.glob(f"{BATCH}*"):
            shutil.rmtree(batch, ignore_errors=True)


def _written(path: Path, reads: Iterable[Read]) -> list[tuple[Job, int]]:
    done = []
    with path.open("wb") as file:
        for read in reads:
            file.write(read.text)
            done += [] if read.refused else [(read.job, read.lines)]
        file.write(END)
    return done


def _whole(folder: Path) -> list[Path]:
    return sorted(meta.parent for meta in folder.glob("*/meta.json") if "." not in meta.parent.name)


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    """Say what a full disk means here."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as err:
        full = isinstance(err, OSError) and err.errno in {errno.ENOSPC, errno.EDQUOT}
        why = "no space left on the disk" if full or "is full" in str(err) else str(err)
        raise NervesysError(
            f"write to {folder}: {why}; no block was left half made: mend that, and run it again"
        ) from err


class Push:
    """An import endpoint, such as VictoriaMetrics' `/api/v1/import/prometheus`.

    Each file's samples are one request, remembered once it was answered. Killed in between, the next run sends the
    same samples again, with the same timestamps and values: no sum changes by that.

    Args:
        url: of the endpoint; credentials come from `~/.netrc`.
        memory: of what went there.
    """

    ticks = 1000

    def __init__(self, url: str, memory: Memory) -> None:
        self._url, self.memory = url, memory
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=PUSH_RETRIES))

    def take(self, reads: Iterable[Read]) -> None:
        """Send each file's samples."""
        for read in reads:
            if read.text:
                self._send(read.text)
            if not read.refused:
                self.memory.remember([(read.job, read.lines)])

    def close(self) -> None:
        """Let go of connection and memory."""
        self._session.close()
        self.memory.close()

    def _send(self, text: bytes) -> None:
        body, headers = gzip.compress(text, 1), {"Content-Encoding": "gzip", "Content-Type": "text/plain"}
        try:
            answer = self._session.post(self._url, data=body, headers=headers, timeout=PUSH_SECONDS)
        except requests.RequestException as err:
            raise NervesysError(f"push to {self._url}: {cause(err)}; run it again: it goes on from here") from err
        if not answer.ok:
            raise NervesysError(f"push to {self._url}: {answer.status_code} {answer.text[:200].strip()}")

    def ignored(self) -> float:
        """Samples that VictoriaMetrics has dropped since it started, for its own retention; 0 for others."""
        sleep(METRICS_SECONDS)
        root = urlsplit(self._url)._replace(path="/metrics", query="").geturl()
        try:
            lines = self._session.get(root, timeout=PUSH_SECONDS).text.splitlines()
        except requests.RequestException:
            return 0
        return sum(float(line.split()[-1]) for line in lines if line.startswith("vm_rows_ignored_total"))
