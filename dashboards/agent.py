"""Agent Details: what one agent did, how well, and on which server."""

import re
from typing import Any

from grafanalib.core import Dashboard

from dashboards import calls, progress
from dashboards.grafana_json import Json
from dashboards.layout import PageSection, PanelRow
from dashboards.log_lines import log_lines
from dashboards.page import page, query_variable
from dashboards.recording import ACTIONS
from dashboards.shared import ENDED, age, quantile, server_load, status, whole
from dashboards.style import (
    ANY_IS_WARNING,
    LEVEL_COLOURS,
    MEDIUM,
    SHORT,
    STATUS_MAPPINGS,
    TALL,
    TILE,
    Colour,
    PageContext,
    PanelUnit,
    graph,
    histogram_bars,
    mapping,
    query,
    rising_steps,
    stat,
    steps_of_pair,
    timeline,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import NOW
from nervesys.contract.dashboard_links import AGENT_PAGE, AGENT_VARIABLE

AGENT = f'agent="${AGENT_VARIABLE}"'
SERVER = 'server="$agent_server"'
NO_DURATION = "No action with a duration was logged"
NO_TOKENS = "No token usage was logged"
STALE_STATE = "The agent's state is too old"
REACHABLE_MAPPINGS = mapping((0, "unreachable", Colour.WARNING), (1, "reachable", Colour.GOOD))
QUANTILES = ((0.5, "median"), (0.95, "95th percentile"))


def dashboard(context: PageContext) -> Dashboard:
    """The page of the agent that is chosen."""
    return page(
        context,
        uid=AGENT_PAGE,
        title="Agent Details",
        description="One agent: its states, its work, its server, its logs and its restarts.",
        annotated=f"{AGENT}, ",
        variables=(
            query_variable(
                AGENT_VARIABLE, "Agent", "label_values(nervesys_agent_heartbeat_timestamp_seconds, agent)", multi=False
            ),
            query_variable(
                "agent_server",
                "Server",
                f"label_values(nervesys_agent_info{{{AGENT}}}, server)",
                multi=False,
                hidden=True,
            ),
        ),
        sections=(
            PageSection(
                "", (PanelRow(TILE, (*_tiles(context), _states()), (3, 3, 3, 3, 12)), PanelRow(TILE, _done(context)))
            ),
            PageSection("Work", (PanelRow(MEDIUM, _work(context)), PanelRow(MEDIUM, _use(context)))),
            PageSection("Progress", (PanelRow(MEDIUM, progress.of_agent(context, AGENT)),)),
            PageSection("Calls", tuple(PanelRow(MEDIUM, panels) for panels in calls.of_agent(context, AGENT))),
            PageSection("Logs", (PanelRow(MEDIUM, _logs(context)), PanelRow(TALL, (_lines(context),)))),
            PageSection(
                "Server",
                (PanelRow(MEDIUM, server_load(context, SERVER)), PanelRow(SHORT, (_load(), _network()))),
            ),
            PageSection("Agent process", (PanelRow(MEDIUM, _itself()), PanelRow(TILE, (_brain_connection(),)))),
            PageSection("Health", (PanelRow(SHORT, _health(context)),)),
            PageSection("Links", (PanelRow(TILE, (_places(context),)),)),
        ),
    )


def _tiles(context: PageContext) -> tuple[Any, ...]:
    return (
        stat(
            "Status",
            "What is it doing now?",
            PanelUnit.NONE,
            query(status(AGENT)),
            mappings=STATUS_MAPPINGS,
            empty="never seen",
        ),
        stat(
            "Heartbeat age",
            "How long ago did it last write its state?",
            PanelUnit.SECONDS,
            query(age(AGENT)),
            steps=context.heartbeat_steps,
            empty="never seen",
        ),
        stat(
            "Started",
            "Since when has this process been running?",
            PanelUnit.AGO,
            query(f"1000 * max(nervesys_agent_start_timestamp_seconds{{{AGENT}}})"),
        ),
        stat(
            "Restarts",
            "How often did it restart in the time range, for any reason?",
            PanelUnit.COUNT,
            query(f"max(changes(nervesys_agent_start_timestamp_seconds{{{AGENT}}}[$__range]))"),
            steps=ANY_IS_WARNING,
        ),
    )


def _done(context: PageContext) -> tuple[Any, ...]:
    return (
        stat(
            "Tasks completed",
            "How many tasks did it complete in the time range?",
            PanelUnit.COUNT,
            query(whole(f'sum(increase(nervesys_agent_tasks_total{{{AGENT}, outcome="completed"}}[$__range]))')),
        ),
        stat(
            "Tasks failed",
            "How many tasks failed in the time range?",
            PanelUnit.COUNT,
            query(whole(f'sum(increase(nervesys_agent_tasks_total{{{AGENT}, outcome="failed"}}[$__range]))')),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Errors",
            "How many errors did it log in the time range?",
            PanelUnit.COUNT,
            context.log_query(whole(f'sum(increase(nervesys_log_records_total{{{AGENT}, level="ERROR"}}[$__range]))')),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Tokens",
            "How many tokens did it use in the time range?",
            PanelUnit.COUNT,
            query(whole(f"sum(increase(nervesys_agent_tokens_total{{{AGENT}}}[$__range]))")),
        ),
        stat(
            "Cost",
            "What did its tokens cost in the time range, according to its logs and config/prices.yaml?",
            context.money,
            context.log_query(f"sum({_cost('[$__range]')})"),
        ),
    )


def _cost(span: str) -> str:
    return f"sum by (model) (increase(nervesys_agent_cost_total{{{AGENT}}}{span}))"


def _states() -> Any:
    return timeline(
        "State history",
        "Which status did the agent have, and when did it change?",
        query(status(AGENT), "{{agent}}"),
        mappings=STATUS_MAPPINGS,
        empty="This agent has never reported",
    )


def _work(context: PageContext) -> tuple[Any, ...]:
    return (
        graph(
            "Tasks",
            "How many tasks are completed, and how many fail?",
            PanelUnit.PER_MINUTE,
            query(
                f"60 * sum by (outcome) (rate(nervesys_agent_tasks_total{{{AGENT}}}[$__rate_interval]))", "{{outcome}}"
            ),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
        ),
        graph(
            "Duration of actions",
            "How long do its actions take, according to its logs?",
            PanelUnit.SECONDS,
            *(
                context.log_query(
                    quantile(
                        share,
                        f"sum by (le) (rate(nervesys_log_action_duration_seconds_bucket{{{AGENT}}}[$__rate_interval]))",
                    ),
                    legend,
                )
                for share, legend in QUANTILES
            ),
            empty=NO_DURATION,
        ),
        histogram_bars(
            "Actions by duration",
            "How many actions took at most this many seconds, and longer than the bar above?",
            "nervesys_log_action_duration_seconds",
            AGENT,
            empty=NO_DURATION,
        ),
    )


def _use(context: PageContext) -> tuple[Any, ...]:
    return (
        graph(
            "Tokens by model",
            "Which model uses the tokens, according to its logs?",
            PanelUnit.PER_MINUTE,
            context.log_query(
                f"60 * sum by (model) (rate(nervesys_log_tokens_total{{{AGENT}}}[$__rate_interval]))", "{{model}}"
            ),
            empty=NO_TOKENS,
        ),
        graph(
            "Cost by model",
            "What do its tokens cost? At the prices in config/prices.yaml; models without a price are left out.",
            context.money,
            context.log_query(_cost("[$__rate_interval]"), "{{model}}"),
            stacked=True,
            empty=NO_TOKENS,
        ),
        graph(
            "Errors by category",
            "What goes wrong, and since when?",
            PanelUnit.PER_MINUTE,
            context.log_query(
                f'60 * sum by (category) (rate(nervesys_log_records_total{{{AGENT}, level="ERROR"}}'
                "[$__rate_interval]))",
                "{{category}}",
            ),
            stacked=True,
            empty="No error was logged",
            many=True,
        ),
    )


def _lines(context: PageContext) -> Any:
    return log_lines(context, "Log records", "What did it log last?", f"{{{AGENT}}}")


def _logs(context: PageContext) -> tuple[Any, ...]:
    records = f"nervesys_log_records_total{{{AGENT}}}"
    return (
        graph(
            "Log records by level",
            "How much does it log, and how serious is it?",
            PanelUnit.PER_MINUTE,
            context.log_query(f"60 * sum by (level) (rate({records}[$__rate_interval]))", "{{level}}"),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="No logs were shipped",
        ),
        graph(
            "Log records by category",
            "What does it log about?",
            PanelUnit.PER_MINUTE,
            context.log_query(f"60 * sum by (category) (rate({records}[$__rate_interval]))", "{{category}}"),
            stacked=True,
            empty="No logs were shipped",
            many=True,
        ),
        graph(
            "Buffer in use",
            "How full is the buffer that holds what is not shipped yet? Dashed: warning and critical threshold.",
            PanelUnit.RATIO,
            query(
                f"max by (agent) (nervesys_agent_buffer_bytes{{{AGENT}}})"
                f" / max by (agent) (nervesys_brain_agent_buffer_limit_bytes{{{AGENT}}})",
                "{{agent}}",
            ),
            steps=steps_of_pair(context.settings.thresholds.buffer),
            top=1,
            empty=STALE_STATE,
        ),
        graph(
            "Log records lost",
            "How many records did not fit into the buffer? The lowest levels are dropped first.",
            PanelUnit.COUNT,
            query(
                whole(f"sum by (level) (increase(nervesys_agent_dropped_records_total{{{AGENT}}}[$__rate_interval]))"),
                "{{level}}",
            ),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="No lost records",
        ),
    )


def _load() -> Any:
    return graph(
        "Load",
        "How many processes on its server are running or waiting, as a mean over 1, 5 and 15 minutes?",
        PanelUnit.COUNT,
        query(f"max by (minutes) (nervesys_server_load{{{SERVER}}})", "{{minutes}} min"),
        empty="No live agent reports this server",
    )


def _network() -> Any:
    return graph(
        "Network",
        "How much does its server receive and send?",
        PanelUnit.BYTES_PER_SECOND,
        *(
            query(f"max(rate(nervesys_server_network_{way}_bytes_total{{{SERVER}}}[$__rate_interval]))", legend)
            for way, legend in (("receive", "received"), ("transmit", "sent"))
        ),
        empty="No live agent reports this server",
    )


def _itself() -> tuple[Any, ...]:
    return (
        graph(
            "CPU of the agent",
            "How much of one CPU does it use, including its child processes?",
            PanelUnit.RATIO,
            query(f"max by (agent) (nervesys_agent_cpu_usage_cores{{{AGENT}}})", "{{agent}}"),
            empty=STALE_STATE,
        ),
        graph(
            "Memory of the agent",
            "How much memory does it use, including its child processes?",
            PanelUnit.BYTES,
            query(f"max by (agent) (nervesys_agent_memory_bytes{{{AGENT}}})", "{{agent}}"),
            empty=STALE_STATE,
        ),
        graph(
            "Custom counters",
            "How often do the events happen that the agent's program counts?",
            PanelUnit.PER_MINUTE,
            query(
                f"60 * sum by (counter) (rate(nervesys_agent_custom_events_total{{{AGENT}}}[$__rate_interval]))",
                "{{counter}}",
            ),
            empty="The agent has no custom counters",
        ),
    )


def _brain_connection() -> Any:
    return timeline(
        "Connection to the brain",
        "Could it reach the brain? While it is unreachable, the agent uses its last copy.",
        query(f"min by (agent) (nervesys_agent_brain_reachable{{{AGENT}}})", "{{agent}}"),
        mappings=REACHABLE_MAPPINGS,
        empty=STALE_STATE,
    )


def _health(context: PageContext) -> tuple[Any, ...]:
    skew = context.settings.thresholds.clock_skew_seconds
    return (
        graph(
            "Heartbeat age over time",
            "Did its heartbeats stop, and for how long? Dashed: late, and down.",
            PanelUnit.SECONDS,
            query(age(AGENT), "{{agent}}"),
            steps=context.heartbeat_steps,
        ),
        graph(
            "Actions",
            "Which actions were taken for it, and how did they end?",
            PanelUnit.COUNT,
            query(
                f"sum by (action, state) ({ACTIONS.total(context.periods, f'{AGENT}, {ENDED}', NOW)})",
                "{{action}} {{state}}",
            ),
            stacked=True,
            empty="No actions in this time range",
        ),
        graph(
            "Clock skew",
            "Does its clock agree with the store's? Dashed: too far apart.",
            PanelUnit.SECONDS,
            query(f"max by (agent) (abs(nervesys_agent_clock_skew_seconds{{{AGENT}}}))", "{{agent}}"),
            steps=rising_steps(skew / 2, skew),
        ),
    )


def _places(context: PageContext) -> Any:
    """A row that Prometheus knows of, so that an unknown agent has no links."""
    paths, opened = context.settings.storage.storj.paths, context.settings.grafana.opened
    places = (
        ("brain_file", "Brain file", "config/agents/{agent}.yaml", opened.brain),
        ("state_object", "State object", paths.agents, opened.store),
        ("log_objects", "Log objects", folder_of(paths.active_logs), opened.store),
        ("episodes", "Episodes", "{agent}", f"{context.settings.monitoring.journal_url}/?agent={{path}}"),
    )
    expr = f"max by (agent, server) (nervesys_agent_info{{{AGENT}}})"
    for name, _, path, _ in places:
        shown = path.replace("{agent}", f"${{{AGENT_VARIABLE}}}").replace("{server}", "${agent_server}")
        expr = f'label_replace({expr}, "{name}", "{shown}", "", "")'
    return table(
        "Files and objects",
        "Where are its configuration, its state, its logs and its episodes? Links: config/grafana.yaml, `opened`.",
        *(LabelColumn(name, title, links=_opened(title, url)) for name, title, _, url in places),
        ValueColumn("", query(expr)),
        sort="Brain file",
        empty="This agent has never reported",
    )


def folder_of(template: str) -> str:
    """The folder below which all objects of an agent lie whose key has this template.

    Args:
        template: such as `db/active_logs/{server}/{date}/{time}_{agent}.jsonl.gz`.
    """
    known = re.split(r"\{(?!agent\}|server\})", template)[0]
    return known[: known.rindex("/") + 1] if "/" in known else ""


def _opened(title: str, url: str) -> list[Json]:
    """An external link; none if the settings have no URL for it."""
    return [{"targetBlank": True, "title": title, "url": url.replace("{path}", "${__value.raw}")}] if url else []
