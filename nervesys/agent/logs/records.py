"""Encodes log records as lines of the contract, without their secrets; the only way into the buffer."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count, groupby
from typing import NamedTuple

import orjson

from nervesys.agent.logs.handler import LoggedRecord
from nervesys.agent.logs.json_encoding import without_surrogates
from nervesys.contract import Category, Level, format_time
from nervesys.contract.logs import LEVELS, category_of
from nervesys.redact import Redactor

LINE_CHARACTERS = 65_536
"""Limit of one record; of a longer one context and metadata are left out."""
RUN_RECORDS = 100
"""Limit of a run; when the buffer is full, whole runs are dropped."""


class RecordRun(NamedTuple):
    """Consecutive records of the same level and category, which the buffer stores as one row.

    Attributes:
        at: Unix seconds of the first.
        level: index in `LEVELS`.
        category: of the contract.
        records: their number.
        lines: one line of JSON for each.
    """

    at: float
    level: int
    category: str
    records: int
    lines: bytes


class RecordEncoder:
    """Encodes records as lines.

    Args:
        agent: name of the agent.
        instance: UUID, new at every start; with a number it forms the `id` that reveals a record shipped twice.
        redactor: removes secrets.
    """

    def __init__(self, agent: str, instance: str, redactor: Redactor) -> None:
        self._agent, self._redactor = agent, redactor
        self._prefix = instance.replace("-", "")[:12]
        self._numbers = count(1)

    def runs(self, records: Iterable[LoggedRecord]) -> Iterator[RecordRun]:
        """Encode records as runs, in their order."""
        for (level, category), group in groupby(records, _record_kind):
            alike = list(group)
            for first in range(0, len(alike), RUN_RECORDS):
                part = alike[first : first + RUN_RECORDS]
                yield RecordRun(part[0].at, level, category, len(part), self._lines(part, level, category))

    def _lines(self, part: Iterable[LoggedRecord], level: int, category: str) -> bytes:
        common = f'"agent_id":"{self._agent}","level":"{LEVELS[level].value}","category":"{category}"'
        return "".join([self._line(record, common) for record in part]).encode()

    def _line(self, record: LoggedRecord, common: str) -> str:
        """Concatenated by hand from texts that are JSON already: in a third of the time of dumping a mapping."""
        line = (
            f'{{"timestamp":"{format_time(record.at)}","id":"{self._prefix}-{next(self._numbers)}",{common}'
            f',"action":{_json_string(record.action or record.logger)},"message":{_json_string(record.message)}'
        )
        if record.context:
            line += f',"context":{record.context}'
        if record.metadata:
            line += f',"metadata":{record.metadata}'
        line += "}"
        if len(line) > LINE_CHARACTERS or self._redactor.suspects(line):
            line = self._redactor.line(line.encode()).decode()
        if len(line) > LINE_CHARACTERS:
            short = {key: value for key, value in orjson.loads(line).items() if key not in {"context", "metadata"}}
            line = orjson.dumps({**short, "context": {"left_out_bytes": len(line)}}).decode()
        return f"{line}\n"


def rank_of(severity: int) -> int:
    """Index in `LEVELS` of a level number of the logging module."""
    return min(max(severity // 10 - 1, 0), len(LEVELS) - 1)


def _record_kind(record: LoggedRecord) -> tuple[int, str]:
    return _level_and_category(record.severity, record.category, record.logger)


@lru_cache(maxsize=256)
def _level_and_category(severity: int, category: str | None, logger: str) -> tuple[int, str]:
    """Level and category; a record without a category gets one by its level and logger."""
    level = rank_of(severity)
    if category:
        return level, category_of(category).value
    if LEVELS[level] is Level.ERROR:
        return level, Category.ERRORS.value
    return level, (Category.SYSTEM if logger.startswith("nervesys.") else Category.ACTIVITY).value


def _json_string(text: str) -> str:
    try:
        return orjson.dumps(text).decode()
    except TypeError:  # a lone surrogate
        return orjson.dumps(without_surrogates(text)).decode()
