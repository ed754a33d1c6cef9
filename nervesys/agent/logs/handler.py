"""The logging handler that fills the buffer; it runs in the caller's thread, so it does as little as possible.

A record's values are copied as they are at that moment; `records` encodes them as a line later.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nervesys.agent.logs.json_encoding import json_object, text_of
from nervesys.agent.usage import UsageRule
from nervesys.contract import Category

TRACEBACK_CHARACTERS = 4000
"""Last characters kept of a traceback."""


class LoggedRecord(NamedTuple):
    """The values of a log record when it was logged.

    Attributes:
        at: Unix seconds.
        severity: level number of the logging module.
        logger: name of the logger.
        message: with its arguments filled in.
        action: name of the task, if given.
        category: of the contract, if given.
        context: a JSON object, if given.
        metadata: a JSON object, if given.
    """

    at: float
    severity: int
    logger: str
    message: str
    action: str | None = None
    category: str | None = None
    context: str | None = None
    metadata: str | None = None


_new_tuple = tuple.__new__
"""Creates a named tuple in half the time of its own constructor: the caller waits for it."""


class BufferHandler(logging.Handler):
    """Appends each record to the buffer, in the contract's form.

    `extra` may carry `action`, `category`, `context` and `metadata`. A wrong format string is reported as logging does,
    and never stops the caller.

    Args:
        append: called with each record, from any thread.
        redact: removes secrets from a text.
        usage: decides whether the tokens of a record count.
    """

    def __init__(
        self, append: Callable[[LoggedRecord], None], redact: Callable[[str], str], usage: UsageRule | None = None
    ) -> None:
        super().__init__()
        self._append, self._redact, self._usage = append, redact, usage

    def handle(self, record: logging.LogRecord) -> bool:
        """Append a record, without the lock of `logging.Handler`: the buffer is thread-safe."""
        if self.filters and not self.filter(record):
            return False
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Append a record."""
        try:
            get = record.__dict__.get
            action, category, context, metadata = get("action"), get("category"), get("context"), get("metadata")
            if record.exc_info or record.stack_info:
                context = self._add_traceback(context, record)
            if metadata and self._usage and category != Category.AUDIT and isinstance(metadata, Mapping):
                metadata = self._usage.of_record(record.created, metadata)
            self._append(
                _new_tuple(
                    LoggedRecord,
                    (
                        record.created,
                        record.levelno,
                        record.name,
                        record.getMessage(),
                        action if action is None or type(action) is str else text_of(action),
                        category if category is None or type(category) is str else text_of(category),
                        json_object(context) if context else None,
                        json_object(metadata) if metadata else None,
                    ),
                )
            )
        except Exception:  # noqa: BLE001  # an argument's own code may raise anything; logging reports it
            self.handleError(record)

    def _add_traceback(self, context: Any, record: logging.LogRecord) -> dict[Any, Any]:
        context_fields = dict(_as_mapping(context or {}))
        if record.exc_info and record.exc_info[0]:
            trace = logging.Formatter().formatException(record.exc_info)
            context_fields |= {"exception": record.exc_info[0].__name__, "traceback": _tail(trace, self._redact)}
        if record.stack_info:
            context_fields["stack"] = _tail(record.stack_info, self._redact)
        return context_fields


def render_for_logging(_: Any, __: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The last processor of a structlog configuration: passes an event to the `logging` module in the contract's form.

    `event` becomes the message; `action`, `category`, `context` and `metadata` keep their places; all other bound
    values go into the context. Use it with `structlog.stdlib.LoggerFactory()`.

    Args:
        event: structlog's event dictionary.

    Returns:
        Arguments of a method of a standard logger (as `structlog.stdlib.render_to_log_kwargs` gives them).
    """
    rest = dict(event)
    arguments: dict[str, Any] = {
        name: rest.pop(name) for name in ("exc_info", "stack_info", "stacklevel") if name in rest
    }
    extra = {name: rest.pop(name) for name in ("action", "category", "metadata") if name in rest}
    message, context = rest.pop("event", ""), rest.pop("context", None) or {}
    for known in ("level", "timestamp", "logger"):  # the record has its own
        rest.pop(known, None)
    return {"msg": str(message), **arguments, "extra": {**extra, "context": {**_as_mapping(context), **rest}}}


def _as_mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {"value": value}


def _tail(text: str, redact: Callable[[str], str]) -> str:
    """The end of a text; secrets are removed before it is cut, so that no half of one remains."""
    limit = TRACEBACK_CHARACTERS
    return text if len(text) <= limit else redact(text[-2 * limit :])[-limit:]
