"""The pure function from an agent's state to its samples."""

from collections.abc import Iterable, Iterator

from exporters.store.agent_families import (
    BUFFER,
    COUNTED,
    CPU,
    DAMAGED,
    DROPPED,
    INFO,
    LOST,
    LOST_REASONS,
    MEMORY,
    OPTIONAL_OUTCOMES,
    REACHED,
    SKEW,
    START,
    STATUS,
    TASKS,
    TOKENS,
)
from exporters.store.task_samples import task_samples
from nervesys.contract import AgentState, Status
from nervesys.contract.logs import LEVELS, level_of
from nervesys.metrics import Sample


def agent_samples(
    agent: str,
    state: AgentState | None,
    written: float | None,
    *,
    live: bool,
    counters: Iterable[str] = (),
) -> Iterator[Sample]:
    """The samples of one state object, but for its heartbeat. An unknown value is absent, never 0 or -1.

    Args:
        agent: its name.
        state: the body; None where it is rejected.
        written: Unix seconds by the store's clock at which this body was written, where that is known.
        live: False once the heartbeat is stale. Then status and gauges are left out, for they may no longer be true;
            status `stopped` stays, because it is the last that an agent writes and remains true.
        counters: names of its custom counters that have a series.
    """
    if state is None:
        return
    yield INFO.sample(1, agent, state.server or "", state.role or "", state.model or "", state.version or "")
    if state.started_at is not None:
        yield START.sample(state.started_at, agent)
    if state.tasks is not None:
        yield TASKS.sample(state.tasks.completed, agent, "completed")
        yield TASKS.sample(state.tasks.failed, agent, "failed")
        for outcome in OPTIONAL_OUTCOMES:
            if (count := getattr(state.tasks, outcome)) is not None:
                yield TASKS.sample(count, agent, outcome)
    if state.tokens_used is not None:
        yield TOKENS.sample(state.tokens_used, agent)
    if state.buffer is not None and state.buffer.dropped:
        dropped = {level_of(level): count for level, count in state.buffer.dropped.items()}
        for level in LEVELS:
            yield DROPPED.sample(dropped.get(level, 0), agent, level)
    for reason in LOST_REASONS if state.lost_telemetry else ():
        yield LOST.sample((state.lost_telemetry or {}).get(reason, 0), agent, reason)
    if state.buffer is not None and "set_aside" in state.buffer.model_fields_set:
        yield DAMAGED.sample(state.buffer.set_aside, agent)
    if live or state.status is Status.STOPPED:
        for status in Status:
            yield STATUS.sample(state.status is status, agent, status)
    if live and written is not None:
        yield SKEW.sample(round(state.timestamp - written, 3), agent)
        if state.status is not Status.STOPPED:
            yield from task_samples(agent, state, written)
    if live and state.buffer is not None:
        yield BUFFER.sample(state.buffer.bytes, agent)
    for name in sorted(set(counters).intersection(state.counters or ())):
        yield COUNTED.sample((state.counters or {})[name], agent, name)
    if live and state.usage is not None:
        yield from (
            family.sample(value / whole, agent)
            for family, value, whole in ((CPU, state.usage.cpu_percent, 100), (MEMORY, state.usage.memory_bytes, 1))
            if value is not None
        )
    if live and state.brain is not None:
        yield REACHED.sample(state.brain.reachable, agent)
