"""An agent from start to end, as seen in the store.

Covers: nervesys.agent, nervesys.agent.agent, nervesys.agent.background_loops, nervesys.agent.heartbeat.
"""

import gzip
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from nervesys.agent import Agent
from nervesys.contract import AgentState, LogRecord, Status, Tasks
from nervesys.errors import BadObject, NervesysError, SettingsError
from nervesys.workspace import Workspace
from tests import waiting
from tests.stores import FolderStore

Make = Callable[[], Agent]


def last(bucket: Path) -> AgentState:
    """The state of an agent that is gone."""
    return AgentState.parse((bucket / "db/agents/grok_state.json").read_bytes())


def says(bucket: Path, status: Status) -> bool:
    """Whether a living agent is in a status; it may be writing that very moment."""
    with suppress(FileNotFoundError, BadObject):
        return last(bucket).status is status
    return False


until = partial(waiting.until, seconds=20)


def logs(bucket: Path) -> list[LogRecord]:
    files = sorted(bucket.glob("db/active_logs/host-1/*/*.jsonl.gz"))
    return [LogRecord.parse(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def test_idle_running_idle_stopped(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        until(lambda: says(bucket, Status.IDLE))
        with agent.task("code_review") as task:
            task.tokens = 120
            until(lambda: says(bucket, Status.RUNNING))
        until(lambda: says(bucket, Status.IDLE))
    state = last(bucket)
    assert state.status is Status.STOPPED
    assert (state.agent_id, state.server, state.role, state.model) == ("grok", "host-1", "research", "grok-4")
    assert (state.tasks, state.tokens_used) == (Tasks(completed=1, failed=0), 120)
    assert state.metrics is not None
    assert state.metrics.memory_percent


def test_it_is_degraded_while_its_logs_cannot_leave(grok: Make, brain: Path, bucket: Path) -> None:
    (brain / "config/agents/grok.yaml").write_text("agent: {name: grok, buffer: {flush_interval_minutes: 0.002}}")
    blocked = bucket / "db/active_logs"
    blocked.parent.mkdir()
    blocked.write_text("in the way")
    with grok() as agent:
        agent.log.info("hello")
        until(lambda: says(bucket, Status.DEGRADED))
        blocked.unlink()
        until(lambda: says(bucket, Status.IDLE))
    assert logs(bucket)


def test_it_is_degraded_while_its_logs_cannot_be_buffered(
    grok: Make, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses() -> None:
        raise NervesysError("write the buffer: the disk is full")

    with grok() as agent:
        until(lambda: says(bucket, Status.IDLE))
        with monkeypatch.context() as full:
            full.setattr(agent._buffer, "commit", refuses)
            until(lambda: says(bucket, Status.DEGRADED))
        until(lambda: says(bucket, Status.IDLE))


def test_while_its_last_logs_leave_it_says_that_it_is_stopping(
    grok: Make, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses: list[Status] = []
    put = FolderStore.put

    def noting(self: FolderStore, key: str, body: bytes, **more: str) -> str:
        if key.startswith("db/active_logs/"):
            statuses.append(last(bucket).status)
        return put(self, key, body, **more)

    monkeypatch.setattr(FolderStore, "put", noting)
    with grok() as agent:
        until(lambda: says(bucket, Status.IDLE))
        agent.log.info("hello")
    assert (statuses, last(bucket).status) == ([Status.STOPPING], Status.STOPPED)


def test_a_changed_configuration_takes_effect_while_it_runs(grok: Make, brain: Path) -> None:
    text = "agent: {name: grok, bootstrap: {refresh_minutes: 0.002}, logging: {level: LEVEL}, buffer: {max_size_mb: 5}}"
    file = brain / "config/agents/grok.yaml"
    file.write_text(text.replace("LEVEL", "INFO"))
    with grok() as agent:
        assert agent.me.log.level == logging.INFO
        file.write_text(text.replace("LEVEL", "DEBUG").replace("5", "7"))
        until(lambda: agent.me.log.level == logging.DEBUG)
        assert agent._buffer.max_bytes == 7_000_000


def test_each_start_is_a_new_instance(grok: Make, bucket: Path) -> None:
    seen = set()
    for _ in range(2):
        with grok():
            pass
        seen.add(last(bucket).instance_id)
    assert len(seen) == 2


def test_a_crash_leaves_the_last_status_and_the_error(grok: Make, bucket: Path) -> None:
    with pytest.raises(ZeroDivisionError), grok():
        until(lambda: says(bucket, Status.IDLE))
        1 / 0  # noqa: B018
    assert last(bucket).status is Status.IDLE
    assert last(bucket).last_error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("code", "status"), [(0, Status.STOPPED), (None, Status.STOPPED), (3, Status.IDLE), ("sorry", Status.IDLE)]
)
def test_only_a_deliberate_exit_with_0_ends_as_stopped(grok: Make, bucket: Path, code: object, status: Status) -> None:
    with pytest.raises(SystemExit), grok():
        until(lambda: says(bucket, Status.IDLE))
        raise SystemExit(code)
    assert says(bucket, status)


def test_logs_arrive_in_order_and_in_form(grok: Make, bucket: Path) -> None:
    with grok() as agent:
        agent.log.info("hello", extra={"action": "greet", "category": "audit"})
        with agent.task("plan", repository="nervesys") as task:
            task.tokens = 7
        with pytest.raises(ValueError, match="no"), agent.task("plan"):
            raise ValueError("no")
        logging.getLogger("somewhere.else").warning("look: %s", "here")
    records = [record for record in logs(bucket) if record.category != "system"]
    assert [(r.level, r.category, r.action, r.message) for r in records] == [
        ("INFO", "audit", "greet", "hello"),
        ("INFO", "activity", "plan", "plan done"),
        ("ERROR", "errors", "plan", "plan failed"),
        ("WARN", "activity", "somewhere.else", "look: here"),
    ]
    done, failed = records[1], records[2]
    assert done.context.repository == "nervesys"
    assert done.context.duration_ms is not None
    assert (done.metadata.model_version, done.metadata.tokens) == ("grok-4", 7)
    assert "ValueError: no" in (failed.context.model_extra or {})["traceback"]


def test_what_could_not_be_shipped_is_shipped_by_the_next_start(grok: Make, bucket: Path) -> None:
    blocked = bucket / "db"
    blocked.write_text("in the way")
    with grok() as agent:
        agent.log.info("kept")
    blocked.unlink()
    with grok():
        pass
    assert [record.message for record in logs(bucket)].count("kept") == 1


def test_an_agent_that_the_brain_does_not_know(brain: Path) -> None:
    with pytest.raises(SettingsError, match=r"no config/agents/nobody.yaml; it knows: grok"):
        Agent("nobody", brain=str(brain), environ={})


def test_a_workspace_is_kept_at_the_end_of_each_task_and_closed_with_the_agent(grok: Make) -> None:
    with grok() as agent:
        workspace = agent.workspace("apollo")
        assert agent.workspace("apollo") is workspace
        with agent.task("write_tests"):
            workspace.history.append("begun")
            written = workspace.files.write("tests.py", "assert True")
        assert [snapshot.label for snapshot in workspace.snapshots.list()] == ["write_tests"]
    assert written.author == "grok"
    with Workspace(workspace.folder.parent, "apollo", "tests") as again:
        assert [event["type"] for event in again.history.replay()] == ["begun", "file.written"]


def test_a_snapshot_has_what_changed_after_the_last_task_when_the_agent_ends(grok: Make) -> None:
    with grok() as agent:
        workspace = agent.workspace("apollo")
        workspace.files.write("notes", "late")
    (snapshot,) = workspace.snapshots.list()
    assert (snapshot.kind, list(snapshot.files)) == ("end", ["notes"])


def test_a_workspace_is_named_by_the_agent_where_nobody_names_a_project(grok: Make) -> None:
    with grok() as agent:
        assert agent.workspace().project == "grok"
