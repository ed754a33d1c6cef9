"""Computes the daily summary of the fleet from its log records."""

from collections import Counter
from collections.abc import Iterable

from nervesys.contract import Category, DailySummary, LogRecord, Tasks
from nervesys.contract.brain import ModelUsage
from nervesys.contract.fingerprints import fingerprint
from nervesys.errors import BadObject

TOP_ERRORS = 10
"""Kinds of error listed in a summary."""
KINDS = 10_000
"""Kinds of error that are counted separately, to bound the memory."""


def summarise_day(day: str, lines: Iterable[bytes]) -> DailySummary:
    """Summarise a day; a record with a duration counts as a task, and lines that are no records are skipped.

    Args:
        day: its date, in UTC.
        lines: all records of all servers, as JSON.
    """
    agents: set[str] = set()
    completed = failed = records = errors = 0
    usages: dict[str, ModelUsage] = {}
    kinds: Counter[str] = Counter()
    for line in lines:
        try:
            record = LogRecord.parse(line)
        except BadObject:
            continue
        is_error = record.category is Category.ERRORS
        agents.add(record.agent_id)
        records, errors = records + 1, errors + is_error
        if is_error and ((kind := fingerprint(record)) in kinds or len(kinds) < KINDS):
            kinds[kind] += 1
        if (usage := record.metadata.usage) is not None:
            usages[record.metadata.model] = usages.get(record.metadata.model, ModelUsage()).plus(usage)
        if record.context.duration_ms is not None:
            completed, failed = completed + (not is_error), failed + is_error
    tokens = {model: sum(usage.tokens) for model, usage in sorted(usages.items())}
    return DailySummary(
        date=day,
        agents=len(agents),
        tasks=Tasks(completed=completed, failed=failed),
        tokens_used=sum(tokens.values()),
        tokens_by_model={model: count for model, count in tokens.items() if count},
        usage_by_model=dict(sorted(usages.items())),
        log_records=records,
        errors=errors,
        top_errors=dict(kinds.most_common(TOP_ERRORS)),
    )
