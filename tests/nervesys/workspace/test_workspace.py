"""A workspace whole: snapshots and going back to them, cleaning up, and keeping nothing on disk.

Covers: nervesys.workspace.snapshots.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nervesys.errors import NervesysError
from nervesys.workspace import SnapshotKind, Workspace
from tests.nervesys.workspace.test_files import DAY, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def workspace(tmp_path: Path, clock: ManualClock) -> Iterator[Workspace]:
    with Workspace(tmp_path, "Apollo", "grok", clock) as opened:
        yield opened


def content(workspace: Workspace) -> dict[str, bytes]:
    return {version.path: workspace.files.read(version.path) for version in workspace.files.list()}


def test_a_snapshot_brings_everything_back(workspace: Workspace) -> None:
    workspace.files.write("same", "same")
    workspace.files.write("changed", "one")
    workspace.files.write("a", "a file, then a folder")
    before, snapshot = content(workspace), workspace.snapshot("before")
    workspace.files.write("changed", "two")
    workspace.files.delete("a")
    workspace.files.write("a/b", "new")
    after, second = content(workspace), workspace.snapshot("after")
    workspace.restore(snapshot.id)
    assert content(workspace) == before
    workspace.restore(second.id)
    assert content(workspace) == after
    assert len(workspace.files.history("same")) == 1
    assert workspace.snapshots.list() == [snapshot, second]


def test_snapshots_are_made_at_milestones_and_when_a_task_changed_something(workspace: Workspace) -> None:
    assert workspace.end_of_task("nothing") is None
    workspace.files.write("a", "one")
    made = workspace.end_of_task("write_tests")
    assert made is not None
    assert (made.kind, made.label, list(made.files)) == (SnapshotKind.TASK, "write_tests", ["a"])
    assert workspace.end_of_task("nothing") is None
    assert workspace.milestone("first release").kind is SnapshotKind.MILESTONE
    assert [(version["type"], version["payload"]) for version in workspace.history.replay()] == [
        ("milestone", {"label": "first release"})
    ]


def test_clean_up_keeps_the_last_snapshot_and_what_it_holds(workspace: Workspace, clock: ManualClock) -> None:
    for number in range(4):
        workspace.files.write("a", f"{number}")
        workspace.snapshot(f"{number}")
        clock.now += DAY
    workspace.files.write("a", "unheld")
    workspace.files.write("a", "newest")
    assert workspace.clean(count=2) == 2 + 2
    assert [version.label for version in workspace.snapshots.list()] == ["2", "3"]
    clock.now += 100 * DAY
    assert workspace.clean(days=1) == 1 + 2
    workspace.restore(workspace.snapshots.ids()[0])
    assert content(workspace) == {"a": b"3"}


def test_a_damaged_snapshot_is_an_error_and_changes_nothing(workspace: Workspace) -> None:
    workspace.files.write("a", "one")
    snapshot = workspace.snapshot()
    file = workspace.folder / "snapshots" / f"{snapshot.id}.json"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(NervesysError, match=r"read snapshot .* bad_json"):
        workspace.restore(snapshot.id)
    with pytest.raises(NervesysError, match="there is none"):
        workspace.restore("../../etc/passwd")
    assert content(workspace) == {"a": b"one"}


def test_nothing_stays_of_what_is_kept_in_memory() -> None:
    with Workspace(None, "apollo", "grok") as workspace:
        workspace.history.append("x")
        workspace.files.write("a", "one")
        folder = workspace.folder
        assert folder.exists()
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "a.b", "x" * 64])
def test_a_project_needs_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(NervesysError, match="not a name of a project"):
        Workspace(tmp_path, name, "grok")
