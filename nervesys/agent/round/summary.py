"""The fleet's day in one object, from its log records."""

from collections import defaultdict
from collections.abc import Iterable

from nervesys.contract import Category, DailySummary, LogRecord, Tasks
from nervesys.errors import BadObject


def summary_of(day: str, lines: Iterable[bytes]) -> DailySummary:
    """Add up a day; a record with a duration tells of a task, and lines that are no records are passed over.

    Args:
        day: its date, in UTC.
        lines: all records of all servers, as JSON.
    """
    agents: set[str] = set()
    completed = failed = records = errors = 0
    tokens: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        try:
            record = LogRecord.parse(line)
        except BadObject:
            continue
        is_error = record.category is Category.ERRORS
        agents.add(record.agent_id)
        records, errors = records + 1, errors + is_error
        if record.metadata.tokens:
            tokens[record.metadata.model] += record.metadata.tokens
        if record.context.duration_ms is not None:
            completed, failed = completed + (not is_error), failed + is_error
    return DailySummary(
        date=day,
        agents=len(agents),
        tasks=Tasks(completed=completed, failed=failed),
        tokens_used=sum(tokens.values()),
        tokens_by_model=dict(sorted(tokens.items())),
        log_records=records,
        errors=errors,
    )
