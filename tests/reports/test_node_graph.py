"""Node graphs as SVG: every node and edge is drawn within the picture."""

import xml.etree.ElementTree as ET

from grafanalib.core import Dashboard

from dashboards.grafana_json import to_grafana_json
from dashboards.node_graph import node_graph as panel_of
from dashboards.style import PanelUnit
from reports.fields import FormatContext
from reports.model import Edge, NodeGraph, Notice
from reports.node_graph import LABELLED_EDGES, draw_node_graph, node_graph
from tests.reports.panels import answer

PANEL = to_grafana_json(
    Dashboard(title="Page", panels=[panel_of("Graph", "?", PanelUnit.COUNT, "up", "from", "to", empty="no edge")])
)["panels"][0]
WIDTH, HEIGHT = 700, 400


def svg(model: NodeGraph) -> ET.Element:
    return ET.fromstring(f"<svg>{''.join(draw_node_graph(model, WIDTH, HEIGHT))}</svg>")


def texts(model: NodeGraph) -> list[str]:
    return [text.text or "" for text in svg(model).iter("text")]


def test_series_become_edges_the_largest_first() -> None:
    asked = answer(PANEL, ({"from": "grok", "to": "other"}, [2]), ({"from": "gemini", "to": "grok"}, [8]))
    body = node_graph(PANEL, [asked], FormatContext(0))
    assert body == NodeGraph((Edge("gemini", "grok", "8", 1.0), Edge("grok", "other", "2", 0.25)))
    assert body.nodes == ("gemini", "grok", "other")


def test_without_series_the_panel_says_why() -> None:
    assert node_graph(PANEL, [answer(PANEL)], FormatContext(0)) == Notice("no edge")


def test_names_and_amounts_are_drawn_and_escaped() -> None:
    model = NodeGraph((Edge("a", "<b>", "7", 1.0), Edge("<b>", "a", "3", 0.4), Edge("a", "a", "1", 0.1)))
    assert sorted(texts(model)) == ["3", "7", "<b>", "a"]
    titles = [title.text for title in svg(model).iter("title")]
    assert titles == ["a to a: 1", "<b> to a: 3", "a to <b>: 7", "<b>", "a"]


def test_both_directions_of_a_pair_lie_apart() -> None:
    model = NodeGraph((Edge("a", "b", "7", 1.0), Edge("b", "a", "3", 0.4)))
    paths = [path.attrib["d"] for path in svg(model).iter("path") if path.get("fill") == "none"]
    assert len({path.partition("Q")[2].partition(" ")[0] for path in paths}) == 2


def test_a_single_node_and_many_nodes_stay_within_the_picture() -> None:
    many = NodeGraph(tuple(Edge(f"agent-{n}", f"agent-{n + 1}", "1", 0.1) for n in range(LABELLED_EDGES + 1)))
    assert "1" not in texts(many), "amounts of so many would overlap"
    for model in (many, NodeGraph((Edge("a", "a", "1", 1.0),))):
        for circle in svg(model).iter("circle"):
            assert 0 < float(circle.attrib["cx"]) < WIDTH
            assert 0 < float(circle.attrib["cy"]) < HEIGHT
