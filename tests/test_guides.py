"""The guides, done for real: their own code, in a copy of the project, changes no more files than they say."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("alerting", "commands", "config", "dashboards", "exporters", "nervesys", "provisioning", "reports")
GUIDES = ROOT / "docs" / "how-to"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MAIN = "import sys, commands; sys.argv[0] = 'nervesys'; commands.main()"
PROFILES = {"NERVESYS_PROFILE": "local,compose"}
"""With which the committed files are generated."""
RESTART = """
from alerting.actions import REMEDIES
from alerting.drivers import Drivers
from nervesys.settings import AgentConfig

drivers = Drivers.model_validate({{"nomad": {{"url": "http://nomad:4646", "servers": ["*"]}}}}).configured()
agent = AgentConfig.model_validate({{"name": "grok", "restart": {{"driver": "nomad", "target": "ai-{{agent}}"}}}})
action = REMEDIES["{action}"]
assert not action.unreachable(drivers, agent, "alpha")
print(action.attempt(drivers, agent, "alpha"))
"""
"""Attempts an action for an agent whose driver is the guide's."""


def code(guide: str) -> list[str]:
    """The Python blocks of a guide."""
    return CODE.findall((GUIDES / guide).read_text())


class Project:
    """A copy of the project, and how its files differ from the original's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))

    def add(self, path: str, text: str) -> None:
        assert not (self.folder / path).exists()
        (self.folder / path).write_text(text)

    def insert(self, path: str, before: str, line: str) -> None:
        """Insert a line before the first line that begins with a text."""
        lines = (self.folder / path).read_text().splitlines(keepends=True)
        place = next(number for number, old in enumerate(lines) if old.startswith(before))
        (self.folder / path).write_text("".join([*lines[:place], f"{line}\n", *lines[place:]]))

    def replace(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert text.count(old) == 1
        (self.folder / path).write_text(text.replace(old, new))

    def python(self, program: str, *argv: str) -> str:
        """Run a program with the modules of the copy; programs on its path are those of the folder `bin` first."""
        environ = os.environ | PROFILES | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        environ["PATH"] = f"{self.folder / 'bin'}:{environ['PATH']}"
        command = [sys.executable, "-c", program, *argv]
        ran = subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def program(self, name: str) -> None:
        """A program that prints its arguments and exits with 0."""
        (self.folder / "bin").mkdir(exist_ok=True)
        path = self.folder / "bin" / name
        path.write_text('#!/bin/sh\necho "$0 $*" >> "$(dirname "$0")/calls"\n')
        path.chmod(0o755)

    def calls(self) -> list[str]:
        return (self.folder / "bin" / "calls").read_text().replace(f"{self.folder / 'bin'}/", "").splitlines()

    def changes(self) -> dict[str, int]:
        """Lines that were added to or removed from each file; all of a new file."""
        found = {}
        for path in self.folder.rglob("*"):
            name = str(path.relative_to(self.folder))
            if not path.is_file() or name.startswith("bin/"):
                continue
            original = ROOT / name
            old = original.read_bytes().splitlines() if original.exists() else []
            new = path.read_bytes().splitlines()
            if old != new:
                found[name] = len(set(new) - set(old)) + len(set(old) - set(new))
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_dashboard_is_one_file_and_one_line(project: Project) -> None:
    [module] = code("add-a-dashboard.md")
    project.add("dashboards/mypage.py", module)
    project.insert("dashboards/__init__.py", ")", '    "mypage",')
    sources = project.changes()
    assert sources.keys() == {"dashboards/mypage.py", "dashboards/__init__.py"}
    assert sources["dashboards/__init__.py"] == 1
    project.python(MAIN, "dashboards", "build")
    assert "My Page" in project.python(MAIN, "dashboards", "check")
    page = "provisioning/grafana/dashboards/my-page.json"
    assert project.changes().keys() - sources.keys() == {page}, "nothing else is generated anew"
    assert [panel["title"] for panel in json.loads((project.folder / page).read_text())["panels"]] == ["Growth"]


def add_driver(project: Project) -> None:
    """The guide's driver, named where drivers are listed."""
    registry = "alerting/drivers/__init__.py"
    project.add("alerting/drivers/nomad.py", code("add-an-action.md")[0])
    project.insert(registry, "from alerting.drivers.supervisor", "from alerting.drivers.nomad import NomadDriver")
    project.insert(registry, "    supervisor:", "    nomad: NomadDriver | None = None")


def test_a_driver_is_one_file_and_its_name_in_another(project: Project) -> None:
    add_driver(project)
    assert project.changes().keys() == {"alerting/drivers/nomad.py", "alerting/drivers/__init__.py"}
    assert project.changes()["alerting/drivers/__init__.py"] == 2, "its import, and its field"
    project.program("nomad")
    assert project.python(RESTART.format(action="restart_agent")).startswith("Done(")
    assert project.calls() == ["nomad job restart -address=http://nomad:4646 -yes ai-grok"]


def test_an_action_is_one_file_and_its_name_in_another(project: Project) -> None:
    add_driver(project)
    before = project.changes()
    alerts = project.folder / "config/alerts.yaml"
    original = alerts.read_text()
    alerts.write_text(original.replace("auto_action: restart_agent", "auto_action: clear_cache", 1))
    with pytest.raises(AssertionError, match="clear_cache"):
        project.python(MAIN, "alerts", "build")
    registry = "alerting/actions/__init__.py"
    project.add("alerting/actions/clear_cache.py", code("add-an-action.md")[1])
    project.insert(registry, "from alerting.actions import", "from alerting.actions import clear_cache")
    project.replace(registry, " start_agent}", ' start_agent, "clear_cache": clear_cache}')
    added = project.changes().keys() - before.keys() - {"config/alerts.yaml"}
    assert added == {"alerting/actions/clear_cache.py", registry}
    assert project.changes()[registry] == 3, "its import, and a line that is another"
    project.python(MAIN, "alerts", "build")
    project.program("clear-cache")
    assert project.python(RESTART.format(action="clear_cache")).startswith("Done(")
    assert project.calls() == ["clear-cache grok"]


def test_the_token_of_the_receiver_is_its_owners_alone_in_a_new_home(tmp_path: Path) -> None:
    page = (GUIDES / "restarts.md").read_text()
    block = next(block for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL) if "receiver_token" in block)
    lines = [line.removeprefix("$ ") for line in block.splitlines() if "nervesys receiver" not in line]
    environ = {**os.environ, "NERVESYS_HOME": str(tmp_path / "home")}
    subprocess.run(["bash", "-ec", "umask 022\n" + "\n".join(lines)], env=environ, check=True, timeout=20)
    secrets = tmp_path / "home/secrets"
    assert [path.stat().st_mode & 0o777 for path in (secrets, secrets / "receiver_token")] == [0o700, 0o600]
    assert len((secrets / "receiver_token").read_text().strip()) >= 40
