"""`nervesys sync` and `scripts/sync.sh`: the configuration is checked, and newer status is pushed."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from commands import sync
from nervesys.contract import AgentState
from tests.brains import read, write
from tests.commands.conftest import Run
from tests.stores import FolderStore

ROOT = Path(__file__).parents[2]
STATUS = "state/grok_last_status.json"


def state(at: str) -> bytes:
    fields = {"agent_id": "grok", "server": "host-1", "instance_id": "7", "timestamp": at, "status": "running"}
    return json.dumps(fields).encode()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A brain with one agent, whose state lies in the store."""
    repository = tmp_path / "brain.git"
    agents = {f"config/agents/{name}.yaml": f"agent: {{name: {name}}}".encode() for name in ("grok", "idle")}
    write(repository, agents)
    (tmp_path / "bucket").mkdir()
    store = FolderStore(tmp_path / "bucket")
    store.put("db/agents/grok_state.json", state("2026-01-02T00:00:00Z"))
    monkeypatch.setattr(sync, "open_store", lambda _: store)
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NERVESYS_BRAIN", f"file://{repository}")
    return repository


def test_the_status_of_agents_is_pushed_once(repository: Path, run: Run) -> None:
    planned = run("sync", "--dry-run")
    assert planned.code == 0, planned.err
    assert f"To push: {STATUS}" in planned.out
    assert "2 agents, no errors" in planned.out
    with pytest.raises(KeyError):
        read(repository, STATUS)
    assert f"Push: {STATUS}" in run("sync").out
    assert AgentState.parse(read(repository, STATUS)).status == "running"
    assert "Nothing to push" in run("sync").out


def test_a_newer_status_in_the_brain_stays(repository: Path, run: Run) -> None:
    newer = state("2026-01-03T00:00:00Z")
    write(repository, {STATUS: newer}, branch="state")
    assert "Nothing to push" in run("sync").out
    assert read(repository, STATUS) == newer


def test_dashboards_are_pushed_if_asked(repository: Path, run: Run) -> None:
    assert "Push: dashboards/main-overview.json" in run("sync", "--no-push", "--dashboards").out
    assert json.loads(read(repository, "dashboards/main-overview.json"))["uid"] == "main-overview"
    assert "Nothing to push" in run("sync", "--no-push", "--dashboards").out


def test_a_wrong_configuration_is_reported_and_nothing_is_pushed(repository: Path, run: Run) -> None:
    write(repository, {"config/agents/grok.yaml": b"agent: {name: grok, buffer: {max_size_mb: lots}}"})
    result = run("sync")
    assert result.code == 2
    assert "config/agents/grok.yaml:1" in result.err


def test_a_plain_folder_takes_no_status(repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NERVESYS_BRAIN", str(folder := repository.parent / "folder"))
    (folder / "config/agents").mkdir(parents=True)
    (folder / "config/agents/grok.yaml").write_text("agent: {name: grok}")
    result = run("sync")
    assert result.code == 1
    assert "plain folder" in result.err


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    """Runs the script with a program that prints its arguments and its brain."""
    program = tmp_path / "nervesys"
    program.write_text('#!/bin/sh\necho "$@" "$NERVESYS_BRAIN" "${STORJ_BUCKET-unset}"\n')
    program.chmod(0o755)
    root = tmp_path / "root"
    root.mkdir()
    (root / "agent.env").write_text("# keys\nNERVESYS_BRAIN=file:///a b\nSTORJ_BUCKET=\n$(touch x)=1\n")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("NERVESYS_", "STORJ_"))}
    os_environ = {**own, "NERVESYS_ROOT": str(root), "NERVESYS_BIN": str(program)}
    values = (f"{name}={value}" for name, value in os_environ.items())
    return ["env", "-i", *values, "sh", str(ROOT / "scripts/sync.sh")]


def test_the_script_runs_the_command_with_the_keys_of_the_machine(script: list[str], tmp_path: Path) -> None:
    ran = subprocess.run([*script, "--dry-run"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "sync --dry-run file:///a b unset\n"), ran.stderr
    assert not (tmp_path / "x").exists()
    script.insert(-2, "NERVESYS_BRAIN=mine")
    ran = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.stdout == "sync mine unset\n", "what the caller sets wins"


def test_the_script_has_help_and_says_what_is_missing(script: list[str], tmp_path: Path) -> None:
    ran = subprocess.run([*script, "--help"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0
    assert "Usage: sh sync.sh" in ran.stdout
    script.insert(-2, f"NERVESYS_BIN={tmp_path / 'nothing'}")
    ran = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert (ran.returncode, "cannot be run" in ran.stderr) == (2, True)
