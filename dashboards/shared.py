"""Expressions and panels that more than one page shows."""

from collections.abc import Sequence
from typing import Any

from dashboards.correct import Query
from dashboards.recording import STATUS, configured
from dashboards.style import (
    AGENT_CELL,
    SEVERITY_COLOURS,
    STATE_COLOURS,
    STATUS_CODES,
    TO_AGENT,
    House,
    Unit,
    coloured,
    graph,
    of_pair,
    query,
)
from dashboards.tables import Label, Value, table
from nervesys.contract.state import Status
from nervesys.settings.thresholds import Pair

FIRING = 'ALERTS{alertstate="firing", alertname!="Watchdog"}'
"""All that fires, but for the alert that fires while all is well."""
ENDED = 'state!~"pending|running"'
"""Of an action's states, those that say what came of it."""


def count_of(expr: str) -> str:
    """How many series an expression finds; 0 where it finds none."""
    return f"count({expr}) or vector(0)"


def working(agent: str) -> str:
    """Those of the matching agents that do what they should."""
    return f"({status(agent)} == {STATUS_CODES[Status.RUNNING]} or {status(agent)} == {STATUS_CODES[Status.IDLE]})"


def age(agent: str) -> str:
    """Seconds since the last heartbeat, by agent, of those that match."""
    return configured(f"time() - max by (agent) (nervesys_agent_heartbeat_timestamp_seconds{{{agent}}})")


def status(agent: str) -> str:
    """Code of each matching agent's status; where its last words are too old to be served, it is silent."""
    return f"max by (agent) ({STATUS}{{{agent}}})"


def server_load(house: House, server: str) -> Sequence[Any]:
    """CPU, memory and disk of the matching servers, side by side."""
    limits = house.settings.thresholds

    def load(title: str, family: str, question: str, pair: Pair) -> Any:
        return graph(
            title,
            f"{question} Dashed: warning and critical threshold.",
            Unit.RATIO,
            query(f"max by (server) ({family}{{{server}}})", "{{server}}"),
            steps=of_pair(pair),
            top=1,
            empty="No live agent reports this server",
        )

    return (
        load("CPU", "nervesys_server_cpu_ratio", "Which server is short of CPU?", limits.cpu),
        load("Memory", "nervesys_server_memory_ratio", "Which server is short of memory?", limits.memory),
        load("Disk", "nervesys_server_disk_ratio", "Which server is running out of disk?", limits.disk),
    )


def by_agent(title: str, question: str, unit: str, asked: Query) -> Any:
    """A graph with a line an agent, each of which leads to its page."""
    return graph(title, question, unit, asked, links=(TO_AGENT,))


def firing(title: str) -> Any:
    """A table of what fires."""
    return table(
        title,
        "What is wrong at this moment, and since when?",
        Label("alertname", "Alert"),
        Label("severity", "Severity", words=coloured(SEVERITY_COLOURS)),
        Label("agent", "Agent", links=(AGENT_CELL,)),
        Label("server", "Server"),
        Value(
            "Since",
            query(
                "1000 * max by (alertname, severity, agent, server) "
                f"(ALERTS_FOR_STATE and ignoring (alertstate) {FIRING})"
            ),
            Unit.AGO,
        ),
        sort="Since",
        empty="Nothing fires",
    )


def actions_by_agent(title: str, agent: str) -> Any:
    """A table of what was done to the matching agents."""
    return table(
        title,
        "What was done to whom in the time range, and how did it end?",
        Label("agent", "Agent", links=(AGENT_CELL,)),
        Label("action", "Action"),
        Label("state", "State", words=coloured(STATE_COLOURS)),
        Value(
            "Times",
            query(
                f"round(sum by (agent, action, state) (increase(nervesys_actions_total{{{agent}, {ENDED}}}[$__range])))"
                " > 0"
            ),
            Unit.COUNT,
        ),
        sort="Times",
        empty="Nothing had to be done",
    )
