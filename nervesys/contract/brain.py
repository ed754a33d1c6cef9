"""Files of the brain besides its configuration: contributors, and what is written to the state branch."""

from typing import Annotated

from pydantic import AfterValidator, Field

from nervesys.contract.logs import TokenUsage
from nervesys.contract.objects import ContractObject, Count, Instant
from nervesys.contract.paths import PathTemplate, parse_date
from nervesys.contract.tasks import Tasks

LAST_STATUS = PathTemplate("state/{agent}_last_status.json")
"""The last state that an agent reported (an `AgentState`)."""
ERROR_LOG = PathTemplate("logs/errors/{agent}_errors.log")
"""An agent's newest errors, one per line."""
DAILY_SUMMARY = PathTemplate("metrics/daily/{date}.json")
"""The summary of one day of the fleet (a `DailySummary`)."""
ROUND = "state/round.json"
"""Who leads the fleet's daily round (a `RoundLease`)."""

RESTORE_DRILL = "state/restore_drill.json"
"""The result of the last restore drill (a `RestoreDrill`); earlier ones are in the Git history."""
DASHBOARDS = "dashboards"
"""Folder of the dashboards' JSON, if they are pushed to the brain."""
REPORT_BYTES = 1 << 20
"""Largest report that is read, whatever its kind."""


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
    """The result of a restore drill.

    `timestamp` is its end, `backup` the path of the backup, `files` and `bytes` what was restored; `detail` says why it
    failed, and `by` who ran it.
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


class ModelUsage(ContractObject):
    """Calls of a model on one day, and their tokens by kind; see `nervesys.contract.logs.TokenUsage`."""

    calls: Count = 0
    mixed: Count = 0
    input: Count = 0
    output: Count = 0
    cached: Count = 0

    @property
    def tokens(self) -> TokenUsage:
        """The tokens by kind."""
        return TokenUsage(self.mixed, self.input, self.output, self.cached)

    def plus(self, call: TokenUsage) -> "ModelUsage":
        """With one more call."""
        mixed, sent, output, cached = (each + more for each, more in zip(self.tokens, call, strict=True))
        return ModelUsage(calls=self.calls + 1, mixed=mixed, input=sent, output=output, cached=cached)


class DailySummary(ContractObject):
    """What the fleet did on one day, UTC.

    Attributes:
        tokens_by_model: all tokens of each model.
        usage_by_model: the same by kind, for costs after the logs have been deleted; older summaries lack it.
        top_errors: number of occurrences of the most frequent kinds of error, by their text.
        analysis: a summary by the language model, if one is enabled.
    """

    date: Day
    agents: Count | None = None
    tasks: Tasks | None = None
    tokens_used: Count | None = None
    tokens_by_model: dict[str, Count] = Field(default_factory=dict)
    usage_by_model: dict[str, ModelUsage] = Field(default_factory=dict)
    log_records: Count | None = None
    errors: Count | None = None
    top_errors: dict[str, Count] = Field(default_factory=dict)
    analysis: str | None = None


class Collaborator(ContractObject):
    """A contributor to the repository."""

    name: str
    model: str = ""


class Contributors(ContractObject):
    """CONTRIBUTORS.json."""

    ai_collaborators: tuple[Collaborator, ...] = ()
