"""What lies in the brain beside its configuration: who works there, and what is written to its state branch."""

from typing import Annotated

from pydantic import AfterValidator, Field

from nervesys.contract.paths import PathTemplate, parse_date
from nervesys.contract.state import ContractObject, Count, Instant, Tasks

LAST_STATUS = PathTemplate("state/{agent}_last_status.json")
"""An agent's state, as it last reported it (an `AgentState`)."""
ERROR_LOG = PathTemplate("logs/errors/{agent}_errors.log")
"""An agent's newest errors, one a line."""
DAILY_SUMMARY = PathTemplate("metrics/daily/{date}.json")
"""The fleet's day (a `DailySummary`)."""
ROUND = "state/round.json"
"""Who does the fleet's daily round (a `RoundLease`)."""

RESTORE_DRILL = "state/restore_drill.json"
"""How the last restore drill went (a `RestoreDrill`); those before it are in the history."""


def _day(text: str) -> str:
    if parse_date(text) is None:
        raise ValueError("not a date (YYYY-MM-DD)")
    return text


Day = Annotated[str, AfterValidator(_day)]
"""A date, UTC."""


class RoundLease(ContractObject):
    """Whose the daily round is, until when, and the last day of which it is done."""

    holder: str
    until: Instant
    done: Day | None = None


class RestoreDrill(ContractObject):
    """How a restore drill went.

    `timestamp` is its end, `backup` the path of what was restored, `files` and `bytes` what came back;
    `detail` says why it failed, and `by` who did it.
    """

    timestamp: Instant
    succeeded: bool
    duration_seconds: Count
    backup: str = ""
    backup_timestamp: Instant | None = None
    files: Count = 0
    bytes: Count = 0
    detail: str = ""
    by: str = ""


class DailySummary(ContractObject):
    """What the fleet did on one day, UTC.

    Attributes:
        tokens_by_model: what costs are counted by, after the logs themselves are gone.
        top_errors: how often the most frequent kinds of error were seen, by their words.
        analysis: what a language model made of the day, in words, where one is asked.
    """

    date: Day
    agents: Count | None = None
    tasks: Tasks | None = None
    tokens_used: Count | None = None
    tokens_by_model: dict[str, Count] = Field(default_factory=dict)
    log_records: Count | None = None
    errors: Count | None = None
    top_errors: dict[str, Count] = Field(default_factory=dict)
    analysis: str | None = None


class Collaborator(ContractObject):
    """Somebody who works in the repository."""

    name: str
    model: str = ""


class Contributors(ContractObject):
    """CONTRIBUTORS.json."""

    ai_collaborators: tuple[Collaborator, ...] = ()
