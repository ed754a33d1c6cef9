"""What a line that a program prints says, as a record of the logging module."""

import json
import logging
import re
from typing import Any

from nervesys.contract import Level, LogRecord
from nervesys.errors import BadObject

NUMBERS = {
    Level.DEBUG: logging.DEBUG,
    Level.INFO: logging.INFO,
    Level.WARN: logging.WARNING,
    Level.ERROR: logging.ERROR,
}
STREAMS = {"stdout": Level.INFO, "stderr": Level.WARN}
"""How severe a line is that does not say so itself, by where it was printed."""
LEVEL = re.compile(r"\b(?:(DEBUG|TRACE)|(INFO|NOTICE)|(WARN|WARNING)|(ERROR|FATAL|CRITICAL|PANIC))\b")
LEVEL_CHARACTERS = 120
"""Of a line's beginning, in which programs name the level."""


def heard(line: str, stream: str, *, logger: str, action: str, now: float) -> logging.LogRecord:
    """A line as a record, which carries action, category, context and metadata as `extra` would.

    A JSON object in the form of the contract's log records is taken as what it says; its `timestamp` may be missing,
    and keys that the contract does not know go to its context. Any other line is a message.

    Args:
        line: without its end.
        stream: `stdout` or `stderr`.
        logger: name of the logger that will say it.
        action: of a line that names none.
        now: Unix seconds, of a line that tells no time.
    """
    said = _said(line, now)
    if said is None:
        level = _level(line, stream)
        return _record(logger, level, line, now, {"action": action, "context": {"stream": stream}})
    extra = {
        "action": said.action or action,
        "category": said.category if "category" in said.model_fields_set else None,
        "context": {**(said.model_extra or {}), **said.context.model_dump(exclude_none=True)},
        "metadata": said.metadata.model_dump(exclude_none=True),
    }
    return _record(logger, said.level, said.message, said.timestamp, extra)


def _said(line: str, now: float) -> LogRecord | None:
    """The record that a line of JSON already is."""
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
        if not isinstance(fields.get("message"), str):
            return None
        return LogRecord.parse(json.dumps({"timestamp": now, **fields, "agent_id": "self"}).encode())
    except (ValueError, RecursionError, BadObject):
        return None


def _level(line: str, stream: str) -> Level:
    found = LEVEL.search(line, 0, LEVEL_CHARACTERS)
    return list(Level)[found.lastindex - 1] if found and found.lastindex else STREAMS[stream]


def _record(logger: str, level: Level, message: str, at: float, extra: dict[str, Any]) -> logging.LogRecord:
    record = logging.LogRecord(logger, NUMBERS.get(level, logging.INFO), "", 0, message, None, None)
    record.created = at
    vars(record).update({key: value for key, value in extra.items() if value})
    return record
