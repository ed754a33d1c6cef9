"""Lays a page's model out on paper: PDF, or one PNG. Typst sets it; graphs are the very drawings of the HTML pages.

The font lies beside this file, so that paper looks the same on every machine, and Hebrew and Arabic are there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import tzinfo
from importlib.resources import as_file, files
from itertools import groupby
from typing import Any

import typst

from reports.colours import SHADES, Theme, shade
from reports.geometry import COLUMNS, GAP, ROW
from reports.model import Graph, Page, Panel, Table, Timeline
from reports.plot import clock, plot

SHEET = 1400 / 2**0.5
"""Height of a sheet, in pixels of its width of 1400: that of A4 on its side."""
ROWS, KEYS = 25, 40
"""Rows of a table, and entries of a legend, that are put on paper; how many more there are is said."""
DOTS_PER_PIXEL = 1.5
_COLOUR = re.compile(r"var\(--([a-z0-9-]+)\)")


def pdf(page: Page, width: float, zone: tzinfo, theme: Theme = Theme.LIGHT) -> bytes:
    """A page on sheets that print on A4.

    Args:
        page: the model.
        width: that it was drawn for, in pixels.
        zone: of its times.
        theme: light or dark.
    """
    return _typeset(page, width, zone, theme, format="pdf")


def png(
    page: Page, width: float, zone: tzinfo, theme: Theme = Theme.LIGHT, dots_per_pixel: float = DOTS_PER_PIXEL
) -> bytes:
    """A page as one picture, as high as it needs; arguments as for `pdf`, and how fine the picture is."""
    return _typeset(page, width, zone, theme, format="png", ppi=72 * dots_per_pixel)


def inked(svg: str, theme: Theme) -> str:
    """A drawing with its colours put in."""
    return _COLOUR.sub(lambda match: shade(match[1], theme), svg)


def _typeset(page: Page, width: float, zone: tzinfo, theme: Theme, **how: Any) -> bytes:
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


def _lines(page: Page, width: float, zone: tzinfo, theme: Theme) -> Iterator[Iterator[Mapping[str, Any]]]:
    """Panels side by side, line by line."""
    for _, line in groupby(page.panels, key=lambda panel: panel.place.y):
        yield (_panel(panel, page, width, zone, theme) for panel in line)


def _panel(panel: Panel, page: Page, width: float, zone: tzinfo, theme: Theme) -> Mapping[str, Any]:
    place = panel.place
    said = {
        "kind": panel.kind,
        "title": panel.title,
        "share": place.width / COLUMNS,
        "height": place.height * ROW + (place.height - 1) * GAP,
    }
    match panel.body:
        case Graph() | Timeline() as body:
            svg = inked(plot(panel, page, width, zone), theme)
            more = len(body.legend) - KEYS
            return said | {"svg": svg, "legend": [asdict(key) for key in body.legend[:KEYS]], "more": more}
        case Table() as body:
            cut = asdict(Table(body.columns, body.rows[:ROWS]))
            return said | cut | {"numbers": body.numbers, "more": len(body.rows) - ROWS}
        case None:
            return said
        case body:
            return said | asdict(body)
