"""Reads the queries of a dashboard from its generated JSON: those of panels, variables and annotations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

ANNOTATION = "annotation"
QUERY = re.compile(r"label_values\((?P<metric>.+), *(?P<label>\w+)\)")
"""The query of a variable."""


@dataclass(frozen=True)
class Question:
    """One query of a dashboard.

    Attributes:
        page: uid of the dashboard.
        panel: title of the panel, or name of the annotation.
        ref: refId of the query in its panel; `annotation` for annotations.
        expr: PromQL with variables.
        instant: an instant query at the end of the time range.
        min_step: smallest step, such as `10m`; empty for the data source's.
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
    """The panels, without row headings."""
    return [panel for panel in page["panels"] if panel["type"] != "row"]


def variables_of(page: Json) -> list[Json]:
    """The variables whose options come from Prometheus, in the order of their dependencies."""
    return [variable for variable in page["templating"]["list"] if variable["type"] == "query"]


def questions_of(page: Json) -> Iterator[Question]:
    """All queries of panels and annotations."""
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
    """The annotations that are queries of Prometheus."""
    return [marks for marks in page["annotations"]["list"] if "expr" in marks]


def question_of_marks(page: Json, marks: Json) -> Question:
    """The query of one annotation."""
    return Question(page["uid"], marks["name"], ANNOTATION, marks["expr"], False, marks["step"])
