"""The end of a trace costs its author's thread no snapshot, and none is lost at the end of the agent."""

from collections.abc import Callable
from threading import Event, current_thread, main_thread
from typing import Any

import pytest

from nervesys.agent import Agent
from nervesys.agent.work import Task
from nervesys.workspace import Workspace

Start = Callable[..., Agent]


class Disk:
    """A disk that can be held up, under each workspace."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.begun, self.taken = Event(), Event(), list[tuple[str, str, bool]]()
        original = Workspace.snapshot_changes

        def snapshot(workspace: Workspace, label: str, kind: Any) -> Any:
            self.begun.set()
            assert current_thread() is main_thread() or self.free.wait(60)
            made = original(workspace, label, kind)
            self.taken.append((label, kind.value, made is not None))
            return made

        monkeypatch.setattr(Workspace, "snapshot_changes", snapshot)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def trace(agent: Agent, name: str) -> None:
    task = Task(name, from_spans=True)
    agent.work.begin(task)
    agent.end_task(task, 1.0, None)


def test_a_trace_does_not_wait_for_its_snapshot_and_the_newest_is_taken(grok: Start, disk: Disk) -> None:
    with grok() as agent:
        files = agent.workspace().files
        files.write("a", b"1")
        trace(agent, "first")
        assert disk.begun.wait(60)
        for name in ("second", "third"):
            files.write("a", name.encode())
            trace(agent, name)
        assert disk.taken == [], "none of the calls waited"
        disk.free.set()
    assert [label for label, _, _ in disk.taken] == ["first", "third", ""]
    assert [made for _, _, made in disk.taken].count(True) == 1, "the first one read the newest file already"
    trace(agent, "after the end")


def test_a_task_has_its_snapshot_when_it_has_ended(grok: Start, disk: Disk) -> None:
    with grok() as agent:
        with agent.task("build"):
            agent.workspace().files.write("a", b"1")
        assert disk.taken == [("build", "task", True)]
