"""The worst hour, the costliest agent, what recurs, what to do next, and the trends: of a small month made by hand.

Covers: reports.periodic.highlights, reports.periodic.next_steps, reports.periodic.problem_sections,
reports.periodic.recurring, reports.periodic.trends, reports.periodic.worst_hours.
"""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from nervesys.settings import load
from reports.model import Graph, Notice, Panel
from reports.periodic.availability import AgentAvailability, HourAvailability
from reports.periodic.compose import report_of
from reports.periodic.facts import Facts, Runbook
from reports.periodic.highlights import highlights
from reports.periodic.incidents import ActionEvent, AlertIncident
from reports.periodic.log_totals import LogTotals
from reports.periodic.model import PeriodicReport, ReportRow, Tone
from reports.periodic.period import Frequency, ReportPeriod
from reports.periodic.trends import trends
from reports.periodic.worst_hours import worst_hours

PRICES = load().settings.prices
RUNBOOK = Runbook("Agent Down", "Read its log.", "https://example.org/alerts#agent-down")


def at(day: int, hour: int = 0, minute: int = 0) -> float:
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC).timestamp()


def record(when: float, agent: str, message: str = "", **more: object) -> bytes:
    fields = {"timestamp": datetime.fromtimestamp(when, UTC).isoformat(), "agent_id": agent, "message": message}
    return json.dumps(fields | {"category": "errors" if message else "activity"} | more).encode()


def call(when: float, agent: str, model: str, tokens: int, action: str = "review") -> bytes:
    return record(when, agent, action=action, metadata={"model_version": model, "tokens_used": tokens})


LINES = (
    *(record(at(day, 9), "grok", f"no answer in {day} s") for day in (3, 4, 8)),
    *(record(at(5, 1, minute), "gimai", "out of memory") for minute in range(30)),
    record(at(3, 9), "grok", context={"duration_ms": 5}),
    call(at(3, 9), "grok", "grok-4", 2_000_000),
    call(at(4, 9), "grok", "gpt-5", 400_000, "translate"),
    call(at(4, 9), "gimai", "gimai-2", 1_000_000),
)
INCIDENTS = (
    *(AlertIncident("AgentDown", "critical", "grok", "grok", at(day, 2), at(day, 2, 20)) for day in (3, 9)),
    AlertIncident("HighCPU", "warning", "alpha", "", at(4, 15), None),
)


@pytest.fixture
def facts() -> Facts:
    period = ReportPeriod.containing(Frequency.MONTHLY, date(2026, 10, 14))
    totals = LogTotals(PRICES)
    totals.add_lines(LINES)
    hours = [HourAvailability(at(day, hour), 7200, 7200) for day in (3, 4, 5) for hour in range(24)]
    hours[2] = replace(hours[2], available=6000)
    fleet = (AgentAvailability("grok", 1, 1),)
    actions = (ActionEvent(at(3, 2, 10), "grok", "restart_agent", "recovered", 1),)
    return Facts(
        *(period, period.end, PRICES, fleet, fleet, INCIDENTS, actions, totals, (), (), (), {}),
        hours=hours,
        runbooks={"AgentDown": RUNBOOK},
    )


def rows(report: PeriodicReport, title: str) -> tuple[ReportRow, ...]:
    section = next(section for section in report.sections if section.title == title)
    assert section.table
    return section.table.rows


def panel(facts: Facts, title: str) -> Panel:
    return next(panel for panel in trends(facts).panels if panel.title == title)


def points(facts: Facts, title: str) -> dict[str, dict[int, float]]:
    """Values by line and day."""
    body = panel(facts, title).body
    assert isinstance(body, Graph)
    return {line.key.name: {datetime.fromtimestamp(x, UTC).day: y for x, y in line.points} for line in body.lines}


def test_the_worst_hour_is_the_least_available_one_then_that_of_alerts_then_of_errors(facts: Facts) -> None:
    assert [hour.begin for hour in worst_hours(facts, 1)] == [at(3, 2)]
    well = replace(facts, hours=[replace(hour, available=hour.monitored) for hour in facts.hours])
    assert worst_hours(well, 1)[0].begin == at(9, 2), "two alerts at once"
    assert worst_hours(replace(well, incidents=()), 1)[0].begin == at(5, 1)
    text = highlights(facts)[0].text
    assert text == "Sat 3 Oct, 02:00 to 03:00: 83.33 % available; AgentDown (grok)."


