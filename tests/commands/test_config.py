"""`nervesys config check`."""

from pathlib import Path

import pytest

from nervesys.settings import shipped_root
from tests.commands.conftest import Run

EXISTING = str(Path(__file__).parent.parent / "nervesys/settings/brains/existing")


def test_every_value_is_shown_with_its_origin_and_nothing_is_cut(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORJ_SECRET_KEY", "hunter2")
    monkeypatch.setenv("NERVESYS_PROFILE", "local")
    ran = run("config", "check", "--archive", "file:///cold")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert ran.code == 0
    assert "storj.endpoint https://gateway.storjshare.io # shipped config/storage.yaml:4" in lines
    assert "storj.secret_key ********** # environment STORJ_SECRET_KEY" in lines
    assert "archive.url file:///cold # flag NERVESYS_ARCHIVE" in lines
    assert "heartbeat.interval_seconds 5 # config/profiles/local.yaml:7" in lines
    shipped = (shipped_root() / "config/storage.yaml").read_text().splitlines()
    assert f"retention.documents null # shipped config/storage.yaml:{shipped.index('  documents: null') + 1}" in lines
    assert lines[-1] == "The configuration is valid: 5 agents, 0 warnings."
    assert "hunter2" not in ran.out + ran.err
    assert "…" not in ran.out


def test_settings_shared_by_all_agents_are_printed_once(run: Run) -> None:
    out = run("config", "check", "--brain", EXISTING).out
    assert out.count("flush_on_size_mb") == 1
    assert "agent grok\n" in out


def test_warnings_name_file_and_line(run: Run) -> None:
    ran = run("config", "check", "--quiet", "--brain", EXISTING)
    assert (ran.code, ran.err) == (0, "")
    assert "warning config/storage.yaml:26: google_drive.folders.archive: unknown key, ignored\n" in ran.out
    assert "storj.bucket" not in ran.out


def test_all_errors_are_reported_at_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/grafana.yaml").write_text("urll: hunter2\nrefresh_seconds: [hunter2]\n")
    monkeypatch.setenv("STORJ_SECRET_KEY", "hunter2")
    monkeypatch.setenv("STORJ_SECRET_KEY_FILE", "/hunter2")
    ran = run("config", "check", "--brain", str(tmp_path))
    assert ran.code == 2
    assert ran.err.splitlines() == [
        "The configuration is invalid (3 errors):",
        "  STORJ_SECRET_KEY: STORJ_SECRET_KEY and STORJ_SECRET_KEY_FILE are both set; keep one",
        "  config/grafana.yaml:2: grafana.refresh_seconds: must be a whole number",
        "  config/grafana.yaml:1: grafana.urll: unknown key; did you mean 'url'?",
    ]


def test_a_secret_in_the_list_of_secrets_is_rejected_and_not_printed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/secrets.yaml").write_text("secrets:\n  GITHUB_TOKEN: 2026-01-31\n  'ghp 1': hunter2\n")
    ran = run("config", "check", "--brain", str(tmp_path))
    assert ran.code == 2
    assert "config/secrets.yaml:3: secrets: a date (YYYY-MM-DD) belongs here, and never a value" in ran.err
    assert "hunter2" not in ran.out + ran.err
    assert "ghp 1" not in ran.out + ran.err
