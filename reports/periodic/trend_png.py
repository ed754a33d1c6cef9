"""Renders a trend as PNG: mail programs show no SVG and run no script."""

import json
from dataclasses import asdict
from datetime import UTC
from importlib.resources import as_file, files
from typing import Any

from nervesys.look.colours import SHADES, Theme, shade
from reports.model import Graph, PageModel, Panel
from reports.pdf import with_colours
from reports.periodic.trends import TREND_WIDTH
from reports.plot import plot

DOTS_PER_INCH = 144
"""Two dots a pixel, for screens with small pixels."""


def trend_png(panel: Panel, page: PageModel, theme: Theme) -> bytes:
    """The picture of a panel with a graph, with its legend; twice as wide as it is shown."""
    import typst  # 8 MB, and a page is served without it

    assert isinstance(panel.body, Graph), "no other is drawn"
    data = {
        "svg": with_colours(plot(panel, page, TREND_WIDTH, UTC), theme),
        "legend": [asdict(key) for key in panel.body.legend],
        "width": TREND_WIDTH,
        "shades": {name: shade(name, theme) for name in SHADES},
    }
    source = files("reports.periodic").joinpath("sheet/trend.typ").read_bytes()
    how: dict[str, Any] = {"format": "png", "ppi": DOTS_PER_INCH}
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    with as_file(files("reports").joinpath("fonts")) as fonts:
        made = typst.compile(source, font_paths=[fonts], ignore_system_fonts=True, sys_inputs=inputs, **how)
    assert isinstance(made, bytes), "it is one page"
    return made
