"""Whether an agent gets anywhere, by its own state: a fresh heartbeat does not refute that it is stuck.

An alert about progress may be minutes old when it is delivered, so the state is looked at before each attempt. After a
restart, a new instance alone proves nothing: its state must show progress.
"""

from collections.abc import Callable, Mapping

from alerting.conditions.progress_conditions import LOOPING, NO_PROGRESS, STUCK
from nervesys.contract import AgentState, Status
from nervesys.settings.thresholds import ProgressThresholds


def _is_within_limit(state: AgentState, _: ProgressThresholds) -> bool:
    """No task is running, or the running one is not older than its limit; both instants are of the agent's clock."""
    task = state.current_task
    if task is None or task.started_at is None or task.limit_seconds is None:
        return True
    return state.timestamp - task.started_at <= task.limit_seconds


def _has_moved(state: AgentState, limits: ProgressThresholds) -> bool:
    """No task is running, or the work moved recently."""
    if state.current_task is None or state.progressed_at is None:
        return True
    return state.timestamp - state.progressed_at <= limits.none_after_seconds


def _does_not_repeat(state: AgentState, limits: ProgressThresholds) -> bool:
    """Its newest action is another one, or has not been repeated often yet."""
    return state.repeated is None or state.repeated.times < limits.repeats


REFUTED_BY: Mapping[str, Callable[[AgentState, ProgressThresholds], bool]] = {
    STUCK: _is_within_limit,
    NO_PROGRESS: _has_moved,
    LOOPING: _does_not_repeat,
}
"""By condition: whether the agent's state refutes it."""


def refutes(state: AgentState | None, subjects: frozenset[str], limits: ProgressThresholds) -> bool:
    """Whether the state refutes every one of these conditions.

    Args:
        state: as last read; None where it cannot be read, which refutes nothing.
        subjects: conditions about progress.
        limits: the agent's.
    """
    return state is not None and all(REFUTED_BY[subject](state, limits) for subject in subjects)


def has_progressed(state: AgentState | None, subjects: frozenset[str]) -> bool:
    """Whether this instance has got anywhere since its start: a task succeeded, or a running one has come on.

    Args:
        state: as last read.
        subjects: conditions about progress. Each turn of a loop may be a task that succeeds, so that after a loop there
            must be more of them than the newest action was repeated.
    """
    if state is None:
        return False
    completed = state.tasks.completed if state.tasks else 0
    if LOOPING in subjects:
        return completed > (state.repeated.times if state.repeated else 0)
    if completed > 0:
        return True
    task = state.current_task
    return task is not None and (task.step is not None or bool(task.progress) or bool(state.tokens_used))


def has_nothing_to_do(state: AgentState | None) -> bool:
    """Whether the agent is idle and nothing waits for it, so that no progress can be expected."""
    if state is None or state.status is not Status.IDLE or state.current_task is not None:
        return False
    return state.queue is None or not state.queue.waiting
