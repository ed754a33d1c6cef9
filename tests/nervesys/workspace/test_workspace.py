"""A workspace whole: snapshots and going back to them, cleaning up, and keeping nothing on disk.

Covers: nervesys.workspace.snapshots.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nervesys.errors import NervesysError
from nervesys.workspace import SnapshotKind, Workspace
from nervesys.workspace.history import Event
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
    assert workspace.snapshot_changes("nothing") is None
    workspace.files.write("a", "one")
    made = workspace.snapshot_changes("write_tests")
    assert made is not None
    assert (made.kind, made.label, list(made.files)) == (SnapshotKind.TASK, "write_tests", ["a"])
    assert workspace.snapshot_changes("nothing") is None
    assert workspace.milestone("first release").kind is SnapshotKind.MILESTONE
    assert [(event["type"], event["payload"].get("label")) for event in workspace.history.replay()] == [
        ("file.written", None),
        ("milestone", "first release"),
    ]


def test_the_history_has_each_version_of_a_file_and_gives_the_files_back(workspace: Workspace) -> None:
    workspace.files.write("docs/plan", "one")
    workspace.files.write("docs/plan", "two")
    workspace.files.write("gone", "x")
    workspace.files.delete("gone")
    workspace.files.write("docs/plan", "two")

    def apply(files: dict[str, str], event: Event) -> dict[str, str]:
        payload = event["payload"]
        if event["type"] == "file.written":
            return files | {payload["path"]: payload["hash"]}
        return {path: hash_ for path, hash_ in files.items() if path != payload["path"]}

    none: dict[str, str] = {}
    rebuilt = workspace.history.rebuild(apply, none)
    assert rebuilt == {version.path: version.hash for version in workspace.files.list()}
    assert [event["type"] for event in workspace.history.replay()] == ["file.written"] * 3 + ["file.deleted"]


def test_a_project_folder_that_exists_is_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "apollo/files"
    (folder / "src").mkdir(parents=True)
    (folder / "src/main.py").write_text("print()")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "bad\x07name").write_text("x")
    with Workspace(tmp_path, "apollo", "grok") as workspace:
        (version,) = workspace.files.list()
        assert (version.path, version.author, workspace.files.read("src/main.py")) == (
            "src/main.py",
            "grok",
            b"print()",
        )
    (folder / "src/main.py").write_text("edited")
    with Workspace(tmp_path, "apollo", "grok") as workspace:
        assert [workspace.files.read("src/main.py", old.id) for old in workspace.files.history("src/main.py")] == [
            b"print()",
            b"edited",
        ]
    with Workspace(tmp_path, "apollo", "grok") as workspace:
        assert len(workspace.files.history("src/main.py")) == 2, "what did not change is no version"


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


def test_snapshots_that_were_made_by_themselves_expire_and_no_others(tmp_path: Path) -> None:
    now = [1_790_000_000.0]
    with Workspace(tmp_path, "apollo", "grok", lambda: now[0]) as workspace:
        milestone, asked = workspace.milestone("begun"), workspace.snapshot("mine")
        tasks = []
        for number in range(5):
            now[0] += 86_400
            workspace.files.write("plan.md", str(number))
            tasks.append(workspace.snapshot_changes("task"))
        assert workspace.expire_snapshots(None, 3) == 2
        kept = [milestone.id, asked.id, *(made.id for made in tasks[2:] if made)]
        assert workspace.snapshots.ids() == kept
        now[0] += 90 * 86_400
        assert workspace.expire_snapshots(30, None) == 2
        assert workspace.snapshots.ids() == [milestone.id, asked.id, kept[-1]], "the newest stays"
        assert workspace.expire_snapshots(30, 1) == 0
