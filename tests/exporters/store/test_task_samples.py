"""The samples of an agent's running task, its progress and its queue."""

from typing import Any

from exporters.store import task_samples
from exporters.store.agent_samples import agent_samples
from nervesys.contract import AgentState

STATE = {"agent_id": "grok", "status": "running", "timestamp": 1000.0}
TASK = {"name": "review", "started_at": 900.0, "limit_seconds": 60, "progress": 0.5, "retries": 1}
TIMES = "agent_task_start_timestamp_seconds", "agent_progress_timestamp_seconds", "agent_queue_oldest_timestamp_seconds"


def samples(*, live: bool = True, written: float = 1000.0, **fields: Any) -> dict[str, float]:
    """The samples of tasks that a state gives, by family."""
    state = AgentState.model_validate({**STATE, **fields})
    every = agent_samples("grok", state, written, live=live)
    return {each.family.name: each.value for each in every if each.family in task_samples.FAMILIES}


def test_instants_are_of_the_stores_clock() -> None:
    """The agent's clock is 500 s ahead."""
    found = samples(written=500.0, current_task=TASK, progressed_at=990.0, queue={"waiting": 2, "oldest": 800.0})
    assert [found[name] for name in TIMES] == [400, 490, 300]


def test_of_an_agent_without_a_task_no_progress_is_expected() -> None:
    assert samples(progressed_at=990.0) == {}


def test_what_is_not_reported_is_absent() -> None:
    assert samples(current_task="review", queue={}) == {}
    assert samples(current_task={"name": "review", "progress": 0.0}) == {"agent_task_progress_ratio": 0}


def test_a_silent_or_stopped_agent_has_no_task() -> None:
    busy: dict[str, Any] = {
        "current_task": TASK,
        "progressed_at": 990.0,
        "queue": {"waiting": 2},
        "repeated": {"action": "a", "times": 9},
    }
    assert len(samples(**busy)) == 7
    assert samples(**busy, live=False) == samples(**busy, status="stopped") == {}
