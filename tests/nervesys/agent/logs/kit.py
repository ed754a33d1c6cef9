"""A buffer whose lines hold nothing but the message, and what of it is shipped."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from nervesys.agent.logs.buffer import Batch, LogBuffer
from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.logs.records import RecordRun, rank_of

MB = 1_000_000


def logged(message: str, severity: int = 20, category: str = "activity", at: float = 0) -> LoggedRecord:
    return LoggedRecord(at, severity, "author", message, category=category)


def runs(logged: Iterable[LoggedRecord]) -> Iterator[RecordRun]:
    """Each record as a run of its own."""
    for record in logged:
        line = json.dumps({"message": record.message}, separators=(",", ":")).encode() + b"\n"
        yield RecordRun(record.at, rank_of(record.severity), record.category or "", 1, line)


def a_buffer(
    folder: Path, max_bytes: int = MB, runs: Callable[[Iterable[LoggedRecord]], Iterable[RecordRun]] = runs
) -> LogBuffer:
    return LogBuffer(folder / "buffer.sqlite3", max_bytes, runs)


def records(kept: LogBuffer, batch: Batch) -> list[dict[str, Any]]:
    return [json.loads(line) for line in b"".join(kept.lines(batch)).splitlines()]


def sealed(kept: LogBuffer, max_bytes: int = MB, *, by_category: bool = False) -> dict[str, list[str]]:
    """The messages of each batch by its key."""
    kept.seal(lambda category, first: f"{category}{first}", max_bytes, by_category=by_category)
    return {batch.key: [record["message"] for record in records(kept, batch)] for batch in kept.batches()}


def shipped(kept: LogBuffer, **how: Any) -> list[list[str]]:
    """The messages of each batch, as one after the other leaves."""
    batches = []
    while sealed(kept, **how):
        for batch in kept.batches():
            batches.append([record["message"] for record in records(kept, batch)])
            kept.delete(batch)
    return batches
