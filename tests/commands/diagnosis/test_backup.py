"""Findings about the newest full backup."""

import pytest

from commands.diagnosis.backup import judge_backup
from nervesys.agent.backup.collect import LEFT_OUT, NOT_HERE
from nervesys.agent.backup.manifest import BackupManifest, PartSize
from nervesys.agent.backup.retention import BackupState
from tests.brains import NOON

PATH = "Backups/full_backup_2026-01-01.tar.gz"
WHOLE = BackupManifest(PATH, NOON, "host-1", {"brain": PartSize(1, 10)}, {"metrics": LEFT_OUT})
LACKING = BackupManifest(PATH, NOON, "host-1", {}, {"journal": NOT_HERE})


@pytest.mark.parametrize(
    ("state", "days", "level", "text"),
    [
        (BackupState(), 0, "WARN", "there is no full backup yet"),
        (BackupState(PATH, "2026-01-01", WHOLE), 0, "OK", "is whole: 1 file, 10 bytes, made by host-1"),
        (BackupState(PATH, "2026-01-01", WHOLE), 3, "FAIL", "is 3 days old"),
        (BackupState(PATH, "2026-01-01", WHOLE), -1, "OK", "is whole"),
        (BackupState(PATH, "2026-01-01", WHOLE), -3, "FAIL", "is dated in the future"),
        (
            BackupState(PATH, "2026-01-01", WHOLE, ["x is missing", "y"]),
            0,
            "FAIL",
            "not whole: x is missing; and 1 more",
        ),
        (BackupState(PATH, "2026-01-01", None, ["it has no manifest"]), 0, "FAIL", "it has no manifest"),
        (BackupState(PATH, "2026-01-01", LACKING), 0, "WARN", "lacks journal; not on this host"),
    ],
)
def test_an_old_or_incomplete_backup_is_named(state: BackupState, days: int, level: str, text: str) -> None:
    findings = list(judge_backup(state, NOON + days * 86_400))
    assert (findings[0].level.value, text in findings[0].what) == (level, True), findings
