"""Converts files to samples on all cores; each worker process opens the archive itself."""

import gc
import os
import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from multiprocessing import connection, get_context, parent_process
from threading import Thread

from pydantic import SecretStr

from exporters.history.days import sum_up
from exporters.history.plan import ReadJob
from exporters.history.text import SeriesOrigin, gauges_text, sums_text
from exporters.history.trace_days import sum_up_traces
from exporters.shared import summaries
from nervesys.contract.brain import DailySummary
from nervesys.errors import BadObject, Reason
from nervesys.settings.storage import ArchiveSettings
from nervesys.stores.archive import Archive
from nervesys.stores.encryption import current_identity, set_identity
from nervesys.stores.lines import batches_of
from nervesys.stores.open_archive import open_archive

MAX_FILE_BYTES = 128 << 20
"""Of one packed file, which is in memory while it is read."""
MAX_UNPACKED_BYTES = 16 << 30
AHEAD = 24
"""Files that are read before they are asked for: cores work on while blocks are made."""


@dataclass(frozen=True)
class ReadResult:
    """The result of a job.

    Attributes:
        text: its samples.
        lines: of the file.
        records: that count.
        skipped: lines that do not, by reason.
        refused: why the whole file could not be read; empty where it could.
    """

    job: ReadJob
    text: bytes = b""
    lines: int = 0
    records: int = 0
    skipped: Counter[Reason] = field(default_factory=Counter)
    refused: str = ""


@dataclass(frozen=True)
class ArchiveReader:
    """Reads from an archive.

    Attributes:
        archive: that holds the logs.
        until: Unix seconds; samples from then on are left out.
        ticks: of a second, in timestamps.
        every: one sample in so many steps.
    """

    archive: Archive
    until: float
    ticks: int
    every: int = 1

    def read(self, job: ReadJob) -> ReadResult:
        """Do a job; a file that is bad is refused, and costs only itself.

        Raises:
            ArchiveUnavailable: the archive does not answer.
        """
        origin = SeriesOrigin(job.instance, job.unit.day, self.until, self.ticks, self.every)
        try:
            return self._summary(job, origin, job.unit.body) if job.unit.body is not None else self._logs(job, origin)
        except BadObject as bad:
            return ReadResult(job, refused=f"{job.unit.path}: {bad}")

    def _summary(self, job: ReadJob, origin: SeriesOrigin, body: bytes) -> ReadResult:
        summary = DailySummary.parse(body)
        return ReadResult(job, gauges_text(summaries.samples(summary.date, summary), origin))

    def _logs(self, job: ReadJob, origin: SeriesOrigin) -> ReadResult:
        path = job.unit.path
        body = self.archive.get(path, max_bytes=MAX_FILE_BYTES)
        batches = batches_of(BytesIO(body), path, max_bytes=MAX_UNPACKED_BYTES)
        total = (sum_up_traces if job.is_traces else sum_up)(batches, job.unit.day, job.skip)
        return ReadResult(job, sums_text(total.sums, origin), total.lines, total.records, total.skipped)


def read_all(
    jobs: Iterable[ReadJob], settings: ArchiveSettings, until: float, ticks: int, workers: int
) -> Iterator[ReadResult]:
    """Do jobs on several cores, in their order; at most some of them are ahead of who asks.

    Args:
        jobs: to do.
        settings: name the archive.
        until: see `ArchiveReader`.
        ticks: see `ArchiveReader`.
        workers: processes; with one, this process reads by itself.

    Raises:
        ArchiveUnavailable: the archive does not answer.
    """
    if workers == 1:
        yield from map(ArchiveReader(open_archive(settings), until, ticks).read, jobs)
        return
    # Processes that are spawned share no lock or connection with a thread of ours.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (settings, until, ticks, current_identity()))
    waiting: deque[Future[ReadResult]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(_work, job))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_reader: ArchiveReader
"""Of this worker."""


def _begin(settings: ArchiveSettings, until: float, ticks: int, identity: SecretStr | None) -> None:
    global _reader  # what a worker of a pool starts with
    set_identity(identity)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles it and shuts the pool down
    gc.disable()  # parsed lines have no reference cycles; scanning for them costs time
    Thread(target=_end_with_parent, daemon=True).start()
    _reader = ArchiveReader(open_archive(settings), until, ticks)


def _end_with_parent() -> None:
    """End this worker with its parent; a pool's workers wait forever for a parent that was killed."""
    if parent := parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


def _work(job: ReadJob) -> ReadResult:
    return _reader.read(job)
