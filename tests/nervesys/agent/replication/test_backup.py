"""The backup of the configuration."""

import io
import tarfile
from pathlib import Path

from nervesys.agent.replication.backup import Backup, pack_configuration
from nervesys.contract import PathTemplate
from nervesys.settings import FolderTree, shipped_root
from tests.brains import NOON
from tests.stores import FolderStore

TREE = FolderTree(shipped_root())
DAY = 86_400


def test_it_holds_the_configuration_and_is_the_same_for_the_same_files() -> None:
    body = pack_configuration(TREE)
    assert body == pack_configuration(TREE)
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        member = tar.extractfile("config/agents/grok.yaml")
        assert member is not None
        assert member.read() == TREE.read("config/agents/grok.yaml")


def test_each_day_has_a_backup(tmp_path: Path) -> None:
    now = float(NOON)
    backup = Backup(FolderStore(tmp_path), PathTemplate("daily/{date}.tar.gz"), TREE, lambda: now)
    for _ in range(2):
        backup.keep()
        backup.keep()
        now += DAY
    assert sorted(path.name for path in tmp_path.rglob("*.gz")) == ["2026-01-01.tar.gz", "2026-01-02.tar.gz"]


def test_an_existing_backup_is_not_overwritten(tmp_path: Path) -> None:
    there = tmp_path / "daily/2026-01-01.tar.gz"
    there.parent.mkdir()
    there.write_bytes(b"another agent's")
    Backup(FolderStore(tmp_path), PathTemplate("daily/{date}.tar.gz"), TREE, lambda: NOON).keep()
    assert there.read_bytes() == b"another agent's"
