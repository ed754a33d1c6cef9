"""Node graphs: who is connected to whom, and how much. Grafana calculates the nodes from the edges.

Grafana's documentation has the names of the fields: https://grafana.com/docs/grafana/latest/panels-visualizations/
"""

from grafanalib.core import Panel

from dashboards.grafana_json import Json
from dashboards.style import EMPTY, PLAIN, PanelUnit, query, thresholds

TYPE = "nodeGraph"
ID, SOURCE, TARGET, AMOUNT = "id", "source", "target", "mainstat"


class NodeGraphPanel(Panel):  # type: ignore[misc]  # grafanalib is untyped, and has no class for it
    """A node graph of one query's series, each of which is an edge."""

    def to_json_data(self) -> Json:
        """With the statistics of edges in the panel's unit."""
        unit = self.extraJson["fieldConfig"]["defaults"]["unit"]
        panel: Json = self.panel_json(
            {
                "type": TYPE,
                "fieldConfig": {"defaults": {"color": {"mode": "thresholds"}}},
                "options": {"edges": {"mainStatUnit": unit}, "nodes": {"mainStatUnit": unit}},
            }
        )
        return panel


def node_graph(
    title: str, description: str, unit: PanelUnit, expr: str, source: str, target: str, *, empty: str = EMPTY
) -> NodeGraphPanel:
    """A node graph at the end of the time range.

    Args:
        title: of the panel.
        description: the question that it answers.
        unit: of the amounts.
        expr: PromQL of the amounts, by the labels of both ends; limited in number.
        source: label of the node that an edge starts from.
        target: label of the node that it leads to.
        empty: text where there are no edges.
    """
    legend = f"{{{{{source}}}}} to {{{{{target}}}}}"
    edges = query(f'label_join({expr}, "{ID}", " to ", "{source}", "{target}")', legend)
    names = {ID: ID, source: SOURCE, target: TARGET, "Value": AMOUNT}
    order = {field: place for place, field in enumerate(names)}
    return NodeGraphPanel(
        title=title,
        description=description,
        targets=[edges.as_instant("table")],
        thresholds=thresholds(PLAIN),
        transformations=[
            {"id": "filterFieldsByName", "options": {"include": {"names": list(names)}}},
            {"id": "organize", "options": {"excludeByName": {}, "indexByName": order, "renameByName": names}},
        ],
        extraJson={"fieldConfig": {"defaults": {"noValue": empty, "unit": unit}}},
    )
