"""The console blocks of all pages: each is run by a test, or listed with the reason why not. All options exist."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

from commands.root import COMMANDS, app, load_command
from tests.conftest import FOREIGN

ROOT = Path(__file__).parents[1]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")})
BLOCK = re.compile(r"^( *)```console\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^ *[$#] ", re.MULTILINE)


class RunBy(NamedTuple):
    """A test takes the block from the page and runs it."""

    test: str


class SameAs(NamedTuple):
    """A test runs the same commands, with arguments of its own: ports, folders, a shorter wait."""

    test: str


class NotRun(NamedTuple):
    """No test runs it.

    Attributes:
        reason: why not.
    """

    reason: str


class Here(NamedTuple):
    """It is run below, against the shipped example.

    Attributes:
        code: exit code of the last command.
    """

    code: int = 0


OWN_FLEET, LOOP = RunBy("tests/e2e/test_own_fleet.py"), SameAs("tests/e2e/test_loop.py")
PRINTS_SECRET = NotRun("it prints a secret of the stack, and nothing else")
DOCKER_UNTESTED = NotRun("it needs a Docker engine, and no test of the stack in Docker does it yet")
DOCUMENTS = RunBy("tests/nervesys/agent/test_documents.py")
NEEDS_DOCKER = NotRun("its Docker engine is the reader's; `make test-docker` runs the stack that it is about")
NEEDS_ROOT = NotRun("it installs packages, users or units on this machine, or removes them")
NEEDS_REGISTRY = NotRun("it installs a published release")
NEEDS_CLUSTER = NotRun("it changes a Kubernetes cluster")
NEEDS_ACCOUNT = NotRun("it needs an account of Storj")
RELEASE = NotRun("it publishes a release, or examines a published one")
DEVELOPMENT = NotRun("it is the command that runs the tests, or installs what they need")
EXPORT = NotRun("it sets variables for a program that keeps running")
STATE = NotRun("its example is an archive, a store or a journal with a past that only its own test makes")

BLOCKS: dict[str, list[RunBy | SameAs | NotRun | Here]] = {
    "CONTRIBUTING.md": [DEVELOPMENT],
    "README.md": [LOOP],
    "RELEASE.md": [DEVELOPMENT, DEVELOPMENT, RELEASE, RELEASE],
    "docs/how-to/add-a-dashboard.md": [SameAs("tests/test_guides.py"), SameAs("tests/commands/test_dashboards.py")],
    "docs/how-to/add-an-alert.md": [Here(2), SameAs("tests/commands/test_alerts_build.py"), LOOP],
    "docs/how-to/ask-a-language-model.md": [NEEDS_REGISTRY],
    "docs/how-to/ask-the-fleet.md": [NEEDS_REGISTRY, NotRun("it serves until it is stopped")],
    "docs/how-to/audit.md": [SameAs("tests/commands/test_audit.py")],
    "docs/how-to/backup.md": [SameAs("tests/commands/test_backup.py"), SameAs("tests/commands/test_backup.py")],
    "docs/how-to/daily-round.md": [SameAs("tests/commands/test_round.py")],
    "docs/how-to/docker.md": [
        SameAs("tests/docker/test_stack.py"),
        DOCKER_UNTESTED,
        SameAs("tests/docker/test_stack.py"),
        PRINTS_SECRET,
        PRINTS_SECRET,
        DOCKER_UNTESTED,
        DOCKER_UNTESTED,
        SameAs("tests/docker/test_operations.py"),
        NEEDS_ROOT,
        SameAs("tests/docker/test_two_receivers.py"),
        DOCKER_UNTESTED,
        SameAs("tests/docker/test_two_receivers.py"),
        *[DOCKER_UNTESTED] * 5,
    ],
    "docs/how-to/doctor.md": [SameAs("tests/commands/test_doctor.py")],
    "docs/how-to/drivers/docker.md": [NEEDS_DOCKER],
    "docs/how-to/drivers/kubernetes.md": [NEEDS_CLUSTER],
    "docs/how-to/encrypt.md": [NEEDS_REGISTRY, EXPORT, SameAs("tests/commands/test_agent_restore.py")],
    "docs/how-to/existing-brain.md": [Here()],
    "docs/how-to/history.md": [SameAs("tests/commands/test_history.py"), SameAs("tests/commands/test_history.py")],
    "docs/how-to/install.md": [NEEDS_REGISTRY, NEEDS_ROOT, NotRun("it writes to the reader's shell configuration")],
    "docs/how-to/keep-artifacts.md": [SameAs("tests/commands/test_artifacts.py")],
    "docs/how-to/kubernetes.md": [
        NEEDS_DOCKER,
        SameAs("tests/commands/test_kubernetes.py"),
        NEEDS_CLUSTER,
        NEEDS_CLUSTER,
        NEEDS_CLUSTER,
        NEEDS_CLUSTER,
    ],
    "docs/how-to/production.md": [Here()],
    "docs/how-to/remote-write.md": [SameAs("tests/hour/test_victoria.py")],
    "docs/how-to/reports.md": [SameAs("tests/commands/test_report.py")],
    "docs/how-to/opentelemetry.md": [SameAs("tests/nervesys/agent/telemetry/real.py")],
    "docs/how-to/restarts.md": [RunBy("tests/test_guides.py"), STATE],
    "docs/how-to/keep-a-workspace.md": [SameAs("tests/commands/test_agent_workspace.py")],
    "docs/how-to/restore-drill.md": [SameAs("tests/commands/test_drill.py")],
    "docs/how-to/rights.md": [NEEDS_ACCOUNT],
    "docs/how-to/rotate-secrets.md": [
        SameAs("tests/commands/test_secret_rotation.py"),
        DOCKER_UNTESTED,
        DOCKER_UNTESTED,
    ],
    "docs/how-to/run-agents.md": [SameAs("tests/deploy/test_bootstrap.py"), NEEDS_ROOT, NEEDS_DOCKER],
    "docs/how-to/run-under-systemd.md": [NEEDS_ROOT],
    "docs/how-to/share-the-journal.md": [NotRun("it creates a user of a database server")],
    "docs/how-to/tls.md": [EXPORT],
    "docs/how-to/uninstall.md": [LOOP, NEEDS_ROOT, SameAs("tests/docker/conftest.py"), NEEDS_REGISTRY],
    "docs/how-to/wrap-a-program.md": [DOCUMENTS],
    "docs/how-to/your-own-fleet.md": [*[OWN_FLEET] * 6, LOOP, OWN_FLEET],
    "docs/tutorial.md": [
        LOOP,
        LOOP,
        NotRun("it reads a port that the tests do not use; their own ports are read by tests/e2e"),
        LOOP,
        NotRun("it reads a port that the tests do not use; their own ports are read by tests/e2e"),
        NotRun("it takes a minute; tests/commands/test_demo_break.py runs its steps without a stack"),
        NotRun("it finds an agent of this machine by name, which may be another stack's"),
        DOCUMENTS,
        NotRun("it sets variables for a program that tests/nervesys/agent/test_documents.py runs with its own"),
        SameAs("tests/commands/test_dashboards.py"),
        LOOP,
    ],
}
"""What becomes of each block of a page, in the order of the page."""


def blocks(page: str) -> list[str]:
    """The console blocks of a page, without the indentation of a list."""
    found = BLOCK.findall((ROOT / page).read_text())
    return ["\n".join(line.removeprefix(indent) for line in text.splitlines()) for indent, text in found]


def commands(block: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines of output that are shown below it."""
    found = []
    for part in PROMPT.split(block)[1:]:
        lines = part.splitlines()
        end = next((number for number, line in enumerate(lines) if not line.endswith("\\")), 0)
        found.append(("\n".join(lines[: end + 1]), lines[end + 1 :]))
    return found


