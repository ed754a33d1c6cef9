"""A brain with one agent in a hurry, a store that is a folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nervesys.agent import Agent
from tests.nervesys.agent.fleet import Fleet, heartbeat
from tests.stores import FolderStore


@pytest.fixture
def brain(tmp_path: Path) -> Path:
    files = {
        "agents/grok.yaml": "agent: {name: grok, role: research, model: grok-4}",
        "thresholds.yaml": "heartbeat: {interval_seconds: 0.1}",
    }
    for name, text in files.items():
        path = tmp_path / "brain/config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "brain"


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    return folder


@pytest.fixture
def grok(tmp_path: Path, brain: Path, bucket: Path) -> Callable[[], Agent]:
    """Makes the agent, each time as a new start."""

    def make() -> Agent:
        return Agent(
            "grok",
            home=str(tmp_path / "home"),
            brain=str(brain),
            server="host-1",
            environ={},
            store=FolderStore(bucket),
        )

    return make


@pytest.fixture
def fleet(tmp_path: Path, brain: Path, program: Callable[[str], str]) -> Fleet:
    heartbeat(brain, seconds=3)
    return Fleet(tmp_path, program("rclone"), brain)
