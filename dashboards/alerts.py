"""Alerts & Actions: what fires, what was done about it, and did it help?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.recording import ACTIONS
from dashboards.shared import ENDED, FIRES, FIRING, REAL, actions_by_agent, count_of, firing
from dashboards.style import (
    AGENT_CELL,
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    SHORT,
    STATE_COLOURS,
    TALL,
    TILE,
    Colour,
    House,
    Unit,
    coloured,
    distribution,
    graph,
    mapping,
    query,
    rising,
    stat,
    timeline,
)
from dashboards.tables import Label, Value, table
from dashboards.top_n import NOW, ROWS, WHOLE

AGENT = 'agent=~"$agent"'
RECOVERED = f'{AGENT}, state="recovered"'
FLAPPING = 6
"""Times that an alert came, from which on nobody believes it any more."""
ALERT_WORDS = mapping((1, "firing", Colour.CRITICAL))


def dashboard(house: House) -> Dashboard:
    """The page of alerts and of what the receiver does about them."""
    return page(
        house,
        uid="alerts-actions",
        title="Alerts & Actions",
        description="What fires, what was done about it, whether it helped, and whether the receiver itself is well.",
        since="now-24h",
        marked=f"{AGENT}, ",
        variables=(chosen("agent", "Agent", "label_values(nervesys_actions_total, agent)"),),
        sections=(
            Section(
                "",
                (
                    Line(TILE, _tiles(house)),
                    Line(MEDIUM, (firing("Firing now"), _open())),
                    Line(MEDIUM, (_history(), _often(house)), (13, 11)),
                ),
            ),
            Section(
                "Actions",
                (
                    Line(MEDIUM, _outcomes(house)),
                    Line(TALL, (actions_by_agent("Actions by agent", AGENT, house), _recoveries()), (15, 9)),
                ),
            ),
            Section("Receiver", (Line(SHORT, _receiver()),)),
        ),
    )


def _tiles(house: House) -> tuple[Any, ...]:
    late = house.settings.monitoring.deadman.silence_seconds
    return (
        _firing_of("critical", ANY_IS_CRITICAL),
        _firing_of("warning", ANY_IS_WARNING),
        stat(
            "Open actions",
            "How many actions are under way, escalated ones included?",
            Unit.COUNT,
            query(f"sum(nervesys_open_actions{{{AGENT}}}) or vector(0)"),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Waiting for a person",
            "How many actions did not help?",
            Unit.COUNT,
            query(f'sum(nervesys_open_actions{{{AGENT}, state="escalated"}}) or vector(0)'),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Recovered",
            "How often did an action help in the time range, proven by a new process at work?",
            Unit.COUNT,
            query(f"sum({ACTIONS.total(house.periods, RECOVERED, WHOLE)}) or vector(0)"),
        ),
        stat(
            "Median recovery",
            "How long from the first alert to the proof of recovery, in the time range?",
            Unit.SECONDS,
            query(
                "histogram_quantile(0.5, sum by (le) "
                "(increase(nervesys_action_recovery_duration_seconds_bucket[$__range])))"
            ),
            steps=rising(300, 900),
            empty="none yet",
        ),
        stat(
            "Last webhook",
            "How long ago did the receiver last hear of anything? The Watchdog keeps this young.",
            Unit.SECONDS,
            query("time() - max(nervesys_webhook_last_received_timestamp_seconds)"),
            steps=rising(late / 2, late),
            empty="never",
        ),
        stat(
            "Journal waiting",
            "How many actions and records does the receiver still have to finish?",
            Unit.COUNT,
            query("sum(nervesys_journal_pending_actions)"),
            steps=rising(10, 100),
        ),
    )


def _firing_of(severity: str, steps: Any) -> Any:
    return stat(
        f"Firing, {severity}",
        f"How many alerts of severity {severity} fire now?",
        Unit.COUNT,
        query(count_of(f'ALERTS{{{FIRES}, severity="{severity}"}}')),
        steps=steps,
    )


def _open() -> Any:
    return table(
        "Open actions now",
        "What is the receiver doing, and what waits for a person?",
        Label("agent", "Agent", links=(AGENT_CELL,)),
        Label("action", "Action"),
        Label("state", "State", words=coloured(STATE_COLOURS)),
        Value(
            "Episodes",
            query(f"topk({ROWS}, sum by (agent, action, state) (nervesys_open_actions{{{AGENT}}} > 0))"),
            Unit.COUNT,
        ),
        sort="Episodes",
        empty="Nothing is under way",
    )


def _history() -> Any:
    return timeline(
        "History of alerts",
        "Which alert fired when, for how long, and does one flap?",
        query(f"max by (alertname) (max_over_time({FIRING}[$__rate_interval]))", "{{alertname}}"),
        words=ALERT_WORDS,
        empty="Nothing fired",
    )


def _often(house: House) -> Any:
    evaluated = house.settings.monitoring.prometheus.evaluation_interval_seconds
    concerned = 'agent=~"$agent|"'
    fired = f"max by (alertname, agent) (count_over_time(ALERTS{{{FIRES}, {concerned}}}[$__range]))"
    longest = f"topk({ROWS}, {fired})"
    times = f"max by (alertname, agent) (1 + changes(ALERTS_FOR_STATE{{{REAL}, {concerned}}}[$__range]))"
    return table(
        "Alerts in the time range",
        "Which alert came again and again, about whom, and how long did it fire in all? Often is flapping. "
        f"The {ROWS} that fired for the longest.",
        Label("alertname", "Alert"),
        Label("agent", "Agent", links=(AGENT_CELL,)),
        Value(
            "Times",
            query(f"{times} and on (alertname, agent) {longest}"),
            Unit.COUNT,
            rising(FLAPPING / 2, FLAPPING),
        ),
        Value(
            "Fired for",
            query(f"{evaluated:g} * {longest}"),
            Unit.SECONDS,
        ),
        sort="Times",
        empty="Nothing fired",
    )


def _recoveries() -> Any:
    return distribution(
        "Recoveries by duration",
        "How many recoveries took up to so many seconds, and longer than the bar above?",
        "nervesys_action_recovery_duration_seconds",
        "",
        empty="Nothing had to recover",
    )


def _outcomes(house: House) -> tuple[Any, ...]:
    return (
        graph(
            "Actions by state",
            "How much is done, and how does it end?",
            Unit.COUNT,
            query(
                f"sum by (state) ({ACTIONS.total(house.periods, f'{AGENT}, {ENDED}', NOW)})",
                "{{state}}",
            ),
            colours=STATE_COLOURS,
            stacked=True,
            empty="Nothing had to be done",
        ),
        graph(
            "Time to recovery",
            "How long from the first alert to the proof of recovery?",
            Unit.SECONDS,
            *_quantiles("nervesys_action_recovery_duration_seconds_bucket", "driver"),
            empty="Nothing had to recover",
        ),
        graph(
            "Duration of driver calls",
            "How long do the calls take that restart or record?",
            Unit.SECONDS,
            *_quantiles("nervesys_action_duration_seconds_bucket", "driver"),
            empty="No driver was called",
        ),
    )


def _quantiles(family: str, by: str) -> tuple[Any, ...]:
    return tuple(
        query(
            f"histogram_quantile({quantile}, sum by (le, {by}) (rate({family}[$__rate_interval])))",
            f"{{{{{by}}}}}, {legend}",
        )
        for quantile, legend in ((0.5, "median"), (0.95, "p95"))
    )


def _receiver() -> tuple[Any, ...]:
    return (
        graph(
            "Alerts received",
            "Does the receiver hear of alerts, and from whom?",
            Unit.PER_MINUTE,
            query(
                "60 * sum by (sender, status) (rate(nervesys_alerts_received_total[$__rate_interval]))",
                "{{sender}}, {{status}}",
            ),
        ),
        graph(
            "Journal backlog",
            "Does work pile up in the journal?",
            Unit.COUNT,
            query("sum(nervesys_journal_pending_actions)", "waiting"),
        ),
        graph(
            "Failed commits of the journal",
            "Was an alert answered with 503, because the journal could not take it?",
            Unit.COUNT,
            query("sum(increase(nervesys_journal_commit_failures_total[$__rate_interval]))", "failed commits"),
            steps=ANY_IS_CRITICAL,
        ),
    )
