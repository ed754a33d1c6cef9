"""A project's workspace: an event history and versioned files that survive a crash of any of their writers.

with Workspace(Path("workspace"), "apollo", author="grok") as workspace:
    workspace.history.append("task.done", {"file": "plan.md"})
    workspace.files.write("plan.md", "# Plan")
    workspace.milestone("the plan stands")
"""

from nervesys.workspace.files import Files
from nervesys.workspace.history import Event, History, Subscription
from nervesys.workspace.snapshots import Snapshot, SnapshotKind
from nervesys.workspace.versions import Version
from nervesys.workspace.workspace import Workspace

__all__ = ["Event", "Files", "History", "Snapshot", "SnapshotKind", "Subscription", "Version", "Workspace"]
