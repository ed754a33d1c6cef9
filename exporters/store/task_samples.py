"""Families and samples of an agent's running task, its progress and its queue; all of them are optional."""

from collections.abc import Iterator

from exporters.store.agent_families import AGENT, agent_term
from nervesys.contract import AgentState
from nervesys.metrics import Family, Sample

TASK_START = Family(
    "agent_task_start_timestamp_seconds",
    "gauge",
    "Start of the agent's newest running task; absent while none runs.",
    AGENT,
    conditions=(agent_term(word="running task", kind="age"),),
    optional={"": "no task is running"},
)
TASK_LIMIT = Family(
    "agent_task_limit_seconds",
    "gauge",
    "Duration after which the running task counts as stuck: its own limit, or 4 times what is usual.",
    AGENT,
    conditions=(agent_term(word="task limit", kind="level"),),
    optional={"": "no running task has a limit"},
)
TASK_PROGRESS = Family(
    "agent_task_progress_ratio",
    "gauge",
    "Share of the running task that is done.",
    AGENT,
    conditions=(agent_term(word="task progress", kind="level"),),
)
TASK_RETRIES = Family(
    "agent_task_retries",
    "gauge",
    "How often the running task was started again.",
    AGENT,
    conditions=(agent_term(word="task retries", kind="level"),),
)
PROGRESS = Family(
    "agent_progress_timestamp_seconds",
    "gauge",
    "When the agent last got anywhere: a task began or ended, or a step, tokens or log records came.",
    AGENT,
    conditions=(agent_term(word="progress", kind="absence", threshold=lambda t: t.progress.none_after_seconds),),
    optional={"": "no task is running"},
)
REPEATED = Family(
    "agent_repeated_actions",
    "gauge",
    "How often the agent did its newest action in a row, with the same details.",
    AGENT,
    conditions=(agent_term(word="repeated actions", kind="level", threshold=lambda t: t.progress.repeats),),
    optional={"": "the agent reports no details of its actions"},
)
QUEUE = Family(
    "agent_queue_tasks",
    "gauge",
    "Tasks that wait for the agent.",
    AGENT,
    conditions=(agent_term(word="waiting tasks", kind="level", threshold=lambda t: t.progress.queue_tasks),),
    optional={"": "the agent reports no queue"},
)
QUEUE_OLDEST = Family(
    "agent_queue_oldest_timestamp_seconds",
    "gauge",
    "Since when the oldest waiting task waits.",
    AGENT,
    conditions=(agent_term(word="oldest waiting task", kind="age"),),
)
FAMILIES = (TASK_START, TASK_LIMIT, TASK_PROGRESS, TASK_RETRIES, PROGRESS, REPEATED, QUEUE, QUEUE_OLDEST)


def task_samples(agent: str, state: AgentState, written: float) -> Iterator[Sample]:
    """The samples of what a live agent does.

    Instants are moved from the agent's clock to the store's: a wrong clock of the agent makes no task old.

    Args:
        agent: its name.
        state: the body.
        written: Unix seconds by the store's clock at which this body was written.
    """
    ahead = state.timestamp - written
    task, queue = state.current_task, state.queue
    if task is not None:
        yield from _present(agent, (TASK_START, task.started_at, ahead), (TASK_LIMIT, task.limit_seconds, 0))
        yield from _present(agent, (TASK_PROGRESS, task.progress, 0), (TASK_RETRIES, task.retries, 0))
        yield from _present(agent, (PROGRESS, state.progressed_at, ahead))
    if state.repeated is not None:
        yield REPEATED.sample(state.repeated.times, agent)
    if queue is not None:
        yield from _present(agent, (QUEUE, queue.waiting, 0), (QUEUE_OLDEST, queue.oldest, ahead))


def _present(agent: str, *values: tuple[Family, float | None, float]) -> Iterator[Sample]:
    """The samples of the values that there are, each with what is subtracted from it."""
    for family, value, less in values:
        if value is not None:
            yield family.sample(round(value - less, 3), agent)
