"""Parses a line that a program prints into a record of the logging module."""

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
"""Level of a line that names none, by its stream."""
LEVEL = re.compile(r"\b(?:(DEBUG|TRACE)|(INFO|NOTICE)|(WARN|WARNING)|(ERROR|FATAL|CRITICAL|PANIC))\b")
LEVEL_CHARACTERS = 120
"""At the beginning of a line, where programs name the level."""


def parse_line(line: str, stream: str, *, logger: str, action: str, now: float) -> logging.LogRecord:
    """Parse a line into a record, with action, category, context and metadata set as by `extra`.

    A JSON object in the form of the contract's log records is used as it is; its `timestamp` may be missing, and keys
    unknown to the contract go to its context. Any other line becomes the message.

    Args:
        line: without its end.
        stream: `stdout` or `stderr`.
        logger: name of the logger of the record.
        action: default for a line that names none.
        now: Unix seconds, for a line without a timestamp.
    """
    parsed = _parse_json(line, now)
    if parsed is None:
        level = _find_level(line, stream)
        return _record(logger, level, line, now, {"action": action, "context": {"stream": stream}})
    extra = {
        "action": parsed.action or action,
        "category": parsed.category if "category" in parsed.model_fields_set else None,
        "context": {**(parsed.model_extra or {}), **parsed.context.model_dump(exclude_none=True)},
        "metadata": parsed.metadata.model_dump(exclude_none=True),
    }
    return _record(logger, parsed.level, parsed.message, parsed.timestamp, extra)


def _parse_json(line: str, now: float) -> LogRecord | None:
    """Parse a line that is a log record in JSON; None for any other line."""
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
        if not isinstance(fields.get("message"), str):
            return None
        set_fields = {key: value for key, value in fields.items() if value is not None}
        return LogRecord.parse(json.dumps({"timestamp": now, **set_fields, "agent_id": "self"}).encode())
    except (ValueError, RecursionError, BadObject):
        return None


def _find_level(line: str, stream: str) -> Level:
    match = LEVEL.search(line, 0, LEVEL_CHARACTERS)
    return list(Level)[match.lastindex - 1] if match and match.lastindex else STREAMS[stream]


def _record(logger: str, level: Level, message: str, at: float, extra: dict[str, Any]) -> logging.LogRecord:
    record = logging.LogRecord(logger, NUMBERS.get(level, logging.INFO), "", 0, message, None, None)
    record.created = at
    vars(record).update({key: value for key, value in extra.items() if value})
    return record
