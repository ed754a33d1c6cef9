"""Finished tasks, from the log records about them: those with a duration."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from nervesys.contract import Level, LogRecord, format_time
from nervesys.contract.logs import UNNAMED_MODEL, TokenUsage
from nervesys.errors import BadObject
from nervesys.logs.entries import LogEntry
from nervesys.settings.prices import Prices

COMPLETED, FAILED = "completed", "failed"
MARK = b'"duration_ms"'
"""In the line of every task."""


@dataclass(frozen=True)
class TaskRun:
    """A finished task.

    Attributes:
        started: Unix seconds.
        seconds: how long it took.
        agent: that ran it.
        server: it ran on.
        action: name of the task.
        outcome: `completed` or `failed`.
        tokens: used; None if the record has none.
        model: language model; empty if the record names none.
        cost: of the tokens; None if the model has no price. Of tokens that spans count it is an estimate.
        error: of a failed task, as one text; else empty.
    """

    started: float
    seconds: float
    agent: str
    server: str
    action: str
    outcome: str
    tokens: float | None
    model: str
    cost: float | None
    error: str

    def as_json(self) -> dict[str, Any]:
        """The task with its times as text."""
        return {**asdict(self), "started": format_time(self.started)}


def is_task(entry: LogEntry) -> bool:
    """Whether a record may be about a finished task; cheap."""
    return MARK in entry.line


def read_tasks(entries: Iterable[LogEntry], prices: Prices) -> Iterator[TaskRun]:
    """The tasks among records, in their order.

    Args:
        entries: records.
        prices: of models.
    """
    for entry in entries:
        if is_task(entry) and (task := _task(entry, prices)) is not None:
            yield task


def _task(entry: LogEntry, prices: Prices) -> TaskRun | None:
    try:
        record = LogRecord.parse(entry.line)
    except BadObject:
        return None
    if record.context.duration_ms is None:
        return None
    seconds, metadata = record.context.duration_ms / 1000, record.metadata
    covered = metadata.tokens_in_spans
    usage = metadata.usage if covered is None else TokenUsage(covered)
    failed = entry.level is Level.ERROR
    return TaskRun(
        started=max(0.0, entry.at - seconds),
        seconds=seconds,
        agent=entry.agent,
        server=entry.server,
        action=entry.action,
        outcome=FAILED if failed else COMPLETED,
        tokens=usage and sum(usage),
        model="" if metadata.model == UNNAMED_MODEL else metadata.model,
        cost=None if usage is None else prices.cost_of_call(metadata.model, usage, entry.at),
        error=_error(entry, record) if failed else "",
    )


def _error(entry: LogEntry, record: LogRecord) -> str:
    """The last line of the traceback, which names the exception; else the message."""
    traceback = (record.context.model_extra or {}).get("traceback")
    lines = traceback.strip().splitlines() if isinstance(traceback, str) else []
    return lines[-1].strip() if lines else entry.message
