"""The restore drill: proves that a backup can be restored."""

from collections.abc import Callable
from dataclasses import dataclass
from io import SEEK_END
from itertools import islice
from pathlib import Path

from nervesys.agent.backup.index import read_index
from nervesys.agent.backup.proofs import prove
from nervesys.agent.backup.restore import COMPLETE, Progress, RestoredBackup, Restorer, check_empty, check_packs
from nervesys.agent.backup.verify import find_problems
from nervesys.clock import Clock
from nervesys.contract import PathTemplate, RestoreDrill, parse_time
from nervesys.contract.brain import REPORT_BYTES, RESTORE_DRILL
from nervesys.contract.times import utc
from nervesys.errors import BadObject, NervesysError
from nervesys.plural import count
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.brain import GitBrain
from nervesys.stores.encryption import decrypted_file

NAMED_PROBLEMS = 5
"""Problems listed in the record; further ones are counted."""


@dataclass(frozen=True)
class Drill:
    """A drill; it only reads the archive, and only writes to a folder.

    Attributes:
        archive: holds the backups.
        storage: their paths.
        clock: timestamps the record.
        timer: monotonic clock, in seconds.
        by: name of the program that runs it.
    """

    archive: Archive
    storage: Storage
    clock: Clock
    timer: Callable[[], float]
    by: str

    def run(self, folder: Path, progress: Progress, backup: str | None = None) -> RestoreDrill:
        """Restore a backup into an empty folder, and verify it.

        Args:
            folder: empty or missing.
            progress: takes each step, as a line of text.
            backup: path in the archive; None for the newest.

        Returns:
            The record of the drill, also if it failed.

        Raises:
            NervesysError: the folder is not empty; no drill was run.
        """
        check_empty(folder)
        began, path, digest, problem = self.timer(), backup or "", (0, 0), ""
        try:
            path = backup or newest_backup(self.archive, self.storage)
            restored = restore(self.archive, path, folder, progress)
            problems = verify(restored, self.storage, progress)
            digest, problem = (len(restored.files), restored.bytes), join_problems(problems)
        except (NervesysError, OSError) as err:
            problem = str(err)
        return RestoreDrill(
            timestamp=self.clock(),
            succeeded=not problem,
            duration_seconds=round(self.timer() - began, 3),
            backup=path,
            backup_timestamp=backup_time(self.storage, path),
            files=digest[0],
            bytes=digest[1],
            detail=problem,
            by=self.by,
        )


def newest_backup(archive: Archive, storage: Storage, at: str | None = None) -> str:
    """Path of the newest backup, or of the newest that is not younger than a day.

    Args:
        archive: holds the backups.
        storage: their paths.
        at: the day, such as `2026-01-31`; None for any.

    Raises:
        NervesysError: there is none.
        ArchiveUnavailable: the archive does not respond.
    """
    dated = [
        (made, file.path)
        for file in files_of(archive)
        if (made := backup_time(storage, file.path)) is not None and (at is None or made <= parse_time(at))
    ]
    if not dated:
        before = f" of {at} or before" if at else ""
        raise NervesysError(f"the archive contains no full backup{before}; make one: nervesys round")
    return max(dated)[1]


def backup_time(storage: Storage, path: str) -> float | None:
    """Unix time of midnight of the day in a backup's path; None if there is no day in it."""
    date = (PathTemplate(storage.archive.paths.backups).parse(path) or {}).get("date", "")
    try:
        return parse_time(date)
    except BadObject:
        return None


def restore(
    archive: Archive,
    path: str,
    folder: Path,
    progress: Progress,
    *,
    resume: bool = False,
    partial: bool = False,
) -> RestoredBackup:
    """Check a backup, then restore it into an empty folder, which is created if missing.

    Args:
        archive: holds the backup and its packs.
        path: of the backup.
        folder: the target.
        progress: takes each step, as a line of text.
        resume: continue an interrupted restore of the same backup.
        partial: restore what is left of a backup that is damaged.

    Returns:
        What was restored, with what could not be.

    Raises:
        NervesysError: the folder is not empty, the disk is full, or the backup is damaged; then nothing was written.
        BadObject: likewise; or it cannot be decrypted.
        ArchiveUnavailable: the archive does not respond.
    """
    done = check_empty(folder, path if resume else None)
    progress(f"fetching {path}")
    with archive.open(path) as body, decrypted_file(body, path) as plain:
        progress(f"checking {count(plain.seek(0, SEEK_END), 'byte')}")
        plain.seek(0)
        index = read_index(plain)
        problems = [*index.problems, *check_packs(index, archive)]
        if problems and not partial:
            raise NervesysError(f"{path}: {join_problems(problems)}")
        restored = RestoredBackup(folder, index, problems=problems, was_complete=COMPLETE in done)
        if restored.was_complete:
            restored.count()
            return restored
        files = len(index.inline) + sum(map(len, index.packed.values()))
        progress(f"restoring {count(files, 'file')} from {count(len(index.packs), 'pack')} into {folder}")
        Restorer(archive, restored, progress, done).run(plain, path)
    return restored


def verify(restored: RestoredBackup, storage: Storage, progress: Progress) -> list[str]:
    """Read everything again, and prove each part; returns the problems."""
    progress(f"verifying {count(len(restored.files), 'file')}, {count(restored.bytes, 'byte')}")
    problems = list(find_problems(restored))
    for line, holds in prove(restored, storage):
        progress(line)
        if not holds:
            problems.append(line)
    return problems


def is_due(last: RestoreDrill | None, days: int, now: float) -> bool:
    """Whether a drill is due: `days` days in UTC after a successful one, one day after a failed one."""
    if last is None:
        return True
    return (utc(now).date() - utc(last.timestamp).date()).days >= (days if last.succeeded else 1)


def read_last_drill(brain: GitBrain) -> RestoreDrill | None:
    """The record of the last drill, as last fetched; None if there is none, or it cannot be parsed."""
    tree = brain.tree(brain.state_branch)
    try:
        body = tree.read(RESTORE_DRILL, max_bytes=REPORT_BYTES) if tree else None
        return RestoreDrill.parse(body) if body else None
    except BadObject:
        return None


def join_problems(problem: list[str]) -> str:
    """The first problems as one text, and how many more there are."""
    named = "; ".join(islice(problem, NAMED_PROBLEMS))
    return f"{named}; and {len(problem) - NAMED_PROBLEMS} more" if len(problem) > NAMED_PROBLEMS else named


def record_drill(brain: GitBrain, drill: RestoreDrill) -> None:
    """Push the record of a drill to the brain; earlier ones stay in its Git history.

    Raises:
        BrainUnavailable: the brain cannot be reached.
    """
    outcome = "worked" if drill.succeeded else "failed"
    brain.commit({RESTORE_DRILL: drill.body() + b"\n"}, f"The restore drill {outcome}", drill.by)
