"""Expressions and panels that more than one page shows."""

from collections.abc import Sequence
from typing import Any

from dashboards.recording import ACTIONS, HEARTBEAT, STATUS
from dashboards.style import (
    AGENT_CELL,
    FIRST_HEALTHY_CODE,
    PAGE_OF_AGENT,
    SEVERITY_COLOURS,
    STATE_COLOURS,
    PageContext,
    PanelUnit,
    coloured,
    link,
    query,
    steps_of_pair,
)
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import ROWS, WHOLE, highest, top_graph
from nervesys.settings.thresholds import PercentThresholds

REAL_ALERTS = 'alertname!="Watchdog", nervesys_test!="true"'
"""Matchers of alerts without the Watchdog, which always fires, and without test alerts."""
FIRING_MATCHERS = f'alertstate="firing", {REAL_ALERTS}'
FIRING = f"ALERTS{{{FIRING_MATCHERS}}}"
ENDED = 'state!~"pending|running"'
"""Matcher of the final states of actions."""
TO_PAGE = "agent_page"
"""Label with the address of an agent's page."""
NO_AGENT = "none|unknown"
"""Values of the label `agent` of actions that are for no agent, or for one that the brain does not have."""


def count_of(expr: str) -> str:
    """How many series an expression finds; 0 where it finds none."""
    return f"count({expr}) or vector(0)"


def whole(expr: str) -> str:
    """A number of things: `increase` extrapolates to the edges of its window, so that 3 may be 3.2."""
    return f"round({expr})"


def quantile(share: float, buckets: str) -> str:
    """The value that this share of observations is below; nothing, and not NaN, where there were none.

    Grafana would list a series of NaN in the legend, instead of the text for an empty panel.

    Args:
        share: from 0 to 1.
        buckets: PromQL of the buckets, by `le` and whatever else tells series apart.
    """
    return f"(histogram_quantile({share}, {buckets}) >= 0)"


def healthy_agents(agent: str) -> str:
    """PromQL: the matching agents that are running or idle."""
    return f"{status(agent)} >= {FIRST_HEALTHY_CODE}"


def age(agent: str) -> str:
    """Seconds since the last heartbeat of each matching agent that the brain knows.

    Not by the recorded series, which is one evaluation late.
    """
    seen = f"nervesys_agent_heartbeat_timestamp_seconds{{{agent}}} and on (agent) {heartbeat(agent)}"
    return f"time() - max by (agent) ({seen})"


def heartbeat(agent: str) -> str:
    """When each matching agent that the brain knows last wrote its state, in Unix seconds; recorded."""
    return f"{HEARTBEAT}{{{agent}}}"


def status(agent: str) -> str:
    """Code of each matching agent's status; silent if its state is too old."""
    return f"{STATUS}{{{agent}}}"


def agent_columns() -> tuple[LabelColumn, LabelColumn]:
    """A column of agents in a table where not every row has one: a cell leads to a page only if it names an agent.

    The queries of the table go through `with_agent_page`.
    """
    to_page = AGENT_CELL | {"url": f"${{__data.fields.{TO_PAGE}}}"}
    return LabelColumn("agent", "Agent", links=(to_page,)), LabelColumn(TO_PAGE, TO_PAGE, hidden=True)


def with_agent_page(expr: str) -> str:
    """PromQL with the address of each agent's page as a label: Grafana leaves out a link whose address is empty."""
    page = link("", f"{PAGE_OF_AGENT}$1")["url"]
    addressed = f'label_replace({expr}, "{TO_PAGE}", "{page}", "agent", "(.+)")'
    return f'label_replace({addressed}, "{TO_PAGE}", "", "agent", "{NO_AGENT}")'


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
    """A table of the firing alerts."""
    return table(
        title,
        "Which alerts are firing, and since when?",
        LabelColumn("alertname", "Alert"),
        LabelColumn("severity", "Severity", mappings=coloured(SEVERITY_COLOURS)),
        *agent_columns(),
        LabelColumn("server", "Server"),
        ValueColumn(
            "Since",
            query(
                with_agent_page(
                    f"topk({ROWS}, 1000 * max by (alertname, severity, agent, server) "
                    f"(ALERTS_FOR_STATE and ignoring (alertstate) {FIRING}))"
                )
            ),
            PanelUnit.AGO,
        ),
        sort="Since",
        empty="No alerts are firing",
    )


def actions_by_agent(title: str, agent: str, context: PageContext) -> Any:
    """A table of the actions for the matching agents."""
    return table(
        title,
        "Which actions were taken for which agent in the time range, and how did they end?",
        *agent_columns(),
        LabelColumn("action", "Action"),
        LabelColumn("state", "State", mappings=coloured(STATE_COLOURS)),
        ValueColumn(
            "Times",
            query(with_agent_page(f"topk({ROWS}, {ACTIONS.total(context.periods, f'{agent}, {ENDED}', WHOLE)})")),
            PanelUnit.COUNT,
        ),
        sort="Times",
        empty="No actions in this time range",
    )
