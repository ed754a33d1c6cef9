"""Reads generated pages: every query that a page asks, wherever it stands."""

from collections.abc import Iterator
from dataclasses import dataclass

from dashboards.correct import Json

ANNOTATION = "annotation"
VARIABLE = "variable"


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
    uid = page["uid"]
    for panel in panels_of(page):
        for target in panel["targets"]:
            step = target.get("interval", "")
            yield Question(uid, panel["title"], target["refId"], target["expr"], target["instant"], step)
    for marks in page["annotations"]["list"]:
        if "expr" in marks:
            yield Question(uid, marks["name"], ANNOTATION, marks["expr"], False, marks["step"])
