"""What a request asks the pages Logs and Tasks for."""

from collections.abc import Mapping
from dataclasses import dataclass

from nervesys.contract import Category, Level, agent_name, server_name
from nervesys.contract.logs import LEVELS
from nervesys.errors import BadObject
from nervesys.logs.query import LogQuery, from_level
from nervesys.logs.tasks import is_task
from nervesys.logs.text_search import BadPattern, TextSearch
from nervesys.queries.variables import instant_of

RANGES = (
    ("now-15m", "last 15 minutes"),
    ("now-1h", "last hour"),
    ("now-6h", "last 6 hours"),
    ("now-24h", "last 24 hours"),
    ("now-7d", "last 7 days"),
    ("now-30d", "last 30 days"),
    ("now-365d", "last year"),
)
DEFAULT_RANGE = ("now-1h", "now")
PAGE_ROWS = 1000
"""Rows of one response; the page's script asks for more."""
CATEGORIES = tuple(category for category in Category if category is not Category.OTHER)


@dataclass(frozen=True)
class LogView:
    """The parameters of a request.

    Attributes:
        since: start as requested: `now-6h`, or milliseconds since 1970.
        until: its end.
        values: of the other fields of the form.
        query: the question for the reader.
    """

    since: str
    until: str
    values: Mapping[str, str]
    query: LogQuery

    @classmethod
    def of(cls, parameters: Mapping[str, str], now: float, *, tasks: bool) -> "LogView":
        """From a query string.

        Args:
            parameters: as received; empty ones count as missing.
            now: Unix seconds.
            tasks: whether only finished tasks are asked for.

        Raises:
            ValueError: a value is wrong; the message is for people.
        """
        values = {name: value for name, value in parameters.items() if value}
        since, until = values.pop("from", DEFAULT_RANGE[0]), values.pop("to", DEFAULT_RANGE[1])
        start, end = instant_of(since, now), instant_of(until, now)
        if start >= end:
            raise ValueError("the time range ends before it begins")
        return cls(since, until, values, _query(values, start, end, tasks))


def _query(values: Mapping[str, str], start: float, end: float, tasks: bool) -> LogQuery:
    level, category, text = (values.get(name, "") for name in ("level", "category", "text"))
    try:
        levels = from_level(Level(level.upper())) if level else frozenset()
        categories = frozenset({Category(category)} if category else ())
    except ValueError:
        known = ", ".join(name.lower() for name in LEVELS)
        raise ValueError(f"level is one of {known}; category one of {', '.join(CATEGORIES)}") from None
    try:
        return LogQuery(
            start,
            end,
            agents=frozenset({agent_name(values["agent"])} if "agent" in values else ()),
            servers=frozenset({server_name(values["server"])} if "server" in values else ()),
            levels=levels,
            categories=categories,
            action=values.get("action", ""),
            search=TextSearch(text, ignore_case=True) if text else None,
            accepts=is_task if tasks else None,
        )
    except BadObject as bad:
        raise ValueError(bad.detail) from None
    except BadPattern as bad:
        raise ValueError(f"text {text}: {bad}") from None
