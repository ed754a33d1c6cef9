"""Everything that a report is computed from: what the edge found, in the words of the parts that read it."""

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
        earlier: bytes when the period before began; None where nobody measured, as below.
        start: bytes when the period began.
        end: bytes when it ended.
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
    """What was found.

    Attributes:
        made: when, in Unix seconds.
        fleet: each agent in the period.
        fleet_before: each agent in the period before, as all that is called so.
        incidents: of both periods, and a day longer, so that most have their end.
        deeds: likewise.
        tally: the period's logs.
        summaries_before: of the days before; the logs themselves may be deleted by now.
        changes: of both periods.
        analysis: by day; without the days that have none.
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
