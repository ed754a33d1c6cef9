"""The page of requirements: commands and pages that it names exist; those that need no stack run."""

import re
from pathlib import Path

import pytest

from commands.root import COMMANDS, load_command
from dashboards.build import pages
from nervesys.settings import load
from nervesys.settings.env_files import read_env_files
from nervesys.settings.variables import STARTUP_VARIABLES, VARIABLES
from tests.commands.conftest import Run

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/requirements.md").read_text()
NAMED = sorted(set(re.findall(r"`(nervesys [a-z][^`]*)`", TEXT)))
WITHOUT_STACK = (
    "nervesys alerts build",
    "nervesys alerts check",
    "nervesys artifacts --help",
    "nervesys config check",
    "nervesys kubernetes build",
    "nervesys units",
)
NEED_STORE = (
    "nervesys agent logs NAME --category errors",
    "nervesys agent messages",
    "nervesys agent tasks NAME",
    "nervesys audit",
    "nervesys backup",
    "nervesys round --dry-run",
)


@pytest.mark.parametrize("line", NAMED)
def test_a_command_that_is_named_exists_with_its_options(line: str) -> None:
    _, name, *words = line.split()
    assert name in COMMANDS
    command = load_command(name)
    options = {word for word in words if word.startswith("--")} - {"--help"}
    for word in words:
        if word in getattr(command, "commands", {}):
            command = command.commands[word]
    known = {option for parameter in command.params for option in parameter.opts}
    assert options <= known


@pytest.mark.parametrize("line", WITHOUT_STACK)
def test_a_command_without_a_stack_runs(line: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert line in NAMED
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    result = run(*line.split()[1:])
    assert (result.code, bool(result.out)) == (0, True), result.err


@pytest.mark.parametrize("line", NEED_STORE)
def test_a_command_without_keys_names_them(
    line: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert line in NAMED
    monkeypatch.setenv("NERVESYS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NERVESYS_ARCHIVE", tmp_path.as_uri())
    result = run(*line.replace("NAME", "grok").split()[1:])
    assert result.code == 1
    assert "set STORJ_ACCESS_KEY and STORJ_SECRET_KEY" in result.out + result.err


def test_a_page_that_is_named_exists() -> None:
    titles = {page["title"] for page in pages(load())}
    named = set(re.findall(r"page \*([^*]+)\*", TEXT))
    assert named
    assert named <= titles


def test_the_example_of_env_has_names_that_are_read(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    names = re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)
    assert set(names) <= {*STARTUP_VARIABLES, *(variable.name for variable in VARIABLES)}
    (tmp_path / ".env").write_text(text)
    assert not any(read_env_files({}, str(tmp_path)).values()), "nothing is set by the example itself"
