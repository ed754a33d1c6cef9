"""Agent Details: what one agent did, how well, and on which server."""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import Line, Section
from dashboards.page import chosen, page
from dashboards.shared import ENDED, age, server_load, status
from dashboards.style import (
    ANY_IS_WARNING,
    LEVEL_COLOURS,
    MEDIUM,
    SHORT,
    STATUS_WORDS,
    TILE,
    Colour,
    House,
    Unit,
    graph,
    of_pair,
    query,
    rising,
    stat,
    timeline,
)

AGENT = 'agent="$agent"'
QUANTILES = ((0.5, "median"), (0.95, "95 of 100 are faster"))


def dashboard(house: House) -> Dashboard:
    """The page of the agent that is chosen."""
    return page(
        house,
        uid="agent-details",
        title="Agent Details",
        description="One agent: its states, its work, its server, its logs and its restarts.",
        marked=f"{AGENT}, ",
        variables=(
            chosen("agent", "Agent", "label_values(nervesys_agent_heartbeat_timestamp_seconds, agent)", multi=False),
            chosen(
                "server", "Server", f"label_values(nervesys_agent_info{{{AGENT}}}, server)", multi=False, hidden=True
            ),
        ),
        sections=(
            Section("", (Line(TILE, _tiles(house)), Line(TILE, (_states(),)))),
            Section("Work", (Line(MEDIUM, _work(house)), Line(MEDIUM, _logs(house)))),
            Section("Its server", (Line(MEDIUM, (*server_load(house, 'server="$server"'), _network())),)),
            Section("Health", (Line(SHORT, _health(house)),)),
        ),
    )


def _tiles(house: House) -> tuple[Any, ...]:
    return (
        stat(
            "Status", "What is it doing now?", Unit.NONE, query(status(AGENT)), words=STATUS_WORDS, empty="never seen"
        ),
        stat(
            "Heartbeat age",
            "How long ago did it last write its state?",
            Unit.SECONDS,
            query(age(AGENT)),
            steps=house.silence,
            empty="never seen",
        ),
        stat(
            "Started",
            "Since when has this process been running?",
            Unit.AGO,
            query(f"1000 * max(nervesys_agent_start_timestamp_seconds{{{AGENT}}})"),
        ),
        stat(
            "Tasks completed",
            "How many tasks did it complete in the time range?",
            Unit.COUNT,
            query(f'sum(increase(nervesys_agent_tasks_total{{{AGENT}, outcome="completed"}}[$__range]))'),
        ),
        stat(
            "Tasks failed",
            "How many tasks failed in the time range?",
            Unit.COUNT,
            query(f'sum(increase(nervesys_agent_tasks_total{{{AGENT}, outcome="failed"}}[$__range]))'),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Errors",
            "How many errors did it log in the time range?",
            Unit.COUNT,
            house.shipped(f'sum(increase(nervesys_log_records_total{{{AGENT}, level="ERROR"}}[$__range]))'),
            steps=ANY_IS_WARNING,
        ),
        stat(
            "Tokens",
            "How many tokens did it use in the time range?",
            Unit.COUNT,
            query(f"sum(increase(nervesys_agent_tokens_total{{{AGENT}}}[$__range]))"),
        ),
        stat(
            "Restarts",
            "How often did it start anew in the time range, for whatever reason?",
            Unit.COUNT,
            query(f"max(changes(nervesys_agent_start_timestamp_seconds{{{AGENT}}}[$__range]))"),
            steps=ANY_IS_WARNING,
        ),
    )


def _states() -> Any:
    return timeline(
        "State history",
        "Since when is it as it is, and how often was it otherwise?",
        query(status(AGENT), "{{agent}}"),
        words=STATUS_WORDS,
        empty="This agent has never reported",
    )


