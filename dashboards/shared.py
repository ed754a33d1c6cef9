"""Expressions and panels that more than one page shows."""

from collections.abc import Callable, Sequence
from typing import Any

from dashboards.correct import Query
from dashboards.recording import HEARTBEAT, STATUS, Rate
from dashboards.style import (
    AGENT_CELL,
    AT_WORK,
    SEVERITY_COLOURS,
    STATE_COLOURS,
    TO_AGENT,
    House,
    Unit,
    coloured,
    graph,
    of_pair,
    query,
)
from dashboards.tables import Label, Value, table
from nervesys.settings.thresholds import Pair

REAL = 'alertname!="Watchdog", nervesys_test!="true"'
"""Of alerts: neither the one that fires while all is well, nor tests of the chain."""
FIRES = f'alertstate="firing", {REAL}'
FIRING = f"ALERTS{{{FIRES}}}"
ENDED = 'state!~"pending|running"'
"""Of an action's states, those that say what came of it."""


LINES, ROWS = 20, 50
"""Of a graph and of a table, at most: nobody reads more, and no browser draws ten thousand."""
NOW, WHOLE = "[$__rate_interval]", "[$__range] @ end()"
"""Windows: what a graph shows at each instant; and the whole time range, by which its lines are chosen."""


def only(expr: str, chosen: str, by: str = "agent") -> str:
    """The expression for those that were chosen.

    Args:
        expr: of all.
        chosen: the same ones at every instant, or lines would break.
        by: label by which the two are joined.
    """
    return f"({expr} and on ({by}) {chosen})"


def busiest(lines: str, rank: str, by: str = "agent") -> str:
    """So many lines as can be read: those that rank highest.

    Args:
        lines: one each.
        rank: one value each, over the whole time range.
        by: label that both have.
    """
    return only(lines, f"topk({LINES}, {rank})", by)


def highest(gauge: str, by: str) -> str:
    """The lines of a gauge that rose highest in the time range; the label is that of `by`."""
    return busiest(f"max by ({by}) ({gauge})", f"max by ({by}) (max_over_time({gauge}{WHOLE}))", by)


def fastest(counter: str, by: str) -> str:
    """The rates, per second, of a counter that grew most in the time range; the label is that of `by`."""
    return busiest(f"sum by ({by}) (rate({counter}{NOW}))", f"sum by ({by}) (increase({counter}{WHOLE}))", by)


def count_of(expr: str) -> str:
    """How many series an expression finds; 0 where it finds none."""
    return f"count({expr}) or vector(0)"


def working(agent: str) -> str:
    """Those of the matching agents that do what they should."""
    return f"{status(agent)} >= {AT_WORK}"


def age(agent: str) -> str:
    """Seconds since the last heartbeat, by agent, of those that match."""
    return f"time() - {heartbeat(agent)}"


def heartbeat(agent: str) -> str:
    """When each matching agent last wrote its state, in Unix seconds."""
    return f"{HEARTBEAT}{{{agent}}}"


def status(agent: str) -> str:
    """Code of each matching agent's status; where its last words are too old to be served, it is silent."""
    return f"{STATUS}{{{agent}}}"


def server_load(house: House, server: str) -> Sequence[Any]:
    """CPU, memory and disk of the matching servers, side by side."""
    limits = house.settings.thresholds

    def load(title: str, family: str, question: str, pair: Pair) -> Any:
        return most(
            title,
            f"{question} Dashed: warning and critical threshold.",
            Unit.RATIO,
            highest(f"{family}{{{server}}}", "server"),
            by="server",
            steps=of_pair(pair),
            top=1,
            empty="No live agent reports this server",
        )

    return (
        load("CPU", "nervesys_server_cpu_ratio", "Which server is short of CPU?", limits.cpu),
        load("Memory", "nervesys_server_memory_ratio", "Which server is short of memory?", limits.memory),
        load("Disk", "nervesys_server_disk_ratio", "Which server is running out of disk?", limits.disk),
    )


def most(
    title: str,
    question: str,
    unit: str,
    expr: str,
    *,
    by: str = "agent",
    which: str = "those with the most",
    asked: Callable[[str, str], Query] = query,
    **style: Any,
) -> Any:
    """A graph with a line an agent, or whatever else there may be too many of to read.

    Args:
        title: of the panel.
        question: that it answers.
        unit: of the lines.
        expr: of the `busiest`.
        by: the label that names a line; an agent's leads to its page.
        which: are drawn where there are too many.
        asked: makes a query of an expression and a legend.
        style: as for `graph`.
    """
    return graph(
        title,
        f"{question} At most {LINES} are drawn: {which} in the time range.",
        unit,
        asked(expr, f"{{{{{by}}}}}"),
        links=(TO_AGENT,) if by == "agent" else (),
        **style,
    )


def pace(house: House, title: str, question: str, rate: Rate, agent: str) -> Any:
    """A graph of a recorded rate, by the minute, of the matching agents."""

    def mean(window: str) -> str:
        return f"avg_over_time({rate.series(house.periods)}{{{agent}}}{window})"

    return most(title, question, Unit.PER_MINUTE, f"60 * {busiest(mean(NOW), mean(WHOLE))}")


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
                f"topk({ROWS}, 1000 * max by (alertname, severity, agent, server) "
                f"(ALERTS_FOR_STATE and ignoring (alertstate) {FIRING}))"
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
                f"round(topk({ROWS}, sum by (agent, action, state) "
                f"(increase(nervesys_actions_total{{{agent}, {ENDED}}}[$__range]) > 0)))"
            ),
            Unit.COUNT,
        ),
        sort="Times",
        empty="Nothing had to be done",
    )
