"""Commands in messages are printed so that they can be typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import typed


@pytest.fixture(autouse=True)
def uncached() -> Iterator[None]:
    typed.program.cache_clear()
    yield
    typed.program.cache_clear()


@pytest.fixture
def interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment with the program, in the current folder."""
    program = tmp_path / ".venv/bin/nervesys"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    monkeypatch.setattr("sys.executable", str(program.with_name("python")))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    return program


def test_a_program_that_is_not_on_path_is_named_by_its_path(interpreter: Path) -> None:
    message = "not running; type: nervesys up; see `nervesys status`; nervesys-observability"
    assert typed.as_typed(message) == (
        "not running; type: .venv/bin/nervesys up; see `.venv/bin/nervesys status`; nervesys-observability"
    )


def test_elsewhere_the_path_is_absolute(interpreter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/usr")
    assert typed.program() == str(interpreter)


def test_on_path_its_name_is_enough(interpreter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(interpreter.parent))
    assert typed.as_typed("type: nervesys up") == "type: nervesys up"
