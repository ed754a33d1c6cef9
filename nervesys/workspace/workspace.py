"""A project's workspace: its event history, its versioned files, and their snapshots."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from nervesys.clock import Clock, system_clock
from nervesys.contract.names import project_name
from nervesys.contract.ulid import Stamps
from nervesys.errors import BadObject, NervesysError
from nervesys.workspace.files import Files
from nervesys.workspace.history import History
from nervesys.workspace.snapshots import Kind, Snapshot, Snapshots

MEMORY = "/dev/shm"  # noqa: S108  # a private folder is made in it
MILESTONE = "milestone"


def checked_project(name: str) -> str:
    """A project's name.

    Raises:
        NervesysError: it is none.
    """
    try:
        return project_name(name)
    except BadObject as bad:
        raise NervesysError(f"open a workspace: {bad}") from bad


class Workspace:
    """One project; any number of threads and processes may have it open.

    Args:
        path: folder of all projects; None keeps everything in memory, until it is closed.
        project: its name.
        author: of what is written, where nobody else is named.
        clock: of all timestamps.

    Raises:
        NervesysError: the name is none, or the files cannot be opened.
    """

    def __init__(self, path: Path | None, project: str, author: str, clock: Clock = system_clock) -> None:
        self.project = checked_project(project)
        with ExitStack() as opened:
            root = path or Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="nervesys-", dir=MEMORY)))
            self.folder = root / self.project
            self.history = History(self.folder, clock)
            """What happened."""
            opened.callback(self.history.close)
            self.files = Files(self.folder, author, clock)
            """What was made."""
            opened.callback(self.files.close)
            self.snapshots = Snapshots(self.folder / "snapshots")
            """How the files were."""
            self._opened = opened.pop_all()
        self._clock, self._stamps = clock, Stamps(clock)

    def snapshot(self, label: str = "", kind: Kind = Kind.DEMAND) -> Snapshot:
        """Keep how the files are now.

        Args:
            label: a word about it.
            kind: what it is made for.
        """
        return self.snapshots.make(self._stamps.next(), kind, label, self.files.list())

    def milestone(self, label: str) -> Snapshot:
        """Note in the history that something was reached, and keep how the files are."""
        self.history.append(MILESTONE, {"label": label})
        return self.snapshot(label, Kind.MILESTONE)

    def end_of_task(self, action: str) -> Snapshot | None:
        """Keep how the files are, unless the last snapshot says the same."""
        ids = self.snapshots.ids()
        before = self.snapshots.get(ids[-1]).files if ids else {}
        if list(before.values()) == self.files.list():
            return None
        return self.snapshot(action, Kind.TASK)

    def restore(self, snapshot: str) -> None:
        """Make the files what they were; each change is a version, so this can be undone too.

        Args:
            snapshot: its id.

        Raises:
            NervesysError: there is none, or a content is damaged; then nothing was changed.
        """
        self.files.restore_all(self.snapshots.get(snapshot).files)

    def clean(self, *, days: float | None = None, count: int | None = None) -> int:
        """Forget old snapshots and versions; the newest snapshot, what it holds, and each file's newest version stay.

        Args:
            days: what is older goes; None looks at no age.
            count: of snapshots, and of each file's versions, only so many stay; None looks at no number.

        Returns:
            How many snapshots and versions went.
        """
        oldest = None if days is None else self._clock() - days * 86_400
        went = self.snapshots.clean(oldest, count)
        held = {version.id for snapshot in self.snapshots.list() for version in snapshot.files.values()}
        return went + self.files.clean(days=days, count=count, keep=held)

    def close(self) -> None:
        """Force everything to the disk and let go of the files."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
