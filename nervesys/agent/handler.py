"""The bridge from the standard `logging` module to the buffer."""

import logging
from logging.handlers import QueueHandler
from typing import Any

from nervesys.agent.buffer import Buffer, Entry
from nervesys.contract import Category, Level, format_time
from nervesys.contract.logs import category_of

TRACEBACK_CHARACTERS = 4000
"""The newest ones, of a traceback that goes along."""

_LEVELS = ((logging.ERROR, Level.ERROR), (logging.WARNING, Level.WARN), (logging.INFO, Level.INFO))


class BufferHandler(QueueHandler):
    """Appends each record to the buffer, in the contract's form, and does nothing else.

    `extra` may carry `action`, `category`, `context` and `metadata`. Built on QueueHandler for its manners: a wrong
    format string is reported as logging does, and never stops the caller.

    Args:
        agent: who speaks.
        buffer: that takes the records.
    """

    def __init__(self, agent: str, buffer: Buffer) -> None:
        super().__init__(buffer)  # type: ignore[arg-type]  # `enqueue` is the only one that touches it
        self._agent, self._buffer = agent, buffer

    def prepare(self, record: logging.LogRecord) -> Entry:
        """The record as an entry; its message is made now, for its arguments may change."""
        extra = vars(record)
        category = category_of(extra["category"]) if "category" in extra else _category(record)
        fields: dict[str, Any] = {
            "timestamp": format_time(record.created),
            "agent_id": self._agent,
            "level": _level(record.levelno),
            "category": category,
            "action": extra.get("action") or record.name,
            "message": record.getMessage(),
        }
        context = dict(extra.get("context") or {})
        if record.exc_info and record.exc_info[0]:
            trace = logging.Formatter().formatException(record.exc_info)
            context |= {"exception": record.exc_info[0].__name__, "traceback": trace[-TRACEBACK_CHARACTERS:]}
        if context:
            fields["context"] = context
        if extra.get("metadata"):
            fields["metadata"] = dict(extra["metadata"])
        return Entry(record.created, record.levelno, category, fields)

    def enqueue(self, record: Any) -> None:
        """Hand the entry to the buffer."""
        self._buffer.append(record)


def _level(number: int) -> Level:
    return next((level for floor, level in _LEVELS if number >= floor), Level.DEBUG)


def _category(record: logging.LogRecord) -> Category:
    if record.levelno >= logging.ERROR:
        return Category.ERRORS
    return Category.SYSTEM if record.name.startswith("nervesys.") else Category.ACTIVITY
