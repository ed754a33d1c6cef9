"""The panels of log records on our own page: a table of the newest ones."""

from datetime import UTC, datetime
from operator import itemgetter

from nervesys.errors import NervesysError
from nervesys.logs.logql.engine import LogqlEngine
from nervesys.logs.logql.expressions import LogSelector
from nervesys.logs.logql.lexer import LogqlError
from nervesys.logs.logql.parser import parse
from nervesys.logs.query_slots import QuerySlots
from nervesys.logs.visible import visible
from reports.model import Body, Cell, Notice, Table

LINES = 100
TEXT_CHARACTERS = 300
COLUMNS = ("Time (UTC)", "Level", "Agent", "Server", "Text")
COLOURS = {"error": "red", "warn": "orange", "debug": "faint"}


class LogPanels:
    """Reads the records of panels.

    Args:
        engine: answers queries.
        slots: limits of queries.
    """

    def __init__(self, engine: LogqlEngine, slots: QuerySlots) -> None:
        self._engine, self._slots = engine, slots

    def read(self, query: str, start: float, end: float) -> Body:
        """A table of the newest records, or why there is none.

        Args:
            query: LogQL, its variables replaced.
            start: Unix seconds.
            end: Unix seconds.
        """
        try:
            selector = parse(query)
            if not isinstance(selector, LogSelector):
                return Notice("This is no query for log records", failed=True)
            with self._slots.take() as budget:
                streams = self._engine.select(selector, start, end, LINES, budget, newest_first=True)
        except (LogqlError, NervesysError) as err:
            return Notice(str(err), failed=True)
        rows = [(at, dict(stream.labels), text) for stream in streams for at, text in stream.lines]
        if not rows:
            return Notice(budget.exceeded or "No log records in this time range", failed=bool(budget.exceeded))
        return Table(COLUMNS, tuple(_row(*row) for row in sorted(rows, key=itemgetter(0), reverse=True)))


def _row(at: int, labels: dict[str, str], text: str) -> tuple[Cell, ...]:
    level = labels.get("level", "")
    moment = datetime.fromtimestamp(at / 1e9, UTC)
    shown = visible(text if len(text) <= TEXT_CHARACTERS else f"{text[:TEXT_CHARACTERS]}…")
    return (
        Cell(f"{moment:%Y-%m-%d %H:%M:%S}", sort=at),
        Cell(level.upper(), COLOURS.get(level, "")),
        Cell(labels.get("agent", "")),
        Cell(labels.get("server", "")),
        Cell(shown),
    )
