"""`nervesys drill restore`, on a backup that `nervesys round` made of a real S3 server."""

from pathlib import Path

import pytest

from nervesys.stores.s3 import S3Store
from tests.brains import read, write
from tests.commands.conftest import Run
from tests.servers.fixtures import rclone_endpoint
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, settings_of

__all__ = ["rclone_endpoint"]


def test_what_the_round_backed_up_comes_back_and_is_recorded(
    run: Run, rclone_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ENDPOINT": rclone_endpoint, "ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET_KEY}.items():
        monkeypatch.setenv(f"STORJ_{name}", value)
    S3Store(settings_of(rclone_endpoint)).put("databases/grok/notes.txt", b"kept")
    brain, folder = tmp_path / "brain.git", tmp_path / "restored"
    write(brain, {"config/agents/grok.yaml": b"agent: {role: research}\n", "config/reports.yaml": b"by_round: false\n"})
    (tmp_path / "archive").mkdir()
    where = ("--home", str(tmp_path), "--brain", str(brain), "--archive", (tmp_path / "archive").as_uri())

    ran = run("drill", "restore", *where)
    assert (ran.code, "no full backup; make one: nervesys round" in ran.err) == (1, True)
    assert b'"succeeded":false' in read(brain, "state/restore_drill.json")

    assert run("round", *where).code == 0
    ran = run("drill", "restore", str(folder), *where)
    assert (ran.code, ran.err) == (0, "")
    assert "restored and verified" in ran.out
    assert (folder / "store/databases/grok/notes.txt").read_bytes() == b"kept"
    assert b'"succeeded":true' in read(brain, "state/restore_drill.json")

    ran = run("drill", "restore", str(folder), *where)
    assert (ran.code, "it is not empty" in ran.err) == (1, True)
    assert b'"succeeded":true' in read(brain, "state/restore_drill.json"), "nothing was tried, nothing is recorded"

    shown = run("exporter", "hygiene", "--once", *where[:4]).out
    assert "nervesys_restore_drill_success 1\n" in shown


def test_a_brain_that_nobody_writes_to_takes_no_record(run: Run, tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    ran = run("drill", "restore", "--home", str(tmp_path), "--archive", (tmp_path / "archive").as_uri())
    assert (ran.code, "not recorded: the brain is a plain folder" in ran.out) == (1, True)
