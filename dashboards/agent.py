"""Agent Details: what one agent did, how well, and on which server."""

import re
from typing import Any

from grafanalib.core import Dashboard

from dashboards.cost import cost
from dashboards.grafana_json import Json
from dashboards.layout import PageSection, PanelRow
from dashboards.page import page, query_variable
from dashboards.recording import ACTIONS
from dashboards.shared import ENDED, age, server_load, status
from dashboards.style import (
    ANY_IS_WARNING,
    LEVEL_COLOURS,
    MEDIUM,
    SHORT,
    STATUS_MAPPINGS,
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

AGENT = 'agent="$agent"'
NO_DURATION = "No action with a duration was logged"
NO_TOKENS = "No use of tokens was logged"
STALE_STATE = "Its last words are too old"
REACHABLE_MAPPINGS = mapping((0, "away", Colour.WARNING), (1, "reachable", Colour.GOOD))
QUANTILES = ((0.5, "median"), (0.95, "95 of 100 are faster"))


def dashboard(context: PageContext) -> Dashboard:
    """The page of the agent that is chosen."""
    return page(
        context,
        uid="agent-details",
        title="Agent Details",
        description="One agent: its states, its work, its server, its logs and its restarts.",
        annotated=f"{AGENT}, ",
        variables=(
            query_variable(
                "agent", "Agent", "label_values(nervesys_agent_heartbeat_timestamp_seconds, agent)", multi=False
            ),
            query_variable(
                "server", "Server", f"label_values(nervesys_agent_info{{{AGENT}}}, server)", multi=False, hidden=True
            ),
        ),
        sections=(
            PageSection(
                "", (PanelRow(TILE, (*_tiles(context), _states()), (3, 3, 3, 3, 12)), PanelRow(TILE, _done(context)))
            ),
            PageSection("Work", (PanelRow(MEDIUM, _work(context)), PanelRow(MEDIUM, _use(context)))),
            PageSection("Logs", (PanelRow(MEDIUM, _logs(context)),)),
            PageSection(
                "Its server",
                (PanelRow(MEDIUM, server_load(context, 'server="$server"')), PanelRow(SHORT, (_load(), _network()))),
            ),
            PageSection("The agent itself", (PanelRow(MEDIUM, _itself()), PanelRow(TILE, (_way_to_brain(),)))),
            PageSection("Health", (PanelRow(SHORT, _health(context)),)),
            PageSection("To look further", (PanelRow(TILE, (_places(context),)),)),
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
            "How often did it start anew in the time range, for whatever reason?",
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
            query(f'sum(increase(nervesys_agent_tasks_total{{{AGENT}, outcome="completed"}}[$__range]))'),
        ),
        stat(
            "Tasks failed",
            "How many tasks failed in the time range?",
            PanelUnit.COUNT,
            query(f'sum(increase(nervesys_agent_tasks_total{{{AGENT}, outcome="failed"}}[$__range]))'),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Errors",
            "How many errors did it log in the time range?",
            PanelUnit.COUNT,
            context.log_query(f'sum(increase(nervesys_log_records_total{{{AGENT}, level="ERROR"}}[$__range]))'),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Tokens",
            "How many tokens did it use in the time range?",
            PanelUnit.COUNT,
            query(f"sum(increase(nervesys_agent_tokens_total{{{AGENT}}}[$__range]))"),
        ),
        stat(
            "Cost",
            "What did its tokens cost in the time range, by its logs and config/prices.yaml?",
            context.money,
            context.log_query(f"sum({_cost(context, '[$__range]')})"),
        ),
    )


def _cost(context: PageContext, span: str) -> str:
    return cost(
        context.settings.prices, AGENT, lambda matchers: f"increase(nervesys_log_tokens_total{{{matchers}}}{span})"
    )


def _states() -> Any:
    return timeline(
        "State history",
        "Since when is it as it is, and how often was it otherwise?",
        query(status(AGENT), "{{agent}}"),
        mappings=STATUS_MAPPINGS,
        empty="This agent has never reported",
    )


def _work(context: PageContext) -> tuple[Any, ...]:
    return (
        graph(
            "Tasks",
            "How much gets done, and how much fails?",
            PanelUnit.PER_MINUTE,
            query(
                f"60 * sum by (outcome) (rate(nervesys_agent_tasks_total{{{AGENT}}}[$__rate_interval]))", "{{outcome}}"
            ),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
        ),
        graph(
            "Duration of actions",
            "How long do its actions take, by its logs?",
            PanelUnit.SECONDS,
            *(
                context.log_query(
                    f"histogram_quantile({quantile}, sum by (le) "
                    f"(rate(nervesys_log_action_duration_seconds_bucket{{{AGENT}}}[$__rate_interval])))",
                    legend,
                )
                for quantile, legend in QUANTILES
            ),
            empty=NO_DURATION,
        ),
        histogram_bars(
            "Actions by duration",
            "How many actions took up to so many seconds, and longer than the bar above?",
            "nervesys_log_action_duration_seconds",
            AGENT,
            empty=NO_DURATION,
        ),
    )


def _use(context: PageContext) -> tuple[Any, ...]:
    return (
        graph(
            "Tokens by model",
            "Which model eats the tokens, by its logs?",
            PanelUnit.PER_MINUTE,
            context.log_query(
                f"60 * sum by (model) (rate(nervesys_log_tokens_total{{{AGENT}}}[$__rate_interval]))", "{{model}}"
            ),
            empty=NO_TOKENS,
        ),
        graph(
            "Cost by model",
            "What do its tokens cost, bar by bar? By config/prices.yaml; a model without a price is left out.",
            context.money,
            context.log_query(_cost(context, "[$__rate_interval]"), "{{model}}"),
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
        ),
    )


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
            empty="Nothing was shipped",
        ),
        graph(
            "Log records by category",
            "What does it log about?",
            PanelUnit.PER_MINUTE,
            context.log_query(f"60 * sum by (category) (rate({records}[$__rate_interval]))", "{{category}}"),
            stacked=True,
            empty="Nothing was shipped",
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
            "What had no room in its buffer? The lowest levels go first.",
            PanelUnit.COUNT,
            query(
                f"sum by (level) (increase(nervesys_agent_dropped_records_total{{{AGENT}}}[$__rate_interval]))",
                "{{level}}",
            ),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="It counts no lost records",
        ),
    )


