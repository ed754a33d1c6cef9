"""The facts that a report is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nervesys.contract import DailySummary
from nervesys.settings.prices import Prices
from reports.model import Page
from reports.periodic.availability import Presence
from reports.periodic.incidents import Deed, Incident
from reports.periodic.period import Period
from reports.periodic.tally import Tally


@dataclass(frozen=True)
class Size:
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
class Change:
    """A commit that changed the configuration."""

    at: float
    author: str
    files: tuple[str, ...]
    message: str
    commit: str


@dataclass(frozen=True)
class Facts:
    """The facts.

    Attributes:
        made: when the report is made, in Unix seconds.
        fleet: availability of each agent in the period.
        fleet_before: the same for the previous period.
        incidents: of both periods and one more day, so that most have ended.
        deeds: actions, of the same time.
        tally: sums over the period's logs.
        summaries_before: daily summaries of the previous period, whose logs may be deleted by now.
        changes: of both periods.
        analysis: by the language model, by day.
        notes: what could not be read.
    """

    period: Period
    made: float
    prices: Prices
    fleet: Sequence[Presence]
    fleet_before: Sequence[Presence]
    incidents: Sequence[Incident]
    deeds: Sequence[Deed]
    tally: Tally
    summaries_before: Sequence[DailySummary]
    sizes: Sequence[Size]
    changes: Sequence[Change]
    analysis: Mapping[str, str]
    panels: Page | None = None
    notes: Sequence[str] = field(default=())
