"""An agent and its brain: away at the start, away later, changed meanwhile, and given the last status."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from nervesys.agent import Agent
from nervesys.contract import AgentState, Status
from nervesys.errors import BrainUnavailable, SettingsError
from tests.brains import read, write
from tests.nervesys.agent.fleet import until
from tests.nervesys.agent.test_agent import last, says
from tests.stores import FolderStore

GROK = "config/agents/grok.yaml"
HASTY = "bootstrap: {refresh_minutes: 0.002}"


class World:
    """A brain in Git with one agent in a hurry."""

    def __init__(self, folder: Path, bucket: Path) -> None:
        self.brain, self.bucket, self._home = folder / "brain.git", bucket, folder / "home"
        self.write(role="research")

    def write(self, role: str, more: str = HASTY) -> str:
        files = {
            GROK: f"agent: {{name: grok, role: {role}, {more}}}".encode(),
            "config/thresholds.yaml": b"heartbeat: {interval_seconds: 0.1}",
        }
        return write(self.brain, files)

    def agent(self) -> Agent:
        return Agent(
            "grok",
            home=str(self._home),
            brain=f"file://{self.brain}",
            server="host-1",
            environ={},
            store=FolderStore(self.bucket),
        )

    def away(self) -> Callable[[], Path]:
        hidden = self.brain.rename(self.brain.with_name("hidden"))
        return lambda: hidden.rename(self.brain)

    def says(self, fine: Callable[[AgentState], bool]) -> None:
        until(lambda: says(self.bucket, Status.IDLE) and fine(last(self.bucket)))


@pytest.fixture
def world(tmp_path: Path, bucket: Path) -> World:
    return World(tmp_path, bucket)


def test_it_says_which_commit_it_goes_by(world: World) -> None:
    commit = world.write(role="review")
    with world.agent():
        pass
    copy = last(world.bucket).brain
    assert copy is not None
    assert (copy.commit, copy.reachable, copy.checked_at is not None) == (commit, True, True)


def test_it_starts_from_its_last_copy_says_so_and_comes_back(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with world.agent():
        pass
    back = world.away()
    with world.agent():
        world.says(lambda state: state.brain is not None and not state.brain.reachable)
        state = last(world.bucket).brain
        assert state is not None
        assert state.checked_at is None
        assert "the last good copy is used" in caplog.text
        back()
        world.says(lambda state: state.brain is not None and state.brain.reachable)


def test_a_renamed_branch_leaves_the_configuration_as_it_was(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with world.agent():
        pass
    branches = pygit2.Repository(str(world.brain)).branches
    branches["main"].rename("trunk")
    with world.agent():
        world.says(lambda state: state.brain is not None and not state.brain.reachable and state.role == "research")
        branches["trunk"].rename("main")
        world.says(lambda state: state.brain is not None and state.brain.reachable)
    assert "there is no branch main; the last good copy is used, commit" in caplog.text


def test_without_a_copy_there_is_nothing_to_start_from(world: World) -> None:
    world.away()
    with pytest.raises(BrainUnavailable):
        world.agent()


def test_a_change_takes_effect_and_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with world.agent() as agent:
        world.says(lambda state: state.role == "research")
        world.write(role="review", more=f"{HASTY}, logging: {{level: ERROR}}, buffer: {{path: other.sqlite3}}")
        world.says(lambda state: state.role == "review")
        until(lambda: agent.log.level == logging.ERROR)
        world.write(role="audit", more=f"{HASTY}, logging: {{level: ERROR}}, buffer: {{path: other.sqlite3}}")
        world.says(lambda state: state.role == "audit")
    logged = [record.message for record in caplog.records if record.message.startswith("configuration")]
    assert logged == [
        "configuration: agent.buffer.path: None → other.sqlite3, from the next start on",
        "configuration: agent.logging.level: INFO → ERROR",
        "configuration: agent.role: research → review",
        "configuration: agent.role: review → audit",
    ]


def test_a_wrong_configuration_changes_nothing_and_is_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with world.agent():
        world.says(lambda state: state.role == "research")
        broken = write(world.brain, {GROK: b"agent: {name: grok, buffer: {max_size_mb: lots}}"})
        world.says(lambda state: state.brain is not None and state.brain.commit == broken)
        assert last(world.bucket).role == "research"
        world.write(role="review")
        world.says(lambda state: state.role == "review")
    (message,) = [record.message for record in caplog.records if "max_size_mb" in record.message]
    assert message.startswith(f"reading the configuration failed, will try again: {GROK}:1: agent.buffer.max_size_mb:")


def test_the_last_status_is_pushed_however_new_the_last_report_is(world: World) -> None:
    for _ in range(2):
        with world.agent():
            world.says(lambda state: True)
        assert json.loads(read(world.brain, "state/grok_last_status.json"))["status"] == "stopped"


def test_a_configuration_that_is_wrong_at_the_start_is_no_reason_to_go_on(world: World) -> None:
    write(world.brain, {GROK: b"agent: {name: grok, buffer: {max_size_mb: lots}}"})
    with pytest.raises(SettingsError):
        world.agent()


def test_the_wrong_file_of_a_neighbour_costs_only_the_neighbour(world: World) -> None:
    write(world.brain, {"config/agents/gimai.yaml": b"agent: {name: gimai, buffer: {max_size_mb: much}}"})
    with world.agent() as grok:
        assert grok.me.name == "grok"
    with pytest.raises(SettingsError, match="gimai"):
        Agent("gimai", home=str(world._home), brain=f"file://{world.brain}", server="host-1", environ={})


def test_an_agent_that_the_brain_does_not_have_names_those_that_it_has(world: World) -> None:
    with pytest.raises(SettingsError, match=r"no config/agents/copilot.yaml; it knows: grok"):
        Agent("copilot", home=str(world._home), brain=f"file://{world.brain}", server="host-1", environ={})
