"""The hours of a period in which the fleet was worst: least available, then longest in alert, then with most errors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.periodic.facts import Facts
from reports.periodic.figures import incidents_in
from reports.periodic.incidents import AlertIncident
from reports.periodic.log_totals import HOUR_SECONDS


@dataclass(frozen=True)
class FleetHour:
    """One hour of the fleet.

    Attributes:
        begin: its first instant, in Unix seconds.
        availability: of the fleet, from 0 to 1; None if it was not monitored.
        lost: seconds of all agents without a fresh heartbeat; None if unknown.
        alerts: that fired in it.
        alert_seconds: for how long they fired, all together.
        errors: logged; None for an hour without log records.
    """

    begin: float
    availability: float | None
    lost: float | None
    alerts: tuple[AlertIncident, ...]
    alert_seconds: float
    errors: int | None

    @property
    def rank(self) -> tuple[float, float, float]:
        """Higher for a worse hour; all zeros for one in which nothing was wrong."""
        return self.lost or 0, self.alert_seconds, self.errors or 0


def worst_hours(facts: Facts, most: int) -> Sequence[FleetHour]:
    """The worst hours, the worst one first; without those in which nothing was wrong.

    Args:
        facts: of the report.
        most: how many.
    """
    found = [hour for hour in fleet_hours(facts) if any(hour.rank)]
    return sorted(found, key=lambda hour: (hour.rank, -hour.begin), reverse=True)[:most]


def fleet_hours(facts: Facts) -> Iterator[FleetHour]:
    """All hours of the period that have begun, oldest first."""
    monitored = {hour.begin: hour for hour in facts.hours}
    incidents = incidents_in(facts, facts.period)
    begin = facts.period.start
    while begin < min(facts.period.end, facts.made):
        end = begin + HOUR_SECONDS
        firing = tuple(incident for incident in incidents if incident.within(begin, end))
        hour, logged = monitored.get(begin), facts.log_totals.hours.get(begin)
        yield FleetHour(
            begin,
            hour.share if hour else None,
            hour.monitored - hour.available if hour else None,
            firing,
            sum(min(end, incident.ended or end) - max(begin, incident.began) for incident in firing),
            logged.errors if logged else None,
        )
        begin = end