def _load() -> Any:
    return graph(
        "Load",
        "How many processes of its server run or wait to, as a mean over 1, 5 and 15 minutes?",
        PanelUnit.COUNT,
        query('max by (minutes) (nervesys_server_load{server="$server"})', "{{minutes}} min"),
        empty="No live agent reports this server",
    )


def _network() -> Any:
    return graph(
        "Network",
        "How much does its server receive and send?",
        PanelUnit.BYTES_PER_SECOND,
        *(
            query(f'max(rate(nervesys_server_network_{way}_bytes_total{{server="$server"}}[$__rate_interval]))', legend)
            for way, legend in (("receive", "received"), ("transmit", "sent"))
        ),
        empty="No live agent reports this server",
    )


def _itself() -> tuple[Any, ...]:
    return (
        graph(
            "CPU of the agent",
            "What does it take of one processor, with the programs that it started?",
            PanelUnit.RATIO,
            query(f"max by (agent) (nervesys_agent_cpu_usage_cores{{{AGENT}}})", "{{agent}}"),
            empty=STALE_STATE,
        ),
        graph(
            "Memory of the agent",
            "How much does it hold, with the programs that it started?",
            PanelUnit.BYTES,
            query(f"max by (agent) (nervesys_agent_memory_bytes{{{AGENT}}})", "{{agent}}"),
            empty=STALE_STATE,
        ),
        graph(
            "Counted by its author",
            "How often does what its author counts happen?",
            PanelUnit.PER_MINUTE,
            query(
                f"60 * sum by (counter) (rate(nervesys_agent_custom_events_total{{{AGENT}}}[$__rate_interval]))",
                "{{counter}}",
            ),
            empty="Its program counts nothing of its own",
        ),
    )


def _way_to_brain() -> Any:
    return timeline(
        "Its way to the brain",
        "Could it ask the brain? While that is away it works with the last copy.",
        query(f"min by (agent) (nervesys_agent_brain_reachable{{{AGENT}}})", "{{agent}}"),
        mappings=REACHABLE_MAPPINGS,
        empty=STALE_STATE,
    )


def _health(context: PageContext) -> tuple[Any, ...]:
    skew = context.settings.thresholds.clock_skew_seconds
    return (
        graph(
            "Heartbeat age over time",
            "Did it fall silent, and for how long? Dashed: late, and down.",
            PanelUnit.SECONDS,
            query(age(AGENT), "{{agent}}"),
            steps=context.heartbeat_steps,
        ),
        graph(
            "Actions",
            "What was done to it, and how did it end?",
            PanelUnit.COUNT,
            query(
                f"sum by (action, state) ({ACTIONS.total(context.periods, f'{AGENT}, {ENDED}', NOW)})",
                "{{action}} {{state}}",
            ),
            stacked=True,
            empty="Nothing had to be done",
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
    """A row that Prometheus knows of, so that an agent nobody has heard of leads nowhere."""
    paths, opened = context.settings.storage.storj.paths, context.settings.grafana.opened
    places = (
        ("brain_file", "Brain file", "config/agents/{agent}.yaml", opened.brain),
        ("state_object", "State object", paths.agents, opened.store),
        ("log_objects", "Log objects", folder_of(paths.active_logs), opened.store),
    )
    expr = f"max by (agent, server) (nervesys_agent_info{{{AGENT}}})"
    for name, _, path, _ in places:
        shown = path.replace("{agent}", "${agent}").replace("{server}", "${server}")
        expr = f'label_replace({expr}, "{name}", "{shown}", "", "")'
    return table(
        "Where its things lie",
        "Where are its configuration, its last words and its logs? Links: config/grafana.yaml, `opened`.",
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
    """A link to something outside; none where nobody said where it is."""
    return [{"targetBlank": True, "title": title, "url": url.replace("{path}", "${__value.raw}")}] if url else []
