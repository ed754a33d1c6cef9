"""The commands about the local stack, where none runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commands import plan
from commands.generated import write
from commands.typed import program
from nervesys.settings import StartupSettings
from nervesys.stack.layout import FILE
from tests.commands.conftest import Run
from tests.conftest import PROGRAMS


@pytest.fixture
def ended(tmp_path: Path, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a stack that ran once."""
    program("prometheus")
    (tmp_path / "programs").symlink_to(PROGRAMS)
    planned = plan.make(StartupSettings(tmp_path), None, {"PATH": "/usr/bin:/bin"}, clock=lambda: 1.0, demo=True)
    write(tmp_path, {FILE: planned.files[FILE]}, check=False)
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "")
    return tmp_path


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
