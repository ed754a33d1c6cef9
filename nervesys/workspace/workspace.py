"""A project's workspace: its event history, its versioned files, and their snapshots."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from nervesys.clock import Clock, system_clock
from nervesys.contract.names import project_name
from nervesys.contract.times import DAY_SECONDS
from nervesys.contract.ulid import UlidGenerator
from nervesys.errors import BadObject, NervesysError
from nervesys.workspace import disk
from nervesys.workspace.files import Files
from nervesys.workspace.history import History
from nervesys.workspace.project_import import import_project
from nervesys.workspace.snapshots import Snapshot, SnapshotKind, Snapshots
from nervesys.workspace.versions import Version

MEMORY = "/dev/shm"  # noqa: S108  # a private folder is made in it
MILESTONE = "milestone"
FILE_WRITTEN, FILE_DELETED = "file.written", "file.deleted"


def checked_project(name: str) -> str:
    """Validate a project's name.

    Raises:
        NervesysError: it is invalid.
    """
    try:
        return project_name(name)
    except BadObject as bad:
        raise NervesysError(f"open a workspace: {bad}") from bad


class Workspace:
    """The workspace of one project. Safe for concurrent threads and processes.

    Args:
        path: folder of all projects; None to keep everything in memory until it is closed.
        project: its name.
        author: default author of versions.
        clock: source of timestamps.

    Raises:
        NervesysError: the name is invalid, or the files cannot be opened.
    """

    def __init__(self, path: Path | None, project: str, author: str, clock: Clock = system_clock) -> None:
        self.project = checked_project(project)
        with ExitStack() as stack:
            root = path or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nervesys-", dir=MEMORY)))
            self.folder = root / self.project
            self.history = History(self.folder, clock)
            """The event history."""
            stack.callback(self.history.close)
            self.files = Files(self.folder, author, clock, self._report)
            """The versioned files; each new version is an event of the history."""
            stack.callback(self.files.close)
            self.snapshots = Snapshots(self.folder / "snapshots")
            """The snapshots of the files."""
            import_project(self.folder, self.files, self.snapshots)
            self.files.take_over()
            self._opened = stack.pop_all()
        self._clock, self._stamps = clock, UlidGenerator(clock)

    def snapshot(self, label: str = "", kind: SnapshotKind = SnapshotKind.DEMAND) -> Snapshot:
        """Make a snapshot of the files.

        Args:
            label: a short description.
            kind: why it is made.
        """
        return self.snapshots.make(self._stamps.next(), kind, label, self.files.list())

    def milestone(self, label: str) -> Snapshot:
        """Add a milestone to the history, and make a snapshot."""
        self.history.append(MILESTONE, {"label": label})
        return self.snapshot(label, SnapshotKind.MILESTONE)

    def snapshot_changes(self, label: str, kind: SnapshotKind = SnapshotKind.TASK) -> Snapshot | None:
        """Make a snapshot, unless nothing changed since the last one.

        Args:
            label: a short description, such as the task that ended.
            kind: why it is made.
        """
        ids = self.snapshots.ids()
        before = self.snapshots.get(ids[-1]).files if ids else {}
        if list(before.values()) == self.files.list():
            return None
        return self.snapshot(label, kind)

    def restore(self, snapshot: str) -> None:
        """Restore the files of a snapshot; each change is a new version, so that this can be undone.

        Args:
            snapshot: its id.

        Raises:
            NervesysError: it does not exist, or a content is damaged; nothing was changed.
        """
        self.files.restore_all(self.snapshots.get(snapshot).files)

    def clean(self, *, days: float | None = None, count: int | None = None) -> int:
        """Prune old snapshots and versions. The newest snapshot with its versions, and newest versions, are kept.

        Args:
            days: prune what is older; None for no limit.
            count: keep this many snapshots, and versions of each file; None for no limit.

        Returns:
            The number of pruned snapshots and versions.
        """
        oldest = None if days is None else self._clock() - days * 86_400
        pruned = self.snapshots.clean(oldest, count)
        kept = {version.id for snapshot in self.snapshots.list() for version in snapshot.files.values()}
        return pruned + self.files.clean(days=days, count=count, keep=kept)

    def expire_snapshots(self, days: float | None, count: int | None) -> int:
        """Delete old snapshots that were made at the end of tasks and of the agent; returns how many.

        Args:
            days: delete those that are older; None for no limit.
            count: keep this many; None for no limit.
        """
        with disk.describe_os_errors("delete old snapshots"):
            return self.snapshots.expire(None if days is None else self._clock() - days * DAY_SECONDS, count)

    def close(self) -> None:
        """Flush everything to disk, and close the files."""
        self._opened.close()

    def _report(self, version: Version) -> None:
        """Add a version to the history; the log of versions stays what decides."""
        kind = FILE_WRITTEN if version.hash else FILE_DELETED
        fields = {"path": version.path, "version": version.id, "author": version.author}
        written = {"hash": version.hash, "size": version.size} if version.hash else {}
        self.history.append(kind, fields | written)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
