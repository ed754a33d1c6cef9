"""Lays a page's model out as HTML: live with its controls, or as one file that needs nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from nervesys.queries.asking import Choice
from nervesys.queries.reading import Json
from reports import geometry
from reports.build import panel_name, place_of
from reports.colours import SHADES, Theme, shade
from reports.model import Page
from reports.plot import clock, plot


@dataclass(frozen=True)
class Link:
    """An entry of the list of pages."""

    title: str
    url: str
    current: bool


@dataclass(frozen=True)
class Controls:
    """What a live page lets its reader choose.

    Attributes:
        pages: all of them.
        choices: of its variables.
        ranges: (start, words) of the time ranges.
        since: the one that is chosen, such as `now-6h`.
        until: its end.
        refresh_seconds: how often the page asks anew.
    """

    pages: Sequence[Link]
    choices: Sequence[Choice]
    ranges: Sequence[tuple[str, str]]
    since: str
    until: str
    refresh_seconds: float


def live(page: Page, controls: Controls, width: float, zone: tzinfo) -> str:
    """A page with its controls; style and script are asked for separately.

    Args:
        page: the model.
        controls: what may be chosen.
        width: of the page, in pixels.
        zone: of the reader.
    """
    return _rendered(_words(page, width, zone) | {"controls": controls, "style": "", "script": ""})


def kept(page: Page, layout: str, width: float, zone: tzinfo) -> str:
    """A page as one file, to be kept and read without a network.

    Args:
        page: the model.
        layout: from `style`.
        width: that it is drawn for, in pixels.
        zone: of its times.
    """
    words = {"controls": None, "style": layout, "script": script()}
    return _rendered(_words(page, width, zone) | words)


def style(pages: Sequence[Json]) -> str:
    """The style sheet: colours, looks, and where each panel of these pages stands."""
    sheet = files("reports").joinpath("page/page.css").read_text()
    return "".join([*colours(), sheet, *_grid(pages)])


def script() -> str:
    """What refreshes a page and says what the pointer is at."""
    return files("reports").joinpath("page/page.js").read_text()


def _rendered(words: Mapping[str, Any]) -> str:
    environment = Environment(loader=PackageLoader("reports", "page"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template("page.html").render(words)


def _words(page: Page, width: float, zone: tzinfo) -> dict[str, Any]:
    return {
        "page": page,
        "plot": lambda panel: plot(panel, page, width, zone),
        "legend_lines": lambda panel: geometry.legend_lines(panel.body.legend, geometry.width_of(panel.place, width)),
        "clock": lambda at: clock(at, zone),
    }


def colours() -> Iterator[str]:
    """The style sheet's part that names every colour, for light and dark surroundings."""
    for theme in Theme:
        shades = "".join(f"--{name}:{shade(name, theme)};" for name in SHADES)
        yield f"@media(prefers-color-scheme:{theme}){{:root{{color-scheme:{theme};{shades}}}}}\n"
    for name in SHADES:
        yield f".ink-{name}{{color:var(--{name})}}\n"


def _grid(pages: Sequence[Json]) -> Iterator[str]:
    yield f"@media(min-width:{geometry.NARROW}px){{\n"
    for page in pages:
        for panel in page["panels"]:
            place = place_of(panel)
            area = f"{place.y + 1}/{place.x + 1}/span {place.height}/span {place.width}"
            yield f"#{panel_name(page['uid'], panel)}{{grid-area:{area}}}\n"
    yield "}\n"
