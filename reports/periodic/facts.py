"""The facts that a report is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nervesys.contract import DailySummary
from nervesys.settings.prices import Prices
from reports.model import PageModel
from reports.periodic.availability import AgentAvailability, HourAvailability
from reports.periodic.incidents import ActionEvent, AlertIncident
from reports.periodic.log_totals import LogTotals
from reports.periodic.objectives import AttainedObjective
from reports.periodic.period import ReportPeriod


@dataclass(frozen=True)
class AreaSize:
    """An area of the store or the archive.

    Attributes:
        place: `store` or `archive`.
        earlier: bytes at the start of the previous period; None if unknown, as below.
        start: bytes at the start of the period.
        end: bytes at its end.
    """

    place: str
    area: str
    earlier: float | None
    start: float | None
    end: float | None


@dataclass(frozen=True)
class ConfigCommit:
    """A commit that changed the configuration."""

    at: float
    author: str
    files: tuple[str, ...]
    message: str
    commit: str


@dataclass(frozen=True)
class Runbook:
    """What to do about an alert.

    Attributes:
        title: of the alert, for people.
        text: the advice.
        url: of the page that has it.
    """

    title: str
    text: str
    url: str


@dataclass(frozen=True)
class Facts:
    """The facts.

    Attributes:
        made: when the report is made, in Unix seconds.
        fleet: availability of each agent in the period.
        fleet_before: the same for the previous period.
        incidents: of both periods and one more day, so that most have ended.
        actions: actions, of the same time.
        log_totals: sums over the period's logs.
        summaries_before: daily summaries of the previous period, whose logs may be deleted by now.
        changes: of both periods.
        analysis: by the language model, by day.
        objectives: of config/slos.yaml, at the end of the period.
        hours: availability of the fleet in each hour of the period that is known.
        runbooks: what to do, by the name of an alert.
        notes: what could not be read.
    """

    period: ReportPeriod
    made: float
    prices: Prices
    fleet: Sequence[AgentAvailability]
    fleet_before: Sequence[AgentAvailability]
    incidents: Sequence[AlertIncident]
    actions: Sequence[ActionEvent]
    log_totals: LogTotals
    summaries_before: Sequence[DailySummary]
    sizes: Sequence[AreaSize]
    changes: Sequence[ConfigCommit]
    analysis: Mapping[str, str]
    objectives: Sequence[AttainedObjective] = ()
    hours: Sequence[HourAvailability] = ()
    runbooks: Mapping[str, Runbook] = field(default_factory=dict)
    panels: PageModel | None = None
    notes: Sequence[str] = field(default=())

    @property
    def cost(self) -> float | None:
        """What all calls with a price cost; None if that is unknown: there are no logs, or no call has a price."""
        totals = self.log_totals
        return sum(totals.costs.values()) if totals.costs or (totals.records and not totals.unpriced) else None
