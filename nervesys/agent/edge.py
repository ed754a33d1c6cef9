"""Judges logs before they are shipped: of records that a language model calls routine, one a batch is shipped.

Only plain DEBUG and INFO records are reduced. Errors, audit records, and records with tokens or a duration, which are
counted, are always shipped; so is everything whose kind has no verdict yet, because shipping waits for no model.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nervesys.agent.identity import Identity
from nervesys.analysis import Analyst, ErrorSeverity, about_record
from nervesys.clock import Clock
from nervesys.contract import Category, Level, LogRecord
from nervesys.contract.fingerprints import fingerprint
from nervesys.contract.times import DAY_SECONDS, format_time
from nervesys.errors import BadObject

USE = "edge_analysis"
"""Value in `use_for` that enables it."""
LEVELS, CATEGORIES = (Level.DEBUG, Level.INFO), (Category.SYSTEM, Category.ACTIVITY)
WAITING = 100
"""Kinds of records that wait for a verdict; others are shipped without one."""
KINDS = 1000
"""Kinds whose verdict is remembered in memory."""
FEWEST = 2
"""Records of a kind in a batch from which on they are reduced."""


@dataclass
class EdgeFilter:
    """Reduces routine records of one agent.

    Attributes:
        me: the agent.
        analyst: client of the model.
        clock: of the age of verdicts.
    """

    me: Identity
    analyst: Analyst
    clock: Clock
    _waiting: dict[str, LogRecord] = field(default_factory=dict)
    _judged: dict[str, tuple[bool, float]] = field(default_factory=dict)

    def reduce(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The lines of a batch, with one record for all routine ones of a kind.

        Args:
            chunks: the batch, as JSON lines.
        """
        routine: dict[str, _Routine] = {}
        for line in (line for chunk in chunks for line in chunk.splitlines(keepends=True)):
            record = _plain_record(line)
            kind = fingerprint(record) if record else ""
            if record and self._is_routine(kind, record):
                routine.setdefault(kind, _Routine(record, line)).add(record)
            else:
                yield line
        for group in routine.values():
            yield group.line()

    def judge_waiting(self) -> None:
        """Request verdicts on the kinds of records that were shipped without one.

        Raises:
            NoModelAnswer: the model gave no verdict; the kinds still wait.
        """
        for kind, record in list(self._waiting.items()):
            judged = self.analyst.judge(f"{USE}: {kind}", about_record(record))
            if len(self._judged) >= KINDS:
                self._judged.clear()
            self._judged[kind] = judged.verdict.severity is ErrorSeverity.NORMAL, self.clock()
            self._waiting.pop(kind, None)
            if judged.tokens:
                self.me.log.info(
                    "records like %r are %s: %s",
                    record.message[:100],
                    "routine" if self._judged[kind][0] else "shipped whole",
                    judged.verdict.reason,
                    extra={
                        "action": USE,
                        "category": Category.AUDIT,
                        "metadata": {"model_version": self.analyst.model, "tokens_used": judged.tokens},
                    },
                )

    def _is_routine(self, kind: str, record: LogRecord) -> bool:
        verdict = self._judged.get(kind)
        if verdict and self.clock() - verdict[1] < DAY_SECONDS:
            return verdict[0]
        if len(self._waiting) < WAITING:
            self._waiting.setdefault(kind, record)
        return False


@dataclass
class _Routine:
    """Routine records of one kind in one batch."""

    first: LogRecord
    first_line: bytes
    count: int = 0
    until: float = 0.0

    def add(self, record: LogRecord) -> None:
        self.count += 1
        self.until = max(self.until, record.timestamp)

    def line(self) -> bytes:
        """The first record, with the number of all, and the time of the last one."""
        if self.count < FEWEST:
            return self.first_line
        context: dict[str, Any] = self.first.context.model_dump(exclude_none=True)
        summary = {"records": self.count, "until": format_time(self.until)}
        return self.first.model_copy(update={"context": type(self.first.context)(**context, **summary)}).body() + b"\n"


def _plain_record(line: bytes) -> LogRecord | None:
    """A record that may be reduced; None for every other."""
    try:
        record = LogRecord.parse(line)
    except BadObject:
        return None
    counted = record.metadata.tokens or record.context.duration_ms is not None
    return None if counted or record.level not in LEVELS or record.category not in CATEGORIES else record
