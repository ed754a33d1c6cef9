"""What is audited while a block runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from nervesys.audit import AUDIT, LOGGER

Event = tuple[str, str, str, str]
"""Action, result, who, target."""


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def emit(self, record: logging.LogRecord) -> None:
        context = vars(record)["context"]
        self.events.append(
            (vars(record)["action"], context["result"], context.get("who", ""), context.get("target", ""))
        )


@contextmanager
def audited_events() -> Iterator[list[Event]]:
    """The events from now on; repetitions of earlier tests do not count as such."""
    AUDIT.flush(everything=True)
    collector, logger = _Collector(), logging.getLogger(LOGGER)
    logger.addHandler(collector)
    try:
        yield collector.events
    finally:
        logger.removeHandler(collector)
