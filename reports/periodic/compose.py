"""Computes the report from the facts. Pure."""

from collections.abc import Sequence

from reports.model import Notice, PageModel
from reports.periodic.answers import answers
from reports.periodic.facts import Facts
from reports.periodic.figures import figures
from reports.periodic.highlights import highlights
from reports.periodic.model import PeriodicReport
from reports.periodic.sections import sections
from reports.periodic.trends import trends


def report_of(facts: Facts) -> PeriodicReport:
    """The report of a period."""
    return PeriodicReport(
        title=f"{facts.period.every.capitalize()} report",
        period=facts.period.label,
        noun=facts.period.noun,
        made=facts.made,
        currency=facts.prices.currency,
        answers=answers(facts),
        figures=figures(facts),
        sections=sections(facts),
        notes=tuple(_notes(facts)),
        panels=_panels(facts),
        highlights=highlights(facts),
        trends=trends(facts),
    )


def _panels(facts: Facts) -> PageModel | None:
    """The page of panels; None if all panels are empty, which the first page explains."""
    page = facts.panels
    return page if page and any(not isinstance(panel.body, Notice) for panel in page.panels) else None


def _notes(facts: Facts) -> Sequence[str]:
    unfinished = f"This {facts.period.noun} is not over yet: the report contains the data up to now."
    return [*([unfinished] if facts.made < facts.period.end else []), *facts.notes]
