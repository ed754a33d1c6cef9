"""Cost: what was spent today, this week and this month, against which budgets, by whom and on which models?"""

from collections.abc import Callable
from typing import Any

from grafanalib.core import Dashboard

from dashboards.grafana_json import PrometheusTarget
from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.style import (
    AGENT_CELL,
    ANY_IS_WARNING,
    MEDIUM,
    PLAIN,
    TILE,
    PageContext,
    PanelUnit,
    Steps,
    query,
    rising_steps,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import NOW, ROWS, WHOLE, TopLines, TopVariable, top_graph

COST, SPENT, LIMIT = "nervesys_agent_cost_total", "nervesys_budget_spent", "nervesys_budget_limit"
BEGIN, END = "nervesys_budget_period_start_timestamp_seconds", "nervesys_budget_period_end_timestamp_seconds"
OF_FLEET = 'agent="", model=""'
SCOPE = "agent, model, period"
PACE = f"on (period) group_left () (max by (period) ({END} - {BEGIN}) / (time() - max by (period) ({BEGIN})))"
"""What a sum so far is multiplied by, for a forecast to the end of its period."""
OWNED = 'agent!=""'
NO_COST = "Nothing with a price was used"
NO_BUDGET = "No budget in config/budgets.yaml"
HOUR_SECONDS = 3600


def dashboard(context: PageContext) -> Dashboard:
    """The page of money."""
    return page(
        context,
        uid="cost",
        title="Cost",
        description="What the agents' model calls cost, by their logs and config/prices.yaml, against their budgets.",
        since="now-24h",
        has_history=True,
        sections=(
            PageSection("", (PanelRow(TILE, _tiles(context)),)),
            PageSection("Budgets", (PanelRow(MEDIUM, (_shared_budgets(context), _agent_budgets(context))),)),
            PageSection("Over time", (PanelRow(MEDIUM, _graphs(context)),)),
        ),
    )


def _tiles(context: PageContext) -> tuple[Any, ...]:
    def spent(period: str) -> str:
        return f'sum by (period) ({SPENT}{{{OF_FLEET}, period="{period}"}})'

    return (
        *(
            stat(title, f"What did the fleet spend {when} (UTC)?", context.money, query(spent(period)), empty=NO_COST)
            for title, when, period in (
                ("Today", "today", "day"),
                ("This week", "this week", "week"),
                ("This month", "this month", "month"),
            )
        ),
        stat(
            "Forecast for today",
            "What will the fleet have spent by midnight (UTC), at today's pace?",
            context.money,
            query(f"{spent('day')} * {PACE}"),
            empty=NO_COST,
        ),
        stat(
            "Forecast for this month",
            "What will the fleet have spent by the end of the month, at its pace?",
            context.money,
            query(f"{spent('month')} * {PACE}"),
            empty=NO_COST,
        ),
        stat(
            "Tokens without a price",
            "How many tokens in the time range are of models without a price, which count for no budget?",
            PanelUnit.COUNT,
            context.log_query(f"round(sum(increase(nervesys_agent_unpriced_tokens_total{WHOLE}))) or vector(0)"),
            steps=ANY_IS_WARNING,
        ),
    )


def _shared_budgets(context: PageContext) -> Any:
    return _budgets(
        context,
        "Budgets of fleet and models",
        "How much of these budgets is spent, and will they last? Without a model: the fleet.",
        LabelColumn("model", "Model"),
        'agent=""',
        query,
    )


def _agent_budgets(context: PageContext) -> Any:
    title = "Budgets of agents"
    share = f"max by (agent) (sum by ({SCOPE}) ({SPENT}) / on ({SCOPE}) {_limit(OWNED, 'stop')})"
    top = TopVariable(title, f"{share} or max by (agent) (0 * {LIMIT}{{{OWNED}}})", "agent", ROWS)
    return _budgets(
        context,
        title,
        f"How much of its budget has each agent spent, and will it last? The {ROWS} with the largest share.",
        LabelColumn("agent", "Agent", links=(AGENT_CELL,)),
        top.matcher,
        lambda expr: top.of(query(expr)),
    )


def _limit(matchers: str, at: str) -> str:
    return f'max by ({SCOPE}) ({LIMIT}{{{matchers}, at="{at}"}})'


def _budgets(
    context: PageContext,
    title: str,
    question: str,
    owner: LabelColumn,
    matchers: str,
    make_query: Callable[[str], PrometheusTarget],
) -> Any:
    """A table of budgets: of those scopes and periods only that have one."""
    spent, limits = f"sum by ({SCOPE}) ({SPENT}{{{matchers}}})", [_limit(matchers, at) for at in ("warn", "stop")]

    def column(heading: str, expr: str, unit: str = context.money, steps: Steps = PLAIN) -> ValueColumn:
        return ValueColumn(heading, make_query(f"{expr} and on ({SCOPE}) {LIMIT}{{{matchers}}}"), unit, steps)

    return table(
        title,
        question,
        owner,
        LabelColumn("period", "Period"),
        column("Spent", spent),
        column("Forecast", f"{spent} * {PACE}"),
        column("Warn at", limits[0]),
        column("Stop at", limits[1]),
        column("Share", f"{spent} / ({limits[1]} or {limits[0]})", PanelUnit.RATIO, rising_steps(0.8, 1)),
        sort="Share",
        empty=NO_BUDGET,
    )


def _graphs(context: PageContext) -> tuple[Any, ...]:
    def by(label: str) -> TopLines:
        return TopLines(
            lambda top: f"{HOUR_SECONDS} * sum by ({label}) (rate({COST}{{{top}}}{NOW}))",
            f"sum by ({label}) (increase({COST}{WHOLE}))",
            label,
        )

    a_task = TopLines(
        lambda top: (
            f"sum by (agent) (increase({COST}{{{top}}}{NOW}))"
            f' / sum by (agent) (increase(nervesys_agent_tasks_total{{{top}, outcome="completed"}}{NOW}) > 0)'
        ),
        f"sum by (agent) (increase({COST}{WHOLE}))",
    )
    return (
        _graph(context, "Cost by agent", "What does an hour of each agent cost?", by("agent")),
        _graph(context, "Cost by model", "What does an hour of each model cost?", by("model")),
        _graph(context, "Cost of a task", "What does a completed task of each agent cost, on average?", a_task),
    )


def _graph(context: PageContext, title: str, question: str, lines: TopLines) -> Any:
    return top_graph(title, question, context.money, lines, make_query=context.log_query, empty=NO_COST)
