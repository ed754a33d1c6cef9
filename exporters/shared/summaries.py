"""A daily summary: its families and samples. Pure."""

from collections.abc import Iterator

from nervesys.contract import DailySummary, parse_time
from nervesys.metrics import ConditionTerm, Family, Period, Sample, SourceArea

ORIGIN = SourceArea("brain", "brain")
DAY = Family(
    "brain_daily_summary_timestamp_seconds",
    "gauge",
    "Start of the day that the newest daily summary covers.",
    (),
    Period.DAILY,
    conditions=(ConditionTerm(word="daily summary", kind="absence", origin=ORIGIN),),
)
DAY_AGENTS = Family(
    "brain_daily_summary_agents",
    "gauge",
    "Active agents in the newest daily summary.",
    (),
    Period.DAILY,
    conditions=(ConditionTerm(word="daily agents", kind="level", origin=ORIGIN),),
)
DAY_TASKS = Family(
    "brain_daily_summary_tasks",
    "gauge",
    "Tasks in the newest daily summary, by outcome.",
    ("outcome",),
    Period.DAILY,
    conditions=(ConditionTerm(word="daily tasks", kind="level", labels=("outcome",), origin=ORIGIN),),
)
DAY_TOKENS = Family(
    "brain_daily_summary_tokens",
    "gauge",
    "Tokens used in the newest daily summary.",
    (),
    Period.DAILY,
    conditions=(ConditionTerm(word="daily tokens", kind="level", origin=ORIGIN),),
)
DAY_RECORDS = Family(
    "brain_daily_summary_log_records",
    "gauge",
    "Log records in the newest daily summary.",
    (),
    Period.DAILY,
    conditions=(ConditionTerm(word="daily log records", kind="level", origin=ORIGIN),),
)
DAY_ERRORS = Family(
    "brain_daily_summary_errors",
    "gauge",
    "Error records in the newest daily summary.",
    (),
    Period.DAILY,
    conditions=(ConditionTerm(word="daily errors", kind="level", origin=ORIGIN),),
)

FAMILIES = (DAY, DAY_AGENTS, DAY_TASKS, DAY_TOKENS, DAY_RECORDS, DAY_ERRORS)


def samples(day: str, summary: DailySummary) -> Iterator[Sample]:
    """Of one summary; what it does not say is absent."""
    yield DAY.sample(parse_time(day))
    if summary.tasks is not None:
        yield DAY_TASKS.sample(summary.tasks.completed, "completed")
        yield DAY_TASKS.sample(summary.tasks.failed, "failed")
    numbers = (
        (DAY_AGENTS, summary.agents),
        (DAY_TOKENS, summary.tokens_used),
        (DAY_RECORDS, summary.log_records),
        (DAY_ERRORS, summary.errors),
    )
    for family, value in numbers:
        if value is not None:
            yield family.sample(value)
