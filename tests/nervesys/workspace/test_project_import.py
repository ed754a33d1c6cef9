"""A project folder of another program: its numbered versions and snapshots are imported, once, with their own times.

Covers: nervesys.workspace.numbered_files.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nervesys.workspace import Workspace, project_import

PLAN, OTHER = "# Plan\n", "# Plan, changed\n"
HASH = hashlib.sha256(PLAN.encode()).hexdigest()
Record = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("versions", "snapshots", "files"):
        (tmp_path / "apollo" / name).mkdir(parents=True)
    return tmp_path / "apollo"


def put(folder: Path, name: str, record: object) -> Path:
    file = folder / name
    file.write_text(record if isinstance(record, str) else json.dumps(record))
    return file


def opened(folder: Path) -> Workspace:
    return Workspace(folder.parent, "apollo", "grok")


def version(number: int, content: str, **more: Any) -> Record:
    return {"version": number, "timestamp": 1767225600 + number, "path": "plan.md", "content": content, **more}


def test_versions_and_a_snapshot_are_imported_with_their_times(folder: Path) -> None:
    originals = [
        put(folder, "versions/ver-001.json", version(1, PLAN, author="researcher")),
        put(folder, "versions/ver-002.json", version(2, OTHER, timestamp="2026-01-01T00:01:00Z")),
        put(
            folder,
            "snapshots/snap-001.json",
            {"id": "snap-001", "timestamp": 1767225603000, "files": {"plan.md": PLAN}},
        ),
    ]
    before = [file.read_bytes() for file in originals]
    (folder / "files/plan.md").write_text("# Plan, today\n")
    with opened(folder) as workspace:
        first, second, today = [
            workspace.files.read("plan.md", item.id).decode() for item in workspace.files.history("plan.md")
        ]
        assert (first, second, today) == (PLAN, OTHER, "# Plan, today\n")
        kept = workspace.files.history("plan.md")
        assert [(item.timestamp, item.author) for item in kept[:2]] == [
            ("2026-01-01T00:00:01.000Z", "researcher"),
            ("2026-01-01T00:01:00.000Z", "grok"),
        ]
        snapshot = workspace.snapshots.list()[0]
        assert (snapshot.label, snapshot.timestamp) == ("snap-001", "2026-01-01T00:00:03.000Z")
        assert snapshot.files == {"plan.md": kept[0]}
        assert workspace.snapshot_changes("work") is not None
        workspace.restore(snapshot.id)
        assert (folder / "files/plan.md").read_text() == PLAN
    assert [file.read_bytes() for file in originals] == before


def test_the_import_happens_once_and_takes_what_is_new(folder: Path) -> None:
    put(folder, "versions/ver-001.json", version(1, PLAN))
    put(folder, "snapshots/snap-001.json", {"timestamp": 1767225605, "files": {"plan.md": "ver-001"}})
    with opened(folder) as workspace:
        workspace.files.write("plan.md", "# Mine\n")
    put(folder, "versions/ver-002.json", version(9, OTHER))
    (folder / "files/new.md").write_text("new")
    for _ in range(2):
        with opened(folder) as workspace:
            contents = [workspace.files.read("plan.md", item.id) for item in workspace.files.history("plan.md")]
            assert contents == [PLAN.encode(), b"# Mine\n", OTHER.encode(), b"# Mine\n"]
            assert (folder / "files/plan.md").read_text() == "# Mine\n"
            assert len(workspace.snapshots.list()) == 1
    (folder / project_import.IMPORTED).unlink()  # as after a kill between the import and its note
    with opened(folder) as workspace:
        assert len(workspace.files.history("plan.md")) == 4
        assert len(workspace.snapshots.list()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "a.bin", "content_base64": base64.b64encode(b"\x00\xff").decode()},
        {"file": "files/a.bin", "checksum": "sha256:" + hashlib.sha256(b"\x00\xff").hexdigest()},
        {"files": [{"path": "a.bin", "hash": hashlib.sha256(b"\x00\xff").hexdigest().upper()}]},
    ],
)
def test_contents_are_text_or_base64_or_lie_beside(folder: Path, fields: Record) -> None:
    (folder / "files/a.bin").write_bytes(b"\x00\xff")
    put(folder, "versions/ver-1.json", {"id": "ver-1", "timestamp": 1767225600.5, **fields})
    with opened(folder) as workspace:
        (only,) = workspace.files.history("a.bin")
        assert workspace.files.read("a.bin") == b"\x00\xff"
        assert only.timestamp == "2026-01-01T00:00:00.500Z"


def test_a_content_of_a_hash_may_be_that_of_a_version_and_a_missing_plain_file_is_written(folder: Path) -> None:
    put(folder, "versions/ver-001.json", version(1, PLAN))
    put(folder, "snapshots/snap-001.json", {"label": "release", "timestamp": 1767225605, "files": {"plan.md": HASH}})
    with opened(folder) as workspace:
        assert workspace.snapshots.list()[0].label == "release"
        assert (folder / "files/plan.md").read_text() == PLAN
        assert [event["type"] for event in workspace.history.replay()] == ["file.written"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("{", "unexpected end"),
        ([], "no JSON object"),
        ({"path": "a", "content": "x"}, "no `timestamp`"),
        ({"path": "a", "content": "x", "timestamp": "yesterday"}, "instant"),
        ({"path": "../a", "content": "x", "timestamp": 1}, "`..`"),
        ({"timestamp": 1, "content": "x"}, "no `path`"),
        ({"path": "a", "timestamp": 1}, "a: no `content`"),
        ({"path": "a", "timestamp": 1, "content": {}}, "is no text"),
        ({"path": "a", "timestamp": 1, "content_base64": "?"}, "`content_base64`"),
        ({"path": "a", "timestamp": 1, "content": "x", "hash": HASH}, "does not match"),
        ({"path": "a", "timestamp": 1, "hash": HASH}, "no content with the hash"),
    ],
)
def test_what_cannot_be_read_costs_itself_alone_and_is_logged_with_its_reason(
    folder: Path, caplog: pytest.LogCaptureFixture, record: object, reason: str
) -> None:
    put(folder, "versions/ver-001.json", record)
    put(folder, "versions/ver-002.json", version(2, PLAN))
    with opened(folder) as workspace:
        assert [file.path for file in workspace.files.list()] == ["plan.md"]
    (message,) = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
    assert "ver-001.json" in message
    assert reason in message


def test_a_snapshot_with_a_file_that_cannot_be_read_is_left_alone(folder: Path) -> None:
    put(folder, "snapshots/snap-001.json", {"timestamp": 1767225605, "files": {"plan.md": PLAN, "lost": "f" * 64}})
    with opened(folder) as workspace:
        assert workspace.snapshots.list() == []


def test_sizes_and_log_lines_are_bounded(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: dict[str, Callable[[], None]] = {
        "at most 1 files": lambda: monkeypatch.setattr(project_import, "MOST_FILES", 1),
        "more than 0 MB": lambda: monkeypatch.setattr("nervesys.workspace.numbered_files.FILE_BYTES", 20),
    }
    monkeypatch.setattr(project_import, "LOGGED", 2)
    for number in range(1, 6):
        put(folder, f"versions/ver-00{number}.json", version(number, f"{number}"))
    for reason, set_limit in limits.items():
        caplog.clear()
        set_limit()
        with opened(folder):
            pass
        warnings = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
        assert len(warnings) == 3
        assert reason in warnings[0] or reason in warnings[1]


def test_a_path_that_was_a_file_and_a_folder_does_not_keep_the_project_closed(folder: Path) -> None:
    put(folder, "versions/ver-001.json", version(1, PLAN, path="a"))
    put(folder, "versions/ver-002.json", version(2, PLAN, path="a/b"))
    for _ in range(2):
        with opened(folder) as workspace:
            assert workspace.files.read("a/b") == workspace.files.read("a") == PLAN.encode()
