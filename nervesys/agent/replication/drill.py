"""The restore drill: what a backup is worth is known once it was brought back."""

from collections.abc import Callable
from dataclasses import dataclass
from io import SEEK_END
from itertools import islice
from pathlib import Path

from nervesys.agent.replication.restore import Say, check_empty, restore, troubles
from nervesys.clock import Clock
from nervesys.contract import PathTemplate, RestoreDrill, parse_time
from nervesys.contract.brain import RESTORE_DRILL
from nervesys.contract.times import utc
from nervesys.errors import BadObject, NervesysError
from nervesys.settings.storage import Storage
from nervesys.stores.archive import Archive, files_of
from nervesys.stores.brain import GitBrain
from nervesys.stores.sealing import unsealed

TOLD = 5
"""Troubles that the record names; the rest is counted."""


@dataclass(frozen=True)
class Drill:
    """One drill; it reads the archive and writes to a folder, and to nothing else.

    Attributes:
        archive: holds the backups.
        storage: says where.
        clock: dates the record.
        timer: seconds that only ever grow.
        by: who does it.
    """

    archive: Archive
    storage: Storage
    clock: Clock
    timer: Callable[[], float]
    by: str

    def run(self, folder: Path, say: Say, backup: str | None = None) -> RestoreDrill:
        """Bring a backup back into an empty folder, and verify it.

        Args:
            folder: empty, or not there yet.
            say: takes each step.
            backup: path in the archive; None for the newest.

        Returns:
            How it went, also where it went wrong.

        Raises:
            NervesysError: the folder is not empty; nothing was tried.
        """
        check_empty(folder)
        began, path, found, wrong = self.timer(), backup or "", (0, 0), ""
        try:
            path = backup or self._newest()
            say(f"fetching {path}")
            with self.archive.open(path) as body:
                say(f"restoring {body.seek(0, SEEK_END)} bytes into {folder}")
                body.seek(0)
                with unsealed(body, path) as plain:
                    restored = restore(plain, folder, say)
            say(f"verifying {len(restored.files)} files, {restored.bytes} bytes")
            found, wrong = (len(restored.files), restored.bytes), _worded(list(troubles(restored)))
        except (NervesysError, OSError) as err:
            wrong = str(err)
        return RestoreDrill(
            timestamp=self.clock(),
            succeeded=not wrong,
            duration_seconds=round(self.timer() - began, 3),
            backup=path,
            backup_timestamp=self._made(path),
            files=found[0],
            bytes=found[1],
            detail=wrong,
            by=self.by,
        )

    def _newest(self) -> str:
        dated = [(made, file.path) for file in files_of(self.archive) if (made := self._made(file.path)) is not None]
        if not dated:
            raise NervesysError("the archive holds no full backup; make one: nervesys round")
        return max(dated)[1]

    def _made(self, path: str) -> float | None:
        """The beginning of the day that stands in a backup's path."""
        date = (PathTemplate(self.storage.archive.paths.backups).parse(path) or {}).get("date", "")
        try:
            return parse_time(date)
        except BadObject:
            return None


def is_due(last: RestoreDrill | None, days: int, now: float) -> bool:
    """Whether a drill is due: so many days, UTC, after one that worked; the day after one that failed."""
    if last is None:
        return True
    return (utc(now).date() - utc(last.timestamp).date()).days >= (days if last.succeeded else 1)


def recorded(brain: GitBrain) -> RestoreDrill | None:
    """How the last drill went, as last fetched; None where there was none, or its record is broken."""
    tree = brain.tree(brain.state_branch)
    body = tree.read(RESTORE_DRILL) if tree else None
    try:
        return RestoreDrill.parse(body) if body else None
    except BadObject:
        return None


def _worded(wrong: list[str]) -> str:
    told = "; ".join(islice(wrong, TOLD))
    return f"{told}; and {len(wrong) - TOLD} more" if len(wrong) > TOLD else told


def record(brain: GitBrain, drill: RestoreDrill) -> None:
    """Leave in the brain how a drill went; those before it stay in the history.

    Raises:
        BrainUnavailable: the brain cannot be reached.
    """
    outcome = "worked" if drill.succeeded else "failed"
    brain.commit({RESTORE_DRILL: drill.body() + b"\n"}, f"The restore drill {outcome}", drill.by)
