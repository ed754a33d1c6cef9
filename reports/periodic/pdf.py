"""Renders a report as PDF on A4, or as pictures of its sheets, with Typst."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC
from importlib.resources import as_file, files
from typing import Any

from nervesys.look.colours import SHADES, Theme, shade
from reports.model import Graph, Key, PageModel, Timeline
from reports.pdf import KEYS, with_colours
from reports.periodic.model import PeriodicReport
from reports.periodic.report_json import Json, notice_of, report_data
from reports.periodic.trends import TREND_WIDTH
from reports.plot import plot

ROWS = 60
"""Most rows of a table on paper; the number of the others is printed."""
LONGEST = 20
"""Longest word, in letters, that is not broken."""
DOTS_PER_INCH = 110
_LONG = re.compile(rf"[^\s\u200b]{{{LONGEST}}}(?=[^\s\u200b])")


def pdf(report: PeriodicReport, width: float, theme: Theme = Theme.LIGHT) -> bytes:
    """The file.

    Args:
        report: the report.
        width: of its panels, in pixels.
        theme: light or dark.
    """
    made = _typeset(report, width, theme, format="pdf")
    assert isinstance(made, bytes), "a document is one file"
    return made


def pictures(report: PeriodicReport, width: float, theme: Theme = Theme.LIGHT) -> list[bytes]:
    """Each sheet as a PNG; arguments as for `pdf`."""
    made = _typeset(report, width, theme, format="png", ppi=DOTS_PER_INCH)
    return made if isinstance(made, list) else [made]


def _typeset(report: PeriodicReport, width: float, theme: Theme, **how: Any) -> bytes | list[bytes]:
    import typst  # 8 MB, and a page is served without it

    data = dict(report_data(report))
    data["sections"] = list(map(_section, data["sections"]))
    data["panels"] = list(_panels(report.panels, width, theme))
    data["trends"] = list(_panels(report.trends, TREND_WIDTH, theme))
    data["shades"] = {name: shade(name, theme) for name in SHADES}
    source = files("reports.periodic").joinpath("sheet/report.typ").read_bytes()
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    with as_file(files("reports").joinpath("fonts")) as fonts:
        made = typst.compile(source, font_paths=[fonts], ignore_system_fonts=True, sys_inputs=inputs, **how)
    assert isinstance(made, bytes | list), "no file is written"
    return made


def _section(section: Json) -> Json:
    rows: list[Json] = section["rows"]
    kept = [{**row, "cells": list(map(_breakable, row["cells"]))} for row in rows[:ROWS]]
    return {**section, "rows": kept, "more": len(rows) - len(kept)}


def _breakable(cell: Json) -> Json:
    """Allow line breaks in long paths and names, which would otherwise exceed their column."""
    return {**cell, "text": _LONG.sub("\\g<0>\u200b", cell["text"].replace("/", "/\u200b"))}


def _panels(page: PageModel | None, width: float, theme: Theme) -> Iterator[Mapping[str, Any]]:
    for panel in page.panels if page else ():
        drawn: dict[str, Any] = {"title": panel.title, "description": panel.description, "notice": notice_of(panel)}
        svg, legend = "", tuple[Key, ...]()
        if page and isinstance(panel.body, Graph | Timeline):
            svg = with_colours(plot(panel, page, width, UTC), theme)
            legend = panel.body.legend[:KEYS]
        yield drawn | {"svg": svg, "legend": [asdict(key) for key in legend]}
