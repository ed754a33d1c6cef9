"""Historical Trends: what increased, slowed down or got worse over months?

Old days come from `nervesys history backfill`, which reads the archive; newer days are recorded. Queries sum both.
"""

from functools import partial
from typing import Any

from grafanalib.core import Dashboard

from dashboards.grafana_json import PrometheusTarget
from dashboards.layout import PageSection, PanelRow
from dashboards.page import page, query_variable
from dashboards.recording import DURATIONS, RECORDS, TOKENS_OF_MODELS, CounterIncrease
from dashboards.shared import quantile, whole
from dashboards.style import (
    LEVEL_COLOURS,
    MEDIUM,
    TILE,
    Colour,
    PageContext,
    PanelUnit,
    graph,
    query,
    rising_steps,
    stat,
)
from dashboards.top_n import WHOLE, TopLines, top_graph

AGENT = 'agent=~"$agent"'
QUANTILES = ((0.5, "median"), (0.95, "95th percentile"))
ERRORS = f'{AGENT}, level="ERROR"'
DAY, WEEK = "[1d] offset -1d", "[7d] offset -1d"
"""Grafana evaluates at midnights up to the last: windows that end a day later have today, as far as it has come."""
EACH_DAY = "Each day is at its beginning; today is as far as it has come."
ERROR_SHARE = rising_steps(0.05, 0.15)
"""Share of error records: warning and critical."""


def dashboard(context: PageContext) -> Dashboard:
    """The page of long-term trends."""
    return page(
        context,
        uid="historical-trends",
        title="Historical Trends",
        description="What increased, slowed down or got worse over months: archive, daily summaries and live data.",
        since="now-90d",
        has_history=True,
        variables=(query_variable("agent", "Agent", f"label_values({RECORDS.counter}, agent)"),),
        sections=(
            PageSection("", (PanelRow(TILE, _tiles(context)),)),
            PageSection("Work", (PanelRow(MEDIUM, _work(context)),)),
            PageSection("Quality", (PanelRow(MEDIUM, _quality(context)),)),
            PageSection("Daily summaries of the fleet", (PanelRow(MEDIUM, _summaries()),)),
        ),
    )


def _a_day(expr: str, legend: str = "") -> PrometheusTarget:
    """A query with a point a day, at its first instant."""
    return PrometheusTarget(expr=expr, legendFormat=legend, interval="1d")


def _count(context: PageContext, increase: CounterIncrease, span: str, by: str = "", matchers: str = AGENT) -> str:
    return whole(_sum(context, increase, span, by, matchers))


def _sum(context: PageContext, increase: CounterIncrease, span: str, by: str = "", matchers: str = AGENT) -> str:
    return f"sum by ({by}) ({increase.total_with_history(context.periods, matchers, span)})"


def _tiles(context: PageContext) -> tuple[Any, ...]:
    counted = partial(_count, context, span=WHOLE)
    records, errors = counted(RECORDS), counted(RECORDS, matchers=ERRORS)
    return (
        stat("Log records", "How many records were logged in the time range?", PanelUnit.COUNT, query(records)),
        stat("Errors", "How many errors were logged in the time range?", PanelUnit.COUNT, query(errors), empty="0"),
        stat(
            "Share of errors",
            "Which share of the log records are errors?",
            PanelUnit.RATIO,
            query(f"{errors} / {records}"),
            steps=ERROR_SHARE,
        ),
        stat(
            "Tokens",
            "How many tokens were used in the time range, according to the logs?",
            PanelUnit.COUNT,
            query(counted(TOKENS_OF_MODELS)),
        ),
        stat(
            "Median action",
            "How long does an action usually take?",
            PanelUnit.SECONDS,
            query(quantile(0.5, _sum(context, DURATIONS, WHOLE, "le"))),
        ),
        stat(
            "Oldest day",
            "How far back do daily summaries reach in the time range?",
            PanelUnit.AGO,
            query("1000 * min(min_over_time(nervesys_brain_daily_summary_timestamp_seconds[$__range]))"),
            empty="no summary yet",
        ),
    )


def _work(context: PageContext) -> tuple[Any, ...]:
    by_agent = partial(_count, context, RECORDS, by="agent")

    return (
        graph(
            "Log records a day",
            f"Does the fleet log more or less than before? {EACH_DAY}",
            PanelUnit.COUNT,
            _a_day(_count(context, RECORDS, DAY, "level"), "{{level}}"),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="No log records; for older days: nervesys history backfill",
        ),
        top_graph(
            "Log records a day by agent",
            f"Which agent logs how many records? {EACH_DAY}",
            PanelUnit.COUNT,
            TopLines(lambda top: by_agent(DAY, matchers=top), by_agent(WHOLE)),
            make_query=_a_day,
            stacked=True,
            empty="No log records; for older days: nervesys history backfill",
        ),
        graph(
            "Tokens a day by model",
            f"Which model is used more, which less? {EACH_DAY}",
            PanelUnit.COUNT,
            _a_day(_count(context, TOKENS_OF_MODELS, DAY, "model"), "{{model}}"),
            stacked=True,
            empty="No token usage was logged",
        ),
    )


def _quality(context: PageContext) -> tuple[Any, ...]:
    def errors(span: str, agents: str) -> str:
        return _count(context, RECORDS, span, "agent", f'{agents}, level="ERROR"')

    def share(span: str, agents: str) -> str:
        return f"{errors(span, agents)} / ({_sum(context, RECORDS, span, 'agent', agents)} > 0)"

    return (
        top_graph(
            "Errors a day by agent",
            f"Which agent's errors increased, and since when? {EACH_DAY}",
            PanelUnit.COUNT,
            TopLines(partial(errors, DAY), errors(WHOLE, AGENT)),
            make_query=_a_day,
            stacked=True,
            empty="No error was logged",
        ),
        top_graph(
            "Share of errors by agent, over a week",
            "Which agent's share of errors increased? Each point is the week up to the end of its day. "
            "Dashed: warning and critical threshold.",
            PanelUnit.RATIO,
            TopLines(partial(share, WEEK), share(WHOLE, AGENT)),
            make_query=_a_day,
            steps=ERROR_SHARE,
            empty="No error was logged",
        ),
        graph(
            "Duration of actions by day",
            f"Do actions take longer than before? {EACH_DAY}",
            PanelUnit.SECONDS,
            *(_a_day(quantile(share, _sum(context, DURATIONS, DAY, "le")), legend) for share, legend in QUANTILES),
            empty="No action with a duration was logged",
        ),
    )


def _summaries() -> tuple[Any, ...]:
    def newest(family: str, by: str = "") -> str:
        return f"max{by} (last_over_time(nervesys_brain_daily_summary_{family}{DAY}))"

    note = "The summary of a day is shown on the next day."
    return (
        graph(
            "Tasks of the day before",
            f"How many tasks ended, and how many of them failed? {note}",
            PanelUnit.COUNT,
            _a_day(newest("tasks", " by (outcome)"), "{{outcome}}"),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
            stacked=True,
            empty="No daily summary yet",
        ),
        graph(
            "Agents of the day before",
            f"How many agents worked? {note}",
            PanelUnit.COUNT,
            _a_day(newest("agents"), "agents"),
            empty="No daily summary yet",
        ),
        graph(
            "Tokens of the day before",
            f"How many tokens did the whole fleet use? {note}",
            PanelUnit.COUNT,
            _a_day(newest("tokens"), "tokens"),
            stacked=True,
            empty="No daily summary yet",
        ),
    )
