"""Reads generated pages: every query that a page asks, wherever it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

ANNOTATION = "annotation"
QUERY = re.compile(r"label_values\((?P<metric>.+), *(?P<label>\w+)\)")
"""How a variable says where its values come from."""


@dataclass(frozen=True)
class Question:
    """One query of a page.

    Attributes:
        page: uid of the page.
        panel: title of the panel, or the name of the annotation.
        ref: letter of the query in its panel; `annotation` for those.
        expr: PromQL with variables.
        instant: asked for the end of the time range only.
        min_step: least distance of two points, such as `10m`; empty for the data source's.
    """

    page: str
    panel: str
    ref: str
    expr: str
    instant: bool
    min_step: str

    def __str__(self) -> str:
        return f"{self.page} / {self.panel} / {self.ref}"


def panels_of(page: Json) -> list[Json]:
    """The panels that show data."""
    return [panel for panel in page["panels"] if panel["type"] != "row"]


def variables_of(page: Json) -> list[Json]:
    """The variables that are chosen from Prometheus, in the order in which they depend on one another."""
    return [variable for variable in page["templating"]["list"] if variable["type"] == "query"]


def questions_of(page: Json) -> Iterator[Question]:
    """Every query of panels and annotations."""
    for panel in panels_of(page):
        yield from questions_of_panel(page, panel)
    for marks in marks_of(page):
        yield question_of_marks(page, marks)


def questions_of_panel(page: Json, panel: Json) -> Iterator[Question]:
    """The queries of one panel, in the order of its targets."""
    for target in panel.get("targets", ()):
        step = target.get("interval", "")
        yield Question(page["uid"], panel["title"], target["refId"], target["expr"], target["instant"], step)


def marks_of(page: Json) -> list[Json]:
    """The annotations that Prometheus is asked for."""
    return [marks for marks in page["annotations"]["list"] if "expr" in marks]


def question_of_marks(page: Json, marks: Json) -> Question:
    """The query of one annotation."""
    return Question(page["uid"], marks["name"], ANNOTATION, marks["expr"], False, marks["step"])
