"""Main Overview: which agent is in trouble, since when, and what was done about it?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.shared import CONFIGURED, FIRING, WORKING, age, by_agent, server_load, status
from dashboards.style import (
    AGENT_CELL,
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    MEDIUM,
    NONE_IS_CRITICAL,
    STATUS_WORDS,
    TALL,
    TILE,
    TO_AGENT,
    House,
    Unit,
    bars,
    duration,
    link,
    query,
    stat,
    timeline,
)
from dashboards.tables import Label, Value, table

AGENT = 'agent=~"$agent"'
SERVER = 'server=~"$server"'


def dashboard(house: House) -> Dashboard:
    """The page that is home."""
    return page(
        house,
        uid="main-overview",
        title="Main Overview",
        description="The fleet at a glance: who is in trouble, since when, and what was done about it.",
        variables=(
            chosen("server", "Server", "label_values(nervesys_agent_info, server)"),
            chosen("agent", "Agent", f"label_values(nervesys_agent_info{{{SERVER}}}, agent)"),
        ),
        sections=(
            Section(
                "", (Line(TILE, _tiles(house)), Line(MEDIUM, (_statuses(),)), Line(TALL, _details(house), (15, 9)))
            ),
            Section("Servers", (Line(MEDIUM, server_load(house, SERVER)),)),
            Section("Work", (Line(MEDIUM, _work(house)),)),
        ),
    )


def _tiles(house: House) -> tuple[Any, ...]:
    down = house.settings.thresholds.heartbeat.down_after_seconds
    to_alerts = (link("Alerts & Actions", "/d/alerts-actions"),)
    return (
        stat(
            "At work",
            "How many agents are running or idle?",
            Unit.COUNT,
            query(
                f'count(max by (agent) (nervesys_agent_status{{{AGENT}, status=~"{WORKING}"}} == 1) {CONFIGURED})'
                " or vector(0)"
            ),
            steps=NONE_IS_CRITICAL,
        ),
        stat(
            "Silent",
            f"How many agents have sent no heartbeat for {duration(down)}, whether stopped or dead?",
            Unit.COUNT,
            query(f"count({age(AGENT)} > {down:g}) or vector(0)"),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Degraded",
            "How many agents say themselves that something is wrong?",
            Unit.COUNT,
            query(f'sum(nervesys_agent_status{{{AGENT}, status="degraded"}}) or vector(0)'),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Alerts firing",
            "How many alerts fire now, the Watchdog left out?",
            Unit.COUNT,
            query(f"count({FIRING}) or vector(0)"),
            steps=ANY_IS_CRITICAL,
            links=to_alerts,
        ),
        stat(
            "Actions under way",
            "How many actions are open, escalated ones included?",
            Unit.COUNT,
            query("sum(nervesys_action_open) or vector(0)"),
            steps=ANY_IS_WARNING,
            links=to_alerts,
        ),
        stat(
            "Escalated",
            "How many actions did not help and wait for a person?",
            Unit.COUNT,
            query('sum(nervesys_action_open{state="escalated"}) or vector(0)'),
            steps=ANY_IS_CRITICAL,
            links=to_alerts,
        ),
        stat(
            "Errors",
            "How many errors were logged in the time range?",
            Unit.COUNT,
            house.shipped(f'sum(increase(nervesys_log_records_total{{{AGENT}, level="ERROR"}}[$__range]))'),
            steps=ANY_IS_WARNING,
            empty="0",
        ),
        stat(
            "Tokens",
            "How many tokens were used in the time range?",
            Unit.COUNT,
            query(f"sum(increase(nervesys_agent_tokens_total{{{AGENT}}}[$__range]))"),
        ),
    )


def _statuses() -> Any:
    return timeline(
        "Status of each agent",
        "What was each agent doing, and since when is one silent? By its own word, while that is fresh.",
        query(status(AGENT), "{{agent}}"),
        words=STATUS_WORDS,
        empty="No agent has ever reported",
        links=(TO_AGENT,),
    )


def _details(house: House) -> tuple[Any, ...]:
    return (
        table(
            "Agents",
            "Which agent needs a look? The longest silent are on top; a name leads to its page.",
            Label("agent", "Agent", links=(AGENT_CELL,)),
            Value("Status", query(status(AGENT)), words=STATUS_WORDS),
            Value("Heartbeat age", query(age(AGENT)), Unit.SECONDS, house.silence),
            Label("server", "Server"),
            Label("model", "Model"),
            Value("", query(f"max by (agent, server, model) (nervesys_agent_info{{{AGENT}, {SERVER}}}) {CONFIGURED}")),
            Value(
                "Started",
                query(f"1000 * max by (agent) (nervesys_agent_start_timestamp_seconds{{{AGENT}}}) {CONFIGURED}"),
                Unit.AGO,
            ),
            sort="Heartbeat age",
            empty="No agent has ever reported",
        ),
        table(
            "Firing now",
            "What is wrong at this moment, and since when?",
            Label("alertname", "Alert"),
            Label("severity", "Severity"),
            Label("agent", "Agent", links=(AGENT_CELL,)),
            Value(
                "Since",
                query(
                    f"1000 * max by (alertname, severity, agent) (ALERTS_FOR_STATE and ignoring (alertstate) {FIRING})"
                ),
                Unit.AGO,
            ),
            sort="Since",
            empty="Nothing fires",
        ),
    )


def _work(house: House) -> tuple[Any, ...]:
    return (
        by_agent(
            "Tasks ended",
            "How much gets done, and by whom?",
            Unit.PER_MINUTE,
            query(
                f"60 * sum by (agent) (rate(nervesys_agent_tasks_total{{{AGENT}}}[$__rate_interval]))",
                "{{agent}}",
            ),
        ),
        by_agent(
            "Errors logged",
            "Whose error rate rose, and when?",
            Unit.PER_MINUTE,
            house.shipped(
                f'60 * sum by (agent) (rate(nervesys_log_records_total{{{AGENT}, level="ERROR"}}[$__rate_interval]))',
                "{{agent}}",
            ),
        ),
        bars(
            "Actions in the time range",
            "What was done, and how did it end?",
            Unit.COUNT,
            query(
                'round(sum by (action, state) (increase(nervesys_actions_total{state!~"pending|running"}[$__range])))',
                "{{action}} {{state}}",
            ),
            empty="Nothing had to be done",
        ),
    )
