"""Crowds: what is drawn where there is more than people can read and browsers can draw.

The lines of a graph are chosen by the whole time range and not step by step, so that none is broken; and before it is
drawn, by a hidden variable, so that Prometheus works out no others. Grafana's documentation has it under
`query_result`: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboards.correct import Json, Query
from dashboards.page import chosen
from dashboards.style import TO_AGENT, graph, query

LINES, ROWS = 20, 50
"""Of a graph and of a table, at most."""
NOW, WHOLE = "[$__rate_interval]", "[$__range]"
"""Windows: what a graph shows at each instant; and the whole time range, by which its lines are chosen."""


@dataclass(frozen=True)
class Crowd:
    """Lines of which only those of the highest rank are drawn.

    Attributes:
        lines: makes a matcher, such as `agent=~"$top_tasks_ended"`, the PromQL of the lines that it matches.
        rank: PromQL with one value each, at the end of the time range.
        by: the label that names a line.
        lowest: those of the lowest rank are drawn instead.
    """

    lines: Callable[[str], str]
    rank: str
    by: str = "agent"
    lowest: bool = False

    def query(self, name: str, asked: Callable[[str, str], Query] = query, legend: str = "") -> Query:
        """The query of the lines, which brings the variable along that chooses them.

        Args:
            name: of what is drawn, by which the variable is called.
            asked: makes a query of an expression and a legend.
            legend: in place of the line's name.
        """
        variable = f"top_{re.sub('[^a-z]+', '_', name.lower())}"
        made = asked(self.lines(f'{self.by}=~"${variable}"'), legend or f"{{{{{self.by}}}}}")
        made.variable = self._variable(variable)
        return made

    def _variable(self, name: str) -> Json:
        ranked = f"query_result({'bottomk' if self.lowest else 'topk'}({LINES}, {self.rank}))"
        hidden = chosen(name, name, ranked, hidden=True)
        del hidden["allValue"]  # all are those that were found
        return hidden | {"regex": f'/{self.by}="([^"]+)"/'}


def highest(gauge: str, by: str, matchers: str = "") -> Crowd:
    """The lines of a gauge that rose highest in the time range."""
    return Crowd(
        lambda top: f"max by ({by}) ({gauge}{{{top}}})",
        f"max by ({by}) (max_over_time({gauge}{{{matchers}}}{WHOLE}))",
        by,
    )


def fastest(counter: str, by: str) -> Crowd:
    """The rates, by the minute, of a counter that grew most in the time range."""
    return Crowd(
        lambda top: f"60 * sum by ({by}) (rate({counter}{{{top}}}{NOW}))",
        f"sum by ({by}) (increase({counter}{WHOLE}))",
        by,
    )


def only(expr: str, chosen: str, by: str = "agent") -> str:
    """The rows of a table: those that were chosen, in parentheses.

    Args:
        expr: of all.
        chosen: one series each.
        by: label by which the two are joined.
    """
    return f"({expr} and on ({by}) {chosen})"


def most(
    title: str,
    question: str,
    unit: str,
    crowd: Crowd,
    *,
    which: str = "those with the most",
    asked: Callable[[str, str], Query] = query,
    **style: Any,
) -> Any:
    """A graph with a line an agent, or whatever else there may be too many of to read.

    Args:
        title: of the panel.
        question: that it answers.
        unit: of the lines.
        crowd: of them.
        which: are drawn where there are too many.
        asked: makes a query of an expression and a legend.
        style: as for `graph`.
    """
    return graph(
        title,
        f"{question} At most {LINES} are drawn: {which} in the time range.",
        unit,
        crowd.query(title, asked),
        links=(TO_AGENT,) if crowd.by == "agent" else (),
        **style,
    )
