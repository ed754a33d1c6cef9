"""Historical Trends: what became more, slower or worse over months?

Days of long ago are those that `nervesys history backfill` made of the archive; those of now are live. Both are summed
by agent, so nobody need know which is which.
"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.correct import Query
from dashboards.crowd import WHOLE, busiest, most
from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.style import (
    LEVEL_COLOURS,
    MEDIUM,
    TILE,
    Colour,
    House,
    Unit,
    graph,
    query,
    rising,
    stat,
)

AGENT = 'agent=~"$agent"'
RECORDS = "nervesys_log_records_total"
TOKENS = "nervesys_log_tokens_total"
DURATION = "nervesys_log_action_duration_seconds_bucket"
QUANTILES = ((0.5, "median"), (0.95, "95 of 100 are faster"))
ERROR = ', level="ERROR"'
DAY, WEEK = "[1d]", "[7d]"
ERROR_SHARE = rising(0.05, 0.15)
"""Of all records; where a fleet's work begins to look wrong, and where it is."""


def dashboard(house: House) -> Dashboard:
    """The page of months."""
    return page(
        house,
        uid="historical-trends",
        title="Historical Trends",
        description="What became more, slower or worse over months, by archive, daily summaries and live data.",
        since="now-90d",
        variables=(chosen("agent", "Agent", f"label_values({RECORDS}, agent)"),),
        sections=(
            Section("", (Line(TILE, _tiles()),)),
            Section("Work", (Line(MEDIUM, _work()),)),
            Section("Quality", (Line(MEDIUM, _quality()),)),
            Section("The fleet's days, as summed up in the brain", (Line(MEDIUM, _summaries()),)),
        ),
    )


def _a_day(expr: str, legend: str = "") -> Query:
    """A query with a point a day, over windows of a day."""
    return Query(expr=expr, legendFormat=legend, interval="1d")


def _in_range(family: str, matchers: str = "") -> str:
    return f"sum(increase({family}{{{AGENT}{matchers}}}[$__range]))"


def _tiles() -> tuple[Any, ...]:
    errors = _in_range(RECORDS, ERROR)
    return (
        stat("Log records", "How much was logged in the time range?", Unit.COUNT, query(_in_range(RECORDS))),
        stat("Errors", "How many errors were logged in the time range?", Unit.COUNT, query(errors), empty="0"),
        stat(
            "Share of errors",
            "How much of what was logged is an error?",
            Unit.RATIO,
            query(f"{errors} / {_in_range(RECORDS)}"),
            steps=ERROR_SHARE,
        ),
        stat(
            "Tokens", "How many tokens were used in the time range, by the logs?", Unit.COUNT, query(_in_range(TOKENS))
        ),
        stat(
            "Median action",
            "How long does an action usually take?",
            Unit.SECONDS,
            query(f"histogram_quantile(0.5, sum by (le) (increase({DURATION}{{{AGENT}}}[$__range])))"),
        ),
        stat(
            "Oldest day",
            "How far back do daily summaries reach in the time range?",
            Unit.AGO,
            query("1000 * min(min_over_time(nervesys_brain_daily_summary_timestamp_seconds[$__range]))"),
            empty="no summary yet",
        ),
    )


def _work() -> tuple[Any, ...]:
    return (
        graph(
            "Log records a day",
            "Does the fleet do more or less than it did? A bar is the day that ends there.",
            Unit.COUNT,
            _a_day(f"sum by (level) (increase({RECORDS}{{{AGENT}}}[1d]))", "{{level}}"),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="Nothing was logged; older days: nervesys history backfill",
        ),
        most(
            "Log records a day by agent",
            "Who does how much of it?",
            Unit.COUNT,
            busiest(_by_agent(DAY), _by_agent(WHOLE)),
            asked=_a_day,
            stacked=True,
            empty="Nothing was logged; older days: nervesys history backfill",
        ),
        graph(
            "Tokens a day by model",
            "Which model is used more, which less?",
            Unit.COUNT,
            _a_day(f"sum by (model) (increase({TOKENS}{{{AGENT}}}[1d]))", "{{model}}"),
            stacked=True,
            empty="No use of tokens was logged",
        ),
    )


def _by_agent(window: str, matchers: str = "") -> str:
    return f"sum by (agent) (increase({RECORDS}{{{AGENT}{matchers}}}{window}))"


def _share(window: str) -> str:
    return f"{_by_agent(window, ERROR)} / ({_by_agent(window)} > 0)"


def _quality() -> tuple[Any, ...]:
    return (
        most(
            "Errors a day by agent",
            "Whose errors became more, and since when?",
            Unit.COUNT,
            busiest(_by_agent(DAY, ERROR), _by_agent(WHOLE, ERROR)),
            asked=_a_day,
            stacked=True,
            empty="No error was logged",
        ),
        most(
            "Share of errors by agent, over a week",
            "Who got worse, however much it works? Dashed: where a look is due, and where it is overdue.",
            Unit.RATIO,
            busiest(_share(WEEK), _share(WHOLE)),
            asked=_a_day,
            steps=ERROR_SHARE,
            empty="No error was logged",
        ),
        graph(
            "Duration of actions by day",
            "Do actions take longer than they did?",
            Unit.SECONDS,
            *(
                _a_day(
                    f"histogram_quantile({quantile}, sum by (le) (increase({DURATION}{{{AGENT}}}[1d])))",
                    legend,
                )
                for quantile, legend in QUANTILES
            ),
            empty="No action with a duration was logged",
        ),
    )


def _summaries() -> tuple[Any, ...]:
    def newest(family: str, by: str = "") -> str:
        return f"max{by} (last_over_time(nervesys_brain_daily_summary_{family}[1d]))"

    said = "A day's summary is made, and stands, on the next day."
    return (
        graph(
            "Tasks of the day before",
            f"How many tasks ended, and how many of them failed? {said}",
            Unit.COUNT,
            _a_day(newest("tasks", " by (outcome)"), "{{outcome}}"),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
            stacked=True,
            empty="No daily summary yet",
        ),
        graph(
            "Agents of the day before",
            f"How many agents worked? {said}",
            Unit.COUNT,
            _a_day(newest("agents"), "agents"),
            empty="No daily summary yet",
        ),
        graph(
            "Tokens of the day before",
            f"How many tokens did the whole fleet use? {said}",
            Unit.COUNT,
            _a_day(newest("tokens"), "tokens"),
            stacked=True,
            empty="No daily summary yet",
        ),
    )
