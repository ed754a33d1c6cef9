"""Crowds: what is drawn where there is more than people can read and browsers can draw.

The lines of a graph are chosen by the whole time range and not step by step, so that none is broken.
"""

from collections.abc import Callable
from typing import Any

from dashboards.correct import Query
from dashboards.style import TO_AGENT, graph, query

LINES, ROWS = 20, 50
"""Of a graph and of a table, at most."""
NOW, WHOLE = "[$__rate_interval]", "[$__range] @ end()"
"""Windows: what a graph shows at each instant; and the whole time range, by which its lines are chosen."""


def only(expr: str, chosen: str, by: str = "agent") -> str:
    """The expression for those that were chosen, in parentheses: what follows is worked out for no others.

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
    return f"max by ({by}) {busiest(gauge, f'max by ({by}) (max_over_time({gauge}{WHOLE}))', by)}"


def fastest(counter: str, by: str) -> str:
    """The rates, per second, of a counter that grew most in the time range; the label is that of `by`."""
    return f"sum by ({by}) {busiest(f'rate({counter}{NOW})', f'sum by ({by}) (increase({counter}{WHOLE}))', by)}"


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
