"""Agents with an archive run the round by themselves.

Covers: nervesys.agent.round, nervesys.agent.round.daily, nervesys.agent.round.leader.
"""

from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from nervesys.agent import Agent, background_loops
from nervesys.clock import system_clock
from nervesys.contract import RoundLease
from nervesys.contract.brain import ROUND
from nervesys.contract.paths import time_fields
from tests import waiting
from tests.brains import read, write
from tests.nervesys.agent.round.kit import World
from tests.stores import FolderStore


def test_of_two_agents_only_the_leader_runs_the_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background_loops, "FIRST_ROUND_SECONDS", 0)
    names = ("grok", "gimai")
    write(tmp_path / "brain.git", {f"config/agents/{name}.yaml": f"agent: {{name: {name}}}".encode() for name in names})
    world = World(tmp_path)
    key = world.ship(time_fields(system_clock() - 10 * 86_400)["date"], "activity old")
    agents = [
        Agent(
            name,
            home=str(tmp_path / name),
            brain=str(tmp_path / "brain.git"),
            server="host-1",
            environ={"NERVESYS_ARCHIVE": world.cold.as_uri()},
            store=FolderStore(world.bucket),
        )
        for name in names
    ]
    with agents[0], agents[1]:
        until(lambda: not (world.bucket / key).exists())
        until(lambda: RoundLease.parse(read(tmp_path / "brain.git", ROUND)).done is not None)
    assert world.in_archive() == Counter(["old"])
    assert "daily round failed" not in caplog.text, "that the other one leads is no failure"


until = partial(waiting.until, seconds=60)
