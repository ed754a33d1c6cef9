"""Records and tasks as rows of JSON, with every text safe to show."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from nervesys.logs.entries import LogEntry
from nervesys.logs.tasks import TaskRun
from nervesys.logs.visible import details_of, fields_of, first_line, visible, visible_json


def log_rows(entries: Iterable[LogEntry]) -> Iterator[dict[str, Any]]:
    """One row for each record; its `key` stays the same in every response."""
    equal: Counter[str] = Counter()
    for entry in entries:
        digest = hashlib.blake2b(entry.line + entry.server.encode(), digest_size=9).hexdigest()
        equal[digest] += 1
        yield {
            "key": f"{digest}-{equal[digest]}",
            "at": entry.at * 1000,
            "level": entry.level,
            "agent": entry.agent,
            "server": entry.server,
            "category": entry.category,
            "action": visible(entry.action),
            "text": first_line(entry),
            "fields": fields_of(entry),
            "details": details_of(entry),
            "json": visible_json(entry.line),
        }


def task_rows(tasks: Iterable[TaskRun], currency: str) -> Iterator[dict[str, Any]]:
    """One row for each task, at the time of its end."""
    for task in tasks:
        yield {
            "key": f"{task.server} {task.agent} {task.started} {task.action}",
            "at": (task.started + task.seconds) * 1000,
            "level": "ERROR" if task.error else "INFO",
            "agent": task.agent,
            "server": task.server,
            "action": visible(task.action),
            "started": task.started * 1000,
            "seconds": task.seconds,
            "outcome": task.outcome,
            "tokens": task.tokens,
            "model": visible(task.model),
            "cost": None if task.cost is None else f"{task.cost:.4f} {currency}",
            "text": visible(task.error),
            "fields": {},
            "details": [],
        }
