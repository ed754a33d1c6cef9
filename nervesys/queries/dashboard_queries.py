"""Reads the queries of a dashboard from its generated JSON: those of panels, variables and annotations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nervesys.queries.variables import variables_in

Json = dict[str, Any]

ANNOTATION = "annotation"
LOGS = "logs"
"""Type of the panels that show log records, whose query is LogQL."""
QUERY = re.compile(r"label_values\((?P<metric>.+), *(?P<label>\w+)\)")
"""The query of a variable that people choose by."""
RANKED = re.compile(r"query_result\((?P<expr>.+)\)")
"""The query of a variable that chooses the lines of a graph; its regex names the label that it takes."""
LABEL = re.compile(r'/(\w+)="\(\[\^"\]\+\)"/')


@dataclass(frozen=True)
class TopSelection:
    """What chooses the lines of a graph before it is drawn.

    Attributes:
        variable: that stands for their names.
        expr: PromQL, asked at the end of the time range.
        label: that holds the names.
    """

    variable: str
    expr: str
    label: str


@dataclass(frozen=True)
class PanelQuery:
    """One query of a dashboard.

    Attributes:
        page: uid of the dashboard.
        panel: title of the panel, or name of the annotation.
        ref: refId of the query in its panel; `annotation` for annotations.
        expr: PromQL with variables.
        instant: an instant query at the end of the time range.
        min_step: smallest step, such as `10m`; empty for the data source's.
        tops: what chooses its lines; mostly nothing does.
    """

    page: str
    panel: str
    ref: str
    expr: str
    instant: bool
    min_step: str
    tops: tuple[TopSelection, ...] = ()

    def __str__(self) -> str:
        return f"{self.page} / {self.panel} / {self.ref}"


def panels_of(page: Json) -> list[Json]:
    """The panels that query Prometheus: without row headings, and without log records."""
    return [panel for panel in page["panels"] if panel["type"] not in ("row", LOGS)]


def log_panels_of(page: Json) -> list[Json]:
    """The panels that show log records; each has one query."""
    return [panel for panel in page["panels"] if panel["type"] == LOGS]


def variables_of(page: Json) -> list[Json]:
    """The variables that people choose by, in the order of their dependencies."""
    return [variable for variable in page["templating"]["list"] if QUERY.fullmatch(variable["query"])]


def top_selections_of(page: Json) -> Iterator[TopSelection]:
    """What chooses the lines of graphs."""
    for variable in page["templating"]["list"]:
        if (ranked := RANKED.fullmatch(variable["query"])) and (label := LABEL.fullmatch(variable["regex"])):
            yield TopSelection(variable["name"], ranked["expr"], label[1])


def queries_of(page: Json) -> Iterator[PanelQuery]:
    """All queries of panels and annotations."""
    for panel in panels_of(page):
        yield from queries_of_panel(page, panel)
    for marks in annotations_of(page):
        yield query_of_annotation(page, marks)


def queries_of_panel(page: Json, panel: Json) -> Iterator[PanelQuery]:
    """The queries of one panel, in the order of its targets."""
    tops = tuple(top_selections_of(page))
    for target in panel.get("targets", ()):
        expr, used = target["expr"], variables_in(target["expr"])
        chosen = tuple(top for top in tops if top.variable in used)
        step = target.get("interval", "")
        yield PanelQuery(page["uid"], panel["title"], target["refId"], expr, target["instant"], step, chosen)


def annotations_of(page: Json) -> list[Json]:
    """The annotations that are queries of Prometheus."""
    return [marks for marks in page["annotations"]["list"] if "expr" in marks.get("target", {})]


def query_of_annotation(page: Json, marks: Json) -> PanelQuery:
    """The query of one annotation."""
    target = marks["target"]
    return PanelQuery(page["uid"], marks["name"], ANNOTATION, target["expr"], False, target["interval"])
