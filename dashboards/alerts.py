"""Alerts & Actions: which alerts are firing, which actions were taken, and did they help?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.log_lines import log_lines
from dashboards.page import page, query_variable
from dashboards.recording import ACTIONS
from dashboards.shared import (
    ENDED,
    FIRING,
    FIRING_MATCHERS,
    REAL_ALERTS,
    actions_by_agent,
    agent_columns,
    count_of,
    firing_alerts,
    quantile,
    whole,
    with_agent_page,
)
from dashboards.style import (
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    SHORT,
    STATE_COLOURS,
    TALL,
    TILE,
    Colour,
    PageContext,
    PanelUnit,
    coloured,
    graph,
    histogram_bars,
    mapping,
    query,
    rising_steps,
    stat,
    timeline,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import NOW, ROWS, WHOLE

AGENT = 'agent=~"$agent"'
RECOVERED = f'{AGENT}, state="recovered"'
FLAPPING = 6
"""Number of times an alert fired from which it counts as flapping."""
ALERT_MAPPINGS = mapping((1, "firing", Colour.CRITICAL))


def dashboard(context: PageContext) -> Dashboard:
    """The page of alerts and of the receiver's actions."""
    return page(
        context,
        uid="alerts-actions",
        title="Alerts & Actions",
        description="Which alerts are firing, which actions were taken, and whether the receiver works.",
        since="now-24h",
        has_history=True,
        annotated=f"{AGENT}, ",
        variables=(
            query_variable("agent", "Agent", "label_values(nervesys_actions_total, agent)"),
            query_variable(
                "alerting_agent",
                "Agents with alerts",
                f'label_values(ALERTS{{{AGENT}, alertstate="firing"}}, agent)',
                hidden=True,
                any_value=False,
            ),
        ),
        sections=(
            PageSection(
                "",
                (
                    PanelRow(TILE, _tiles(context)),
                    PanelRow(MEDIUM, (firing_alerts("Firing alerts"), _open())),
                    PanelRow(MEDIUM, (_history(), _often(context)), (13, 11)),
                ),
            ),
            PageSection(
                "Actions",
                (
                    PanelRow(MEDIUM, _outcomes(context)),
                    PanelRow(TALL, (actions_by_agent("Actions by agent", AGENT, context), _recoveries()), (15, 9)),
                ),
            ),
            PageSection("Errors", (PanelRow(MEDIUM, (_errors(context),)),)),
            PageSection("Receiver", (PanelRow(SHORT, _receiver()),)),
        ),
    )


def _errors(context: PageContext) -> Any:
    return log_lines(
        context,
        "Errors of agents with alerts",
        "What errors did the agents log that had a firing alert in the time range?",
        '{agent=~"$alerting_agent", level="error"}',
    )


def _tiles(context: PageContext) -> tuple[Any, ...]:
    late = context.settings.monitoring.deadman.silence_seconds
    return (
        _firing_of("critical", ANY_IS_CRITICAL),
        _firing_of("warning", ANY_IS_WARNING),
        stat(
            "Open actions",
            "How many actions are open, including escalated actions?",
            PanelUnit.COUNT,
            query(f"sum(nervesys_open_actions{{{AGENT}}}) or vector(0)"),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Escalated",
            "How many actions were escalated and wait for an operator?",
            PanelUnit.COUNT,
            query(f'sum(nervesys_open_actions{{{AGENT}, state="escalated"}}) or vector(0)'),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Recovered",
            "How many actions led to a recovery in the time range, proven by a new running process?",
            PanelUnit.COUNT,
            query(f"sum({ACTIONS.total(context.periods, RECOVERED, WHOLE)}) or vector(0)"),
        ),
        stat(
            "Median recovery",
            "How long from the first alert to the proof of recovery, in the time range?",
            PanelUnit.SECONDS,
            query(quantile(0.5, "sum by (le) (increase(nervesys_action_recovery_duration_seconds_bucket[$__range]))")),
            steps=rising_steps(300, 900),
            empty="none yet",
        ),
        stat(
            "Last webhook",
            "How long ago did the receiver last get a webhook? The Watchdog alert keeps this low.",
            PanelUnit.SECONDS,
            query("time() - max(nervesys_webhook_last_received_timestamp_seconds)"),
            steps=rising_steps(late / 2, late),
            empty="never",
        ),
        stat(
            "Pending in journal",
            "How many actions and records does the receiver still have to finish?",
            PanelUnit.COUNT,
            query("sum(nervesys_journal_pending_actions)"),
            steps=rising_steps(10, 100),
        ),
    )


def _firing_of(severity: str, steps: Any) -> Any:
    return stat(
        f"Firing, {severity}",
        f"How many alerts of severity {severity} are firing?",
        PanelUnit.COUNT,
        query(count_of(f'ALERTS{{{FIRING_MATCHERS}, severity="{severity}"}}')),
        steps=steps,
    )


