"""Renders a page's model as HTML: a live page with controls, or a self-contained file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from nervesys.queries.dashboard_queries import Json
from nervesys.queries.query_runner import VariableChoice
from reports import geometry
from reports.build import grid_position, panel_name
from reports.colours import SHADES, Theme, shade
from reports.model import PageModel
from reports.plot import clock, plot


@dataclass(frozen=True)
class Link:
    """An entry of the list of pages."""

    title: str
    url: str
    current: bool


@dataclass(frozen=True)
class Controls:
    """The controls of a live page.

    Attributes:
        pages: links to all pages.
        choices: the variables.
        ranges: (start, label) of the time ranges.
        since: start of the chosen time range, such as `now-6h`.
        until: its end.
        refresh_seconds: refresh interval.
        logs: URL of the logs of the time range; empty for none.
    """

    pages: Sequence[Link]
    choices: Sequence[VariableChoice]
    ranges: Sequence[tuple[str, str]]
    since: str
    until: str
    refresh_seconds: float
    logs: str = ""


def live(page: PageModel, controls: Controls, width: float, zone: tzinfo) -> str:
    """A page with controls; style sheet and script are separate requests.

    Args:
        page: the model.
        controls: the controls.
        width: of the page, in pixels.
        zone: of the reader.
    """
    return _render(_template_values(page, width, zone) | {"controls": controls, "style": "", "script": ""})


def render_file(page: PageModel, style_sheet_text: str, width: float, zone: tzinfo) -> str:
    """A page as one self-contained file.

    Args:
        page: the model.
        style_sheet_text: from `style_sheet`.
        width: of the page, in pixels.
        zone: time zone of its times.
    """
    values = {"controls": None, "style": style_sheet_text, "script": script()}
    return _render(_template_values(page, width, zone) | values)


def style_sheet(pages: Sequence[Json]) -> str:
    """The style sheet: colours, layout, and the position of each panel."""
    sheet = files("reports").joinpath("page/page.css").read_text()
    return "".join([*colours(), sheet, *_grid(pages)])


def script() -> str:
    """The script that refreshes a page and shows values at the pointer."""
    return files("reports").joinpath("page/page.js").read_text()


def _render(values: Mapping[str, Any]) -> str:
    environment = Environment(loader=PackageLoader("reports", "page"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template("page.html").render(values).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _template_values(page: PageModel, width: float, zone: tzinfo) -> dict[str, Any]:
    return {
        "page": page,
        "plot": lambda panel: plot(panel, page, width, zone),
        "legend_lines": lambda panel: geometry.legend_lines(panel.body.legend, geometry.width_of(panel.place, width)),
        "clock": lambda at: clock(at, zone),
    }


def colours() -> Iterator[str]:
    """The CSS variables of all colours, for the light and the dark theme."""
    for theme in Theme:
        shades = "".join(f"--{name}:{shade(name, theme)};" for name in SHADES)
        yield f"@media(prefers-color-scheme:{theme}){{:root{{color-scheme:{theme};{shades}}}}}\n"
    for name in SHADES:
        yield f".ink-{name}{{color:var(--{name})}}\n"


def _grid(pages: Sequence[Json]) -> Iterator[str]:
    yield f"@media(min-width:{geometry.NARROW}px){{\n"
    for page in pages:
        for panel in page["panels"]:
            place = grid_position(panel)
            area = f"{place.y + 1}/{place.x + 1}/span {place.height}/span {place.width}"
            yield f"#{panel_name(page['uid'], panel)}{{grid-area:{area}}}\n"
    yield "}\n"
