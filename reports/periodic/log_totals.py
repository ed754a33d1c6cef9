"""Sums over the logs of a period: tasks, tokens by agent and model, errors by fingerprint. Pure."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nervesys.contract import Category, LogRecord
from nervesys.contract.fingerprints import error_text, fingerprint
from nervesys.errors import BadObject
from nervesys.settings.prices import Prices

HOUR_SECONDS = 3600
MAX_KINDS = 5000
"""Most kinds of errors; further ones are counted together."""
UNNAMED_ACTION = "(unnamed)"
REST = "(further kinds of errors)"


@dataclass
class ErrorKind:
    """One kind of error: its first text, first and last occurrence, count, and agents.

    Attributes:
        first: Unix seconds.
        last: Unix seconds.
        hours: in which it occurred, by their first instant.
    """

    text: str
    first: float
    last: float
    count: int = 0
    agents: set[str] = field(default_factory=set)
    hours: set[float] = field(default_factory=set)


@dataclass
class HourTotals:
    """Sums over the log records of one hour; `costs` by model."""

    records: int = 0
    completed: int = 0
    failed: int = 0
    errors: int = 0
    costs: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


def hour_of(at: float) -> float:
    """The first instant of the hour that contains an instant, in Unix seconds."""
    return at - at % HOUR_SECONDS


@dataclass
class LogTotals:
    """Sums over log records, counted as in the daily summary.

    Attributes:
        prices: of models; None adds up no costs.
        tokens: by agent and model.
        costs: by agent and model, of those that have a price.
        task_costs: by agent and action, likewise.
        unpriced: models of calls without a price.
        hours: sums by hour, by its first instant in Unix seconds; an hour without records is missing.
        errors: by fingerprint.
        error_times: time and fingerprint of each agent's errors.
    """

    prices: Prices | None = None
    records: int = 0
    failures: int = 0
    completed: int = 0
    failed: int = 0
    tokens: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    costs: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    task_costs: defaultdict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    unpriced: set[str] = field(default_factory=set)
    hours: defaultdict[float, HourTotals] = field(default_factory=lambda: defaultdict(HourTotals))
    tasks: Counter[tuple[str, bool]] = field(default_factory=Counter)
    errors: dict[str, ErrorKind] = field(default_factory=dict)
    error_times: defaultdict[str, list[tuple[float, str]]] = field(default_factory=lambda: defaultdict(list))

    def add_lines(self, lines: Iterable[bytes]) -> None:
        """Add the records of some lines; invalid lines are skipped."""
        for line in lines:
            try:
                record = LogRecord.parse(line)
            except BadObject:
                continue
            self._add(record)

    def error_before(self, agent: str, at: float, within: float) -> str:
        """Text of an agent's last error within some seconds before an instant; empty for none."""
        occurrences = sorted(self.error_times.get(agent, ()))
        place = bisect_right(occurrences, (at, "\U0010ffff"))
        if not place or at - occurrences[place - 1][0] > within:
            return ""
        return self.errors[occurrences[place - 1][1]].text

    def _add(self, record: LogRecord) -> None:
        wrong = record.category is Category.ERRORS
        hour = self.hours[hour_of(record.timestamp)]
        self.records, hour.records = self.records + 1, hour.records + 1
        if tokens := record.metadata.tokens:
            self.tokens[record.agent_id, record.metadata.model] += tokens
        self._add_cost(record, hour)
        if record.context.duration_ms is not None:
            self.completed, self.failed = self.completed + (not wrong), self.failed + wrong
            hour.completed, hour.failed = hour.completed + (not wrong), hour.failed + wrong
            self.tasks[record.agent_id, wrong] += 1
        if wrong:
            self.failures, hour.errors = self.failures + 1, hour.errors + 1
            self._fail(record)

    def _add_cost(self, record: LogRecord, hour: HourTotals) -> None:
        """Add what a record's call cost, as the exporter counts it."""
        usage, model = record.metadata.usage, record.metadata.model
        if self.prices is None or usage is None:
            return
        cost = self.prices.cost_of_call(model, usage, record.timestamp)
        if cost is None:
            self.unpriced.add(model)
            return
        self.costs[record.agent_id, model] += cost
        self.task_costs[record.agent_id, record.action or UNNAMED_ACTION] += cost
        hour.costs[model] += cost

    def _fail(self, record: LogRecord) -> None:
        kind, text = fingerprint(record), error_text(record)
        if kind not in self.errors and len(self.errors) >= MAX_KINDS:
            kind = text = REST
        errors = self.errors.setdefault(kind, ErrorKind(text, record.timestamp, record.timestamp))
        errors.count += 1
        errors.agents.add(record.agent_id)
        errors.hours.add(hour_of(record.timestamp))
        if record.timestamp < errors.first:
            errors.first, errors.text = record.timestamp, text
        errors.last = max(errors.last, record.timestamp)
        self.error_times[record.agent_id].append((record.timestamp, kind))


def most_frequent(log_totals: LogTotals) -> Sequence[ErrorKind]:
    """The kinds of errors, most frequent first."""
    return sorted(log_totals.errors.values(), key=lambda it: (-it.count, it.first, it.text))
