"""`scripts/bootstrap.sh`, run as a user would; what is installed already stands in for an install from a registry."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brains import write
from tests.deploy.site import ROOT

SCRIPT = ROOT / "scripts/bootstrap.sh"
UNIT = ROOT / "scripts/nervesys-agent@.service"
PROGRAM = '#!/bin/sh\nexec {python} -m nervesys "$@"\n'


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A `nervesys` that is installed already."""
    path = tmp_path / "nervesys"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return path


def bootstrap(tmp_path: Path, program: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "NERVESYS_ROOT": str(tmp_path / "root"), "NERVESYS_BIN": str(program)}
    return subprocess.run(["sh", str(SCRIPT), *argv], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60)


def a_brain(tmp_path: Path, agent: bytes = b"agent: {name: grok}") -> str:
    write(tmp_path / "brain.git", {"config/agents/grok.yaml": agent})
    return f"file://{tmp_path}/brain.git"


def test_the_brain_s_url_is_enough_and_a_second_run_keeps_what_was_filled_in(tmp_path: Path, program: Path) -> None:
    brain = a_brain(tmp_path)
    ran = bootstrap(tmp_path, program, brain)
    assert ran.returncode == 0, ran.stderr
    assert "nervesys-agent@NAME" in ran.stdout or "agent run NAME" in ran.stdout
    env = tmp_path / "root/agent.env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    names = ("STORJ_ENDPOINT", "STORJ_BUCKET", "STORJ_ACCESS_KEY", "STORJ_SECRET_KEY", "GITHUB_TOKEN")
    lines = env.read_text().splitlines()
    assert [line for line in lines if "=" in line] == [
        f"NERVESYS_BRAIN={brain}",
        f"NERVESYS_HOME={tmp_path}/root/home",
        *(f"{name}=" for name in names),
    ]
    env.write_text("STORJ_ACCESS_KEY=mine\n")
    again = bootstrap(tmp_path, program, brain)
    assert "keeping" in again.stdout
    assert env.read_text() == "STORJ_ACCESS_KEY=mine\n"


def test_a_brain_that_is_wrong_or_unreachable_is_reported_and_leaves_no_keys_file(
    tmp_path: Path, program: Path
) -> None:
    wrong = bootstrap(tmp_path, program, a_brain(tmp_path, b"agent: {name: grok, buffer: {max_size_mb: lots}}"))
    assert wrong.returncode == 1
    assert "config/agents/grok.yaml:1" in wrong.stderr
    away = bootstrap(tmp_path, program, f"file://{tmp_path}/nowhere.git")
    assert away.returncode == 1
    assert "nowhere.git" in away.stderr
    assert not (tmp_path / "root/agent.env").exists()


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        ((), 2, "Usage: sh bootstrap.sh BRAIN"),
        (("a", "b"), 2, "Usage"),
        (("https://me:secret@example.org/brain",), 2, "the URL holds a password"),
        (("https://ghp_secret@example.org/brain",), 2, "the URL holds a password or a token"),
        (("--help",), 0, "Usage"),
    ],
)
def test_wrong_use_prints_the_usage(
    tmp_path: Path, program: Path, argv: tuple[str, ...], code: int, message: str
) -> None:
    ran = bootstrap(tmp_path, program, *argv)
    assert ran.returncode == code
    assert message in ran.stdout + ran.stderr
    assert "secret" not in ran.stdout + ran.stderr


def test_a_program_that_cannot_be_run_is_reported(tmp_path: Path) -> None:
    assert "cannot be run" in bootstrap(tmp_path, tmp_path / "nothing", "x").stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "nervesys-agent@grok.service"
    unit.write_text(UNIT.read_text().replace("/opt/nervesys/venv/bin/nervesys", "/bin/true"))
    ran = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert "Unknown" not in ran.stderr


def test_the_unit_leaves_healing_to_the_receiver_and_can_write_to_its_home_alone() -> None:
    lines = UNIT.read_text().splitlines()
    assert {"Restart=no", "ProtectSystem=strict", "ReadWritePaths=/opt/nervesys/home", "User=nervesys"} <= set(lines)
