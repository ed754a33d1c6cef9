"""Benchmark: the receiver's journal with years of rows. What the receiver does at each moment must not grow with them.

Incidents lie a minute apart, so that more rows are a longer history and not a busier fleet. The baseline of each line
is the same operation on a journal with the rows of two days.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from sqlalchemy import Connection, String, Table, case, cast, func, insert, literal, null, select, text
from sqlalchemy.sql.elements import ColumnElement

from alerting.journal import episodes as operations
from alerting.journal.journal import Journal
from alerting.journal.receive import Arrival, receive
from alerting.journal.retention import delete_ended
from alerting.journal.tables import alerts, attempts, episodes, evidence, history, records
from alerting.journal.view import ActionFilter, actions, open_counts, pending, read_details
from benchmarks.measure import BenchmarkReport, measure_best, measure_once
from benchmarks.measure import seconds as format_seconds
from tests.servers.postgres import postgres
from tests.servers.prometheus import PROGRAMS

ROWS = 10
"""Rows of one incident, in all tables together."""
FEW = 30_000
"""Rows of the baseline."""
INCIDENTS = 10
"""Of each agent."""
SPACING = 60.0
"""Seconds between two incidents."""
END = 1_800_000_000.0
STEP = 20_000
"""Incidents written in one transaction."""
OPEN = 10
ACTION = "restart_agent"
GROWTH = 3.0
"""At most: an index with three hundred times the rows is a level deeper."""
STATES = ("pending", "running", "waiting", "recovered")
DETAIL = "attempt 1 by pod; heartbeat seen, waiting for proof"
LABELS = '{"agent": "grok", "alertname": "AgentDown", "severity": "critical"}'
SIZE = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}
Operation = Callable[[Connection], object]
Row = dict[str, Any]
"""A value, or an expression of the incident's number, for each column."""


class FirstSchema(Journal):
    """A journal with the schema of the first release."""

    revision = "0001"


@dataclass(frozen=True)
class FilledJournal:
    """A journal of so many incidents, of which the last ones are open.

    Attributes:
        url: of the database.
        incidents: that it holds.
        journal: the database, with the newest schema.
    """

    url: str
    incidents: int
    journal: Journal


def run(report: BenchmarkReport, *, large: bool, short: bool) -> None:
    """Measure both databases: a million rows in SQLite and ten in PostgreSQL with `--large`, else a tenth of them."""
    sqlite_rows, postgresql_rows = (1_000_000, 10_000_000) if large else (100_000, 1_000_000)
    if short:
        sqlite_rows = postgresql_rows = 2 * FEW
    with tempfile.TemporaryDirectory() as name, postgres(PROGRAMS) as server:
        files = (f"sqlite:///{name}/{number}.sqlite3" for number in count())
        _compare(report, "SQLite", sqlite_rows, lambda: next(files))
        _compare(report, "PostgreSQL", postgresql_rows, server.database)


