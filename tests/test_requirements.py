"""The page of requirements: the commands and pages that it names exist, and so do the variables of `.env.example`."""

import re
from pathlib import Path

import pytest

from commands.root import COMMANDS, load_command
from dashboards.build import pages
from nervesys.settings import load
from nervesys.settings.env_files import read_env_files
from nervesys.settings.variables import STARTUP_VARIABLES, VARIABLES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/requirements.md").read_text()
NAMED = sorted(set(re.findall(r"`(nervesys [a-z][^`]*)`", TEXT)))


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
