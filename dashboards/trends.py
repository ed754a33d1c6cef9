"""Historical Trends: what became more, slower or worse over months?

Days of long ago are those that `nervesys history backfill` made of the archive; those of now were recorded. Both are
summed, so nobody need know which is which.
"""

from functools import partial
from typing import Any

from grafanalib.core import Dashboard

from dashboards.correct import Query
from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.recording import DURATIONS, RECORDS, TOKENS_OF_MODELS, Rise
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
from dashboards.top_n import WHOLE, Crowd, most

AGENT = 'agent=~"$agent"'
QUANTILES = ((0.5, "median"), (0.95, "95 of 100 are faster"))
ERRORS = f'{AGENT}, level="ERROR"'
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
        variables=(chosen("agent", "Agent", f"label_values({RECORDS.counter}, agent)"),),
        sections=(
            Section("", (Line(TILE, _tiles(house)),)),
            Section("Work", (Line(MEDIUM, _work(house)),)),
            Section("Quality", (Line(MEDIUM, _quality(house)),)),
            Section("The fleet's days, as summed up in the brain", (Line(MEDIUM, _summaries()),)),
        ),
    )


def _a_day(expr: str, legend: str = "") -> Query:
    """A query with a point a day, over windows of a day."""
    return Query(expr=expr, legendFormat=legend, interval="1d")


def _sum(house: House, rise: Rise, span: str, by: str = "", matchers: str = AGENT) -> str:
    return f"sum by ({by}) ({rise.ever(house.periods, matchers, span)})"


def _tiles(house: House) -> tuple[Any, ...]:
    summed = partial(_sum, house, span=WHOLE)
    records, errors = summed(RECORDS), summed(RECORDS, matchers=ERRORS)
    return (
        stat("Log records", "How much was logged in the time range?", Unit.COUNT, query(records)),
        stat("Errors", "How many errors were logged in the time range?", Unit.COUNT, query(errors), empty="0"),
        stat(
            "Share of errors",
            "How much of what was logged is an error?",
            Unit.RATIO,
            query(f"{errors} / {records}"),
            steps=ERROR_SHARE,
        ),
        stat(
            "Tokens",
            "How many tokens were used in the time range, by the logs?",
            Unit.COUNT,
            query(summed(TOKENS_OF_MODELS)),
        ),
        stat(
            "Median action",
            "How long does an action usually take?",
            Unit.SECONDS,
            query(f"histogram_quantile(0.5, {summed(DURATIONS, by='le')})"),
        ),
        stat(
            "Oldest day",
            "How far back do daily summaries reach in the time range?",
            Unit.AGO,
            query("1000 * min(min_over_time(nervesys_brain_daily_summary_timestamp_seconds[$__range]))"),
            empty="no summary yet",
        ),
    )


def _work(house: House) -> tuple[Any, ...]:
    by_agent = partial(_sum, house, RECORDS, by="agent")

    return (
        graph(
            "Log records a day",
            "Does the fleet do more or less than it did? A bar is the day that ends there.",
            Unit.COUNT,
            _a_day(_sum(house, RECORDS, DAY, "level"), "{{level}}"),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="Nothing was logged; older days: nervesys history backfill",
        ),
        most(
            "Log records a day by agent",
            "Who does how much of it?",
            Unit.COUNT,
            Crowd(lambda top: by_agent(DAY, matchers=top), by_agent(WHOLE)),
            asked=_a_day,
            stacked=True,
            empty="Nothing was logged; older days: nervesys history backfill",
        ),
        graph(
            "Tokens a day by model",
            "Which model is used more, which less?",
            Unit.COUNT,
            _a_day(_sum(house, TOKENS_OF_MODELS, DAY, "model"), "{{model}}"),
            stacked=True,
            empty="No use of tokens was logged",
        ),
    )


def _quality(house: House) -> tuple[Any, ...]:
    def errors(span: str, agents: str) -> str:
        return _sum(house, RECORDS, span, "agent", f'{agents}, level="ERROR"')

    def share(span: str, agents: str) -> str:
        return f"{errors(span, agents)} / ({_sum(house, RECORDS, span, 'agent', agents)} > 0)"

    return (
        most(
            "Errors a day by agent",
            "Whose errors became more, and since when?",
            Unit.COUNT,
            Crowd(partial(errors, DAY), errors(WHOLE, AGENT)),
            asked=_a_day,
            stacked=True,
            empty="No error was logged",
        ),
        most(
            "Share of errors by agent, over a week",
            "Who got worse, however much it works? Dashed: where a look is due, and where it is overdue.",
            Unit.RATIO,
            Crowd(partial(share, WEEK), share(WHOLE, AGENT)),
            asked=_a_day,
            steps=ERROR_SHARE,
            empty="No error was logged",
        ),
        graph(
            "Duration of actions by day",
            "Do actions take longer than they did?",
            Unit.SECONDS,
            *(
                _a_day(f"histogram_quantile({quantile}, {_sum(house, DURATIONS, DAY, 'le')})", legend)
                for quantile, legend in QUANTILES
            ),
            empty="No action with a duration was logged",
        ),
    )


def _summaries() -> tuple[Any, ...]:
    def newest(family: str, by: str = "") -> str:
        return f"max{by} (last_over_time(nervesys_brain_daily_summary_{family}[1d]))"

    note = "A day's summary is made, and stands, on the next day."
    return (
        graph(
            "Tasks of the day before",
            f"How many tasks ended, and how many of them failed? {note}",
            Unit.COUNT,
            _a_day(newest("tasks", " by (outcome)"), "{{outcome}}"),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
            stacked=True,
            empty="No daily summary yet",
        ),
        graph(
            "Agents of the day before",
            f"How many agents worked? {note}",
            Unit.COUNT,
            _a_day(newest("agents"), "agents"),
            empty="No daily summary yet",
        ),
        graph(
            "Tokens of the day before",
            f"How many tokens did the whole fleet use? {note}",
            Unit.COUNT,
            _a_day(newest("tokens"), "tokens"),
            stacked=True,
            empty="No daily summary yet",
        ),
    )