def _compare(report: BenchmarkReport, engine: str, rows: int, new_url: Callable[[], str]) -> None:
    """Fill journals as the first release would have, migrate them, and measure what the receiver does with them."""
    journals = []
    for url, size in ((new_url(), FEW), (new_url(), rows)):
        filling = measure_once(partial(_fill, url, size // ROWS))
        migration = measure_once(partial(_migrate, url))
        journals.append(FilledJournal(url, size // ROWS, Journal.open(url)))
    few, many = journals
    report.fact(f"{engine}: rows a second, written in bulk", f"{rows / filling.wall:,.0f}")
    report.fact(f"{engine}, {rows:,} rows: migration from the first schema", format_seconds(migration.wall))
    report.fact(f"{engine}: bytes a row, with indexes", f"{_size(many.journal) / rows:,.0f}")
    for filled in journals:
        _analyze(filled.journal)
    baseline = dict(_measure(few))
    for what, seconds in _measure(many):
        report.ratio(f"{engine}, {rows:,} rows: {what}", seconds, baseline[what], at_most=GROWTH)
    for filled in journals:
        filled.journal.close()


def _measure(filled: FilledJournal) -> Iterator[tuple[str, float]]:
    """Each operation, and how many seconds it takes; in transactions that are rolled back where it writes."""
    day_ago = END - 86_400
    middle = filled.incidents // 2
    reads: Mapping[str, Operation] = {
        "the page": lambda connection: actions(connection, ActionFilter()),
        "the page, of one agent": lambda connection: actions(connection, ActionFilter(agent="agent-7")),
        "the page, of a state that few have": lambda connection: actions(connection, ActionFilter(state="escalated")),
        "one episode": lambda connection: read_details(connection, middle),
        "the metrics": lambda connection: (open_counts(connection), pending(connection)),
        "attempts of a day": lambda connection: operations.count_attempts(connection, [ACTION], day_ago),
        "what is due next": lambda connection: operations.next_due(connection, END),
    }
    writes: Mapping[str, Operation] = {
        "ten alerts arrive": lambda connection: receive(connection, _arrivals(), END),
        "due episodes are claimed": lambda connection: operations.claim(connection, END, owner="me", until=END + 60),
        "a step of retention": lambda connection: delete_ended(connection, _start(filled.incidents) + 3600),
        "retention without anything to delete": lambda connection: delete_ended(
            connection, _start(filled.incidents) - 1
        ),
    }
    for what, operation in reads.items():
        with filled.journal.reading() as connection:
            yield what, measure_best(partial(operation, connection), 5).wall
    for what, operation in writes.items():
        yield what, min(_rolled_back(filled.journal, operation) for _ in range(5))
    opened = measure_best(partial(_migrate, filled.url), 5)
    yield "open, with the schema checked", opened.wall


def _rolled_back(journal: Journal, operation: Operation) -> float:
    """Seconds of an operation within its transaction; the journal stays as it is."""
    with journal.alone() as connection:
        savepoint = connection.begin_nested()
        taken = measure_once(lambda: operation(connection)).wall
        savepoint.rollback()
    return taken


def _arrivals() -> list[Arrival]:
    names = [f"new-{number}" for number in range(10)]
    return [Arrival("AgentDown", name, name, "firing", "test", name, "{}", "{}", remedies=(ACTION,)) for name in names]


def _size(journal: Journal) -> int:
    """Bytes that the database takes."""
    with journal.reading() as connection:
        return int(connection.execute(text(SIZE[connection.dialect.name])).scalar_one())


def _fill(url: str, incidents: int) -> None:
    """Write all incidents with the first schema."""
    journal = FirstSchema.open(url)
    for first in range(1, incidents + 1, STEP):
        with journal.transaction() as connection:
            _write(connection, incidents, first, min(first + STEP - 1, incidents))
    journal.close()


def _migrate(url: str) -> None:
    """Bring the schema up to date, as a receiver does at its start."""
    Journal.open(url).close()


def _analyze(journal: Journal) -> None:
    """Let the database count what it has, as it does by itself within a day."""
    with journal.transaction() as connection:
        if connection.dialect.name == "postgresql":
            for table in (alerts, episodes, attempts, history, records):
                newest = select(func.max(table.c.id)).scalar_subquery()
                connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), newest)))
        connection.execute(text("ANALYZE"))


def _start(incidents: int) -> float:
    """When the first of so many incidents began, Unix seconds."""
    return END - incidents * SPACING


def _write(connection: Connection, incidents: int, first: int, last: int) -> None:
    """Write incidents by their number."""
    numbers = select(literal(first).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < last))
    for table, row in _incident(incidents, numbers.c.n):
        columns = [value if isinstance(value, ColumnElement) else literal(value) for value in row.values()]
        connection.execute(insert(table).from_select(list(row), select(*columns).select_from(numbers)))


def _incident(incidents: int, n: ColumnElement[int]) -> Iterator[tuple[Table, Row]]:
    """An episode with an attempt, four lines of history, two alerts, and a record."""
    begin: Any = _start(incidents) + n * SPACING
    ended = n <= incidents - OPEN
    agent = literal("agent-").concat(cast(n % (incidents // INCIDENTS), String))
    closed_at = case((ended, begin + 120))
    # The only one that was escalated is the oldest: whoever looks for it passes all others.
    state = case((n == 1, "escalated"), (ended, "recovered"), else_="pending")
    alert: Row = {"alertname": "AgentDown", "fingerprint": agent, "starts_at": cast(n, String), "sender": "benchmark"}
    alert |= {"agent": agent, "labels": LABELS, "annotations": "{}", "rejected": "", "times": 1}
    alert |= {"first_at": begin, "last_at": begin}
    yield alerts, {"id": n * 2, "status": "firing", **alert}
    yield alerts, {"id": n * 2 + 1, "status": "resolved", **alert}
    episode: Row = {"id": n, "action": ACTION, "agent": agent, "test": False, "alert": "AgentDown", "state": state}
    episode |= {"verdict": "proven", "detail": DETAIL, "opened_at": begin, "closed_at": closed_at}
    episode |= {"updated_at": func.coalesce(closed_at, begin), "due_at": case((ended, null()), else_=begin)}
    episode |= {"attempts": 1, "driver_errors": 0, "attempt_at": begin, "waited": 0.0, "baseline": "", "sign": ""}
    yield episodes, episode | {"driver": "pod", "server": "srv-1"}
    attempt: Row = {"id": n, "episode_id": n, "agent": agent, "action": ACTION, "number": 1, "driver": "pod"}
    yield attempts, attempt | {"started_at": begin, "ended_at": begin + 1, "outcome": "done", "detail": DETAIL}
    for part, name in enumerate(STATES):
        line: Row = {"id": n * 4 + part, "episode_id": n, "at": begin, "state": name, "verdict": "act"}
        yield history, line | {"detail": DETAIL}
    yield evidence, {"episode_id": n, "alert_id": n * 2}
    record: Row = {"id": n, "alert_id": n * 2, "action": "log_to", "target": "", "state": "succeeded", "detail": DETAIL}
    yield records, record | {"opened_at": begin, "closed_at": begin + 1}
