"""One backfill run: reads the planned files, hands their samples to the target in batches, and counts."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

from exporters.history.plan import ReadJob
from exporters.history.reading import ReadResult, read_all
from exporters.history.targets import Target
from nervesys.errors import Reason
from nervesys.settings.storage import ArchiveSettings

BATCH_DAYS, BATCH_FILES = 7, 40
"""In a block, at most days; so many files end it with their day. Blocks of a day would be many, which Prometheus would
have to join; larger ones would take more memory to make."""


@dataclass
class Outcome:
    """The result of a run.

    Attributes:
        files: that were made.
        records: in them.
        skipped: lines that do not count, by reason.
        refused: files that were not made, and why.
    """

    files: int = 0
    records: int = 0
    skipped: Counter[Reason] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)

    def add(self, read: ReadResult) -> None:
        """Add the result of one file."""
        self.files += not read.refused
        self.records += read.records
        self.skipped.update(read.skipped)
        if read.refused:
            self.refused.append(read.refused)


def carry_out(
    jobs: Sequence[ReadJob],
    settings: ArchiveSettings,
    target: Target,
    until: float,
    workers: int,
    on_read: Callable[[ReadResult], None],
) -> None:
    """Convert the planned files.

    Args:
        jobs: by day.
        settings: name the archive.
        target: that takes the samples.
        until: Unix seconds; samples from then on are left out.
        workers: processes that read.
        on_read: called with each file's result once its samples are handed on.

    Raises:
        NervesysError: archive or target fails; what was made until then is remembered.
    """
    reads = read_all(jobs, settings, until, target.ticks, min(workers, max(1, len(jobs))))
    for size in batch_sizes(jobs):
        target.take(_notify_each(islice(reads, size), on_read))


def batch_sizes(jobs: Sequence[ReadJob]) -> Iterator[int]:
    """How many jobs are taken in at once: those of whole days, for blocks shall not overlap."""
    days, files = 0, 0
    for _, of_day in groupby(jobs, key=lambda job: job.unit.day):
        days, files = days + 1, files + len(list(of_day))
        if days == BATCH_DAYS or files >= BATCH_FILES:
            yield files
            days = files = 0
    if files:
        yield files


def _notify_each(reads: Iterable[ReadResult], on_read: Callable[[ReadResult], None]) -> Iterator[ReadResult]:
    for read in reads:
        yield read
        on_read(read)
