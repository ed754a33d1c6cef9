"""Named conditions about agents that are alive and get nowhere.

Ages are measured from the instants of a task to the agent's last heartbeat, not to now: an agent that is silent is not
stuck as well.
"""

from collections.abc import Mapping
from functools import partial

from alerting.conditions.call_conditions import unless_model_fails
from alerting.conditions.freshness_guards import AGENTS, number, require_fresh
from alerting.conditions.named_condition import NamedCondition
from alerting.conditions.terms import WINDOW_HEARTBEATS
from alerting.units import promql_duration
from nervesys.settings import Settings

HEARTBEAT = "nervesys_agent_heartbeat_timestamp_seconds"
TASKS = "nervesys_agent_tasks_total"
QUEUE = "nervesys_agent_queue_tasks"
STUCK, NO_PROGRESS, LOOPING = "agent stuck", "agent without progress", "agent looping"
"""The conditions that the agent's own state confirms or refutes."""
QUARTER = 4
"""A queue grows if its smallest number in the last quarter of the window exceeds the largest in the first."""


def _each_agent(settings: Settings, expr: str, aggregation: str = "max") -> str:
    return f"{aggregation} by (agent) (\n  {require_fresh(settings, expr, AGENTS)}\n)"


def _stuck(settings: Settings) -> str:
    """The running task was older than its limit at the last heartbeat."""
    age = f"{HEARTBEAT} - nervesys_agent_task_start_timestamp_seconds"
    return _each_agent(settings, f"{age} > nervesys_agent_task_limit_seconds") + unless_model_fails(settings)


def _without_progress(settings: Settings) -> str:
    """A task was running at the last heartbeat, and had not moved for too long."""
    limit = number(settings.thresholds.progress.none_after_seconds)
    resting = f"{HEARTBEAT} - nervesys_agent_progress_timestamp_seconds > {limit}"
    return _each_agent(settings, resting) + unless_model_fails(settings)


def _looping(settings: Settings) -> str:
    """The same action with the same details many times in a row, while tokens are used."""
    progress, heartbeat = settings.thresholds.progress, settings.thresholds.heartbeat
    window = max(progress.none_after_seconds, WINDOW_HEARTBEATS * heartbeat.interval_seconds)
    tokens = f"increase(nervesys_agent_tokens_total[{promql_duration(window)}])"
    return (
        f"{_each_agent(settings, f'nervesys_agent_repeated_actions >= {number(progress.repeats)}')}\n"
        f"and on (agent) {_each_agent(settings, tokens, 'sum')} > 0{unless_model_fails(settings)}"
    )


def _tasks_failing(settings: Settings) -> str:
    """The share of successful tasks is low, of enough tasks to judge by."""
    progress = settings.thresholds.progress
    window = promql_duration(progress.success_minutes * 60)
    completed, ended = (
        _each_agent(settings, f"increase({TASKS}{{{matcher}}}[{window}])", "sum")
        for matcher in ('outcome="completed"', 'outcome=~"completed|failed"')
    )
    return (
        f"{completed}\n/ {ended} < {number(progress.success_percent / 100)}\n"
        f"and on (agent) {ended} >= {number(progress.success_of_tasks)}{unless_model_fails(settings)}"
    )


def _queue_growing(settings: Settings) -> str:
    """More tasks wait than at any time in the first quarter of the window, and not few."""
    progress = settings.thresholds.progress
    part = progress.queue_minutes * 60 / QUARTER
    span, before = promql_duration(part), promql_duration((QUARTER - 1) * part)
    newest = _each_agent(settings, f"min_over_time({QUEUE}[{span}])")
    return (
        f"{newest} >= {number(progress.queue_tasks)}\n"
        f"and on (agent) {newest} > on (agent) max by (agent) (max_over_time({QUEUE}[{span}] offset {before}))"
    )


_of_agent = partial(NamedCondition, ("agent",))

PROGRESS_CONDITIONS: Mapping[str, NamedCondition] = {
    STUCK: _of_agent(_stuck),
    NO_PROGRESS: _of_agent(_without_progress),
    LOOPING: _of_agent(_looping),
    "tasks failing": _of_agent(_tasks_failing),
    "queue growing": _of_agent(_queue_growing),
}
"""By name, such as `agent stuck`."""
