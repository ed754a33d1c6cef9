"""The sections about what went wrong: what to do next, what recurs, the worst hours."""

from collections.abc import Iterator

from reports.periodic.answers import tone_of
from reports.periodic.facts import Facts
from reports.periodic.formatting import hour_label, join_names
from reports.periodic.model import Column, ReportRow, ReportSection, ReportTable, Tone, ValueKind
from reports.periodic.next_steps import NextStep, next_steps
from reports.periodic.recurring import LEAST, recurring, slot_noun
from reports.periodic.worst_hours import FleetHour, worst_hours

AGENTS = 3
"""Most agents of a problem that are named."""
HOURS = 5
"""Worst hours in a report."""
RECURRING = 15
"""Most recurring problems in a report."""
NO_RUNBOOK = "Its runbook is not known: the alert is no longer configured, or has none."
TONES = {"critical": Tone.BAD, "warning": Tone.FAIR}


def problem_sections(facts: Facts) -> Iterator[ReportSection]:
    """All three, the most useful first."""
    yield _next_steps(facts)
    yield _recurring(facts)
    yield _worst_hours(facts)


def _next_steps(facts: Facts) -> ReportSection:
    columns = (
        Column("Alert"),
        Column("Fired", ValueKind.COUNT),
        Column("Still firing", ValueKind.COUNT),
        Column("For"),
        Column("What to do", wide=True),
    )

    def row(step: NextStep) -> ReportRow:
        title, text, url = (
            (step.runbook.title, step.runbook.text, step.runbook.url) if step.runbook else (step.alert, "", "")
        )
        subjects = join_names(step.subjects, AGENTS)
        values = (title, float(step.times), float(step.firing), subjects, text or NO_RUNBOOK)
        return ReportRow(values, TONES.get(step.severity, Tone.PLAIN), url)

    return ReportSection(
        "What to do next",
        "The runbooks of the alerts that fired: those that still fire first, then the most severe.",
        ReportTable(columns, tuple(map(row, next_steps(facts)))),
        "Nothing: no alert fired." if facts.fleet else "Unknown: Prometheus has no alerts for this period.",
    )


def _recurring(facts: Facts) -> ReportSection:
    noun = slot_noun(facts)
    columns = (
        Column("Problem", wide=True),
        Column("Kind"),
        Column("Agents"),
        Column("Times", ValueKind.COUNT),
        Column(noun.capitalize(), ValueKind.COUNT),
        Column("Last", ValueKind.INSTANT),
    )
    problems = recurring(facts)
    rows = (
        ReportRow((it.text, it.kind, join_names(it.subjects, AGENTS), float(it.times), float(it.slots), it.last))
        for it in problems[:RECURRING]
    )
    listed = f" {RECURRING} of {len(problems)}." if len(problems) > RECURRING else ""
    return ReportSection(
        "What recurs",
        f"The same alert for the same agent or server, and the same kind of error, in at least {LEAST} {noun}.{listed}",
        ReportTable(columns, tuple(rows)),
        "Nothing recurred." if facts.fleet or facts.log_totals.records else "Neither alerts nor logs are known.",
    )


def _worst_hours(facts: Facts) -> ReportSection:
    columns = (
        Column("Hour"),
        Column("Available", ValueKind.SHARE),
        Column("Unavailable", ValueKind.SECONDS),
        Column("Errors", ValueKind.COUNT),
        Column("Alerts", wide=True),
    )

    def row(hour: FleetHour) -> ReportRow:
        alerts = sorted({f"{it.alert} ({it.subject})" if it.subject else it.alert for it in hour.alerts})
        values = (hour_label(hour.begin), hour.availability, hour.lost, hour.errors, join_names(alerts, AGENTS))
        return ReportRow(values, tone_of(hour.availability))

    return ReportSection(
        "Worst hours",
        f"At most {HOURS}: those in which all agents together were unavailable for longest; then those with the "
        "longest alerts, and with most errors.",
        ReportTable(columns, tuple(map(row, worst_hours(facts, HOURS)))),
        "No hour stands out." if facts.hours else "Prometheus has no data about the agents for this period.",
    )
