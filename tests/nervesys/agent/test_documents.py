"""What tutorial and how-to ask an author to type, run as written.

Covers: nervesys.agent, nervesys.agent.wrapped_process.
"""

import gzip
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.contract import LogRecord, Status
from nervesys.settings import shipped_root
from nervesys.stack.seed import seed
from tests.brains import NOON
from tests.nervesys.agent.fleet import STOP_SECONDS, Fleet, running, until

DOCS = Path(__file__).parents[3] / "docs"


def block(page: str, language: str, holds: str) -> str:
    """The block of code on a page that holds a text."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return next(code for code in found if holds in code)


def shipped_records(fleet: Fleet) -> list[LogRecord]:
    files = fleet.bucket.glob("db/active_logs/host-1/*/*.jsonl.gz")
    return [LogRecord.parse(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


@pytest.fixture
def configure(brain: Path) -> Callable[[str], None]:
    def make(name: str) -> None:
        (brain / f"config/agents/{name}.yaml").write_text(f"agent: {{name: {name}}}")

    return make


def test_the_three_lines_of_the_tutorial(fleet: Fleet, tmp_path: Path, configure: Callable[[str], None]) -> None:
    configure("mira")
    script = tmp_path / "mira.py"
    script.write_text(block("tutorial.md", "python", "Agent("))
    with fleet.store(), running(sys.executable, str(script), **fleet.variables) as process:
        until(lambda: fleet.says(Status.RUNNING, agent="mira"))
        state = fleet.state("mira")
        assert state is not None
        assert state.current_task and state.current_task.name == "say_hello"
        process.communicate(b"\n", timeout=STOP_SECONDS)
        assert process.returncode == 0
    state = fleet.state("mira")
    assert state is not None
    assert (state.status, state.tasks and state.tasks.completed) == (Status.STOPPED, 1)
    assert "say_hello done" in [record.message for record in shipped_records(fleet)]


def test_the_tutorial_introduces_the_agent_to_the_brain(tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    seed(tmp_path / "stack/.nervesys/brain.git", shipped_root(), NOON)
    commands = block("tutorial.md", "console", "Meet mira").replace("$ ", "")
    who = {f"GIT_{role}_{what}": "mira@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path / "stack", env={"PATH": "/usr/bin:/bin", **who}, check=True)
    pushed = ["git", "-C", str(tmp_path / "stack/.nervesys/brain.git"), "show", "main:config/agents/mira.yaml"]
    assert subprocess.run(pushed, check=True, capture_output=True, text=True).stdout.startswith("agent: {name: mira")


def test_the_program_of_the_how_to(fleet: Fleet, tmp_path: Path, configure: Callable[[str], None]) -> None:
    configure("reviewer")
    script = tmp_path / "review.sh"
    script.write_text(block("how-to/wrap-a-program.md", "sh", "reviewed"))
    script.chmod(0o755)
    command = block("how-to/wrap-a-program.md", "console", "--exec").removeprefix("$ nervesys")
    argv = [sys.executable, "-m", "nervesys", *command.replace("./review.sh", str(script)).split()]
    with fleet.store(), running(*argv, **fleet.variables) as process:
        until(lambda: (state := fleet.state("reviewer")) is not None and (state.tokens_used or 0) >= 120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    assert fleet.says(Status.STOPPED, agent="reviewer")
    lines = {(record.level, record.action, record.message) for record in shipped_records(fleet)}
    assert {
        ("INFO", "review.sh", "looking for work"),
        ("WARN", "review.sh", "WARN nothing to review"),
        ("INFO", "code_review", "reviewed"),
    } <= lines
