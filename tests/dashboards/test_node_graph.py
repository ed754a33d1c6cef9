"""Node graphs, as Grafana reads them.

Covers: dashboards.messages.
"""

from grafanalib.core import Dashboard

from dashboards.grafana_json import Json, to_grafana_json
from dashboards.node_graph import node_graph
from dashboards.style import PanelUnit


def test_edges_have_the_fields_that_grafana_needs() -> None:
    made = node_graph("Graph", "?", PanelUnit.COUNT, "sum by (a, b) (up)", "a", "b")
    panel: Json = to_grafana_json(Dashboard(title="Page", panels=[made]))["panels"][0]
    [target] = panel["targets"]
    assert target["expr"] == 'label_join(sum by (a, b) (up), "id", " to ", "a", "b")'
    assert (target["instant"], target["format"], panel["type"]) == (True, "table", "nodeGraph")
    renamed = panel["transformations"][-1]["options"]["renameByName"]
    assert set(renamed.values()) == {"id", "source", "target", "mainstat"}
    assert panel["options"]["edges"] == {"mainStatUnit": "short"}
