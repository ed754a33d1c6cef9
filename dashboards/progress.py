"""Panels about what agents are doing, and whether they get anywhere."""

from typing import Any

from dashboards.shared import count_of
from dashboards.style import ANY_IS_WARNING, PageContext, PanelUnit, Steps, graph, query, rising_steps, stat

HEARTBEAT, START = "nervesys_agent_heartbeat_timestamp_seconds", "nervesys_agent_task_start_timestamp_seconds"
LIMIT, MOVED = "nervesys_agent_task_limit_seconds", "nervesys_agent_progress_timestamp_seconds"
REPEATED, QUEUE = "nervesys_agent_repeated_actions", "nervesys_agent_queue_tasks"
NO_TASK = "No task is running"
ENDED_TASKS = 'outcome=~"completed|failed"'
"""Results that were verified or rejected, and retries, are no further tasks."""


def _since(instant: str, matchers: str) -> str:
    """Seconds from an instant to the agent's last heartbeat, as alerts measure them."""
    return f"max by (agent) ({HEARTBEAT}{{{matchers}}} - {instant}{{{matchers}}})"


def of_agent(context: PageContext, matchers: str) -> tuple[Any, ...]:
    """Graphs of one agent's running task, progress and queue."""
    limits = context.settings.thresholds.progress
    return (
        graph(
            "Running task",
            "How long has its newest task been running, and after how long does it count as stuck?",
            PanelUnit.SECONDS,
            query(_since(START, matchers), "running for"),
            query(f"max by (agent) ({LIMIT}{{{matchers}}})", "limit"),
            empty=NO_TASK,
        ),
        graph(
            "Time without progress",
            "How long ago did its work last move, while a task runs? Dashed: no progress.",
            PanelUnit.SECONDS,
            query(_since(MOVED, matchers), "{{agent}}"),
            steps=_up_to(limits.none_after_seconds),
            empty=NO_TASK,
        ),
        graph(
            "Repeated actions",
            "How often in a row did it do the same thing with the same details? Dashed: a loop, if tokens are used.",
            PanelUnit.COUNT,
            query(f"max by (agent) ({REPEATED}{{{matchers}}})", "{{agent}}"),
            steps=_up_to(limits.repeats),
            empty="It reports no details of its actions",
        ),
        graph(
            "Waiting tasks",
            "How many tasks wait for it?",
            PanelUnit.COUNT,
            query(f"max by (agent) ({QUEUE}{{{matchers}}})", "{{agent}}"),
            empty="It reports no queue",
        ),
    )


def of_fleet(context: PageContext, matchers: str) -> tuple[Any, ...]:
    """Tiles that count the agents that get nowhere, and the tasks that wait."""
    limits = context.settings.thresholds.progress
    nowhere = (
        f"{_since(START, matchers)} > max by (agent) ({LIMIT}{{{matchers}}})"
        f" or {_since(MOVED, matchers)} > {limits.none_after_seconds:g}"
        f" or max by (agent) ({REPEATED}{{{matchers}}}) >= {limits.repeats:g}"
    )
    return (
        stat(
            "Getting nowhere",
            "How many agents are alive and stuck, without progress, or repeating one action?",
            PanelUnit.COUNT,
            query(count_of(nowhere)),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Waiting tasks",
            "How many tasks wait for the agents that report a queue?",
            PanelUnit.COUNT,
            query(f"sum(max by (agent) ({QUEUE}{{{matchers}}}))"),
        ),
    )


def _up_to(limit: float) -> Steps:
    return rising_steps(limit / 2, limit)
