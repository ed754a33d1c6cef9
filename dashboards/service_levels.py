"""Service Levels: is what we promise kept, and how much of each error budget is left?"""

from collections.abc import Sequence
from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.page import page
from dashboards.slo_rules import ATTAINED, BUDGET, BURN_RATES, EVENTS, LENGTH, REMAINING, burn_rate
from dashboards.style import (
    ANY_IS_CRITICAL,
    MEDIUM,
    TILE,
    PageContext,
    PanelUnit,
    falling_steps,
    query,
    rising_steps,
    stat,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import ROWS, TopVariable, highest, top_graph
from nervesys.contract.times import DAY_SECONDS

EMPTY = "No objective in config/slos.yaml has events yet"
LEFT = falling_steps(0, 0.25)
"""Of the error budget."""
BURNING = rising_steps(1, 6)
HOURS_A_DAY = 24
DEFAULT_DAYS = 30
"""Length of the window where there is no objective."""


def dashboard(context: PageContext) -> Dashboard:
    """The page of all objectives."""
    return page(
        context,
        uid="service-levels",
        title="Service Levels",
        description="Whether the objectives of config/slos.yaml are met, and how fast their error budgets are spent.",
        since="now-7d",
        has_history=True,
        sections=(
            PageSection("", (PanelRow(TILE, _tiles(context)),)),
            PageSection("Each objective", (PanelRow(MEDIUM, (_objectives(context),), (24,)),)),
            PageSection("Over time", (PanelRow(MEDIUM, (_remaining(), _burning())),)),
        ),
    )


def _tiles(context: PageContext) -> tuple[Any, ...]:
    return (
        stat(
            "Objectives with data",
            "How many objectives had events in their window?",
            PanelUnit.COUNT,
            query(f"count({ATTAINED})"),
            empty=EMPTY,
        ),
        stat(
            "Missed",
            "How many objectives have spent more than their error budget?",
            PanelUnit.COUNT,
            query(f"sum({REMAINING} < bool 0)"),
            steps=ANY_IS_CRITICAL,
            empty=EMPTY,
        ),
        stat(
            "Least budget left",
            "How much of its error budget has the worst objective left?",
            PanelUnit.RATIO,
            query(f"min({REMAINING})"),
            steps=LEFT,
            empty=EMPTY,
        ),
        stat(
            "Fastest burn rate",
            "How many times faster than permitted was an error budget spent in the last hour?",
            PanelUnit.NONE,
            query(f"round(max({burn_rate('1h')}), 0.1)"),
            steps=BURNING,
            empty=EMPTY,
        ),
        stat(
            "Windows not yet full",
            "How many objectives have been measured for less than their window? The table shows since when.",
            PanelUnit.COUNT,
            query(not_yet_full(_lengths(context))),
            empty=EMPTY,
        ),
    )


def not_yet_full(lengths: Sequence[int]) -> str:
    """PromQL for the number of objectives without events in the first 24th of their window.

    Args:
        lengths: of the windows of all objectives, in days.
    """
    young = (
        f"({ATTAINED} and on (slo) {LENGTH} == {days * DAY_SECONDS:.0f}"
        f" unless on (slo, agent) last_over_time({EVENTS}[{days}h] offset {(HOURS_A_DAY - 1) * days}h))"
        for days in lengths
    )
    return f"count({' or '.join(young)}) or 0 * count({ATTAINED})"


def measured_since(matchers: str, days: int) -> str:
    """PromQL for the first instant within so many days at which each objective had events, in Unix seconds."""
    at = f"timestamp({EVENTS}{matchers})"
    return f"(min_over_time({at}[{days}d:1h]) or {at})"


def _lengths(context: PageContext) -> list[int]:
    return sorted({slo.days for slo in context.settings.slos.enabled.values()}) or [DEFAULT_DAYS]


def _objectives(context: PageContext) -> Any:
    top = TopVariable("Objectives", REMAINING, "slo", ROWS, lowest=True)

    def column(title: str, series: str, unit: PanelUnit, **look: Any) -> ValueColumn:
        return ValueColumn(title, top.of(query(series.replace("SELECTED", top.matcher))), unit, **look)

    return table(
        "Objectives",
        "Is each objective met over its own window, and how fast is its error budget being spent?",
        LabelColumn("slo", "Objective"),
        LabelColumn("agent", "Agent"),
        column(
            "Window, days",
            f"{LENGTH}{{SELECTED}} / {DAY_SECONDS} * on (slo) group_right () ({ATTAINED}{{SELECTED}} ^ 0)",
            PanelUnit.COUNT,
        ),
        column(
            "Target",
            f"(1 - {BUDGET}{{SELECTED}}) * on (slo) group_right () ({ATTAINED}{{SELECTED}} ^ 0)",
            PanelUnit.RATIO,
        ),
        column("Measured since", f"1000 * {measured_since('{SELECTED}', _lengths(context)[-1])}", PanelUnit.AGO),
        column("Attained", f"{ATTAINED}{{SELECTED}}", PanelUnit.RATIO),
        column("Budget left", f"{REMAINING}{{SELECTED}}", PanelUnit.RATIO, steps=LEFT),
        *(
            column(
                f"Burn rate {window}",
                f"round(max by (slo, agent) ({burn_rate(window)}{{SELECTED}}), 0.1)",
                PanelUnit.NONE,
                steps=BURNING,
            )
            for window in BURN_RATES
        ),
        sort="Budget left",
        ascending=True,
        empty=EMPTY,
    )


def _remaining() -> Any:
    return top_graph(
        "Error budget left",
        "How much of its error budget has each objective left over its window?",
        PanelUnit.RATIO,
        highest(REMAINING, "slo"),
        empty=EMPTY,
    )


def _burning() -> Any:
    return top_graph(
        "Burn rate, 1 h",
        "How fast is each error budget being spent? At 1 it lasts exactly for its window.",
        PanelUnit.NONE,
        highest(burn_rate("1h"), "slo"),
        steps=rising_steps(6, 14.4),
        empty=EMPTY,
    )
