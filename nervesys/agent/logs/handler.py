"""The bridge from the standard `logging` module to the buffer: what the caller pays for.

A record is taken down as it is at that moment, in as few steps as can be; `records` makes a line of it later.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nervesys.agent.logs.json_encoding import json_object, text_of

TRACEBACK_CHARACTERS = 4000
"""The newest ones, of a traceback that goes along."""


class Said(NamedTuple):
    """One log record, as it was when it was logged.

    Attributes:
        at: Unix seconds.
        severity: as the logging module counts it.
        logger: its name.
        message: with its arguments filled in.
        action: what was being done, where it was said.
        category: of the contract, where it was said.
        context: a JSON object, where there is any.
        metadata: a JSON object, where there is any.
    """

    at: float
    severity: int
    logger: str
    message: str
    action: str | None = None
    category: str | None = None
    context: str | None = None
    metadata: str | None = None


_said = tuple.__new__
"""Makes a named tuple in half the time that its own constructor takes: the caller waits for it."""


class BufferHandler(logging.Handler):
    """Hands each record to the buffer, in the contract's form, and does nothing else.

    `extra` may carry `action`, `category`, `context` and `metadata`. A wrong format string is reported as logging does,
    and never stops the caller.

    Args:
        take: takes what was said; from any thread.
        redact: takes the secrets out of a text.
    """

    def __init__(self, take: Callable[[Said], None], redact: Callable[[str], str]) -> None:
        super().__init__()
        self._take, self._redact = take, redact

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record down; without the lock that other handlers need."""
        if self.filters and not self.filter(record):
            return False
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record down."""
        try:
            said = record.__dict__.get
            action, category, context, metadata = said("action"), said("category"), said("context"), said("metadata")
            if record.exc_info or record.stack_info:
                context = self._with_trace(context, record)
            self._take(
                _said(
                    Said,
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
        except Exception:  # noqa: BLE001  # whatever an argument's own code raises; logging tells it
            self.handleError(record)

    def _with_trace(self, context: Any, record: logging.LogRecord) -> dict[Any, Any]:
        found = dict(_mapping(context or {}))
        if record.exc_info and record.exc_info[0]:
            trace = logging.Formatter().formatException(record.exc_info)
            found |= {"exception": record.exc_info[0].__name__, "traceback": _tail(trace, self._redact)}
        if record.stack_info:
            found["stack"] = _tail(record.stack_info, self._redact)
        return found


def render_for_logging(_: Any, __: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The last processor of a structlog configuration: hands an event to the `logging` module in the contract's form.

    `event` becomes the message; `action`, `category`, `context` and `metadata` keep their places; whatever else was
    bound goes into the context. Use it with `structlog.stdlib.LoggerFactory()`.

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
    return {"msg": str(message), **arguments, "extra": {**extra, "context": {**_mapping(context), **rest}}}


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {"value": value}


def _tail(text: str, redact: Callable[[str], str]) -> str:
    """The end of a text; what is cut is searched for secrets before, lest half of one remains."""
    limit = TRACEBACK_CHARACTERS
    return text if len(text) <= limit else redact(text[-2 * limit :])[-limit:]
