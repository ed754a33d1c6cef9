"""What an agent pushes to the brain: rarely, and nothing of it is lost."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from nervesys.agent.identity import Identity, identify
from nervesys.agent.report import KEPT_LINES, Reporter, append_lines
from nervesys.contract import AgentState, Status
from nervesys.errors import BrainUnavailable
from nervesys.stores.open_brain import open_brain
from nervesys.stores.open_stores import load_configuration
from tests.brains import NOON, read, write

HOUR = 3600.0
logger = logging.getLogger("agents.grok")


class World:
    """A brain in Git, an agent's reporter, and a clock that is turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.now = float(NOON)
        self.brain = folder / "brain.git"
        write(self.brain, {"config/agents/grok.yaml": b"agent: {name: grok}"})
        base = load_configuration("agent-grok", {}, home=str(folder / "home"), brain=str(self.brain))
        self.me: Identity = identify("grok", "host-1", base, {}, self.now)
        self.reporter = Reporter(open_brain(base.place, "agent-grok", environ={}), self.me, lambda: self.now)

    def report(self, status: Status) -> None:
        self.reporter.report(AgentState(agent_id="grok", status=status, timestamp=self.now))

    def status(self) -> str:
        return str(json.loads(read(self.brain, "state/grok_last_status.json"))["status"])

    def errors(self) -> list[str]:
        return read(self.brain, "logs/errors/grok_errors.log").decode().splitlines()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    logger.addHandler(world.reporter.handler)
    yield world
    logger.removeHandler(world.reporter.handler)


def test_a_change_is_reported_at_most_once_an_interval(world: World) -> None:
    world.now += 60
    world.report(Status.IDLE)
    assert world.status() == "idle"
    world.now += 0.99 * HOUR
    world.report(Status.RUNNING)
    assert world.status() == "idle"
    world.now += 0.3 * HOUR
    world.report(Status.RUNNING)
    assert world.status() == "running"


def test_nothing_new_is_not_reported(world: World) -> None:
    world.now += 60
    world.report(Status.IDLE)
    before = read(world.brain, "state/grok_last_status.json")
    world.now += 9 * HOUR
    world.report(Status.IDLE)
    assert read(world.brain, "state/grok_last_status.json") == before


def test_each_error_is_appended_as_a_line(world: World) -> None:
    for problem in ("first", "second\nline"):
        world.now += 2 * HOUR
        logger.error("plan failed", exc_info=ValueError(problem))
        logger.warning("no error")
        world.report(Status.IDLE)
    first, second = world.errors()
    assert first.endswith("Z plan failed: ValueError: first")
    assert second.endswith("Z plan failed: ValueError: second line")


def test_secrets_do_not_get_into_the_brain(world: World) -> None:
    world.now += 2 * HOUR
    logger.error("login with password=%s failed", "hunter2", exc_info=ValueError("sk-" + "Q7" * 18))
    world.report(Status.IDLE)
    (line,) = world.errors()
    assert line.endswith("Z login with password=[redacted] failed: ValueError: [redacted]")


def test_a_brain_that_is_away_gets_the_errors_later(world: World) -> None:
    world.now += 60
    logger.error("kept")
    away = world.brain.rename(world.brain.with_name("away"))
    with pytest.raises(BrainUnavailable):
        world.report(Status.IDLE)
    away.rename(world.brain)
    world.report(Status.IDLE)  # not before its time
    world.now += 2 * HOUR
    world.report(Status.IDLE)
    assert [line.rpartition(" ")[2] for line in world.errors()] == ["kept"]


@pytest.mark.parametrize(
    ("before", "lines", "after"),
    [
        (None, [], b""),
        (None, ["a"], b"a\n"),
        (b"a\nb", ["c"], b"a\nb\nc\n"),
        (b"\xff\n", ["\ud800"], b"\xff\n?\n"),
        (b"x\n" * KEPT_LINES, ["new"], b"x\n" * (KEPT_LINES - 1) + b"new\n"),
    ],
)
def test_the_error_log_keeps_the_newest_lines(before: bytes | None, lines: list[str], after: bytes) -> None:
    assert append_lines(before, lines) == after


def test_a_plain_folder_takes_no_reports(world: World) -> None:
    reporter = Reporter(None, world.me, lambda: world.now + 9 * HOUR)
    reporter.report(AgentState(agent_id="grok", status=Status.IDLE, timestamp=world.now))
