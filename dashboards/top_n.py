"""Limits the lines of graphs and the rows of tables to the highest or lowest ranks.

Ranks are over the whole time range, not step by step, so that no line has gaps. A hidden variable selects them before
the lines are queried, so that Prometheus evaluates no others. Grafana's documentation has it under
`query_result`: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboards.grafana_json import PrometheusTarget
from dashboards.page import query_variable
from dashboards.style import TO_AGENT, graph, query

LINES, ROWS = 20, 50
"""Of a graph and of a table, at most."""
NOW, WHOLE = "[$__rate_interval]", "[$__range]"
"""Windows: what a graph shows at each instant; and the whole time range, by which its lines are chosen."""


@dataclass(frozen=True)
class TopVariable:
    """The label values with the highest ranks, as a hidden variable of a page.

    Attributes:
        name: of the panel; the variable is named after it.
        rank: PromQL with one value each, at the end of the time range.
        by: the label that names them.
        limit: maximum number.
        lowest: the lowest ranks instead.
    """

    name: str
    rank: str
    by: str
    limit: int
    lowest: bool = False

    @property
    def matcher(self) -> str:
        """Such as `agent=~"$top_agents"`."""
        return f'{self.by}=~"${self._variable}"'

    @property
    def expr(self) -> str:
        """PromQL for them, with their ranks."""
        return f"{'bottomk' if self.lowest else 'topk'}({self.limit}, {self.rank})"

    def of(self, query: PrometheusTarget) -> PrometheusTarget:
        """The query, which uses the matcher, with the variable that the page needs for it."""
        hidden = query_variable(self._variable, self._variable, f"query_result({self.expr})", hidden=True)
        del hidden["allValue"]  # "All" means the results of the query
        query.variable = hidden | {"regex": f'/{self.by}="([^"]+)"/'}
        return query

    @property
    def _variable(self) -> str:
        return f"top_{re.sub('[^a-z]+', '_', self.name.lower())}"


@dataclass(frozen=True)
class TopLines:
    """Lines of a graph, limited to the highest ranks.

    Attributes:
        lines: makes a matcher the PromQL of the lines that it matches.
        rank: PromQL with one value each, at the end of the time range.
        by: the label that names a line.
        lowest: the lowest ranks instead.
    """

    lines: Callable[[str], str]
    rank: str
    by: str = "agent"
    lowest: bool = False

    def query(
        self, name: str, make_query: Callable[[str, str], PrometheusTarget] = query, legend: str = ""
    ) -> PrometheusTarget:
        """The query of the lines.

        Args:
            name: of what is drawn.
            make_query: makes a query of an expression and a legend.
            legend: in place of the line's name.
        """
        top = TopVariable(name, self.rank, self.by, LINES, self.lowest)
        return top.of(make_query(self.lines(top.matcher), legend or f"{{{{{self.by}}}}}"))


def highest(gauge: str, by: str, matchers: str = "") -> TopLines:
    """The lines of a gauge with the highest maximum in the time range."""
    return TopLines(
        lambda top: f"max by ({by}) ({gauge}{{{top}}})",
        f"max by ({by}) (max_over_time({gauge}{{{matchers}}}{WHOLE}))",
        by,
    )


def fastest(counter: str, by: str) -> TopLines:
    """The rates per minute of the counters with the largest increase in the time range."""
    return TopLines(
        lambda top: f"60 * sum by ({by}) (rate({counter}{{{top}}}{NOW}))",
        f"sum by ({by}) (increase({counter}{WHOLE}))",
        by,
    )


def top_graph(
    title: str,
    question: str,
    unit: str,
    top_lines: TopLines,
    *,
    which: str = "those with the most",
    make_query: Callable[[str, str], PrometheusTarget] = query,
    **style: Any,
) -> Any:
    """A graph with a limited number of lines, such as one per agent.

    Args:
        title: of the panel.
        question: that it answers.
        unit: of the lines.
        top_lines: of them.
        which: are drawn where there are too many.
        make_query: makes a query of an expression and a legend.
        style: as for `graph`.
    """
    return graph(
        title,
        f"{question} At most {LINES} are drawn: {which} in the time range.",
        unit,
        top_lines.query(title, make_query),
        links=(TO_AGENT,) if top_lines.by == "agent" else (),
        many=True,
        **style,
    )