def _open() -> Any:
    return table(
        "Open actions now",
        "Which actions are running, and which wait for an operator?",
        *agent_columns(),
        LabelColumn("action", "Action"),
        LabelColumn("state", "State", mappings=coloured(STATE_COLOURS)),
        ValueColumn(
            "Episodes",
            query(
                with_agent_page(f"topk({ROWS}, sum by (agent, action, state) (nervesys_open_actions{{{AGENT}}} > 0))")
            ),
            PanelUnit.COUNT,
        ),
        sort="Episodes",
        empty="No open actions",
    )


def _history() -> Any:
    return timeline(
        "Alert history",
        "Which alerts fired when, for how long, and is one flapping?",
        query(f"max by (alertname) (max_over_time({FIRING}[$__rate_interval]))", "{{alertname}}"),
        mappings=ALERT_MAPPINGS,
        empty="No alerts fired",
    )


def _often(context: PageContext) -> Any:
    evaluated = context.settings.monitoring.prometheus.evaluation_interval_seconds
    concerned = 'agent=~"$agent|"'
    fired = f"max by (alertname, agent) (count_over_time(ALERTS{{{FIRING_MATCHERS}, {concerned}}}[$__range]))"
    longest = f"topk({ROWS}, {fired})"
    times = f"max by (alertname, agent) (1 + changes(ALERTS_FOR_STATE{{{REAL_ALERTS}, {concerned}}}[$__range]))"
    return table(
        "Alerts in the time range",
        f"Which alerts fired most often, for which agent, and how long in total? The {ROWS} that fired the longest.",
        LabelColumn("alertname", "Alert"),
        *agent_columns(),
        ValueColumn(
            "Times",
            query(with_agent_page(f"{times} and on (alertname, agent) {longest}")),
            PanelUnit.COUNT,
            rising_steps(FLAPPING / 2, FLAPPING),
        ),
        ValueColumn(
            "Fired for",
            query(with_agent_page(f"{evaluated:g} * {longest}")),
            PanelUnit.SECONDS,
        ),
        sort="Times",
        empty="No alerts fired",
    )


def _recoveries() -> Any:
    return histogram_bars(
        "Recoveries by duration",
        "How many recoveries took at most this many seconds, and longer than the bar above?",
        "nervesys_action_recovery_duration_seconds",
        "",
        empty="No recoveries in this time range",
    )


def _outcomes(context: PageContext) -> tuple[Any, ...]:
    return (
        graph(
            "Actions by state",
            "How many actions are taken, and how do they end?",
            PanelUnit.COUNT,
            query(
                f"sum by (state) ({ACTIONS.total(context.periods, f'{AGENT}, {ENDED}', NOW)})",
                "{{state}}",
            ),
            colours=STATE_COLOURS,
            stacked=True,
            empty="No actions in this time range",
        ),
        graph(
            "Time to recovery",
            "How long from the first alert to the proof of recovery?",
            PanelUnit.SECONDS,
            *_quantiles("nervesys_action_recovery_duration_seconds_bucket", "driver"),
            empty="No recoveries in this time range",
        ),
        graph(
            "Duration of driver calls",
            "How long do the calls take that restart agents or write records?",
            PanelUnit.SECONDS,
            *_quantiles("nervesys_action_duration_seconds_bucket", "driver"),
            empty="No driver calls in this time range",
        ),
    )


def _quantiles(family: str, by: str) -> tuple[Any, ...]:
    return tuple(
        query(
            quantile(share, f"sum by (le, {by}) (rate({family}[$__rate_interval]))"),
            f"{{{{{by}}}}}, {legend}",
        )
        for share, legend in ((0.5, "median"), (0.95, "95th percentile"))
    )


def _receiver() -> tuple[Any, ...]:
    return (
        graph(
            "Alerts received",
            "How many alerts does the receiver get, and from which sender?",
            PanelUnit.PER_MINUTE,
            query(
                "60 * sum by (sender, status) (rate(nervesys_alerts_received_total[$__rate_interval]))",
                "{{sender}}, {{status}}",
            ),
        ),
        graph(
            "Journal backlog",
            "How many actions and records are pending in the journal?",
            PanelUnit.COUNT,
            query("sum(nervesys_journal_pending_actions)", "pending"),
        ),
        graph(
            "Failed commits of the journal",
            "How many webhooks got status 503, because the journal could not be written?",
            PanelUnit.COUNT,
            query(whole("sum(increase(nervesys_journal_commit_failures_total[$__rate_interval]))"), "failed commits"),
            steps=ANY_IS_CRITICAL,
        ),
    )
