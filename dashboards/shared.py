"""Expressions and panels that more than one page shows."""

from collections.abc import Sequence
from typing import Any

from dashboards.recording import ACTIONS, HEARTBEAT, STATUS
from dashboards.style import (
    AGENT_CELL,
    FIRST_HEALTHY_CODE,
    SEVERITY_COLOURS,
    STATE_COLOURS,
    PageContext,
    PanelUnit,
    coloured,
    query,
    steps_of_pair,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import ROWS, WHOLE, highest, top_graph
from nervesys.settings.thresholds import PercentThresholds

REAL_ALERTS = 'alertname!="Watchdog", nervesys_test!="true"'
"""Of alerts: neither the one that fires while all is well, nor tests of the chain."""
FIRING_MATCHERS = f'alertstate="firing", {REAL_ALERTS}'
FIRING = f"ALERTS{{{FIRING_MATCHERS}}}"
ENDED = 'state!~"pending|running"'
"""Of an action's states, those that say what came of it."""


def count_of(expr: str) -> str:
    """How many series an expression finds; 0 where it finds none."""
    return f"count({expr}) or vector(0)"


def healthy_agents(agent: str) -> str:
    """Those of the matching agents that do what they should."""
    return f"{status(agent)} >= {FIRST_HEALTHY_CODE}"


def age(agent: str) -> str:
    """Seconds since the last heartbeat of each matching agent that the brain knows.

    By the series itself, for what is recorded is an evaluation late.
    """
    seen = f"nervesys_agent_heartbeat_timestamp_seconds{{{agent}}} and on (agent) {heartbeat(agent)}"
    return f"time() - max by (agent) ({seen})"


def heartbeat(agent: str) -> str:
    """When each matching agent that the brain knows last wrote its state, in Unix seconds; recorded."""
    return f"{HEARTBEAT}{{{agent}}}"


def status(agent: str) -> str:
    """Code of each matching agent's status; where its last words are too old to be served, it is silent."""
    return f"{STATUS}{{{agent}}}"


def server_load(context: PageContext, server: str) -> Sequence[Any]:
    """CPU, memory and disk of the matching servers, side by side."""
    limits = context.settings.thresholds

    def load(title: str, family: str, question: str, pair: PercentThresholds) -> Any:
        return top_graph(
            title,
            f"{question} Dashed: warning and critical threshold.",
            PanelUnit.RATIO,
            highest(family, "server", server),
            steps=steps_of_pair(pair),
            top=1,
            empty="No live agent reports this server",
        )

    return (
        load("CPU", "nervesys_server_cpu_ratio", "Which server is short of CPU?", limits.cpu),
        load("Memory", "nervesys_server_memory_ratio", "Which server is short of memory?", limits.memory),
        load("Disk", "nervesys_server_disk_ratio", "Which server is running out of disk?", limits.disk),
    )


def firing_alerts(title: str) -> Any:
    """A table of what fires."""
    return table(
        title,
        "What is wrong at this moment, and since when?",
        LabelColumn("alertname", "Alert"),
        LabelColumn("severity", "Severity", mappings=coloured(SEVERITY_COLOURS)),
        LabelColumn("agent", "Agent", links=(AGENT_CELL,)),
        LabelColumn("server", "Server"),
        ValueColumn(
            "Since",
            query(
                f"topk({ROWS}, 1000 * max by (alertname, severity, agent, server) "
                f"(ALERTS_FOR_STATE and ignoring (alertstate) {FIRING}))"
            ),
            PanelUnit.AGO,
        ),
        sort="Since",
        empty="Nothing fires",
    )


def actions_by_agent(title: str, agent: str, context: PageContext) -> Any:
    """A table of what was done to the matching agents."""
    return table(
        title,
        "What was done to whom in the time range, and how did it end?",
        LabelColumn("agent", "Agent", links=(AGENT_CELL,)),
        LabelColumn("action", "Action"),
        LabelColumn("state", "State", mappings=coloured(STATE_COLOURS)),
        ValueColumn(
            "Times",
            query(f"topk({ROWS}, {ACTIONS.total(context.periods, f'{agent}, {ENDED}', WHOLE)})"),
            PanelUnit.COUNT,
        ),
        sort="Times",
        empty="Nothing had to be done",
    )
