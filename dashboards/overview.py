"""Main Overview: which agents have problems, since when, and which actions were taken?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards import progress
from dashboards.grafana_json import PrometheusTarget
from dashboards.layout import PageSection, PanelRow
from dashboards.page import page, query_variable
from dashboards.recording import COSTS, RECORDS, TASKS, TOKENS, TROUBLE, CounterIncrease
from dashboards.shared import (
    FIRING,
    actions_by_agent,
    age,
    count_of,
    firing_alerts,
    healthy_agents,
    heartbeat,
    server_load,
    status,
)
from dashboards.style import (
    AGENT_CELL,
    ANY_IS_CRITICAL,
    ANY_IS_WARNING,
    FIRST_HEALTHY_CODE,
    MEDIUM,
    NONE_IS_CRITICAL,
    SHORT,
    STATUS_MAPPINGS,
    TILE,
    TO_AGENT,
    PageContext,
    PanelUnit,
    duration,
    link,
    query,
    stat,
    timeline,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import LINES, ROWS, WHOLE, TopLines, TopVariable, top_graph
from nervesys.metrics import Period

AGENT = 'agent=~"$agent"'
SERVER = 'server=~"$server"'
ERRORS = f'{AGENT}, level="ERROR"'
COMPLETED, FAILED = (f'{AGENT}, outcome="{outcome}"' for outcome in ("completed", "failed"))


def dashboard(context: PageContext) -> Dashboard:
    """The start page."""
    return page(
        context,
        uid="main-overview",
        title="Main Overview",
        description="The fleet at a glance: which agents have problems, since when, and which actions were taken.",
        variables=(
            query_variable("server", "Server", "label_values(nervesys_agent_info, server)"),
            query_variable("agent", "Agent", f"label_values(nervesys_agent_info{{{SERVER}}}, agent)"),
        ),
        sections=(
            PageSection(
                "",
                (
                    PanelRow(TILE, _tiles(context)),
                    PanelRow(MEDIUM, (_statuses(),)),
                    PanelRow(SHORT, (firing_alerts("Firing alerts"), actions_by_agent("Actions", AGENT, context))),
                    PanelRow(MEDIUM, (_agents(context),)),
                ),
            ),
            PageSection("Servers", (PanelRow(MEDIUM, server_load(context, SERVER)),)),
            PageSection(
                "Work",
                (
                    PanelRow(TILE, (*_a_day(context), *progress.of_fleet(context, AGENT))),
                    PanelRow(MEDIUM, _work(context)),
                ),
            ),
        ),
    )


def _tiles(context: PageContext) -> tuple[Any, ...]:
    down = context.settings.thresholds.heartbeat.down_after_seconds
    # Each agent is counted by the first three tiles once: a dead one reports its last status until that is stale.
    silent = f"({heartbeat(AGENT)} < time() - {down:g})"
    to_alerts = (link("Alerts & Actions", "/d/alerts-actions"),)
    return (
        stat(
            "Running",
            "How many agents are running or idle, and not silent?",
            PanelUnit.COUNT,
            query(count_of(f"{healthy_agents(AGENT)} unless on (agent) {silent}")),
            steps=NONE_IS_CRITICAL,
        ),
        stat(
            "Silent",
            f"How many agents have sent no heartbeat for {duration(down)}, whether stopped or dead?",
            PanelUnit.COUNT,
            query(count_of(silent)),
            steps=ANY_IS_CRITICAL,
        ),
        stat(
            "Not running",
            "How many agents are degraded, starting, stopping or stopped, and not silent?",
            PanelUnit.COUNT,
            query(count_of(f"{status(AGENT)} < {FIRST_HEALTHY_CODE} unless on (agent) {silent}")),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Alerts firing",
            "How many alerts are firing, not counting the Watchdog?",
            PanelUnit.COUNT,
            query(count_of(FIRING)),
            steps=ANY_IS_CRITICAL,
            links=to_alerts,
        ),
        stat(
            "Open actions",
            "How many actions are open, including escalated actions?",
            PanelUnit.COUNT,
            query("sum(nervesys_open_actions) or vector(0)"),
            steps=ANY_IS_WARNING,
            links=to_alerts,
        ),
        stat(
            "Escalated",
            "How many actions were escalated and wait for an operator?",
            PanelUnit.COUNT,
            query('sum(nervesys_open_actions{state="escalated"}) or vector(0)'),
            steps=ANY_IS_CRITICAL,
            links=to_alerts,
        ),
        stat(
            "Errors",
            "How many errors were logged in the time range?",
            PanelUnit.COUNT,
            query(f"sum({RECORDS.total(context.periods, ERRORS, WHOLE)})"),
            steps=ANY_IS_WARNING,
            empty="0",
        ),
        stat(
            "Tokens",
            "How many tokens were used in the time range?",
            PanelUnit.COUNT,
            query(f"sum({TOKENS.total(context.periods, AGENT, WHOLE)})"),
        ),
    )


def _statuses() -> Any:
    title = "Status of each agent"
    top_lines = TopLines(status, f"count_over_time({TROUBLE}{{{AGENT}}}{WHOLE}) or 0 * {status(AGENT)}")
    return timeline(
        title,
        "Which status did each agent report, and since when has an agent been silent? "
        f"At most {LINES} are shown: those with the longest time in trouble.",
        top_lines.query(title),
        mappings=STATUS_MAPPINGS,
        empty="No agent has ever reported",
        links=(TO_AGENT,),
    )


def _agents(context: PageContext) -> Any:
    # A silent agent has no series with its server, so agents of other servers are excluded instead.
    elsewhere = 'nervesys_agent_info{server!~"$server"}'
    silent = TopVariable("silent", f"{heartbeat(AGENT)} unless on (agent) {elsewhere}", "agent", ROWS, lowest=True)

    def newest(family: str, by: str = "agent", scale: str = "") -> PrometheusTarget:
        return silent.of(query(f"{scale}max by ({by}) (nervesys_agent_{family}{{{silent.matcher}}})"))

    return table(
        "Agents",
        f"Which agent needs attention? The {ROWS} with the oldest heartbeats, oldest first; a name links to its page.",
        LabelColumn("agent", "Agent", links=(AGENT_CELL,)),
        ValueColumn("Status", silent.of(query(status(silent.matcher))), mappings=STATUS_MAPPINGS),
        ValueColumn("Heartbeat age", silent.of(query(age(silent.matcher))), PanelUnit.SECONDS, context.heartbeat_steps),
        LabelColumn("server", "Server"),
        LabelColumn("role", "Role"),
        LabelColumn("model", "Model"),
        LabelColumn("version", "Version"),
        ValueColumn("", newest("info", "agent, server, role, model, version")),
        ValueColumn("Started", newest("start_timestamp_seconds", scale="1000 * "), PanelUnit.AGO),
        ValueColumn("Buffered logs", newest("buffer_bytes"), PanelUnit.BYTES),
        sort="Heartbeat age",
        empty="No agent has ever reported",
    )


def _a_day(context: PageContext) -> tuple[Any, ...]:
    def total(increase: CounterIncrease, matchers: str) -> str:
        return increase.total(context.periods, matchers, "[1d]")

    return (
        stat(
            "Tasks completed, last day",
            "How many tasks were completed in the day that ends with the time range?",
            PanelUnit.COUNT,
            query(f"sum({total(TASKS, COMPLETED)})"),
        ),
        stat(
            "Tasks failed, last day",
            "How many tasks failed in the day that ends with the time range?",
            PanelUnit.COUNT,
            query(f"sum({total(TASKS, FAILED)})"),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Tokens, last day",
            "How many tokens were used in the day that ends with the time range?",
            PanelUnit.COUNT,
            query(f"sum({total(TOKENS, AGENT)})"),
        ),
        stat(
            "Cost, last day",
            "What did the tokens of that day cost, according to the agents' logs and config/prices.yaml?",
            context.money,
            query(f"sum({total(COSTS, AGENT)})"),
        ),
    )


def _work(context: PageContext) -> tuple[Any, ...]:
    return (
        _pace(context, "Tasks ended", "How many tasks end, and of which agents?", TASKS, progress.ENDED_TASKS),
        _pace(context, "Errors logged", "Which agent's error rate rose, and when?", RECORDS, 'level="ERROR"'),
        _pace(context, "Tokens used", "Which agent uses how many tokens?", TOKENS),
    )


def _pace(context: PageContext, title: str, question: str, increase: CounterIncrease, matchers: str = "") -> Any:
    """A graph of how fast a counter grew, by the minute."""

    def of(agents: str) -> str:
        return f"{agents}, {matchers}" if matchers else agents

    top_lines = TopLines(
        lambda top: increase.per_minute(context.periods, of(top), "agent"),
        f"sum by (agent) ({increase.total(context.periods, of(AGENT), WHOLE)})",
    )
    make_query = context.log_query if increase.period is Period.SHIP else query
    return top_graph(title, question, PanelUnit.PER_MINUTE, top_lines, make_query=make_query)
