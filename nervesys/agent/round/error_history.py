"""Which kinds of error the fleet had, on which days and at which agents. Pure."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nervesys.contract import Category, LogRecord
from nervesys.contract.fingerprints import error_text, fingerprint
from nervesys.contract.times import DAY_SECONDS, parse_time
from nervesys.errors import BadObject, Reason

RECURRENT_DAYS, RECURRENT_AGENTS = 2, 3
"""A kind of error recurs if it was seen on so many days, or at so many agents."""
KINDS = 2000
"""Kinds that are remembered, to bound the object."""
AGENTS, DAYS, STARTS = 50, 60, 100
"""Names and days of a kind, and starts of an agent, that are remembered."""
FORGET_SECONDS = 60 * DAY_SECONDS
"""After which a kind that never recurred is forgotten."""
STARTED = b'"agent '
"""In the line that an agent logs when it starts."""


class ErrorEnd(BaseModel):
    """What ended a kind of error.

    Attributes:
        by: `action`, `restart`, `configuration` or `unknown`.
        at: Unix seconds; of an unknown end, of the last error.
        what: in one line.
    """

    by: str
    at: float
    what: str


class RecurringError(BaseModel):
    """A kind of error: errors with the same fingerprint.

    Attributes:
        error: text of the first one, without secrets, for agents redact what they log.
        action: during which it happened.
        first_seen: Unix seconds.
        last_seen: Unix seconds.
        days: on which it happened, the newest last.
        count: of all errors.
        agents: number of errors by agent.
        end: what ended it; None while it goes on.
        published: whether it is in the knowledge base.
    """

    error: str
    action: str
    first_seen: float
    last_seen: float
    days: list[str] = Field(default_factory=list)
    count: int = 0
    agents: dict[str, int] = Field(default_factory=dict)
    end: ErrorEnd | None = None
    published: bool = False

    @property
    def recurs(self) -> bool:
        """Whether it happened on several days, or at several agents."""
        return len(self.days) >= RECURRENT_DAYS or len(self.agents) >= RECURRENT_AGENTS

    def add(self, other: "RecurringError") -> None:
        """Add the errors of a further day."""
        if other.first_seen > self.last_seen:
            self.end = None
        self.first_seen, self.last_seen = min(self.first_seen, other.first_seen), max(self.last_seen, other.last_seen)
        self.count += other.count
        self.days = sorted({*self.days, *other.days})[-DAYS:]
        for agent, number in other.agents.items():
            if agent in self.agents or len(self.agents) < AGENTS:
                self.agents[agent] = self.agents.get(agent, 0) + number


class ErrorHistory(BaseModel):
    """All kinds that are remembered.

    Attributes:
        last_day: the newest day whose errors are in it; a day is added once.
        kinds: by `kind_id`.
        starts: when instances of agents started on the last two days, in Unix seconds.
    """

    model_config = ConfigDict(extra="ignore")
    last_day: str = ""
    kinds: dict[str, RecurringError] = Field(default_factory=dict)
    starts: dict[str, list[float]] = Field(default_factory=dict)

    @classmethod
    def parse(cls, body: bytes) -> "ErrorHistory":
        """Parse a stored history; an empty body is an empty history.

        Raises:
            BadObject: it is no history.
        """
        try:
            return cls.model_validate_json(body) if body else cls()
        except ValidationError as err:
            raise BadObject(Reason.BAD_JSON, f"not a history of errors: {err.error_count()} errors") from None

    def add_day(self, day: "ErrorDay") -> None:
        """Add a day; does nothing for one that is in it already."""
        if day.date <= self.last_day:
            return
        for name, kind in day.kinds.items():
            if name in self.kinds:
                self.kinds[name].add(kind)
            elif len(self.kinds) < KINDS:
                self.kinds[name] = kind
        midnight = parse_time(day.date)
        for agent, starts in day.starts.items():
            self.starts[agent] = [*self.starts.get(agent, ()), *starts][-STARTS:]
        recent = {agent: [at for at in starts if at >= midnight - DAY_SECONDS] for agent, starts in self.starts.items()}
        self.starts = {agent: starts for agent, starts in recent.items() if starts}
        oldest = midnight - FORGET_SECONDS
        self.kinds = {name: kind for name, kind in self.kinds.items() if kind.recurs or kind.last_seen >= oldest}
        self.last_day = day.date


@dataclass
class ErrorDay:
    """The errors of one day, and who was active on it.

    Attributes:
        date: in UTC.
        kinds: by `kind_id`.
        active: agents that logged anything.
        starts: when instances of agents started, in Unix seconds.
    """

    date: str
    kinds: dict[str, RecurringError] = field(default_factory=dict)
    active: set[str] = field(default_factory=set)
    starts: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def watch(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Pass on the lines of the day, and add what they hold."""
        for line in lines:
            try:
                record = LogRecord.parse(line)
            except BadObject:
                record = None
            if record is not None:
                self._add(record, line)
            yield line

    def _add(self, record: LogRecord, line: bytes) -> None:
        self.active.add(record.agent_id)
        if record.category is Category.ERRORS:
            self._add_error(record)
        elif STARTED in line and record.message.startswith(f"agent {record.agent_id} starts on "):
            self.starts[record.agent_id].append(record.timestamp)

    def _add_error(self, record: LogRecord) -> None:
        name, at = kind_id(record), record.timestamp
        kind = RecurringError(
            error=error_text(record),
            action=record.action or "",
            first_seen=at,
            last_seen=at,
            days=[self.date],
            count=1,
            agents={record.agent_id: 1},
        )
        if name in self.kinds:
            known = self.kinds[name]
            known.add(kind)
        elif len(self.kinds) < KINDS:
            self.kinds[name] = kind


def kind_id(record: LogRecord) -> str:
    """A short name of a kind of error, from its fingerprint."""
    return hashlib.blake2b(fingerprint(record).encode(), digest_size=6).hexdigest()
