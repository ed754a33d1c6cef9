"""Renders a page's model as PDF or PNG, with Typst; graphs are the same SVG drawings as in HTML.

The font is bundled, so that the output is the same on every machine, and includes Hebrew and Arabic.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import tzinfo
from importlib.resources import as_file, files
from itertools import groupby
from typing import Any

from nervesys.look.colours import SHADES, Theme, shade
from reports.geometry import COLUMNS, GAP, ROW, is_legend_beside
from reports.model import Graph, NodeGraph, PageModel, Panel, Table, Timeline
from reports.plot import clock, plot

SHEET = 1400 / 2**0.5
"""Height of a sheet for a width of 1400 pixels: landscape A4."""
ROWS, KEYS = 25, 40
"""Most rows of a table, and entries of a legend, on paper; the number of the others is printed."""
DOTS_PER_PIXEL = 1.5
_COLOUR = re.compile(r"var\(--([a-z0-9-]+)\)")


def pdf(page: PageModel, width: float, zone: tzinfo, theme: Theme = Theme.LIGHT) -> bytes:
    """A page as PDF, on landscape A4.

    Args:
        page: the model.
        width: of the page, in pixels.
        zone: time zone of its times.
        theme: light or dark.
    """
    return _typeset(page, width, zone, theme, format="pdf")


def png(
    page: PageModel, width: float, zone: tzinfo, theme: Theme = Theme.LIGHT, dots_per_pixel: float = DOTS_PER_PIXEL
) -> bytes:
    """A page as one picture, of any height; arguments as for `pdf`, and the resolution."""
    return _typeset(page, width, zone, theme, format="png", ppi=72 * dots_per_pixel)


def with_colours(svg: str, theme: Theme) -> str:
    """Replace the CSS variables of a drawing by colours."""
    return _COLOUR.sub(lambda match: shade(match[1], theme), svg)


def _typeset(page: PageModel, width: float, zone: tzinfo, theme: Theme, **how: Any) -> bytes:
    import typst  # 8 MB, and a page is served without it

    data = {
        "title": page.title,
        "description": page.description.partition(". ")[0] + ".",
        "period": f"{clock(page.start, zone)} to {clock(page.end, zone)}",
        "notes": page.notes,
        "width": width,
        "height": SHEET * width / 1400 if how["format"] == "pdf" else None,
        "gap": GAP,
        "lines": [list(line) for line in _lines(page, width, zone, theme)],
        "shades": {name: shade(name, theme) for name in SHADES},
    }
    source = files("reports").joinpath("page/page.typ").read_bytes()
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    with as_file(files("reports").joinpath("fonts")) as fonts:
        made = typst.compile(source, font_paths=[fonts], ignore_system_fonts=True, sys_inputs=inputs, **how)
    assert isinstance(made, bytes), "one file is asked for"
    return made


def _lines(page: PageModel, width: float, zone: tzinfo, theme: Theme) -> Iterator[Iterator[Mapping[str, Any]]]:
    """The panels of each grid row."""
    for _, line in groupby(page.panels, key=lambda panel: panel.place.y):
        yield (_panel(panel, page, width, zone, theme) for panel in line)


def _panel(panel: Panel, page: PageModel, width: float, zone: tzinfo, theme: Theme) -> Mapping[str, Any]:
    place = panel.place
    fields = {
        "kind": panel.kind,
        "title": panel.title,
        "share": place.width / COLUMNS,
        "height": place.height * ROW + (place.height - 1) * GAP,
    }
    match panel.body:
        case Graph() | Timeline() | NodeGraph() as body:
            svg = with_colours(plot(panel, page, width, zone), theme)
            more = len(body.legend) - KEYS
            beside = is_legend_beside(panel, width)
            return fields | {
                "svg": svg,
                "beside": beside,
                "legend": [asdict(key) for key in body.legend[:KEYS]],
                "more": more,
            }
        case Table() as body:
            cut = asdict(Table(body.columns, body.rows[:ROWS]))
            return fields | cut | {"numbers": body.numbers, "more": len(body.rows) - ROWS}
        case None:
            return fields
        case body:
            return fields | asdict(body)
