"""The generated history of the demo."""

import gzip
import json
from collections import Counter
from pathlib import Path

from nervesys.agent.demo_history import DAYS, DemoHistory
from nervesys.contract import DailySummary, LogRecord
from nervesys.settings import FolderTree, load, shipped_root
from nervesys.stores.brain import GitBrain
from nervesys.stores.folder import FolderArchive
from tests.brains import NOON, read, write

LOADED = load()
HISTORY = DemoHistory(LOADED.settings, list(LOADED.agents.values()), "host-1", NOON)


def test_the_archive_has_every_day_up_to_yesterday(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    assert not HISTORY.is_written(archive)
    HISTORY.write_archive(archive, FolderTree(shipped_root()))
    assert HISTORY.is_written(archive)
    logs = sorted(path.name for path in tmp_path.glob("Archive/logs/*/*/*.json.gz"))
    assert logs[0] == "host-1_2025-10-03_activity.json.gz"
    assert logs[-1] == "host-1_2025-12-31_system.json.gz"
    assert len(logs) == 4 * DAYS
    assert (tmp_path / "Backups/full_backup_2025-12-31.tar.gz").is_file()
    lines = gzip.decompress((tmp_path / "Archive/logs/2025/12/host-1_2025-12-20_activity.json.gz").read_bytes())
    records = [LogRecord.parse(line) for line in lines.splitlines()]
    assert Counter(record.agent_id for record in records).keys() == LOADED.agents.keys()
    assert {record.category for record in records} == {"activity"}


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "Archive/logs/2025/12/host-1_2025-12-20_activity.json.gz"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"real")
    HISTORY.write_archive(FolderArchive(tmp_path), FolderTree(shipped_root()))
    assert there.read_bytes() == b"real"


def test_an_archive_with_a_backup_has_history_already(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    archive.put("Archive/logs/2025/12/host-1_2025-12-20_activity.json.gz", b"interrupted")
    assert not HISTORY.is_written(archive)
    archive.put("Backups/full_backup_2025-06-01.tar.gz", b"real")
    assert HISTORY.is_written(archive)


def test_what_is_past_its_retention_is_removed_and_nothing_else(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    HISTORY.write_archive(archive, FolderTree(shipped_root()))
    archive.put("Archive/logs/notes.txt", b"mine")
    HISTORY.remove_overdue(archive)
    days = [len(list(tmp_path.glob(f"Archive/logs/*/*/*_{name}.json.gz"))) for name in ("activity", "errors")]
    assert (days, (tmp_path / "Archive/logs/notes.txt").is_file()) == ([30, DAYS], True)


def test_the_brain_holds_a_summary_of_each_day(tmp_path: Path) -> None:
    write(tmp_path / "brain.git", {"x": b""})
    brain = GitBrain(str(tmp_path / "brain.git"), tmp_path / "mirror", timeout_seconds=30)
    for _ in range(2):
        HISTORY.push_summaries(brain)
    assert len(list(brain.log("state"))) == 1
    day = DailySummary.parse(read(tmp_path / "brain.git", "metrics/daily/2025-12-31.json"))
    assert (day.date, day.agents) == ("2025-12-31", 5)
    assert json.loads(read(tmp_path / "brain.git", "metrics/daily/2025-12-25.json"))["tasks"]["failed"] > 0
