"""The commands about the local stack, where none runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commands import plan
from commands.generated import write
from commands.options import stack_environment
from commands.typed import program
from nervesys.settings import StartupSettings
from nervesys.stack.layout import FILE
from tests.commands.conftest import Run
from tests.conftest import PROGRAMS


@pytest.fixture
def ended(tmp_path: Path, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a stack that ran once."""
    program("prometheus")
    monkeypatch.setattr("nervesys.stack.ports.check", lambda _: None)  # a stack may run on this machine
    (tmp_path / "programs").symlink_to(PROGRAMS)
    planned = plan.make(StartupSettings(tmp_path), None, {"PATH": "/usr/bin:/bin"}, clock=lambda: 1.0, demo=True)
    write(tmp_path, {FILE: planned.files[FILE]}, check=False)
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "")
    return tmp_path


def test_a_generated_file_that_is_no_text_is_written_again(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")
    assert write(tmp_path, {"a.yaml": "é\n"}, check=False) == [tmp_path / "a.yaml"]
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == "é\n"
    assert write(tmp_path, {"a.yaml": "é\n"}, check=False) == []


@pytest.mark.parametrize("words", [("demo", "kill", "grok"), ("demo", "heal")])
def test_the_demo_needs_a_running_stack(run: Run, ended: Path, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert ran.code == 1
    assert ran.err == f"Failed: query the stack of {ended}: it is not running; type: {program()} up\n"


def test_status_of_a_stopped_stack_queries_nothing_else(run: Run, ended: Path) -> None:
    ran = run("status")
    assert ran.code == 1
    assert f"! query the stack of {ended}: it is not running; type: {program()} up\n" in ran.out
    assert "Unavailable" not in ran.out
    assert "17010/actions:" not in ran.out


def test_down_where_nothing_runs_is_no_failure(run: Run, tmp_path: Path) -> None:
    ran = run("down", "--home", str(tmp_path / "empty"))
    assert (ran.code, ran.out) == (0, "Nothing was running.\n")


def test_up_needs_a_brain_for_a_fleet_of_ones_own(run: Run, tmp_path: Path) -> None:
    ran = run("up", "--no-demo", "--home", str(tmp_path))
    assert ran.code == 2
    assert "--no-demo needs a brain" in ran.err


def test_the_stack_of_a_home_is_found_unless_a_brain_is_named(ended: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stack_environment(None, None)
    assert found["NERVESYS_BRAIN"] == f"{ended}/brain.git"
    assert found["STORJ_ENDPOINT"] == "http://127.0.0.1:17900"
    assert "STORJ_ENDPOINT" not in stack_environment(None, "https://git.example.org/b")
    monkeypatch.setenv("STORJ_ENDPOINT", "https://s3.example.org")
    assert "STORJ_ACCESS_KEY_FILE" not in stack_environment(None, None)
