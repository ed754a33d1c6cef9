"""Renders a page's model as HTML: a live page with controls, or a self-contained file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined, Template

from nervesys.look.colours import base_style
from nervesys.queries.dashboard_queries import Json
from nervesys.queries.query_runner import SUGGESTIONS, VariableChoice
from reports import geometry
from reports.assets import chart_style, inline_policy, script
from reports.build import grid_position, panel_name
from reports.chart_data import page_data, panel_data
from reports.model import PageModel
from reports.plot import clock, plot

LONGEST = 24
"""Longest text of a tile whose letters are counted to choose its size."""


@dataclass(frozen=True)
class Link:
    """An entry of the list of pages."""

    title: str
    url: str
    current: bool


def journal_link(journal: str, agent: str) -> Link:
    """The link to the receiver's journal, of one agent if one is chosen."""
    query = urlencode({"agent": agent}) if agent else ""
    return Link("Journal", f"{journal}/?{query}", current=False)


@dataclass(frozen=True)
class Controls:
    """The controls of a live page.

    Attributes:
        pages: links to all pages.
        choices: the variables.
        ranges: (value, label) of the time ranges.
        range: value of the chosen one.
        bounds: its start and end, as a date and time without a time zone.
        intervals: refresh intervals, such as `30s`.
        interval: the chosen one.
        refresh_seconds: the same in seconds; 0 for a page that does not refresh by itself.
        kept: (name, value) of the parameters beside the time range.
        logs: URL of the logs of the time range; empty for none.
    """

    pages: Sequence[Link]
    choices: Sequence[VariableChoice]
    ranges: Sequence[tuple[str, str]]
    range: str
    bounds: tuple[str, str]
    intervals: Sequence[str]
    interval: str
    refresh_seconds: float
    kept: Sequence[tuple[str, str]]
    logs: str = ""


@dataclass(frozen=True)
class Canvas:
    """What a page is drawn for.

    Attributes:
        width: of the page, in pixels.
        zone: time zone of its reader.
        with_svg: whether its graphs are sent as pictures too, for a browser that runs no script.
    """

    width: float
    zone: tzinfo
    with_svg: bool = True


def live(page: PageModel, controls: Controls, canvas: Canvas, versions: Mapping[str, str]) -> str:
    """A page with controls; style sheet and script are separate requests.

    Args:
        page: the model.
        controls: the controls.
        canvas: what it is drawn for.
        versions: of style sheet and script.
    """
    values = {"controls": controls, "versions": versions, "style": "", "script": "", "policy": ""}
    return _render(_template_values(page, canvas) | values)


def render_file(page: PageModel, style_sheet_text: str, width: float, zone: tzinfo) -> str:
    """A page as one self-contained file.

    Args:
        page: the model.
        style_sheet_text: from `style_sheet`.
        width: of the page, in pixels.
        zone: time zone of its times.
    """
    values = {"style": style_sheet_text, "script": script(), "policy": inline_policy(style_sheet_text)}
    return _render(_template_values(page, Canvas(width, zone)) | {"controls": None, "versions": {}} | values)


def style_sheet(pages: Sequence[Json]) -> str:
    """The style sheet: colours, layout, and the position of each panel."""
    sheet = files("reports").joinpath("page/page.css").read_text()
    letters = (f".letters-{count}{{--letters:{count + 1}}}\n" for count in range(LONGEST + 1))
    return "".join([base_style(), chart_style(), sheet, *letters, *_grid(pages)])


def environment(loader: BaseLoader) -> Environment:
    """Templates of pages."""
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    return environment


def chart_values(page: PageModel, canvas: Canvas) -> dict[str, Any]:
    """What `chart.html` needs to show a graph."""
    return {
        "page_data": page_data(page, canvas.width, canvas.zone),
        "chart_data": lambda panel: panel_data(panel, page, canvas.width, canvas.zone),
        "plot": lambda panel: plot(panel, page, canvas.width, canvas.zone),
        "legend_lines": lambda panel: geometry.legend_lines(panel, canvas.width),
        "is_beside": lambda panel: geometry.is_legend_beside(panel, canvas.width),
        "with_svg": canvas.with_svg,
    }


@cache
def _template() -> Template:
    """Compiled once: that takes longer than to render a page."""
    return environment(PackageLoader("reports", "page")).get_template("page.html")


def _render(values: Mapping[str, Any]) -> str:
    return _template().render(values).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _template_values(page: PageModel, canvas: Canvas) -> dict[str, Any]:
    return {
        "page": page,
        "longest": LONGEST,
        "suggested": SUGGESTIONS,
        "clock": lambda at: clock(at, canvas.zone),
    } | chart_values(page, canvas)


def _grid(pages: Sequence[Json]) -> Iterator[str]:
    yield f"@media(min-width:{geometry.NARROW}px){{\n"
    for page in pages:
        for panel in page["panels"]:
            place = grid_position(panel)
            area = f"{place.y + 1}/{place.x + 1}/span {place.height}/span {place.width}"
            yield f"#{panel_name(page['uid'], panel)}{{grid-area:{area}}}\n"
    yield "}\n"