def test_every_block_is_listed() -> None:
    counted = {str(page.relative_to(ROOT)): len(blocks(str(page))) for page in PAGES}
    listed = {page: len(entries) for page, entries in BLOCKS.items()}
    assert {page: count for page, count in counted.items() if count} == listed, "add what runs the block, or why not"


def test_the_tests_that_are_named_exist_and_read_their_page() -> None:
    named = [
        (page, entry) for page, entries in BLOCKS.items() for entry in entries if isinstance(entry, RunBy | SameAs)
    ]
    assert [entry.test for _, entry in named if not (ROOT / entry.test).is_file()] == []
    unread = [
        (page, entry.test)
        for page, entry in named
        if isinstance(entry, RunBy) and Path(page).name not in (ROOT / entry.test).read_text()
    ]
    assert unread == []


@pytest.mark.parametrize("page", BLOCKS)
def test_every_command_and_option_of_nervesys_exists(page: str) -> None:
    wrong = []
    for block in blocks(page):
        for command, _ in commands(block):
            for simple in re.split(r"\s(?:&&|\||;)\s", command):
                wrong += [f"{command}: {problem}" for problem in problems(simple)]
    assert wrong == []


def problems(command: str) -> list[str]:
    """What `nervesys` does not know of a command."""
    words = shlex.split(command, comments=True)
    places = [place for place, word in enumerate(words) if re.fullmatch(r"([^=:]*/)?nervesys", word)]
    if not places or "install" in words[: places[0]]:
        return []
    current, found = get_command(app), []
    for word in words[places[0] + 1 :]:
        if word == "--":
            break
        if word.startswith("--"):
            options = {name for param in current.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
            found += [] if word.partition("=")[0] in options else [f"no option {word}"]
        elif subcommands := getattr(current, "commands", None):
            if word not in subcommands:
                return [f"no command {word}"]
            # The commands of the program itself are placeholders until they are used.
            current = load_command(word) if subcommands.keys() == COMMANDS.keys() else subcommands[word]
    return found


def test_a_misspelt_command_or_option_is_found() -> None:
    assert problems("nervesys alerts chekc") == ["no command chekc"]
    assert problems("nervesys up --qiuck") == ["no option --qiuck"]
    assert problems("NAME=1 .venv/bin/nervesys alerts build --out=DIR  # comment") == []


@pytest.mark.parametrize(
    ("page", "number"),
    [
        (page, number)
        for page, entries in BLOCKS.items()
        for number, entry in enumerate(entries)
        if isinstance(entry, Here)
    ],
)
def test_a_block_works_against_the_shipped_example(
    page: str, number: int, tmp_path: Path, program: Callable[[str], str]
) -> None:
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin/nervesys"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m nervesys "$@"\n')
    script.chmod(0o755)
    (tmp_path / "bin/promtool").symlink_to(program("promtool"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environ |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    entry, typed = BLOCKS[page][number], commands(blocks(page)[number])
    for place, (command, shown) in enumerate(typed):
        for brain in ("https://github.com/you/your-brain", "/path/of/your/brain"):
            command = command.replace(brain, str(ROOT))
        ran = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        output = ran.stdout + ran.stderr
        last = place == len(typed) - 1
        assert ran.returncode == (entry.code if last and isinstance(entry, Here) else 0), output
        assert [line for line in shown if line not in output] == []