def test_the_costliest_agent_with_model_and_task(facts: Facts) -> None:
    assert highlights(facts)[1].text == (
        "grok: USD 14.00, 87.5 % of the fleet's cost, mostly by grok-4. Its costliest task: review, USD 12.00."
    )


def test_what_recurs_came_back_on_another_day(facts: Facts) -> None:
    assert [row.values[:5] for row in rows(report_of(facts), "What recurs")] == [
        ("Agent Down", "alert", "grok", 2, 2),
        ("no answer in 3 s", "error", "grok", 3, 3),
    ]
    assert "out of memory" not in highlights(facts)[2].text, "thirty times in one hour is one problem"
    day = replace(facts, period=ReportPeriod.containing(Frequency.DAILY, date(2026, 10, 3)))
    assert highlights(replace(day, incidents=INCIDENTS[:1], log_totals=LogTotals()))[2].text == "Nothing."


def test_the_next_steps_are_runbooks_with_links_and_what_still_fires_comes_first(facts: Facts) -> None:
    steps = rows(report_of(facts), "What to do next")
    assert [(row.values[:4], row.link, row.tone) for row in steps] == [
        (("HighCPU", 1, 1, "alpha"), "", Tone.FAIR),
        (("Agent Down", 2, 0, "grok"), RUNBOOK.url, Tone.BAD),
    ]
    assert steps[1].values[4] == RUNBOOK.text
    assert str(steps[0].values[4]).startswith("Its runbook is not known")


def test_trends_have_a_value_for_each_known_day_and_mark_the_others(facts: Facts) -> None:
    (availability,) = points(facts, "Availability").values()
    assert availability == {3: pytest.approx(1 - 1200 / (24 * 7200)), 4: 1, 5: 1}
    body = panel(facts, "Availability").body
    assert isinstance(body, Graph)
    assert len(body.unknown) == 28
    assert body.unknown[0] == (at(1), at(2))
    assert panel(facts, "Availability").description == "Grey: no data for 28 days."
    assert points(facts, "Errors")["errors"] == {3: 1, 4: 1, 5: 30, 8: 1}
    assert points(facts, "Tasks") == {"completed": {3: 1, 4: 0, 5: 0, 8: 0}}
    assert points(facts, "Cost") == {
        "grok-4": {3: 12, 4: 0, 5: 0, 8: 0},
        "gpt-5": {3: 0, 4: 2, 5: 0, 8: 0},
        "gimai-2": {3: 0, 4: 2, 5: 0, 8: 0},
    }
    assert points(facts, "Incidents") == {"critical": {3: 1, 4: 0, 5: 0, 9: 1}, "warning": {3: 0, 4: 1, 5: 0}}
    assert points(facts, "Results of actions") == {"recovered": {3: 1, 4: 0, 5: 0}}


def test_a_day_that_is_not_over_has_a_whole_bar(facts: Facts) -> None:
    page = trends(replace(facts, made=at(5, 1)))
    assert (page.start, page.end) == (at(1), at(6))
    assert trends(facts).end == facts.period.end


def test_a_daily_report_has_hours(facts: Facts) -> None:
    day = replace(facts, period=ReportPeriod.containing(Frequency.DAILY, date(2026, 10, 3)))
    body = panel(day, "Availability").body
    assert isinstance(body, Graph)
    assert (len(body.lines[0].points), body.step) == (24, 3600)


def test_what_is_unknown_is_shown_as_unknown_and_never_as_zero(facts: Facts) -> None:
    nothing = replace(facts, hours=(), incidents=(), actions=(), fleet=(), log_totals=LogTotals(PRICES))
    texts = [answer.text for answer in highlights(nothing)]
    assert all(text.startswith("Unknown") for text in texts), texts
    bodies = [each.body for each in trends(nothing).panels]
    assert all(isinstance(body, Notice) for body in bodies)
    assert panel(nothing, "Incidents").body == Notice("Unknown: the fleet was not monitored.")
    calm = replace(facts, incidents=())
    assert panel(calm, "Incidents").body == Notice("No alert fired.")