def _work(house: House) -> tuple[Any, ...]:
    return (
        graph(
            "Tasks",
            "How much gets done, and how much fails?",
            Unit.PER_MINUTE,
            query(
                f"60 * sum by (outcome) (rate(nervesys_agent_tasks_total{{{AGENT}}}[$__rate_interval]))", "{{outcome}}"
            ),
            colours={"completed": Colour.GOOD, "failed": Colour.CRITICAL},
        ),
        graph(
            "Duration of actions",
            "How long do its actions take, by its logs?",
            Unit.SECONDS,
            *(
                house.shipped(
                    f"histogram_quantile({quantile}, sum by (le) "
                    f"(rate(nervesys_log_action_duration_seconds_bucket{{{AGENT}}}[$__rate_interval])))",
                    legend,
                )
                for quantile, legend in QUANTILES
            ),
            empty="No action with a duration was logged",
        ),
        graph(
            "Tokens by model",
            "Which model eats the tokens, by its logs?",
            Unit.PER_MINUTE,
            house.shipped(
                f"60 * sum by (model) (rate(nervesys_log_tokens_total{{{AGENT}}}[$__rate_interval]))", "{{model}}"
            ),
            empty="No use of tokens was logged",
        ),
    )


def _logs(house: House) -> tuple[Any, ...]:
    records = f"nervesys_log_records_total{{{AGENT}}}"
    return (
        graph(
            "Log records by level",
            "How much does it log, and how serious is it?",
            Unit.PER_MINUTE,
            house.shipped(f"60 * sum by (level) (rate({records}[$__rate_interval]))", "{{level}}"),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="Nothing was shipped",
        ),
        graph(
            "Log records by category",
            "What does it log about?",
            Unit.PER_MINUTE,
            house.shipped(f"60 * sum by (category) (rate({records}[$__rate_interval]))", "{{category}}"),
            stacked=True,
            empty="Nothing was shipped",
        ),
        graph(
            "Buffer in use",
            "How full is the buffer that holds what is not shipped yet? Dashed: warning and critical threshold.",
            Unit.RATIO,
            query(
                f"max by (agent) (nervesys_agent_buffer_bytes{{{AGENT}}})"
                f" / max by (agent) (nervesys_brain_agent_buffer_limit_bytes{{{AGENT}}})",
                "{{agent}}",
            ),
            steps=of_pair(house.settings.thresholds.buffer),
            top=1,
            empty="Its last words are too old",
        ),
        graph(
            "Log records lost",
            "What had no room in its buffer? The lowest levels go first.",
            Unit.COUNT,
            query(
                f"sum by (level) (increase(nervesys_agent_dropped_records_total{{{AGENT}}}[$__rate_interval]))",
                "{{level}}",
            ),
            colours=LEVEL_COLOURS,
            stacked=True,
            empty="It counts no lost records",
        ),
    )


def _network() -> Any:
    return graph(
        "Network",
        "How much does its server receive and send?",
        Unit.BYTES_PER_SECOND,
        *(
            query(f'max(rate(nervesys_server_network_{way}_bytes_total{{server="$server"}}[$__rate_interval]))', legend)
            for way, legend in (("receive", "received"), ("transmit", "sent"))
        ),
        empty="No live agent reports this server",
    )


def _health(house: House) -> tuple[Any, ...]:
    skew = house.settings.thresholds.clock_skew_seconds
    return (
        graph(
            "Heartbeat age over time",
            "Did it fall silent, and for how long? Dashed: late, and down.",
            Unit.SECONDS,
            query(age(AGENT), "{{agent}}"),
            steps=house.silence,
        ),
        graph(
            "Actions",
            "What was done to it, and how did it end?",
            Unit.COUNT,
            query(
                f"sum by (action, state) (increase(nervesys_actions_total{{{AGENT}, {ENDED}}}[$__rate_interval])) > 0",
                "{{action}} {{state}}",
            ),
            stacked=True,
            empty="Nothing had to be done",
        ),
        graph(
            "Clock skew",
            "Does its clock agree with the store's? Dashed: too far apart.",
            Unit.SECONDS,
            query(f"max by (agent) (abs(nervesys_agent_clock_skew_seconds{{{AGENT}}}))", "{{agent}}"),
            steps=rising(skew / 2, skew),
        ),
    )
