"""Snapshots of an agent's workspaces: at the end of a task in its author's thread, at the end of a trace in another.

A task is the author's own statement, and its files are in a snapshot when it has ended. A trace ends within whatever
call of the author's code ends its first span, which must not wait for the disk.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from nervesys.errors import NervesysError
from nervesys.settings.storage import WorkspaceSettings
from nervesys.workspace import Workspace
from nervesys.workspace.snapshots import SnapshotKind


class WorkspaceSnapshots:
    """Takes the snapshots of one agent.

    Args:
        workspaces: by project; it may grow.
        settings: how long snapshots are kept.
        log: of the agent.
    """

    def __init__(
        self, workspaces: Mapping[str, Workspace], settings: Callable[[], WorkspaceSettings], log: logging.Logger
    ) -> None:
        self._workspaces, self._settings, self._log = workspaces, settings, log
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="snapshots")
        self._lock, self._waiting, self._closed, self._label = Lock(), False, False, ""

    def take(self, label: str, kind: SnapshotKind) -> None:
        """Make a snapshot of each workspace whose files changed; one that fails costs itself alone."""
        for workspace in list(self._workspaces.values()):
            try:
                workspace.snapshot_changes(label, kind)
                kept = self._settings()
                workspace.expire_snapshots(kept.snapshot_days, kept.snapshot_count)
            except NervesysError:  # the task itself is done
                self._log.exception("no snapshot of the files of %s was taken", workspace.project)

    def take_soon(self, label: str) -> None:
        """As `take` for a task, in another thread; of several that wait, one is made, with the newest label."""
        with self._lock:
            self._label = label
            if self._waiting or self._closed or not self._workspaces:
                return
            self._waiting = True
            self._pool.submit(self._take_waiting)

    def close(self) -> None:
        """Make the snapshot that waits, and end; later ones are left out."""
        with self._lock:
            self._closed = True
        self._pool.shutdown()

    def _take_waiting(self) -> None:
        with self._lock:
            self._waiting, label = False, self._label
        self.take(label, SnapshotKind.TASK)
