"""Messages: which agents write to each other, how much, and what?"""

from typing import Any

from grafanalib.core import Dashboard

from dashboards.layout import PageSection, PanelRow
from dashboards.log_lines import log_lines
from dashboards.node_graph import node_graph
from dashboards.page import page
from dashboards.style import AGENT_CELL, ANY_IS_WARNING, MEDIUM, TALL, TILE, PageContext, PanelUnit, stat
from dashboards.tables import LabelColumn, ValueColumn, table
from dashboards.top_n import ROWS, WHOLE, fastest, top_graph

MESSAGES = "nervesys_agent_messages_total"
TO_OTHERS, LINES = 'to="other"', '{category="message"}'
TEXT = "to {{.context_to}}: {{.message}}"
"""What is shown of a message."""
EMPTY = "No agent logged a message"
EDGES = 40
"""Of the node graph, at most: of more, edges would hide each other."""


def dashboard(context: PageContext) -> Dashboard:
    """The page of messages between agents."""
    return page(
        context,
        uid="messages",
        title="Messages",
        description="Which agents write to each other, as the senders log it.",
        since="now-6h",
        sections=(
            PageSection("", (PanelRow(TILE, _tiles(context)),)),
            PageSection("Connections", (PanelRow(15, (_who_to_whom(), _pairs(context)), (14, 10)),)),
            PageSection("Over time", (PanelRow(MEDIUM, _graphs(context)),)),
            PageSection("Newest messages", (PanelRow(TALL, (_newest(context),), (24,)),)),
        ),
    )


def _sent(by: str, matchers: str = "") -> str:
    """Messages in the time range, by labels."""
    return f"round(sum by ({by}) (increase({MESSAGES}{{{matchers}}}{WHOLE})))"


def _tiles(context: PageContext) -> tuple[Any, ...]:
    def tile(title: str, question: str, expr: str, **style: Any) -> Any:
        return stat(title, question, PanelUnit.COUNT, context.log_query(expr), empty=EMPTY, **style)

    return (
        tile("Messages", "How many messages did agents send in the time range?", f"sum({_sent('from')})"),
        tile("Senders", "How many agents sent a message in the time range?", f"count({_sent('from')} > 0)"),
        tile("Recipients", "How many agents were sent a message in the time range?", f"count({_sent('to')} > 0)"),
        tile("Pairs of agents", "How many senders and recipients are connected?", f"count({_sent('from, to')} > 0)"),
        tile(
            "To others",
            "How many messages went to recipients that are no known agents, or beyond 50 recipients of one sender?",
            f"sum({_sent('to', TO_OTHERS)}) or 0 * sum({_sent('from')})",
            steps=ANY_IS_WARNING,
        ),
    )


def _who_to_whom() -> Any:
    return node_graph(
        "Who writes to whom",
        f"Which agents write to each other in the time range, and how much? The {EDGES} pairs with the most messages.",
        PanelUnit.COUNT,
        f"topk({EDGES}, {_sent('from, to')} > 0)",
        "from",
        "to",
        empty=EMPTY,
    )


def _pairs(context: PageContext) -> Any:
    return table(
        "Pairs",
        f"How many messages did each sender write to each recipient? The {ROWS} with the most.",
        LabelColumn("from", "From", links=(AGENT_CELL,)),
        LabelColumn("to", "To"),
        ValueColumn("Messages", context.log_query(f"topk({ROWS}, {_sent('from, to')} > 0)"), PanelUnit.COUNT),
        sort="Messages",
        empty=EMPTY,
    )


def _graphs(context: PageContext) -> tuple[Any, ...]:
    return tuple(
        top_graph(
            title,
            question,
            PanelUnit.PER_MINUTE,
            fastest(MESSAGES, label),
            make_query=context.log_query,
            stacked=True,
            empty=EMPTY,
        )
        for title, question, label in (
            ("Messages by sender", "How many messages does each agent send?", "from"),
            ("Messages by recipient", "How many messages is each agent sent?", "to"),
        )
    )


def _newest(context: PageContext) -> Any:
    return log_lines(context, "Messages in the log", "What did agents write to each other?", LINES, TEXT)
