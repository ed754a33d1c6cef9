"""The generated history of the demo."""

import gzip
import json
from collections import Counter
from pathlib import Path

from nervesys.agent.demo_history import DemoHistory
from nervesys.contract import DailySummary, LogRecord
from nervesys.settings import FolderTree, load, shipped_root
from nervesys.stores.brain import GitBrain
from nervesys.stores.folder import FolderArchive
from tests.brains import NOON, read, write

LOADED = load()
PAST = DemoHistory(LOADED.settings, list(LOADED.agents.values()), "host-1", NOON)


def test_the_archive_holds_what_the_store_no_longer_does(tmp_path: Path) -> None:
    archive = FolderArchive(tmp_path)
    PAST.write_archive(archive, FolderTree(shipped_root()))
    logs = sorted(path.name for path in tmp_path.glob("Archive/logs/*/*/*.json.gz"))
    assert logs[0] == "host-1_2025-12-19_activity.json.gz"
    assert logs[-1] == "host-1_2025-12-25_system.json.gz"
    assert (tmp_path / "Backups/full_backup_2025-12-31.tar.gz").is_file()
    lines = gzip.decompress((tmp_path / "Archive/logs/2025/12/host-1_2025-12-20_activity.json.gz").read_bytes())
    records = [LogRecord.parse(line) for line in lines.splitlines()]
    assert Counter(record.agent_id for record in records).keys() == LOADED.agents.keys()
    assert {record.category for record in records} == {"activity"}


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "Archive/logs/2025/12/host-1_2025-12-20_activity.json.gz"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"real")
    PAST.write_archive(FolderArchive(tmp_path), FolderTree(shipped_root()))
    assert there.read_bytes() == b"real"


def test_the_brain_holds_a_summary_of_each_day(tmp_path: Path) -> None:
    write(tmp_path / "brain.git", {"x": b""})
    brain = GitBrain(str(tmp_path / "brain.git"), tmp_path / "mirror", timeout_seconds=30)
    for _ in range(2):
        PAST.push_summaries(brain)
    assert len(list(brain.log("state"))) == 1
    day = DailySummary.parse(read(tmp_path / "brain.git", "metrics/daily/2025-12-31.json"))
    assert (day.date, day.agents) == ("2025-12-31", 5)
    assert json.loads(read(tmp_path / "brain.git", "metrics/daily/2025-12-25.json"))["tasks"]["failed"] > 0
