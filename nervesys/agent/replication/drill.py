"""The restore drill: proves that a backup can be restored."""

from collections.abc import Callable
from dataclasses import dataclass
from io import SEEK_END
from itertools import islice
from pathlib import Path

from nervesys.agent.replication.restore import Progress, check_empty, find_problems, restore
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
            path = backup or self._newest()
            progress(f"fetching {path}")
            with self.archive.open(path) as body:
                progress(f"restoring {count(body.seek(0, SEEK_END), 'byte')} into {folder}")
                body.seek(0)
                with decrypted_file(body, path) as plain:
                    restored = restore(plain, folder, progress)
            progress(f"verifying {count(len(restored.files), 'file')}, {count(restored.bytes, 'byte')}")
            digest, problem = (len(restored.files), restored.bytes), _join_problems(list(find_problems(restored)))
        except (NervesysError, OSError) as err:
            problem = str(err)
        return RestoreDrill(
            timestamp=self.clock(),
            succeeded=not problem,
            duration_seconds=round(self.timer() - began, 3),
            backup=path,
            backup_timestamp=self._backup_time(path),
            files=digest[0],
            bytes=digest[1],
            detail=problem,
            by=self.by,
        )

    def _newest(self) -> str:
        dated = [
            (backup_time, file.path)
            for file in files_of(self.archive)
            if (backup_time := self._backup_time(file.path)) is not None
        ]
        if not dated:
            raise NervesysError("the archive contains no full backup; make one: nervesys round")
        return max(dated)[1]

    def _backup_time(self, path: str) -> float | None:
        """Unix time of midnight of the day in a backup's path; None if there is no day in it."""
        date = (PathTemplate(self.storage.archive.paths.backups).parse(path) or {}).get("date", "")
        try:
            return parse_time(date)
        except BadObject:
            return None


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


def _join_problems(problem: list[str]) -> str:
    named = "; ".join(islice(problem, NAMED_PROBLEMS))
    return f"{named}; and {len(problem) - NAMED_PROBLEMS} more" if len(problem) > NAMED_PROBLEMS else named


def record_drill(brain: GitBrain, drill: RestoreDrill) -> None:
    """Push the record of a drill to the brain; earlier ones stay in its Git history.

    Raises:
        BrainUnavailable: the brain cannot be reached.
    """
    outcome = "worked" if drill.succeeded else "failed"
    brain.commit({RESTORE_DRILL: drill.body() + b"\n"}, f"The restore drill {outcome}", drill.by)
