"""Node graphs: from a panel's series to edges, and as SVG. Nodes lie on an ellipse, so that no edge hides one."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from nervesys.queries.dashboard_queries import Json
from reports.fields import Field, FormatContext
from reports.model import Body, Edge, NodeGraph, Notice
from reports.run_queries import QueryResult

RADIUS = 7
LETTER = 6.4
"""Estimated width of a letter, in pixels."""
NAME_CHARACTERS = 22
WIDEST, THINNEST = 5.0, 1.0
"""Lines of the edge with the largest amount, and of the smallest; in pixels."""
BEND = 0.16
"""How far an edge bends to its left, as a share of its length: the two directions of a pair lie apart."""
LABELLED_EDGES = 24
"""Edges up to which each shows its amount; of more, only the tooltip does."""
ARROW = 7


def node_graph(panel: Json, answers: Sequence[QueryResult], context: FormatContext) -> Body:
    """The body of a panel of type `nodeGraph`: an edge for each series, the largest first."""
    names = _renamed(panel)
    field = Field.of(panel, None, context)
    found = [
        (series.labels.get(names["source"], ""), series.labels.get(names["target"], ""), series.points[-1][1])
        for answer in answers
        for series in answer.series
        if series.points and math.isfinite(series.points[-1][1])
    ]
    if not found:
        return Notice(field.empty)
    most = max(amount for _, _, amount in found) or 1
    ordered = sorted(found, key=lambda edge: (-edge[2], *edge[:2]))
    return NodeGraph(tuple(Edge(source, target, field.text(value), value / most) for source, target, value in ordered))


def _renamed(panel: Json) -> Mapping[str, str]:
    """Labels by Grafana's names of the fields."""
    organize = next(step for step in panel["transformations"] if step["id"] == "organize")
    return {name: label for label, name in organize["options"]["renameByName"].items()}


@dataclass(frozen=True)
class _Ellipse:
    """Where the nodes lie."""

    x: float
    y: float
    width: float
    height: float
    nodes: Sequence[str]

    def angle(self, node: str) -> float:
        return 2 * math.pi * self.nodes.index(node) / len(self.nodes) - math.pi / 2

    def place(self, node: str) -> tuple[float, float]:
        if len(self.nodes) == 1:
            return self.x, self.y
        angle = self.angle(node)
        return self.x + self.width * math.cos(angle), self.y + self.height * math.sin(angle)


def draw_node_graph(model: NodeGraph, width: float, height: float) -> Iterator[str]:
    """The parts of the SVG, in pixels."""
    room = LETTER * min(NAME_CHARACTERS, max(len(name) for name in model.nodes)) + 3 * RADIUS
    ellipse = _Ellipse(width / 2, height / 2, max(20, width / 2 - room), max(20, height / 2 - 34), model.nodes)
    labelled = len(model.edges) <= LABELLED_EDGES
    for edge in reversed(model.edges):  # the largest lies on top
        yield _edge(edge, ellipse, labelled=labelled)
    for node in model.nodes:
        yield _node(node, ellipse)


def _edge(edge: Edge, ellipse: _Ellipse, *, labelled: bool) -> str:
    (x1, y1), (x2, y2) = ellipse.place(edge.source), ellipse.place(edge.target)
    tooltip = f"<title>{escape(f'{edge.source} to {edge.target}: {edge.text}')}</title>"
    line = THINNEST + (WIDEST - THINNEST) * edge.share
    stroke = (
        f'fill="none" stroke="var(--blue)" stroke-opacity="{0.35 + 0.5 * edge.share:.2f}" stroke-width="{line:.1f}"'
    )
    if edge.source == edge.target:
        loop = f"M{x1 - 4:.1f} {y1:.1f}c-26 -34 34 -34 8 0"
        return f'<g><path d="{loop}" {stroke}/>{tooltip}</g>'
    length = math.hypot(x2 - x1, y2 - y1)
    across = (y2 - y1) / length, (x1 - x2) / length
    middle_x, middle_y = (x1 + x2) / 2 + across[0] * BEND * length, (y1 + y2) / 2 + across[1] * BEND * length
    towards = math.atan2(y2 - middle_y, x2 - middle_x)
    tip_x, tip_y = x2 - (RADIUS + 2) * math.cos(towards), y2 - (RADIUS + 2) * math.sin(towards)
    end_x, end_y = tip_x - ARROW * math.cos(towards), tip_y - ARROW * math.sin(towards)
    parts = [f'<path d="M{x1:.1f} {y1:.1f}Q{middle_x:.1f} {middle_y:.1f} {end_x:.1f} {end_y:.1f}" {stroke}/>']
    parts.append(_arrow(tip_x, tip_y, towards))
    if labelled:
        at = (x1 + 2 * middle_x + x2) / 4, (y1 + 2 * middle_y + y2) / 4
        parts.append(_label(edge.text, *at))
    return f"<g>{''.join(parts)}{tooltip}</g>"


def _arrow(x: float, y: float, towards: float) -> str:
    corners = [
        (x - ARROW * 1.3 * math.cos(towards + turn), y - ARROW * 1.3 * math.sin(towards + turn))
        for turn in (0.45, -0.45)
    ]
    path = "L".join(f"{a:.1f} {b:.1f}" for a, b in [(x, y), *corners])
    return f'<path d="M{path}Z" fill="var(--blue)"/>'


def _label(text: str, x: float, y: float) -> str:
    """The amount on its edge, with a margin in the panel's colour."""
    outline = 'stroke="var(--panel)" stroke-width="3" paint-order="stroke"'
    return f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle" fill="var(--text)" {outline}>{escape(text)}</text>'


def _node(name: str, ellipse: _Ellipse) -> str:
    x, y = ellipse.place(name)
    side = math.cos(ellipse.angle(name)) if len(ellipse.nodes) > 1 else 0.0
    short = name if len(name) <= NAME_CHARACTERS else f"{name[: NAME_CHARACTERS - 1]}…"
    if abs(side) < 0.2:
        anchor, at_x, at_y = "middle", x, y - RADIUS - 6 if y <= ellipse.y else y + RADIUS + 15
    else:
        anchor, at_x, at_y = ("start", x + RADIUS + 5, y + 4) if side > 0 else ("end", x - RADIUS - 5, y + 4)
    circle = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" fill="var(--blue)" stroke="var(--panel)" stroke-width="2"/>'
    )
    label = f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}" fill="var(--text)">{escape(short)}</text>'
    return f"<g>{circle}{label}<title>{escape(name)}</title></g>"
