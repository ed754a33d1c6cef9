"""`nervesys round`, against a real S3 server and a folder."""

import gzip
from pathlib import Path

import pytest

from nervesys.clock import system_clock
from nervesys.contract.paths import time_fields
from nervesys.stores.s3 import S3Store
from tests.commands.conftest import Run
from tests.servers.fixtures import rclone_endpoint
from tests.servers.s3 import ACCESS_KEY, SECRET_KEY, settings_of

__all__ = ["rclone_endpoint"]

DAY = time_fields(system_clock() - 10 * 86_400)["date"]
KEY = f"db/active_logs/host-1/{DAY}/120000_grok_00000001.jsonl.gz"
OLD_METRICS = f"db/metrics/host-1/{DAY}/12/0000_grok.json"
OLD_BACKUP = "Backups/full_backup_2020-01-01.tar.gz"


def test_a_dry_run_prints_what_the_round_then_does(
    run: Run, rclone_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"ENDPOINT": rclone_endpoint, "ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET_KEY}
    for name, value in environ.items():
        monkeypatch.setenv(f"STORJ_{name}", value)
    store = S3Store(settings_of(rclone_endpoint))
    store.put(KEY, gzip.compress(b'{"category": "audit"}\n'))
    store.put(OLD_METRICS, b"{}")
    (tmp_path / "Backups").mkdir()
    (tmp_path / OLD_BACKUP).touch()
    (tmp_path / "brain/config").mkdir(parents=True)
    (tmp_path / "brain/config/reports.yaml").write_text("by_round: false\n")
    argv = ("round", "--home", str(tmp_path), "--archive", tmp_path.as_uri(), "--brain", str(tmp_path / "brain"))

    output = run(*argv, "--dry-run").out
    assert f"to archive: host-1 {DAY}, 1 object," in output
    assert "to delete: 1 object of metrics, kept 7 days" in output
    assert f"to delete: {OLD_BACKUP} in the archive" in output
    assert "Dry run: nothing was changed." in output
    assert [info.key for info in store.list("db/").objects] == [KEY, OLD_METRICS]
    assert (tmp_path / OLD_BACKUP).exists()

    assert f"archived host-1 {DAY} (1 of 1)" in run(*argv).out
    left = [info.key for info in store.list("db/").objects]
    assert len(left) == 1, "the audit record of the backup"
    assert "_nervesys-cli_" in left[0]
    assert not (tmp_path / OLD_BACKUP).exists()
    assert len(list(tmp_path.rglob(f"host-1_{DAY}_*.json.gz"))) == 1

    assert "Nothing is due." in run(*argv).out

    store.put(KEY, b"no gzip")
    ran = run(*argv)
    assert (ran.code, ran.err.count("is damaged: archived as it is")) == (1, 1)
    assert KEY not in {info.key for info in store.list("db/").objects}


def test_reports_that_cannot_be_made_hold_up_nothing_else(
    run: Run, rclone_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ENDPOINT": rclone_endpoint, "ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET_KEY}.items():
        monkeypatch.setenv(f"STORJ_{name}", value)
    S3Store(settings_of(rclone_endpoint)).put(KEY, gzip.compress(b'{"category": "audit"}\n'))
    (tmp_path / "brain/config").mkdir(parents=True)
    (tmp_path / "brain/config/monitoring.yaml").write_text("prometheus: {url: 'http://127.0.0.1:9'}\n")
    ran = run("round", "--home", str(tmp_path), "--archive", tmp_path.as_uri(), "--brain", str(tmp_path / "brain"))
    assert f"archived host-1 {DAY} (1 of 1)" in ran.out
    assert ran.code == 1
    assert "reports are still due: query Prometheus at http://127.0.0.1:9: cannot connect" in ran.err
    assert "by_round: false" in ran.err
